import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, FlowDrawing, Line, PhoneNumber } from "@ringback/core"
import { Arbitraries, Callee, FlowExplorer, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Schema } from "effect"

const input = {
  to: PhoneNumber.make("15550170001"),
  from: PhoneNumber.make("15550170009"),
  when: "Tuesday at ten"
}

const Visit = Flow.make("visit", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, when: Schema.String },
  output: Schema.Literals(["kept", "cancelled", "unreached"]),
  run: ({ from, to, when }) =>
    Flow.gen(function*() {
      const answer = yield* Line.menu(`We come ${when}. Press 1 to keep it, 2 to cancel it.`, {
        choices: { "1": "kept", "2": "cancelled" },
        again: { invalid: "1 or 2, please." }
      })
      yield* Flow.activity("note-down", { success: Schema.Boolean }, Effect.succeed(true))
      yield* Line.goodbye("Thank you.")
      return answer
    }).pipe(
      Flow.dial({ to, from }),
      Flow.retry({ times: 1, after: "10 minutes", while: ({ _tag }) => _tag === "NotAnswered" }),
      Flow.catchTag(["NotAnswered", "NoInput"], () => Flow.succeed("unreached"))
    )
})

/** Another input than that of the drawing: what comes from it is named, and not compared. */
const drawing = FlowExplorer.draw(Visit, { ...input, when: "on the third of May" })

const eventsOf = (...calls: ReadonlyArray<Callee.Script>) =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee(input.to, calls)
    const call = yield* Calls.start(Visit, input)
    yield* Effect.exit(call.outcome)
    return yield* Calls.events(call.id)
  }).pipe(Effect.provide(TestCalls.layer({ flows: [Visit] })))

describe("the way of a call", () => {
  it.effect("goes along the edges of its drawing, through loops, to its end", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Callee.busy, Callee.answers().presses("7").presses("2"))
      const way = FlowDrawing.way(drawing, events)
      assert.isTrue(way.isExact)
      assert.deepStrictEqual(way.steps.map(({ box }) => box), [
        "dials-dial-to",
        "waits-wait-10-minutes",
        "dials-dial-to",
        "asks-we-come-when-press-1-to-keep-it",
        "asks-we-come-when-press-1-to-keep-it",
        "does-note-down",
        "says-thank-you",
        "ends-kept-or-cancelled"
      ])
      assert.isTrue(way.steps.slice(1).every(({ edge }) => edge !== undefined))
      assert.isUndefined(way.here)
    }))

  it.effect("of a call that still runs ends where it stands", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Callee.busy, Callee.answers().presses("1"))
      const until = events.findIndex(({ _tag }) => _tag === "SleepStarted") + 1
      assert.strictEqual(FlowDrawing.way(drawing, events.slice(0, until)).here, "waits-wait-10-minutes")
    }))

  it.effect("is marked on the drawing, once for each time", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Callee.busy, Callee.answers().presses("1"))
      const svg = FlowDrawing.svg(drawing, { way: FlowDrawing.way(drawing, events) })
      assert.match(svg, /rb-dials rb-taken" data-box="dials-dial-to"[^>]*2 times/)
      assert.match(svg, /class="rb-box rb-fails" /)
      for (const secret of [input.when, input.to]) assert.notInclude(svg, secret)
    }))

  it.effect("over the drawing of another version goes on where it fits, and says that it is not exact", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Callee.answers().presses("1"))
      const without = { ...drawing, edges: drawing.edges.filter(({ on }) => !on.includes("answered")) }
      const way = FlowDrawing.way(without, events)
      assert.isFalse(way.isExact)
      assert.isAbove(way.steps.length, 3)
    }))

  it.prop("can be told of any log", [Arbitraries.history], ([events]) => {
    const way = FlowDrawing.way(drawing, events)
    FlowDrawing.svg(drawing, { way })
    const boxes = new Set(drawing.boxes.map(({ id }) => id))
    for (const { box } of way.steps) assert.isTrue(boxes.has(box))
  })

  it("survives being kept as JSON", () => {
    const read = FlowDrawing.decode(JSON.parse(JSON.stringify(drawing)))
    assert.deepStrictEqual(read._tag === "Success" ? read.success : read.failure, drawing)
  })
})
