/**
 * The call that the guide "Seeing and steering" tells of, in virtual time: a phone that rang twice, and nobody was there.
 */
import { type CallEvent, Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany } from "@ringback/testing"
import { Effect, ManagedRuntime } from "effect"
import { HttpServer } from "effect/http"
import { Appointment } from "../appointment/flow.ts"
import * as Desk from "./desk.ts"
import { Released, Results } from "./flow.ts"

const { from } = Desk

/** The number that is asked about. */
export const mother = PhoneNumber.make("15550180011")

/** The token of the desk. */
export const token = "a token of the desk, for the guide"

const number = (n: number) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)

const booked = Effect.fnUntraced(function*(n: number, ...scripts: ReadonlyArray<Callee.Script>) {
  yield* PhoneCompany.callee(number(n), scripts)
  return yield* Calls.start(Appointment, { to: number(n), from, when: "Tuesday at ten" }, { key: `booking ${n}` })
})

/** Some of what else went on that day. */
const others = Effect.gen(function*() {
  for (let n = 1; n <= 4; n++) {
    yield* booked(n, Callee.answers("3 seconds").presses(n === 3 ? "2" : "1"))
    yield* FakeClock.advance(`${11 + 7 * n} minutes`)
  }
  yield* booked(5, Callee.answers("2 seconds").hangsUpDuring(1))
  yield* FakeClock.advance("20 minutes")
})

/** The results of the morning wait: no doctor has released them. */
const morning = Effect.gen(function*() {
  yield* others
  yield* PhoneCompany.callee(mother, [Callee.noAnswer, Callee.answers("12 seconds")])
  const { id } = yield* Calls.start(Results, { to: mother, from }, { key: "sample 4711" })
  yield* FakeClock.advance("70 minutes")
  return id
})

/** Ann releases them. Nobody answers, and the phone rings for the second time. */
const released = Effect.fnUntraced(function*(id: CallEvent.CallId) {
  const by = { who: "ann", why: "the doctor has signed" }
  yield* Calls.Calls.use((calls) => calls.signal(id, Released, { words: "All is well." }, { by }))
  yield* FakeClock.advance("10 minutes")
  yield* FakeClock.advance("45 seconds")
})

/** Bob cancels it while it rings, and whoever picks up hears nobody. */
const cancelled = Effect.fnUntraced(function*(id: CallEvent.CallId) {
  yield* Calls.Calls.use((calls) => calls.cancel(id, { by: { who: "bob", why: "the sample is of somebody else" } }))
  yield* FakeClock.advance("3 minutes")
})

/** The application on that day, at its first stop. */
export const application = async () => {
  const runtime = ManagedRuntime.make(Desk.layer({
    tokens: [{ token, actor: "desk", scopes: ["read", "steer"] }],
    start: Date.UTC(2026, 10, 27, 6, 31)
  }))
  const call = await runtime.runPromise(morning)
  return {
    call,
    url: await runtime.runPromise(HttpServer.addressFormattedWith(Effect.succeed)),
    release: () => runtime.runPromise(released(call)),
    cancel: () => runtime.runPromise(cancelled(call)),
    now: () => runtime.runPromise(FakeClock.now),
    close: () => runtime.dispose()
  }
}
