import { assert, describe, it } from "@effect/vitest"
import { PhoneNumber } from "@ringback/core"
import { Callee, EmulatorApi, FakeClock, TelesignEmulator } from "@ringback/testing"
import { Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as EventsServer from "./fixtures/EventsServer.ts"

const to = "15550170001"
const from = "15550170009"
const caller = "15550170044"

const emulator = (options?: TelesignEmulator.Options) =>
  Effect.provide(TelesignEmulator.layer(options).pipe(Layer.provideMerge(FakeClock.layer)))

interface Entry {
  readonly kind: string
  readonly status: string
  readonly reference_id: string
}

interface Paths {
  readonly [path: string]: { readonly [method: string]: { readonly summary?: string } }
}

/** Speaks plain HTTP, as a test in any language does. */
const ask = Effect.fnUntraced(function*(method: string, path: string, body?: object) {
  const url = yield* TelesignEmulator.url
  return yield* Effect.promise(async () => {
    const response = await fetch(url + path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text || "null") }
  })
})

const dial = Effect.fnUntraced(function*(params: object = {}) {
  const url = yield* TelesignEmulator.url
  const { apiKey, customerId } = TelesignEmulator.credentials
  const given = Buffer.from(`${Redacted.value(customerId)}:${Redacted.value(apiKey)}`).toString("base64")
  return yield* Effect.promise(async () => {
    const response = await fetch(`${url}/v2/voice`, {
      method: "POST",
      headers: { authorization: `Basic ${given}`, "content-type": "application/json" },
      body: JSON.stringify({ method: "dial", params: { to, caller_id_number: from, ...params } })
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  })
})

const report = Effect.fnUntraced(function*(answers: Parameters<typeof EventsServer.start>[0]) {
  const server = yield* EventsServer.start(answers)
  assert.strictEqual((yield* ask("PUT", "/emulator/events-url", { url: server.url })).status, 204)
  return server
})

const kinds = (entries: ReadonlyArray<Entry>) => entries.map(({ kind }) => kind)

describe("the API of the emulator", () => {
  it.effect("scripts a number, one callee per ring, and shows the record of the call", () =>
    Effect.gen(function*() {
      const server = yield* report({
        dial_completed: EventsServer.speak("Press 1.", 1),
        speak_completed: EventsServer.hangup
      })
      const scripted = { callees: ["busy", "answers 2s; hears /press 1/i; presses 1"] }
      assert.strictEqual((yield* ask("PUT", `/emulator/callees/${to}`, scripted)).status, 204)
      yield* dial()
      yield* server.ended
      const { reference_id } = (yield* dial({ external_id: "visit-8841" })).body
      const path = `/emulator/record?wait=60&kind=replied&event=call_completed&reference_id=${reference_id}`
      assert.lengthOf((yield* ask("GET", path)).body.entries, 1)
      const { entries, next } = (yield* ask("GET", "/emulator/record")).body
      assert.strictEqual(next, entries.length)
      const about = entries.filter((entry: Entry) => entry.reference_id === reference_id)
      assert.deepStrictEqual(kinds(about), ["requested", "posted", "replied", "posted", "replied", "posted", "replied"])
      assert.deepStrictEqual(about[0]?.action?.params.external_id, "visit-8841")
      assert.deepStrictEqual(about[3]?.event, {
        event: "speak_completed",
        reference_id,
        external_id: "visit-8841",
        data: { to, from, status: "speak_successful", collected_digits: "1" }
      })
      assert.deepStrictEqual(about[2]?.action, EventsServer.speak("Press 1.", 1))
      assert.isNull(about.at(-1)?.action)
      const rings = (yield* ask("GET", "/emulator/rings")).body
      assert.deepStrictEqual(rings.map((ring: { readonly number: string }) => ring.number), [to, to])
      assert.deepStrictEqual((yield* ask("GET", "/emulator/callees/leftover")).body, [])
    }).pipe(emulator()))

  it.effect("steers a phone by hand, and shows what was done as a script and as a ladder", () =>
    Effect.gen(function*() {
      const server = yield* report({
        dial_completed: EventsServer.speak("Press 1.", 1),
        speak_completed: EventsServer.speak("Thank you.")
      })
      yield* ask("PUT", `/emulator/callees/${to}`, { callees: ["by hand"] })
      const { reference_id } = (yield* dial()).body
      const path = `/emulator/calls/${reference_id}`
      const line = Effect.map(ask("GET", "/emulator/calls"), ({ body }) => body[0])
      assert.deepInclude(yield* line, { rings: ["first"], by_hand: true, script: "no answer", listens_for: 0 })
      const early = yield* ask("POST", `${path}/keys`, { keys: "1" })
      assert.deepStrictEqual([early.status, early.body._tag], [409, "NotNow"])
      assert.strictEqual((yield* ask("POST", `${path}/answer`)).status, 204)
      assert.strictEqual((yield* ask("POST", `${path}/answer`)).status, 409)
      yield* ask("GET", `/emulator/record?wait=60&kind=replied&event=dial_completed&reference_id=${reference_id}`)
      yield* FakeClock.settle
      assert.deepInclude(yield* line, { prompt: { words: "Press 1.", collects: 1 }, listens_for: 1, keys: "" })
      assert.strictEqual((yield* ask("POST", `${path}/keys`, { keys: "x" })).status, 400)
      assert.strictEqual((yield* ask("POST", `${path}/keys`, { keys: "1" })).status, 204)
      assert.strictEqual((yield* server.next("speak_completed")).data["collected_digits"], "1")
      assert.strictEqual((yield* ask("DELETE", path)).status, 204)
      yield* server.ended
      assert.match((yield* line).script, /^answers \d+m?s; hears "Press 1\."; presses 1; hangs up (during|after) [12]$/)
      const url = yield* TelesignEmulator.url
      const text = (rest: string) => Effect.promise(async () => (await fetch(url + path + rest)).text())
      assert.match(yield* text("/ladder"), /presses •/)
      assert.match(yield* text("/test"), /Callee\.answers\(".+"\)\.hears\("Press 1\."\)\.presses\("1"\)\.hangsUp/)
      assert.strictEqual((yield* ask("POST", "/emulator/calls/NONE/answer")).status, 404)
    }).pipe(emulator()))

  it("tells everything as it changes, and whoever listens with attend has the phones of which nothing is said", () =>
    Effect.gen(function*() {
      const url = yield* TelesignEmulator.url
      const read = (path: string) =>
        Effect.promise(async () => {
          const abort = new AbortController()
          const response = await fetch(url + path, { signal: abort.signal })
          const pieces = response.body!.pipeThrough(new TextDecoderStream()).getReader()
          const next = async () => JSON.parse(/^data: (.*)$/m.exec((await pieces.read()).value!)![1]!)
          return { state: await next(), next, close: () => abort.abort() }
        })
      const attending = yield* read("/emulator/live?attend=true")
      assert.deepInclude(attending.state, { lines: [], attended: true })
      yield* dial()
      assert.deepInclude((yield* ask("GET", "/emulator/calls")).body[0], { by_hand: true, rings: ["first"] })
      const following = yield* read("/emulator/live")
      assert.lengthOf(following.state.lines, 1)
      yield* ask("PATCH", "/emulator/settings", { copies: 2 })
      for (let copies = 1; copies !== 2;) copies = (yield* Effect.promise(following.next)).settings.copies
      for (const { close } of [attending, following]) close()
    }).pipe(Effect.provide(TelesignEmulator.layer()), Effect.runPromise))

  it.effect("changes what goes wrong while it runs, and a reset brings back the start", () =>
    Effect.gen(function*() {
      const server = yield* report({ dial_completed: EventsServer.hangup })
      const start = (yield* ask("GET", "/emulator/settings")).body
      assert.deepInclude(start, { speed: 2, copies: 1, late: 0, slow: 0, ask_again: [], lose_events: 0 })
      const changes = { speed: 10, copies: 2, late: 1, slow: 1, ask_again: [2], lose_events: 1, lose_replies: 1 }
      assert.deepStrictEqual((yield* ask("PATCH", "/emulator/settings", changes)).body, changes)
      assert.strictEqual((yield* ask("PATCH", "/emulator/settings", { speed: 0 })).status, 400)
      yield* dial()
      yield* server.ended
      yield* FakeClock.settle
      assert.deepInclude((yield* ask("GET", "/emulator/settings")).body, { lose_events: 0, lose_replies: 0 })
      assert.isAtLeast(server.told().filter((event) => event === "dial_completed").length, 2)
      yield* ask("POST", "/emulator/reset")
      assert.deepStrictEqual((yield* ask("GET", "/emulator/settings")).body, start)
    }).pipe(emulator({ line: { speed: 2 } })))

  it.effect("calls one of our numbers, and hangs up", () =>
    Effect.gen(function*() {
      const server = yield* report({
        incoming_call: EventsServer.speak("Hello.", 1),
        speak_completed: EventsServer.hangup
      })
      const call = { from: caller, to: `+${from}`, callee: "answers; presses 7" }
      const { body, status } = yield* ask("POST", "/emulator/calls", call)
      assert.strictEqual(status, 201)
      assert.deepStrictEqual((yield* server.next("incoming_call")).data, { to: from, from: caller })
      assert.strictEqual((yield* server.next("speak_completed")).data["collected_digits"], "7")
      assert.strictEqual((yield* server.ended).reference_id, body.reference_id)

      const { reference_id } = (yield* dial({ to: "15550170002" })).body
      const line = (yield* ask("GET", "/emulator/calls")).body.at(-1)!
      assert.deepInclude(line, { reference_id, direction: "outbound", to: "15550170002", from })
      assert.strictEqual((yield* ask("DELETE", `/emulator/calls/${reference_id}`)).status, 204)
      assert.strictEqual((yield* ask("DELETE", "/emulator/calls/nobody")).status, 404)
    }).pipe(emulator()))

  it.effect("waits for what is asked for, from where somebody has read to", () =>
    Effect.gen(function*() {
      yield* report({ dial_completed: EventsServer.hangup })
      yield* dial()
      const { body } = yield* ask("GET", "/emulator/record?wait=60&event=call_completed&kind=replied")
      assert.deepStrictEqual(kinds(body.entries), ["replied"])
      const rest = yield* ask("GET", `/emulator/record?wait=2&from=${body.next}`)
      assert.deepStrictEqual(rest.body, { entries: [], next: body.next })
    }).pipe(emulator()))

  it.effect("refuses a number and takes it again", () =>
    Effect.gen(function*() {
      yield* ask("PUT", `/emulator/refusals/${to}`, { status: "premium_to_number_rejected" })
      const refused = yield* dial()
      assert.deepStrictEqual([refused.status, refused.body.status], [200, "premium_to_number_rejected"])
      yield* ask("PUT", `/emulator/refusals/${to}`, { status: "not_authorized" })
      assert.strictEqual((yield* dial()).status, 401)
      assert.strictEqual((yield* ask("DELETE", `/emulator/refusals/${to}`)).status, 204)
      assert.strictEqual((yield* dial()).status, 202)
      const { entries } = (yield* ask("GET", "/emulator/record?kind=refused")).body
      assert.deepStrictEqual(entries.map((entry: Entry) => entry.status), [
        "premium_to_number_rejected",
        "not_authorized"
      ])
    }).pipe(emulator()))

  it.effect("begins a new day: lines are gone without a word, and everybody is as at the start", () =>
    Effect.gen(function*() {
      const server = yield* report({})
      yield* ask("PUT", "/emulator/callees", { callees: ["busy"] })
      yield* ask("PUT", `/emulator/refusals/${to}`, { status: "to_number_blocked_by_customer" })
      yield* dial()
      yield* ask("POST", "/emulator/calls", { from: caller, to: from })
      yield* server.next("incoming_call")
      assert.strictEqual((yield* ask("POST", "/emulator/reset")).status, 204)
      for (const path of ["rings", "calls", "callees/leftover"]) {
        assert.deepStrictEqual((yield* ask("GET", `/emulator/${path}`)).body, [])
      }
      assert.deepStrictEqual((yield* ask("GET", "/emulator/record")).body, { entries: [], next: 0 })
      yield* FakeClock.advance("5 hours")
      assert.deepStrictEqual(server.told(), ["incoming_call"])
      yield* dial()
      assert.strictEqual((yield* server.next("dial_completed")).data["status"], "answered")
      assert.strictEqual((yield* dial({ to: "15550170003" })).body.status, "to_number_blocked_by_country")
    }).pipe(emulator({ callee: Callee.answers(), blocked: { "15550170003": "to_number_blocked_by_country" } })))

  it.effect.each<readonly [string, string, object | undefined, RegExp]>([
    ["PUT", `/emulator/callees/${to}`, { callees: ["sings"] }, /Expected "busy", "no answer"/],
    ["PUT", `/emulator/callees/${to}`, { callees: [] }, /callees/],
    ["PUT", "/emulator/callees/me", { callees: ["busy"] }, /Expected a phone number/],
    ["POST", "/emulator/calls", { from: caller }, /to/],
    ["PUT", `/emulator/refusals/${to}`, { status: "never_heard_of" }, /status/],
    ["PUT", "/emulator/events-url", { url: "localhost" }, /http/],
    ["POST", "/emulator/skip", { seconds: -1 }, /seconds/],
    ["GET", "/emulator/record?wait=3600", undefined, /wait/],
    ["GET", "/emulator/record?kind=sung", undefined, /kind/],
    ["GET", "/emulator/record?form=3", undefined, /form/],
    ["GET", "/emulator/skipped?beyound=3", undefined, /beyound/],
    ["POST", "/emulator/calls", { from: caller, to: from, calee: "busy" }, /calee/],
    ["POST", "/emulator/skip", { second: 600 }, /second/],
    ["PATCH", "/emulator/settings", { speeed: 2 }, /speeed/]
  ])("refuses %s %s in words that help", ([method, path, body, words]) =>
    Effect.gen(function*() {
      const answer = yield* ask(method, path, body)
      assert.strictEqual(answer.status, 400)
      assert.match(answer.body.problem, words)
    }).pipe(emulator()))

  it.effect("says where to ask, wherever nothing is", () =>
    Effect.gen(function*() {
      for (const [method, path] of [["GET", "/v2/voice"], ["POST", "/v1/voice"], ["GET", "/emulator/skip"]] as const) {
        const { body, status } = yield* ask(method, path)
        assert.strictEqual(status, 404)
        assert.include(body.problem, `${method} ${path} is not here. Dials are POST /v2/voice`)
      }
      assert.strictEqual((yield* ask("HEAD", "/")).status, 200)
    }).pipe(emulator()))

  it.effect("says what each setting means, and each kind of entry", () =>
    Effect.gen(function*() {
      const { body } = yield* ask("GET", "/emulator/openapi.json")
      const settings = Object.entries<{ readonly description?: string }>(body.components.schemas.Settings.properties)
      assert.isAtLeast(settings.length, 7)
      assert.deepStrictEqual(
        settings.filter(([, { description = "" }]) =>
          !description.startsWith("How") && !description.startsWith("After")
        ),
        []
      )
      const { description, parameters } = body.paths["/emulator/record"].get
      const kinds: ReadonlyArray<string> = parameters.find(({ name }: { readonly name: string }) =>
        name === "kind"
      ).schema.enum
      assert.isAtLeast(kinds.length, 8)
      assert.deepStrictEqual(kinds.filter((kind) => !description.includes(`\`${kind}\``)), [])
    }).pipe(emulator()))

  it.effect("is described by an OpenAPI document, and taken by Effect's own client", () =>
    Effect.gen(function*() {
      const { body } = yield* ask("GET", "/emulator/openapi.json")
      assert.match(body.openapi, /^3\./)
      const operations = Object.entries<Paths[string]>(body.paths)
        .flatMap(([path, methods]) =>
          Object.entries(methods).map(([method, { summary }]) => `${method.toUpperCase()} ${path}: ${summary}`)
        )
      assert.lengthOf(operations, 23)
      for (const operation of operations) assert.notMatch(operation, /undefined/)

      const api = yield* HttpApiClient.make(EmulatorApi.EmulatorApi, { baseUrl: yield* TelesignEmulator.url })
      yield* api.people.callee({
        params: { number: PhoneNumber.make(to) },
        payload: { callees: [Callee.answers().presses("1")] }
      })
      yield* dial()
      assert.strictEqual((yield* api.record.rings()).length, 1)
      assert.strictEqual(
        (yield* Effect.flip(api.calls.hangUp({ query: {}, params: { reference_id: "nobody" } })))._tag,
        "NoSuchCall"
      )
    }).pipe(Effect.provide(FetchHttpClient.layer), emulator()))
})

describe("a new day", () => {
  it.effect("loses again what is to be lost", () =>
    Effect.gen(function*() {
      yield* report({ dial_completed: EventsServer.hangup })
      for (const _ of ["first", "second"]) {
        yield* dial()
        const lost = yield* ask("GET", "/emulator/record?wait=60&kind=unanswered&event=dial_completed")
        assert.lengthOf(lost.body.entries, 1)
        yield* dial()
        const heard = yield* ask("GET", "/emulator/record?wait=60&kind=replied&event=dial_completed")
        assert.lengthOf(heard.body.entries, 1)
        yield* ask("POST", "/emulator/reset")
      }
    }).pipe(emulator({ lost: { events: { dial_completed: 1 } } })))

  it.effect("hears nothing of copies of the day before", () =>
    Effect.gen(function*() {
      const server = yield* report({ dial_completed: EventsServer.hangup })
      yield* dial()
      yield* ask("GET", "/emulator/record?wait=60&kind=replied&event=dial_completed")
      yield* ask("POST", "/emulator/reset")
      yield* FakeClock.advance("15 minutes")
      assert.deepStrictEqual(server.told(), ["dial_completed", "dial_completed"])
      assert.deepStrictEqual((yield* ask("GET", "/emulator/record")).body.entries, [])
    }).pipe(emulator({ copies: { count: 2, delay: "10 minutes" } })))
})

describe("skipped waits", () => {
  it.effect("bring what comes next at once, in the company's own time", () =>
    Effect.gen(function*() {
      const server = yield* report({
        dial_completed: EventsServer.speak("x".repeat(150)),
        speak_completed: EventsServer.hangup
      })
      const skip = (body?: object) => Effect.map(ask("POST", "/emulator/skip", body), ({ body }) => body.skipped)
      const replied = (event: string) => ask("GET", `/emulator/record?wait=60&kind=replied&event=${event}`)
      yield* dial()
      assert.strictEqual(yield* skip({}), 45)
      yield* replied("dial_completed")
      assert.deepStrictEqual([yield* skip({ seconds: 4 }), yield* skip()], [4, 6])
      yield* replied("speak_completed")
      assert.strictEqual(yield* skip({}), 0.3)
      assert.strictEqual((yield* server.ended).data["duration"], 55)
      assert.strictEqual(yield* skip({}), 0)
    }).pipe(Effect.provide(
      TelesignEmulator.layer({ callee: Callee.answers("45 seconds") }).pipe(
        Layer.provideMerge(FakeClock.layerWith({ auto: false }))
      )
    )))
})
