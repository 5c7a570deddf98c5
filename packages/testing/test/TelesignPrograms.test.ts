import { assert, describe, it } from "@effect/vitest"
import { Callee, FakeClock, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Effect, Layer, Redacted } from "effect"
import TeleSign from "telesignsdk"
import * as EventsServer from "./fixtures/EventsServer.ts"
import * as Programs from "./fixtures/telesignPrograms.ts"

const customerId = Redacted.value(TelesignEmulator.credentials.customerId)
const apiKey = Redacted.value(TelesignEmulator.credentials.apiKey)

const to = "15550170001"
const from = "15550170009"
const agent = "15550170077"
const manager = "15550170078"

/** Telesign's package dates by the clock of the machine, so virtual time begins there. */
const emulator = (options?: TelesignEmulator.Options) =>
  Effect.provide(
    Layer.unwrap(Effect.sync(() =>
      TelesignEmulator.layer(options).pipe(Layer.provideMerge(FakeClock.layerWith({ start: Date.now() })))
    ))
  )

/** Dials as the program of the guide "Make an outbound call" does, and gives the status that it prints. */
const guide = Effect.fnUntraced(function*(params: object = {}) {
  const url = yield* TelesignEmulator.url
  const response = yield* Effect.promise(() =>
    fetch(`${url}/v2/voice`, {
      method: "POST",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        Authorization: `Basic ${Buffer.from(`${customerId}:${apiKey}`).toString("base64")}`
      },
      body: JSON.stringify({ method: "dial", params: { to, caller_id_number: from, ...params } })
    })
  )
  return response.status
})

const rung = Effect.map(PhoneCompany.rings, (rings) => rings.map(({ number }) => number))

const serve = Effect.fnUntraced(function*(program: Parameters<typeof EventsServer.start>[0]) {
  const server = yield* EventsServer.start(program)
  yield* TelesignEmulator.reportTo(server.url)
  return server
})

describe("the npm package telesignsdk", () => {
  const execute = Effect.fnUntraced(function*(params: object, { authMethod, key = apiKey }: {
    readonly authMethod?: string
    readonly key?: string
  } = {}) {
    const { rest } = new TeleSign(customerId, key, yield* TelesignEmulator.url)
    rest.setContentType("application/json")
    return yield* Effect.callback<{ readonly [field: string]: unknown }, Error>((resume) =>
      rest.execute(
        (error, body) => resume(error === null ? Effect.succeed(body) : Effect.fail(error)),
        "POST",
        "/v2/voice",
        params,
        authMethod
      )
    )
  })
  const dialling = { method: "dial", params: { to, caller_id_number: from, external_id: "visit-8841" } }

  it.effect("dials with its default signature, and its call runs to the end", () =>
    Effect.gen(function*() {
      const server = yield* serve({ dial_completed: EventsServer.hangup })
      const body = yield* execute(dialling)
      assert.deepInclude(body, { status: "dial_accepted", external_id: "visit-8841" })
      const ended = yield* server.ended
      assert.deepStrictEqual([ended.reference_id, ended.external_id], [body["reference_id"], "visit-8841"])
      assert.deepStrictEqual(yield* rung, [to])
    }).pipe(emulator()))

  it.effect("dials with Basic", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* execute(dialling, { authMethod: "Basic" }), { status: "dial_accepted" })
    }).pipe(emulator()))

  it.effect("is told what is wrong", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* execute(dialling, { key: "d3Jvbmc=" }), { status: "not_authorized" })
      assert.deepInclude(yield* execute({ method: "dial", params: {} }), { status: "to_number_not_provided" })
      assert.deepStrictEqual(yield* rung, [])
    }).pipe(emulator()))
})

describe("the program of the guide", () => {
  it.effect("dials, keys a digit in, and steers the call by its replies", () =>
    Effect.gen(function*() {
      const server = yield* serve({
        dial_completed: EventsServer.speak("Hello."),
        speak_completed: { method: "play", params: { url: "https://media.example.net/bye.wav" } },
        play_completed: EventsServer.hangup
      })
      assert.strictEqual(yield* guide({ send_dtmf: "8" }), 202)
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "speak_completed", "play_completed", "call_completed"])
    }).pipe(emulator()))

  it.effect("hears of a callee who hangs up in the middle by call_completed alone", () =>
    Effect.gen(function*() {
      const server = yield* serve({
        dial_completed: { method: "play", params: { url: "https://media.example.net/a.wav" } }
      })
      assert.strictEqual(yield* guide(), 202)
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "call_completed"])
    }).pipe(emulator({ callee: Callee.answers().hangsUp() })))
})

describe("the demo of", () => {
  it.effect("a survey connects the customer to an agent, and asks afterwards", () =>
    Effect.gen(function*() {
      const ratings: Array<unknown> = []
      const server = yield* serve(Programs.survey(agent, (digits) => ratings.push(digits)))
      yield* PhoneCompany.callee(to, Callee.answers().talks().hears("How did we do").presses("5"))
      assert.strictEqual(yield* guide(), 202)
      yield* server.ended
      assert.deepStrictEqual(server.told(), [
        "dial_completed",
        "call_leg_completed",
        "speak_completed",
        "call_completed"
      ])
      assert.deepStrictEqual(ratings, ["5"])
      assert.deepStrictEqual(yield* rung, [to, agent])
      assert.deepStrictEqual((yield* PhoneCompany.log).filter(({ _tag }) => _tag === "Rejected"), [])
    }).pipe(emulator()))

  it.effect.each<readonly [digits: string, rung: ReadonlyArray<string>]>([
    ["1", [agent]],
    ["2", [manager]],
    ["3", []]
  ])("a phone menu takes %s", ([digits, expected]) =>
    Effect.gen(function*() {
      const server = yield* serve(Programs.menu(from, { "1": agent, "2": manager }))
      const callee = Callee.answers().hears("Dave").presses(digits).talks()
      yield* PhoneCompany.incoming({ from: "15550170044", to: from, callee })
      yield* server.ended
      assert.deepStrictEqual(yield* rung, expected)
    }).pipe(emulator()))

  it.effect("a transfer goes on to the manager when support hangs up, if parties stand at the top level too", () =>
    Effect.gen(function*() {
      const caller = "15550170044"
      const server = yield* serve(Programs.transfer({ caller, number: from, support: agent, manager }))
      yield* PhoneCompany.incoming({ from: caller, to: from, callee: Callee.answers().talks().talks() })
      yield* server.ended
      assert.deepStrictEqual(yield* rung, [agent, manager])
    }).pipe(emulator({ partiesOnTop: true })))

  it.effect("a reminder answers in arrays, and is put off", () =>
    Effect.gen(function*() {
      let times = 0
      const server = yield* serve(Programs.reminder("Your visit is at ten", () => times++))
      yield* PhoneCompany.callee(to, [Callee.busy, Callee.answers().hears("snooze").presses("1")])
      yield* guide()
      yield* server.ended
      yield* guide()
      yield* FakeClock.advance("2 minutes")
      assert.strictEqual(times, 1)
      assert.deepStrictEqual(server.told(), [
        "dial_completed",
        "call_completed",
        "dial_completed",
        "speak_completed",
        "call_completed"
      ])
    }).pipe(emulator()))
})
