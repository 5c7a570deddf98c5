import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { CallEvent, Explain, Flow, Ladder, Line, Silence } from "../src/index.ts"
import { Happening, history } from "./fixtures/histories.ts"
import { from, id, to, Trial } from "./fixtures/Trial.ts"

const anything = Arbitrary.array(Arbitrary.schema(CallEvent.CallEvent))

/** The numbers of the events that are in some rung, or in a fold. */
const reached = (items: ReadonlyArray<Ladder.Item>): ReadonlyArray<number> =>
  Array.from(new Set(items.flatMap((item) => item._tag === "Idle" ? [] : item.events))).toSorted((a, b) => a - b)

const all = (events: ReadonlyArray<unknown>): ReadonlyArray<number> => events.map((_, i) => i + 1)

describe("a ladder", () => {
  it.prop("can be made of any log, and has each event in some rung", [anything], ([events]) => {
    const ladder = Ladder.make(events)
    Ladder.text(ladder)
    Ladder.html(ladder)
    Schema.decodeUnknownSync(Ladder.Ladder)(ladder)
    assert.deepStrictEqual(reached(ladder.items), all(events))
    assert.deepStrictEqual(reached(Ladder.rungs(events, { reveal: true })), all(events))
  })

  it.prop(
    "of a call that went has each event in some rung",
    { happenings: Schema.Array(Happening), direction: Schema.Literals(["outbound", "inbound"]) },
    ({ direction, happenings }) => {
      const { events } = history(happenings, direction)
      assert.deepStrictEqual(reached(Ladder.make(events).items), all(events))
    }
  )

  it("shows words and keys only where they are asked for, and numbers never", () => {
    const trial = new Trial(
      Line.collect("Your secret word is heron.", { max: 2 }).pipe(Flow.dial({ to, from }))
    )
    trial.answered()
    trial.spoken("47")
    const masked = Ladder.make(trial.events)
    const revealed = Ladder.make(trial.events, { reveal: true })
    for (const draw of [Ladder.text, Ladder.html, JSON.stringify]) {
      for (const secret of ["heron", "presses 47", to, from]) assert.notInclude(draw(masked), secret)
      for (const shown of ["heron", "presses 47"]) assert.include(draw(revealed), shown)
      for (const secret of [to, from]) assert.notInclude(draw(revealed), secret)
    }
  })
})

describe("a report", () => {
  it.prop("can be made of any log", [anything], ([events]) => {
    Schema.decodeUnknownSync(Explain.Report)(Explain.report(id, events))
  })
})

describe("silence", () => {
  it.prop("can be measured in any log", [anything], ([events]) => {
    for (const { longest } of Silence.ofCall(events)) assert.isAtLeast(longest.millis, 0)
  })
})
