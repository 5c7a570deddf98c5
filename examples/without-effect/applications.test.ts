import { assert, describe, it } from "@effect/vitest"
import { Callee, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Effect, Redacted } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { vi } from "vitest"
import type { Environment } from "./calls.ts"
import * as Express from "./express.ts"
import * as Fastify from "./fastify.ts"

// Real Express and real Fastify, an emulated Telesign over real HTTP, and a file. People are twenty times as fast as in life; the
// engine is not, and Telesign waits for replies as long as a busy machine may take.

const emulator = TelesignEmulator.layer({ line: { speed: 20 }, replies: { timeout: "60 seconds" } })

const environment = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-without-effect-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) =>
    Effect.map(TelesignEmulator.url, (url) => ({
      TELESIGN_BASE_URL: url,
      TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
      TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey),
      TELESIGN_CALLER_ID: "15550170009",
      DATABASE_FILE: join(folder, "calls.db")
    }))
).pipe(Effect.flatten)

const served = Effect.fnUntraced(function*({ serve }: typeof Express | typeof Fastify, settings: Environment) {
  const application = yield* Effect.acquireRelease(
    Effect.promise(() => serve(0, settings)),
    (application) => Effect.promise(() => application.close())
  )
  const address = `http://127.0.0.1:${(application.server.address() as AddressInfo).port}`
  yield* TelesignEmulator.reportTo(`${address}/telesign/events`)
  const asked = (path: string, options?: RequestInit) =>
    Effect.promise(async () => {
      const response = await fetch(`${address}${path}`, options)
      const text = await response.text()
      assert.isTrue(response.ok, text)
      return JSON.parse(text) as Record<string, unknown>
    })
  return {
    ready: asked("/tables/8841/ready", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ phone: "+15550170001" })
    }),
    outcome: (call: unknown) => asked(`/calls/${call}/outcome`),
    asked,
    address
  }
})

const desk = { authorization: `Basic ${btoa("ann:a password of the desk")}` }

describe.each([["Express", Express], ["Fastify", Fastify]] as const)("%s without Effect", (_, framework) => {
  it("calls a guest, and takes the webhooks of its server", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers("3 seconds").presses("1"))
      const { outcome, ready } = yield* served(framework, yield* environment)
      const { call, isNew } = yield* ready
      assert.isTrue(isNew)
      assert.deepStrictEqual(yield* outcome(call), { outcome: "coming" })
    }).pipe(Effect.scoped, Effect.provide(emulator), Effect.runPromise))

  it("shows the page of its calls to whoever is known, and to nobody else", () =>
    Effect.gen(function*() {
      vi.stubEnv("OPERATOR_PASSWORD", "a password of the desk")
      const { address, asked, ready } = yield* served(framework, yield* environment)
      const { call } = yield* ready
      const statusOf = (headers: Record<string, string>) =>
        Effect.promise(async () => (await fetch(`${address}/ops/calls`, { headers })).status)
      assert.strictEqual(yield* statusOf({}), 401)
      assert.strictEqual(yield* statusOf(desk), 200)
      const found = yield* asked("/ops/calls/api/calls/search", {
        method: "POST",
        headers: { ...desk, "content-type": "application/json" },
        body: JSON.stringify({ key: "8841" })
      })
      assert.include(JSON.stringify(found), `${call}`)
    }).pipe(
      Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs())),
      Effect.scoped,
      Effect.provide(emulator),
      Effect.runPromise
    ))

  it("is started again, gives the outcome that is on record, and rings nobody twice", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers("3 seconds").presses("2"))
      const settings = yield* environment
      const [first] = yield* Effect.scoped(Effect.gen(function*() {
        const { outcome, ready } = yield* served(framework, settings)
        const { call } = yield* ready
        yield* outcome(call)
        return [call]
      }))
      const { outcome, ready } = yield* served(framework, settings)
      assert.deepStrictEqual(yield* ready, { call: first, isNew: false })
      assert.deepStrictEqual(yield* outcome(first), { outcome: "not coming" })
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.scoped, Effect.provide(emulator), Effect.runPromise))
})
