import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, Ladder, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"
import { Callee, CompanyLadder, FakeClock, PhoneCompany, TestCalls } from "../src/index.ts"

const Question = Flow.make("question", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Line.collect("Your secret word is heron. Press a key.", { max: 2 }).pipe(
      Flow.dial({ to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") })
    )
})

const drawn = (callee: Callee.Script) =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("15550170001", callee)
    const call = yield* Calls.start(Question, {})
    yield* Effect.exit(call.outcome)
    yield* FakeClock.advance("10 seconds")
    return Ladder.text(CompanyLadder.fromLog(yield* PhoneCompany.log))
  }).pipe(Effect.provide(TestCalls.layer({ flows: [Question] })))

describe("a ladder", () => {
  it.effect("shows who told whom what, and when, without numbers, digits or words", () =>
    Effect.gen(function*() {
      const ladder = yield* drawn(Callee.answers("3 seconds").presses("47"))
      assert.deepStrictEqual(ladder.split("\n"), [
        "      s   application    Ringback                                   carrier           callee",
        "    0.0        │             ├───────── POST dial 1••••••••01 ────────▶│                 │",
        "    0.0        │             │                                         ├───── rings ────▶│",
        "    3.0        │             │                                         │◀─── answers ────┤",
        "    3.0        │             │◀────── dial completed (answered) ───────┤                 │",
        "    3.0        │             ├─────────── speak, collect 2 ───────────▶│                 │",
        "    6.6        │             │                                         │◀─ presses •• ───┤",
        "    6.6        │             │◀─ speak completed (speak_successful) ───┤                 │",
        "    6.6        │             ├──────────────── hangup ────────────────▶│                 │",
        "    6.9        │             │◀─────── call completed (hangup) ────────┤                 │"
      ])
      for (const secret of ["15550170001", "47", "heron"]) assert.notInclude(ladder, secret)
    }))

  it.effect("tells a callee who hangs up from a call that we end", () =>
    Effect.gen(function*() {
      assert.match(yield* drawn(Callee.answers().hangsUp()), /hangs up.*\n.*call completed \(hangup\)/)
    }))
})
