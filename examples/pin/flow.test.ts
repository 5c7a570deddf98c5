import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, FlowExplorer, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { PinEntry, PinReducer } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009"), pin: "4021" }

const callees: Readonly<Record<string, Callee.Script>> = {
  "who knows it": Callee.answers().presses("4021"),
  "who knows it at last": Callee.answers().presses("1111").presses("402").presses("4021"),
  "who guesses": Callee.answers().presses("1111").presses("2222").presses("3333"),
  "who says nothing": Callee.answers(),
  "who is silent, then right": Callee.answers().staysSilent().presses("4021"),
  "who hangs up at the question": Callee.answers().hangsUp(),
  "who hangs up at the verdict": Callee.answers().presses("1111").hangsUp(),
  "who hangs up after a wrong one": Callee.answers().presses("1111").hangsUpAfter(1),
  "who is busy": Callee.busy,
  "who is a machine": Callee.voicemail
}

/** The outcome of a flow, and all that was said and done for it. */
const life = (flow: typeof PinEntry | typeof PinReducer, callee: Callee.Script) =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("+15550170001", callee)
    const call = yield* Calls.start(flow, input)
    const outcome = yield* Effect.match(call.outcome, { onSuccess: String, onFailure: (error) => error._tag })
    yield* FakeClock.settle
    const log = yield* PhoneCompany.log
    return { outcome, actions: log.flatMap((entry) => entry._tag === "Replied" ? [entry.action] : []) }
  }).pipe(Effect.provide(TestCalls.layer({ flows: [PinEntry, PinReducer] })))

describe("a PIN", () => {
  it.effect.each(
    [
      ["who knows it", "admitted"],
      ["who knows it at last", "admitted"],
      ["who guesses", "refused"],
      ["who says nothing", "refused"],
      ["who hangs up at the verdict", "HungUp"],
      ["who is busy", "NotAnswered"]
    ] as const
  )("of a callee %s: %s", ([who, outcome]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* life(PinEntry, callees[who]!)).outcome, outcome)
    }))

  it.effect.each(Object.entries(callees))(
    "means the same in the language and as a reducer, to a callee %s",
    ([, callee]) =>
      Effect.gen(function*() {
        const spoken = yield* life(PinEntry, callee)
        assert.deepStrictEqual(yield* life(PinReducer, callee), spoken)
        assert.isNotEmpty(spoken.actions)
      })
  )

  it.effect("of three digits is refused before anybody is called, and not repeated in the error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Calls.start(PinEntry, { ...input, pin: "402" }))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.notInclude(error.message, "402")
    }).pipe(Effect.provide(TestCalls.layer({ flows: [PinEntry] }))))
})

/** Every path of a flow, as a graph of its places. Choices that lead to one place may be drawn as one, so each stands alone. */
const paths = (flow: typeof PinEntry | typeof PinReducer) =>
  FlowExplorer.explore(flow, input, { digits: [input.pin, "1111"] }).graph.map(({ edges, end, label }) => ({
    label,
    end,
    edges: edges.flatMap((edge) => edge.label.split(/, | or /).map((choice) => `${choice}: ${edge.to}`)).toSorted()
  }))

describe("the PIN in the language and as a reducer", () => {
  it("are one conversation: every path of the one is a path of the other", () => {
    assert.isAbove(paths(PinEntry).length, 10)
    assert.deepStrictEqual(paths(PinEntry), paths(PinReducer))
  })
})
