import { assert, describe, it } from "@effect/vitest"
import { Calls } from "@ringback/core"
import { Effect, Exit, Layer, Logger, Redacted, References } from "effect"
import { HttpApi, OpenApi } from "effect/http-api"
import { readFileSync } from "node:fs"
import { address, from, to, tokens } from "../../../scripts/testApplication.ts"
import { CallsApi, CallsApiProblem, CallsApiServer } from "../src/index.ts"
import { client, layer, report, request } from "./fixtures/callsApi.ts"

const json = { "content-type": "application/json" }

const ask = Effect.fnUntraced(function*(path: string, init: Parameters<typeof request>[1] = {}) {
  const response = yield* request(path, init)
  const text = yield* Effect.promise(() => response.text())
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text || "null") }
})

const start = (body: string, headers: Record<string, string> = json) => ask("/calls", { method: "POST", headers, body })

/** A login may go along by itself with what a page of somebody else makes a browser ask. */
const isGuarded = (headers: Headers) => {
  assert.strictEqual(headers.get("cache-control"), "no-store")
  assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
  assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none';.*frame-ancestors 'none'/)
}

const isProblem = ({ body, headers, status }: Effect.Success<ReturnType<typeof ask>>, name: string) => {
  assert.strictEqual(body.type, `urn:ringback:problem:${name}`)
  assert.strictEqual(body.status, status)
  assert.include(headers.get("content-type"), "application/problem+json")
  isGuarded(headers)
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly name: string
  readonly needs: CallsApi.Scope
}

/** Every endpoint, with a call that is there. */
const endpoints = (callId: string): ReadonlyArray<Asked> => {
  const found: Array<Asked> = []
  HttpApi.reflect(CallsApi.CallsApi, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, group }) => {
      const path = endpoint.path.replace(":callId", callId).replace(":flow", "approval")
      const needs = endpoint.annotations.mapUnsafe.get(CallsApi.Needs.key) as CallsApi.Scope
      found.push({ method: endpoint.method, path, name: `${group.identifier}.${endpoint.identifier}`, needs })
    }
  })
  return found
}

const begin = Effect.map(start(JSON.stringify({ flow: "approval", input: { order: "17" } })), ({ body }) => body.callId)

