import { assert, describe, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany, TelesignEmulator, TestCalls } from "@ringback/testing"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Application from "./application.ts"
import { Passcode } from "./passcode/flow.ts"
import { transfer } from "./transfer/flow.ts"

const number = PhoneNumber.make("+15550170009")
const Transfer = transfer({
  number,
  reception: PhoneNumber.make("+15550170071"),
  billing: PhoneNumber.make("+15550170072"),
  repairs: PhoneNumber.make("+15550170073")
})

/** An emulated Telesign over real HTTP, in virtual time. */
const world = TelesignEmulator.layer().pipe(Layer.provideMerge(FakeClock.layer))

/** One that posts each event three times. */
const repetitive = TelesignEmulator.layer({ copies: { count: 3, delay: "200 millis" } }).pipe(
  Layer.provideMerge(FakeClock.layer)
)

const environment = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  return ConfigProvider.layer(ConfigProvider.fromUnknown({
    TELESIGN_BASE_URL: yield* TelesignEmulator.url,
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey),
    DATABASE_FILE: join(folder, "calls.db"),
    PORT: "0"
  }))
})

const application = Layer.unwrap(
  Effect.map(
    environment,
    (settings) =>
      Application.layer(Calls.layer({ flows: [Passcode], inbound: { [number]: Transfer } })).pipe(
        Layer.provide(settings)
      )
  )
)

/** Telesign is told where the application listens. */
const listening = HttpServer.addressFormattedWith((address) => TelesignEmulator.reportTo(`${address}/telesign/events`))

const engine = application.pipe(Layer.provideMerge(world))

describe("the application of the examples", () => {
  it.effect("calls, over HTTP and with a database", () =>
    Effect.gen(function*() {
      yield* listening
      yield* PhoneCompany.callee("+15550170001", Callee.answers().hears(/4, 0, 2, 1/).staysSilent())
      const call = yield* Calls.start(Passcode, { to: PhoneNumber.make("+15550170001"), from: number, code: "4021" })
      assert.deepStrictEqual(yield* call.outcome, { hearings: 1 })
    }).pipe(Effect.provide(engine)))

  it.effect("is called, and connects one after another", () =>
    Effect.gen(function*() {
      yield* listening
      const callee = Callee.answers().presses("1").hears("One moment").talks().hangsUp()
      const call = yield* TestCalls.incoming(Transfer, { to: number, from: "+15550170044", callee })
      assert.strictEqual(yield* call.outcome, "helped")
      assert.deepStrictEqual((yield* PhoneCompany.rings).map((ring) => ring.number), ["15550170071", "15550170072"])
    }).pipe(Effect.provide(engine)))

  it.effect("rings each agent once although it is told of everything three times", () =>
    Effect.gen(function*() {
      yield* listening
      const callee = Callee.answers().presses("1").hears("One moment").talks().presses("2").talks().hangsUp()
      const call = yield* TestCalls.incoming(Transfer, { to: number, from: "+15550170044", callee })
      assert.strictEqual(yield* call.outcome, "helped")
      const rung = (yield* PhoneCompany.rings).map((ring) => ring.number)
      assert.deepStrictEqual(rung, ["15550170071", "15550170072", "15550170073"])
    }).pipe(Effect.provide(application.pipe(Layer.provideMerge(repetitive)))))
})
