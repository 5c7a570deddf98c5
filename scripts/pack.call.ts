// A program as a user has it: a flow, and a call of it that somebody answers, in the time that it takes to say so.
import { Calls, Flow, Line, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Schema } from "effect"

const TableReady = Flow.make("table-ready", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["coming", "not coming"]),
  error: Flow.Failure,
  run: ({ from, to }) =>
    Line.menu("Your table is ready. Press 1 if you are coming, 2 if you are not.", {
      choices: { "1": "coming", "2": "not coming" }
    }).pipe(Flow.dial({ to, from }))
})

const outcome = Effect.gen(function*() {
  yield* PhoneCompany.callee("+15550170001", Callee.answers("3 seconds").presses("1"))
  const to = PhoneNumber.make("+15550170001")
  const call = yield* Calls.start(TableReady, { to, from: PhoneNumber.make("+15550170009") })
  return yield* call.outcome
})

console.log(await Effect.runPromise(Effect.provide(outcome, TestCalls.layer({ flows: [TableReady] }))))