describe("CallsApiServer", () => {
  it.effect("refuses whoever has no token that is known, everywhere", () =>
    Effect.gen(function*() {
      for (const { method, path } of endpoints(yield* begin)) {
        for (const token of ["", "a token that nobody has", `${tokens.all} `.trim().slice(1)]) {
          const refused = yield* ask(path, { method, token })
          assert.strictEqual(refused.status, 401, path)
          isProblem(refused, "not-authenticated")
          assert.strictEqual(refused.headers.get("www-authenticate"), "Bearer")
        }
      }
    }).pipe(Effect.provide(layer())))

  it.effect("lets nobody do what their scopes do not allow, anywhere", () =>
    Effect.gen(function*() {
      const all = endpoints(yield* begin)
      assert.isAbove(all.length, 15)
      for (const { method, name, needs, path } of all) {
        assert.include(CallsApi.Scope.literals, needs, name)
        const token = needs === "read" ? tokens.steerer : tokens.reader
        const refused = yield* ask(path, { method, token })
        assert.strictEqual(refused.status, 403, name)
        isProblem(refused, "not-permitted")
        assert.strictEqual(refused.body.scope, needs)
      }
    }).pipe(Effect.provide(layer())))

  it.effect("reveals nothing to who may only read", () =>
    Effect.gen(function*() {
      const callId = yield* begin
      for (const what of ["events", "live", "outcome", "view", "ladder", "ladder.txt", "ladder.html"]) {
        const refused = yield* ask(`/calls/${callId}/${what}?reveal=true`, { token: tokens.reader })
        isProblem(refused, "not-permitted")
        assert.strictEqual(refused.body.scope, "reveal")
      }
    }).pipe(Effect.provide(layer())))

  it.effect("says of each path by which methods it can be asked, and of any other that nothing is there", () =>
    Effect.gen(function*() {
      const callId: string = yield* begin
      const all = endpoints(callId)
      const isAt = (path: string) => ({ path: other }: Asked) => {
        const [asked, parts] = [path.split("/"), other.split("/")]
        return asked.length === parts.length && parts.every((part, i) => part === callId || part === asked[i])
      }
      for (const { path } of all) {
        const known = all.filter(isAt(path)).map(({ method }) => method).filter((each, i, all) =>
          all.indexOf(each) === i
        )
        for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
          if (known.includes(method as never)) continue
          const refused = yield* ask(path, { method, token: "" })
          isProblem(refused, "method-not-allowed")
          assert.strictEqual(refused.headers.get("allow"), known.join(", "))
        }
      }
      for (
        const path of ["", "/", "/nothing", "/calls/x/nothing", "/calls/live/live/live", `/calls/${"a".repeat(200)}`]
      ) {
        for (const method of ["GET", "DELETE"]) {
          const refused = yield* ask(path, { method })
          isProblem(refused, path.length > 100 && method === "DELETE" ? "method-not-allowed" : "no-such-path")
        }
      }
      const asked = yield* request("/calls", { method: "HEAD" })
      assert.strictEqual(asked.status, 200)
    }).pipe(Effect.provide(layer())))

  it.effect("lies at the root, too, where the application answers what is not there", () =>
    Effect.gen(function*() {
      const root = (yield* address).replace("/ringback", "")
      const headers = { authorization: `Bearer ${tokens.all}` }
      const answers = ["/calls", "/openapi.json", "/nothing"].map((path) => fetch(root + path, { headers }))
      const statuses = (yield* Effect.promise(() => Promise.all(answers))).map(({ status }) => status)
      assert.deepStrictEqual(statuses, [200, 200, 404])
    }).pipe(Effect.provide(layer({ path: "/" }))))

  it.effect("takes no filter that it does not know for none, nor any other field", () =>
    Effect.gen(function*() {
      const unread = [
        yield* ask("/calls?flwo=approval"),
        yield* ask("/calls?number=15559130461"),
        yield* ask("/calls/counts?outcom=Failure"),
        yield* ask("/calls/search", { method: "POST", headers: json, body: `{"nubmer":"15559130461"}` }),
        yield* ask("/prune", { method: "POST", headers: json, body: `{"keepAtmost":9,"endedBefore":0}` }),
        yield* start(`{"flow":"approval","input":{"order":"17"},"Idempotency-Key":"k"}`)
      ]
      for (const each of unread) {
        isProblem(each, "invalid-request")
        assert.notInclude(each.text, "9130461")
      }
      assert.strictEqual((yield* ask("/calls/counts")).body.running, 0)
    }).pipe(Effect.provide(layer())))

  it.effect("prunes up to no time that is none", () =>
    Effect.gen(function*() {
      for (const time of ["1e300", "-1e300", "8640000000000001", "\"2026-01-01\"", "null"]) {
        const body = `{"endedBefore":${time}}`
        isProblem(yield* ask("/prune", { method: "POST", headers: json, body }), "invalid-request")
      }
    }).pipe(Effect.provide(layer())))

  it.effect("says what it cannot read, without the values", () =>
    Effect.gen(function*() {
      const unread = [
        yield* start("{"),
        yield* start(""),
        yield* start(`{"flow":7,"input":{}}`),
        yield* ask("/calls?limit=0"),
        yield* ask("/calls?after=15559130461"),
        yield* ask("/calls/search", { method: "POST", headers: json, body: `{"number":"call 15559130461 now"}` })
      ]
      for (const each of unread) {
        isProblem(each, "invalid-request")
        assert.isNotEmpty(each.body.errors)
        assert.notInclude(each.text, "9130461")
      }
      isProblem(yield* start(`{"flow":"approval","input":${"[".repeat(50_000)}${"]".repeat(50_000)}}`), "invalid-input")
      isProblem(yield* start("x".repeat(200_000)), "body-too-large")
      isProblem(yield* start("flow=approval", { "content-type": "text/html" }), "not-json")
    }).pipe(Effect.provide(layer())))

  it.effect("answers one actor only so often, and says when to ask again", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 3; i++) assert.strictEqual((yield* ask("/me")).status, 200)
      const refused = yield* ask("/me")
      isProblem(refused, "too-many-requests")
      assert.strictEqual(refused.headers.get("retry-after"), `${refused.body.retryAfterSeconds}`)
      assert.strictEqual((yield* ask("/me", { token: tokens.reader })).status, 200)
    }).pipe(Effect.provide(layer({ limits: { requestsPerMinute: 3 } }))))

  it.effect("says that something failed, and tells the log where, without words", () => {
    const said: Array<string> = []
    const broken = Layer.effect(
      Calls.Calls,
      Effect.map(
        Calls.Calls,
        (calls) => Calls.Calls.of({ ...calls, cancel: () => Effect.die(new TypeError(`not for ${to}`)) })
      )
    )
    const listening = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
    return Effect.gen(function*() {
      const callId = yield* begin
      isProblem(yield* ask(`/calls/${callId}/cancel`, { method: "POST", headers: json, body: "{}" }), "unexpected")
      assert.isTrue(said.some((line) => /failed: TypeError\n +at /.test(line)), said.join("\n"))
      assert.notInclude(said.join("\n"), to)
    }).pipe(Effect.provide(layer({}, broken).pipe(Layer.provide(listening))))
  })

  it("does not start with tokens that nobody should rely on", async () => {
    const token = { token: Redacted.make(tokens.all), actor: "ann", scopes: ["read" as const] }
    const problems = [
      [],
      [{ ...token, token: Redacted.make("short") }],
      [token, token],
      [{ ...token, actor: "" }]
    ].map((given) => Effect.runPromiseExit(Effect.scoped(Layer.build(CallsApiServer.layerTokens(given)))))
    for (const exit of await Promise.all(problems)) {
      assert.isTrue(Exit.isFailure(exit))
      assert.notInclude(JSON.stringify(exit), "short\"")
    }
  })

  it.effect("describes itself, and shows that on a page that asks no other host for anything", () =>
    Effect.gen(function*() {
      const described = yield* ask("/openapi.json", { token: "" })
      assert.strictEqual(described.status, 200)
      assert.isDefined(described.body.paths["/ringback/calls/{callId}"])
      const page = yield* request("/reference", { token: "" })
      const html = yield* Effect.promise(() => page.text())
      const policy = page.headers.get("content-security-policy") ?? ""
      assert.include(policy, "default-src 'none'")
      assert.notMatch(policy, /https?:|\*/)
      assert.notMatch(html, /<(script|link|img|iframe)\b[^>]*\b(src|href)=/i)
    }).pipe(Effect.provide(layer())))

  it.effect("does not describe itself where that is not wanted", () =>
    Effect.gen(function*() {
      for (const path of ["/openapi.json", "/reference"]) assert.strictEqual((yield* request(path)).status, 404)
    }).pipe(Effect.provide(layer({ reference: false }))))
})

