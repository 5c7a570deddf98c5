/** What the guides quote of the examples: programs that run in virtual time print the same each time. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, CompanyRecord, FakeClock, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { Appointment } from "./appointment/flow.ts"
import { told } from "./operating.ts"
import { TableReady } from "./table-ready/flow.ts"

const who = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const guide = (name: string) => readFileSync(new URL(`../docs/${name}.md`, import.meta.url), "utf8")
const engine = TestCalls.layer({ flows: [Appointment, TableReady] })

describe("the guides", () => {
  it.effect("show the ladder of a call", () =>
    Effect.gen(function*() {
      const guest = Callee.answers("3 seconds").presses("7").staysSilent().presses("1")
      yield* PhoneCompany.callee("15550170001", [Callee.busy, guest])
      const call = yield* Calls.start(TableReady, who)
      yield* call.outcome
      yield* FakeClock.settle
      assert.include(guide("calls-in-code"), (yield* told(call.id)).ladder.trimEnd())
    }).pipe(Effect.provide(engine)))

  it.effect("show the record of a call", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers().presses("1"))
      const call = yield* Calls.start(Appointment, { ...who, when: "on Tuesday at ten" })
      yield* call.outcome
      yield* FakeClock.settle
      const lines = (yield* PhoneCompany.log).map(CompanyRecord.describe).map((line) =>
        line.replace(/^\w{8}/, "7E4C8400")
      )
      assert.include(guide("testing").replaceAll(/^ +/gm, ""), lines.slice(0, 6).join("\n"))
    }).pipe(Effect.provide(engine)))

  it.effect("show what nobody got to do", () =>
    Effect.gen(function*() {
      const patient = Callee.answers().hears("Tuesday").presses("7").hears("1, 2 or 3").presses("1").hears(
        "See you on Tuesday"
      )
      yield* PhoneCompany.callee("15550170001", patient)
      const call = yield* Calls.start(Appointment, { ...who, when: "on Tuesday at ten" })
      yield* call.outcome
      const shown = /^- \[\]\n((?:\+ .*\n)+)/m.exec(guide("testing"))?.[1] ?? ""
      assert.deepStrictEqual(
        yield* PhoneCompany.leftover,
        JSON.parse(shown.replaceAll(/^\+ /gm, "").replaceAll(/,(?=\s*[\]}])/g, ""))
      )
    }).pipe(Effect.provide(engine)))
})
