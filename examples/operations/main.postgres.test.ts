/** The application as it is run: by itself, on a SQLite file and on a PostgreSQL, against an emulator. */
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { CallsApiClient } from "@ringback/http"
import { Callee, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePort } from "../../scripts/freePort.ts"
import * as Postgres from "../../scripts/testPostgres.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))

const server = await Postgres.start()

const password = "a password of the desk"
const token = "a token of a program that may read"
const to = "15550180001"

/** Runs the application until the scope closes, and gives its address once it may be given webhooks. */
const running = (database: Readonly<Record<string, string>>) => Effect.map(begun(database), ({ url }) => url)

/** The same, with the way to tell it to end, which gives what it said. */
const begun = Effect.fnUntraced(function*(database: Readonly<Record<string, string>>) {
  const port = yield* Effect.promise(freePort)
  const url = `http://127.0.0.1:${port}`
  const environment = {
    PATH: process.env["PATH"],
    NO_COLOR: "1",
    PORT: String(port),
    TELESIGN_BASE_URL: yield* TelesignEmulator.url,
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey),
    TELESIGN_CALLER_ID: "15550170009",
    OPERATOR_PASSWORD: password,
    RINGBACK_NUMBERS_KEY: "a key that numbers are found by",
    RINGBACK_API_TOKENS: JSON.stringify([{ token, actor: "test", scopes: ["read"] }]),
    ...database
  }
  yield* TelesignEmulator.reportTo(`${url}/telesign/events`)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=source", "examples/operations/main.ts"], {
        cwd: root,
        env: environment,
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode === null && child.kill()) await once(child, "close")
      })
  )
  let said = ""
  const listens = Effect.callback<void>((resume) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text
        if (said.includes("Listening")) resume(Effect.void)
      })
    }
    child.on("close", () => resume(Effect.die(new Error(`The application has ended. It said: ${said}`))))
  })
  yield* listens
  assert.strictEqual((yield* get(`${url}/health/ready`)).status, 200)
  const end = Effect.promise(async () => {
    child.kill("SIGTERM")
    await once(child, "close")
    return said
  })
  return { url, end }
})

const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers })
    return { status: response.status, text: await response.text() }
  })

const book = (url: string, booking: unknown) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/bookings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(booking)
    })
    const json = await response.json() as { readonly call: string; readonly problem: string }
    return { status: response.status, json }
  })

/** Books an appointment by the application's own route, and looks at its call by every way that is mounted. */
const walk = Effect.fnUntraced(function*(database: Readonly<Record<string, string>>) {
  yield* PhoneCompany.callee(to, [Callee.answers("1 second").presses("1")])
  const url = yield* running(database)
  for (const wrong of [{ booking: "b-16", when: "Tuesday at ten" }, { booking: "b-16", to: "me", when: "" }, "b-16"]) {
    const refused = yield* book(url, wrong)
    assert.strictEqual(refused.status, 400)
    assert.include(refused.json.problem, "A booking is JSON with booking, to")
  }
  const { json: booked } = yield* book(url, { booking: "b-17", to, when: "Tuesday at ten" })
  const api = yield* CallsApiClient.make({ url: `${url}/ringback`, token: Redacted.make(token) })
  const ended = yield* api.calls.outcome({ params: { callId: booked.call }, query: { wait: 60 } })
  assert.strictEqual(ended.outcome, "Success")
  for (const by of [{ number: to }, { key: "b-17" }]) {
    const { calls } = yield* api.calls.search({ payload: by as never })
    assert.deepStrictEqual(calls.map(({ callId }) => callId), [booked.call])
  }
  assert.strictEqual((yield* get(`${url}/ops/calls`)).status, 401)
  const page = yield* get(`${url}/ops/calls`, { authorization: `Basic ${btoa(`ann:${password}`)}` })
  assert.strictEqual(page.status, 200)
  assert.include((yield* get(`${url}/metrics`)).text, `ringback_`)
  const status = yield* get(`${url}/health/status`)
  assert.strictEqual(JSON.parse(status.text).level, "ok", status.text)
})

/** Books an appointment with somebody who is busy, and tells the process to end that has the call, beside another one. */
const drain = Effect.fnUntraced(function*(database: Readonly<Record<string, string>>) {
  yield* PhoneCompany.callee(to, [Callee.busy, Callee.answers("1 second").presses("1")])
  const [one, other] = [yield* begun(database), yield* begun(database)]
  const { json: booked } = yield* book(one.url, { booking: "b-17", to, when: "Tuesday at ten" })
  const api = yield* CallsApiClient.make({ url: `${other.url}/ringback`, token: Redacted.make(token) })
  const call = api.calls.get({ params: { callId: booked.call } })
  yield* Effect.repeat(call, { until: ({ waitingFor }) => /sleep/i.test(waitingFor), schedule: often })
  const ending = yield* Effect.forkChild(one.end)
  yield* Effect.repeat(get(`${one.url}/health/ready`), { until: ({ status }) => status === 503, schedule: often })
  assert.deepStrictEqual(yield* get(`${one.url}/health/ready`), { status: 503, text: `{"status":"draining"}` })
  assert.strictEqual((yield* get(`${one.url}/health/live`)).status, 200)
  const late = JSON.stringify({ booking: "b-18", to, when: "Tuesday at ten" })
  const asked = { method: "POST", headers: { "content-type": "application/json" }, body: late }
  assert.isAtLeast((yield* Effect.promise(() => fetch(`${one.url}/bookings`, asked))).status, 500)
  assert.include(
    yield* Fiber.join(ending),
    "The engine has drained: 1 call was handed over to other processes, nothing is left"
  )
})

const often = Schedule.spaced("50 millis")

const emulator = Layer.mergeAll(
  TelesignEmulator.layer({ line: { speed: 20 }, replies: { timeout: "60 seconds" } }),
  FetchHttpClient.layer,
  NodeHttpClient.layerNodeHttp
)

describe("examples/operations", () => {
  it.effect("runs on a SQLite file", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      yield* walk({ DATABASE_FILE: join(folder, "calls.db") })
    }).pipe(Effect.provide(emulator), TestClock.withLive), 120_000)

  it.effect.skipIf(server === undefined)("runs on a PostgreSQL", () =>
    Effect.gen(function*() {
      yield* walk({ DATABASE_URL: yield* Postgres.schema(server!) })
    }).pipe(Effect.provide(emulator), TestClock.withLive), 120_000)

  it.effect.skipIf(server === undefined)(
    "drains when it is told to end: it answers, is not ready, and hands over",
    () =>
      Effect.gen(function*() {
        yield* drain({ DATABASE_URL: yield* Postgres.schema(server!) })
      }).pipe(Effect.provide(emulator), TestClock.withLive),
    120_000
  )
})