describe("the page of problems", () => {
  const page = readFileSync(new URL("../../../docs/calls-over-http.md", import.meta.url), "utf8")

  it("lists each problem, with its status and its title", () => {
    const rows = CallsApiProblem.all.map((problem) => {
      const { fields } = problem as unknown as {
        fields: Record<string, { readonly ast: { readonly literal?: unknown } }>
      }
      const of = new (problem as unknown as new(fields: object) => CallsApiProblem.Problem)({
        errors: [],
        scope: "",
        callId: "0".repeat(20),
        endedAt: 0,
        retryAfterSeconds: 1,
        mayBeDone: false
      })
      assert.isDefined(fields["type"])
      return `| \`${of.type}\` | ${of.status} | ${of.title} |`
    })
    for (const row of rows) assert.include(page, row)
    assert.strictEqual(page.match(/^\| `urn:ringback:problem:/gm)?.length, rows.length)
  })

  it("names each endpoint that the contract has", () => {
    const { paths } = OpenApi.fromApi(CallsApi.CallsApi)
    const rows = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, { readonly summary?: string }>)
        .map(([method, { summary }]) => `| \`${method.toUpperCase()} ${path}\` | ${summary}`)
    )
    for (const row of rows) assert.include(page, row)
  })
})

const canaries = ["9130461", "9130472", "7395184", "tangerine", "canary-key", "CANARYREF"]

