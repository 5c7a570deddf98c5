import { assert, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { TableReady } from "./flow.ts"

const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

it.effect("a second try reaches a guest who was busy", () =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("+15550170001", [Callee.busy, Callee.answers("3 seconds").presses("1")])
    const call = yield* Calls.start(TableReady, input)
    assert.strictEqual(yield* call.outcome, "coming") // virtual time: the two minutes pass at once
  }).pipe(Effect.provide(TestCalls.layer({ flows: [TableReady] }))))

it.effect("a guest who presses nothing is not waited for", () =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("+15550170001", Callee.answers().staysSilent())
    const call = yield* Calls.start(TableReady, input)
    assert.strictEqual(yield* call.outcome, "unreached")
  }).pipe(Effect.provide(TestCalls.layer({ flows: [TableReady] }))))