describe("whoever has not asked for it by name", () => {
  it.effect("sees no number, digit, word, key, value or session, in no answer and no line of the log", () => {
    const said: Array<string> = []
    const listening = Logger.layer([
      Logger.make(({ cause, fiber, message }) =>
        void said.push(
          [message, cause, JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))].map(String).join(" ")
        )
      )
    ])
    return Effect.gen(function*() {
      const pin = { flow: "pin", input: { to, from, word: "tangerine" } }
      const { body } = yield* start(JSON.stringify(pin), { ...json, "idempotency-key": "canary-key" })
      const callId: string = body.callId
      yield* Effect.yieldNow
      yield* report(1, "dial_completed", { status: "answered" })
      yield* report(1, "speak_completed", { digits: "7395184" })
      yield* report(1, "call_completed", { status: "hangup", durationSeconds: 4 })
      const api = yield* client()
      const outcome = yield* api.calls.outcome({ params: { callId }, query: { reveal: true } })
      assert.strictEqual((outcome as typeof CallsApi.Ended.Type).value, "7395184")
      const revealed = yield* ask(`/calls/${callId}/events?reveal=true`)
      for (const canary of canaries) assert.include(revealed.text, canary)

      const bodies: Record<string, object> = {
        "calls.start": pin,
        "calls.search": { key: "canary-key", flow: "pin" },
        "calls.signal": { name: "x", value: "tangerine", reason: `${to} asked` },
        "calls.cancel": { reason: `${to} asked` },
        "engine.prune": { endedBefore: 0 }
      }
      const approval: string = yield* begin
      yield* ask(`/calls/${approval}/cancel`, {
        method: "POST",
        headers: json,
        body: JSON.stringify(bodies["calls.cancel"])
      })
      for (const id of [callId, approval]) {
        for (const { method, name, path } of endpoints(id)) {
          if (name === "engine.live") continue
          const given = bodies[name]
          const answer = yield* request(path, {
            method,
            ...(given === undefined
              ? {}
              : { body: JSON.stringify(given), headers: { ...json, "idempotency-key": "canary-key" } })
          })
          const text = yield* Effect.promise(() => answer.text())
          assert.isBelow(answer.status, 500, name)
          isGuarded(answer.headers)
          for (const canary of canaries) assert.notInclude(text, canary, name)
        }
      }
      const all = yield* request("/live?after=0")
      const reader = all.body!.pipeThrough(new TextDecoderStream()).getReader()
      let live = ""
      while (!live.includes("Cancelled")) live += (yield* Effect.promise(() => reader.read())).value ?? ""
      yield* Effect.promise(() => reader.cancel())
      for (const canary of canaries) {
        assert.notInclude(live, canary)
        assert.notInclude(said.join("\n"), canary)
      }
      for (const [what, words] of [["outcome", "The outcome"], ["log", "The log"]] as const) {
        assert.include(
          said.map((line) => line.replace(/ \[\] /, " ")).join("\n"),
          `${words} of call ${callId} was revealed`
        )
        assert.isTrue(said.some((line) => line.includes(`"actor":"ann","revealed":"${what}","call":"${callId}"`)), what)
      }
      assert.isTrue(
        said.some((line) => line.includes(`Call ${approval} was cancelled over the API`) && line.includes("ann"))
      )
    }).pipe(Effect.provide(layer().pipe(Layer.provide(listening))))
  })
})
