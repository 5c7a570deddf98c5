import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import { Telesign, TelesignWebhook } from "@ringback/http"
import {
  Callee,
  CompanyRecord,
  FakeClock,
  PhoneCompany,
  PhoneLine,
  TelesignEmulator,
  TestCalls
} from "@ringback/testing"
import { Clock, Effect, Fiber, Layer, Redacted, Result, Schema, Stream } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { createHmac } from "node:crypto"
import { createServer } from "node:http"
import * as EventsServer from "./fixtures/EventsServer.ts"

const { apiKey, customerId } = TelesignEmulator.credentials
const basic = (id: string, key: string) => `Basic ${Buffer.from(`${id}:${key}`).toString("base64")}`
const rightful = basic(Redacted.value(customerId), Redacted.value(apiKey))

const to = "15550170001"
const from = "15550170009"
const dialling = (params: object = {}) => ({ method: "dial", params: { to, caller_id_number: from, ...params } })

/** Posts to the emulator as "Voice - Make an outbound call" has it. */
const post = Effect.fnUntraced(function*(body: unknown, headers: { readonly [name: string]: string } = {}) {
  const url = yield* TelesignEmulator.url
  return yield* Effect.promise(async () => {
    const response = await fetch(`${url}/v2/voice`, {
      method: "POST",
      headers: { authorization: rightful, "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    })
    return { status: response.status, body: await response.json() as Record<string, unknown> }
  })
})

const signedBody = JSON.stringify(dialling())

interface Signed {
  readonly date: number
  readonly late: number
  readonly write: (date: string) => string
  readonly dateIn: "date" | "x-ts-date" | "nowhere"
  readonly method: string
  readonly nonce: string | undefined
  readonly contentType: string
  readonly body: string
  readonly path: string
  readonly key: string
  readonly customer: string
  readonly signature: string | undefined
  /** Headers that are sent in place of those that were signed. */
  readonly sends: { readonly [name: string]: string }
}

/** The headers of a signed request, as the functions of Telesign's sample code make them. */
const signed = (how: Partial<Signed>): { readonly [name: string]: string } => {
  const { late = 0, method = "HMAC-SHA256", contentType = "application/json", dateIn = "date" } = how
  const nonce = "nonce" in how ? how.nonce : "6f1c0d9a-4d52-4f0e-9b61-8c1f3a5d7e20"
  const date = (how.write ?? String)(new Date((how.date ?? 0) + late).toUTCString())
  const text = [
    "POST",
    contentType,
    dateIn === "date" ? date : "",
    `x-ts-auth-method:${method}`,
    ...(dateIn === "x-ts-date" ? [`x-ts-date:${date}`] : []),
    ...(nonce === undefined ? [] : [`x-ts-nonce:${nonce}`]),
    how.body ?? signedBody,
    how.path ?? "/v2/voice"
  ].join("\n")
  const hash = method === "HMAC-SHA1" ? "sha1" : "sha256"
  const key = Buffer.from(how.key ?? Redacted.value(apiKey), "base64")
  const signature = how.signature ?? createHmac(hash, key).update(text).digest("base64")
  return {
    authorization: `TSA ${how.customer ?? Redacted.value(customerId)}:${signature}`,
    "content-type": contentType,
    "x-ts-auth-method": method,
    ...(dateIn === "nowhere" ? {} : { [dateIn]: date }),
    ...(nonce === undefined ? {} : { "x-ts-nonce": nonce }),
    ...how.sends
  }
}

const today = Clock.currentTimeMillis

/** An emulator whose time is virtual: HTTP is real, nobody waits. */
const emulator = (options?: TelesignEmulator.Options) =>
  Effect.provide(TelesignEmulator.layer(options).pipe(Layer.provideMerge(FakeClock.layer)))

/** Waits until an entry of this kind, and of this event if one is given, is in the log. */
const entry = <Tag extends CompanyRecord.Entry["_tag"]>(tag: Tag, event?: string) =>
  Effect.gen(function*() {
    const is = (entry: CompanyRecord.Entry): entry is Extract<CompanyRecord.Entry, { readonly _tag: Tag }> =>
      entry._tag === tag && (event === undefined || ("webhook" in entry && entry.webhook.event === event))
    const later = yield* Effect.forkScoped(Stream.runHead(Stream.filter(PhoneCompany.changes, is)), {
      startImmediately: true
    })
    return (yield* PhoneCompany.log).find(is) ?? (yield* Effect.fromOption(yield* Fiber.join(later)))
  })

const lines = Effect.map(
  PhoneCompany.log,
  (log) => log.map((entry) => CompanyRecord.describe(entry).replace(/^[0-9A-F]{8} /, ""))
)

describe("POST /v2/voice", () => {
  it.effect("accepts a dial with 202, a new reference_id and the external_id that it brought", () =>
    Effect.gen(function*() {
      const { body, status } = yield* post(dialling({ external_id: "visit-8841", max_call_duration: "900" }))
      assert.strictEqual(status, 202)
      assert.match(String(body.reference_id), /^[0-9A-F]{32}$/)
      assert.deepStrictEqual({ ...body, reference_id: "" }, {
        reference_id: "",
        status: "dial_accepted",
        external_id: "visit-8841"
      })
      assert.deepStrictEqual(Object.keys((yield* post(dialling())).body).toSorted(), ["reference_id", "status"])
      assert.deepStrictEqual((yield* PhoneCompany.rings).map(({ externalId, number }) => [number, externalId]), [
        [to, "visit-8841"],
        [to, undefined]
      ])
    }).pipe(emulator()))

  const refusals: ReadonlyArray<readonly [name: string, body: unknown, httpStatus: number, status: string]> = [
    ["a missing number", dialling({ to: undefined }), 400, "to_number_not_provided"],
    ["a number that is none", dialling({ to: "+15550170001" }), 400, "invalid_phone_number"],
    ["a missing caller id", dialling({ caller_id_number: "" }), 400, "caller_id_number_not_provided"],
    ["a caller id of somebody else", dialling({ caller_id_number: "15550170008" }), 400, "caller_id_number_not_owned"],
    ["a caller id that is none", dialling({ caller_id_number: "me" }), 400, "caller_id_number_not_owned"],
    ["a blocked country", dialling({ to: "15550170002" }), 200, "to_number_blocked_by_country"],
    ["a premium number", dialling({ to: "15550170003" }), 200, "premium_to_number_rejected"],
    ["speak", EventsServer.speak("Hello."), 400, "unsupported_call_state"],
    ["hangup", EventsServer.hangup, 400, "unsupported_call_state"],
    ["an action that is not known", { method: "play_multiple", params: {} }, 400, "unsupported_call_state"],
    ["a duration that is too long", dialling({ max_call_duration: "14401" }), 400, "invalid_parameter"],
    ["tones that no phone has", dialling({ send_dtmf: "12," }), 400, "invalid_parameter"],
    ["no action", {}, 400, "invalid_request"],
    ["no JSON", "method=dial", 400, "invalid_request"],
    ["too much", dialling({ note: "x".repeat(70_000) }), 400, "invalid_request"]
  ]
  it.effect.each(refusals)(
    "refuses %s with the documented status, and nothing rings",
    ([, body, httpStatus, status]) =>
      Effect.gen(function*() {
        const answer = yield* post(body)
        assert.strictEqual(answer.status, httpStatus)
        assert.strictEqual(answer.body.status, status)
        assert.match(String(answer.body.reference_id), /^[0-9A-F]{32}$/)
        assert.deepStrictEqual(yield* PhoneCompany.rings, [])
        const log = yield* PhoneCompany.log
        assert.deepStrictEqual(log.map(({ _tag }) => _tag), ["Refused"])
        assert.notMatch(CompanyRecord.describe(log[0]!), /5550170/)
      }).pipe(emulator({
        owned: [`+${from}`],
        blocked: { "15550170002": "to_number_blocked_by_country", "+15550170003": "premium_to_number_rejected" }
      }))
  )

  it.effect.each<[string, string, string]>([
    ["no credentials", "", "credentials_not_provided"],
    ["another scheme", "Bearer abc", "credentials_not_provided"],
    ["no key", basic(Redacted.value(customerId), ""), "credentials_not_provided"],
    ["no customer id", basic("", Redacted.value(apiKey)), "credentials_not_provided"],
    ["a signature of nobody", "TSA :d3Jvbmc=", "credentials_not_provided"],
    ["an id without a signature", `TSA ${Redacted.value(customerId)}`, "credentials_not_provided"],
    ["a wrong key", basic(Redacted.value(customerId), "d3Jvbmc="), "not_authorized"],
    ["another customer", basic("somebody", Redacted.value(apiKey)), "not_authorized"],
    ["a wrong signature", `TSA ${Redacted.value(customerId)}:d3Jvbmc=`, "not_authorized"]
  ])("answers %s with 401", ([, authorization, status]) =>
    Effect.gen(function*() {
      const answer = yield* post(dialling(), { authorization, "x-ts-nonce": "1" })
      assert.strictEqual(answer.status, 401)
      assert.strictEqual(answer.body.status, status)
      assert.deepStrictEqual(yield* PhoneCompany.rings, [])
    }).pipe(emulator()))

  it.effect("takes a nonce once", () =>
    Effect.gen(function*() {
      const headers = signed({ date: yield* today })
      assert.strictEqual((yield* post(signedBody, headers)).status, 202)
      assert.strictEqual((yield* post(signedBody, headers)).body.status, "not_authorized")
      assert.match((yield* lines).at(-1)!, /used before/)
    }).pipe(emulator()))

  it.effect.each<readonly [string, Partial<Signed>]>([
    ["HMAC-SHA256 with Date, the default of Telesign's SDKs", {}],
    ["HMAC-SHA1", { method: "HMAC-SHA1" }],
    ["x-ts-date in place of Date", { dateIn: "x-ts-date" }],
    ["HMAC-SHA1 with x-ts-date", { method: "HMAC-SHA1", dateIn: "x-ts-date" }],
    ["no nonce", { nonce: undefined }],
    ["a charset that is signed as it is sent", { contentType: "application/json; charset=utf-8" }],
    ["an offset in the date", { write: (date) => date.replace("GMT", "+0000") }],
    ["a clock that is ten minutes behind", { late: -10 * 60_000 }]
  ])("takes a signature with %s", ([, how]) =>
    Effect.gen(function*() {
      const { status } = yield* post(signedBody, signed({ ...how, date: yield* today }))
      assert.strictEqual(status, 202)
    }).pipe(emulator()))

  it.effect.each<readonly [string, Partial<Signed>, RegExp]>([
    ["an older date", { late: -16 * 60_000 }, /date is more than 15m from now/],
    ["a later date", { late: 16 * 60_000 }, /date is more than 15m from now/],
    ["an older date in x-ts-date", { late: -16 * 60_000, dateIn: "x-ts-date" }, /date is more than 15m from now/],
    ["a date in another form", { write: () => "2026-01-01T00:00:00Z" }, /neither x-ts-date nor Date/],
    ["no date", { dateIn: "nowhere" }, /neither x-ts-date nor Date/],
    ["another date than was signed", { sends: { date: "Thu, 01 Jan 2026 00:00:01 GMT" } }, /the signature is not/],
    ["another method than was signed", { sends: { "x-ts-auth-method": "HMAC-SHA1" } }, /the signature is not/],
    ["another nonce than was signed", { sends: { "x-ts-nonce": "another-nonce" } }, /the signature is not/],
    ["another body than was signed", { body: "{}" }, /the signature is not/],
    ["another path than was signed", { path: "/v1/voice" }, /the signature is not/],
    ["another content type than was signed", { contentType: "text/plain", sends: {} }, /the signature is not/],
    ["another key", { key: "d3Jvbmc=" }, /the signature is not/],
    ["no base64", { signature: "%%%" }, /the signature is not/],
    ["another customer", { customer: "somebody" }, /another customer id/],
    ["a method that is not known", { method: "HMAC-SHA512" }, /x-ts-auth-method/],
    ["a nonce that is too short", { nonce: "1" }, /nonce is too short/],
    ["a nonce that is too long", { nonce: "1".repeat(200) }, /nonce is too short or too long/]
  ])("refuses a signature with %s", ([, how, words]) =>
    Effect.gen(function*() {
      const headers = signed({ ...how, date: yield* today })
      const sent = how.contentType === undefined ? headers : { ...headers, "content-type": "application/json" }
      const { body, status } = yield* post(signedBody, sent)
      assert.deepStrictEqual([status, body.status], [401, "not_authorized"])
      assert.match((yield* lines)[0]!, words)
      assert.deepStrictEqual(yield* PhoneCompany.rings, [])
    }).pipe(emulator()))

  it.effect("takes signatures of any age where that is set", () =>
    Effect.gen(function*() {
      const old = signed({ date: 0 })
      assert.strictEqual((yield* post(signedBody, old)).status, 202)
    }).pipe(emulator({ signedWithin: "Infinity" })))

  it.effect("answers 429 above the rate that is set", () =>
    Effect.gen(function*() {
      const answer = yield* post(dialling())
      assert.deepStrictEqual([answer.status, answer.body.status], [429, "rate_limit_exceeded"])
    }).pipe(emulator({ requestsPerSecond: 0 })))

  it.effect("takes JSON only, and takes it only at its own address", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* post(dialling(), { "content-type": "text/plain" })).status, 400)
      const url = yield* TelesignEmulator.url
      const statuses = yield* Effect.promise(() =>
        Promise.all([fetch(`${url}/v2/voice`), fetch(`${url}/v2`)]).then((all) => all.map(({ status }) => status))
      )
      assert.deepStrictEqual(statuses, [404, 404])
    }).pipe(emulator()))

  it.effect("does not start with a key that cannot sign", () =>
    Effect.gen(function*() {
      const credentials = { customerId, apiKey: Redacted.make("not base64!") }
      const error = yield* Effect.flip(Layer.build(TelesignEmulator.layer({ credentials })))
      assert.strictEqual(error._tag, "InvalidApiKey")
    }))
})

describe("events", () => {
  it.effect("carry a call to its end by the replies of a real server", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({
        dial_completed: EventsServer.speak("Press 1 to keep it.", 1),
        speak_completed: { method: "play", params: { url: "https://media.example.net/bye.wav" } },
        play_completed: EventsServer.hangup
      })
      yield* TelesignEmulator.reportTo(server.url)
      yield* PhoneCompany.callee(to, Callee.answers("3 seconds").hears(/press 1/i).presses("1"))
      const { reference_id } = (yield* post(dialling({ external_id: "visit-8841" }))).body
      yield* server.ended
      const envelope = { reference_id: String(reference_id), external_id: "visit-8841" }
      const [answered, pressed, played, ended] = server.received.map(({ event }) => event)
      const expected: ReadonlyArray<EventsServer.Event | undefined> = [
        { event: "dial_completed", ...envelope, data: { to, from, status: "answered" } },
        {
          event: "speak_completed",
          ...envelope,
          data: { to, from, status: "speak_successful", collected_digits: "1" }
        },
        { event: "play_completed", ...envelope, data: { to, from, status: "play_successful" } }
      ]
      assert.deepStrictEqual([answered, pressed, played], expected)
      assert.deepInclude(ended, { event: "call_completed", ...envelope })
      assert.deepInclude(ended?.data, {
        to,
        from,
        status: "hangup",
        direction: "outbound",
        audio_recording_file_name: null
      })
      assert.match(String(ended?.data.created_on_utc), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/)
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(emulator()))

  it.effect("are signed in both headers", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({ dial_completed: EventsServer.hangup })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      for (const { body, headers, path } of server.received) {
        const signature = createHmac("sha256", Buffer.from(Redacted.value(apiKey), "base64")).update(body).digest(
          "base64"
        )
        assert.strictEqual(headers.authorization, `TSA ${Redacted.value(customerId)}:${signature}`)
        assert.strictEqual(headers["x-ts-authorization"], signature)
        assert.strictEqual(headers["content-type"], "application/json")
        assert.strictEqual(path, "/telesign/events")
      }
    }).pipe(emulator()))

  it.effect("may be answered by an array of one, and not of two", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({
        dial_completed: [[{ jsonrpc: "2.0", ...EventsServer.speak("Hello.") }]],
        speak_completed: [[EventsServer.speak("One."), EventsServer.speak("Two.")]]
      })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling({ max_call_duration: 60 }))
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "speak_completed", "call_completed"])
      assert.include((yield* entry("Rejected")).reason, "an array of 2 actions")
    }).pipe(emulator()))

  it.effect("stop in the middle of a prompt when the callee hangs up", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({ dial_completed: EventsServer.speak("A long story.") })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "call_completed"])
    }).pipe(emulator({ callee: Callee.answers().hangsUp() })))

  it.effect("end at max_call_duration where nobody hangs up", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({ dial_completed: EventsServer.speak("x".repeat(1000)) })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling({ max_call_duration: "5" }))
      assert.strictEqual((yield* server.ended).data.status, "max_call_duration")
    }).pipe(emulator()))

  it.effect.each<readonly [string, EventsServer.Answer | ReadonlyArray<EventsServer.Answer>]>([
    ["an empty body", ""],
    ["{}", {}],
    ["[]", []],
    ["[{}]", [[{}]]],
    ["204", 204]
  ])("that are answered by %s leave the call up and silent", ([, answer]) =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({ dial_completed: answer })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling({ max_call_duration: "60" }))
      assert.strictEqual((yield* server.ended).data.status, "max_call_duration")
      assert.isUndefined((yield* entry("Replied", "dial_completed")).action)
      assert.deepStrictEqual(server.told(), ["dial_completed", "call_completed"])
    }).pipe(emulator({ replies: { askAgainAfter: ["5 seconds"] } })))

  it.effect.each<readonly [string, object]>([
    ["a list", { urls: ["https://media.example.net/a.wav", "https://media.example.net/b.wav"] }],
    ["objects", { files: [{ url: "https://media.example.net/a.wav" }, { url: "https://media.example.net/b.wav" }] }]
  ])(
    "may be answered by play_multiple, whose parameters are not public, as %s",
    ([, params]) =>
      Effect.gen(function*() {
        const played = { method: "play_multiple", params: { ...params, collect_digits: { max: 1 } } }
        const server = yield* EventsServer.start({ dial_completed: played, play_completed: EventsServer.hangup })
        yield* TelesignEmulator.reportTo(server.url)
        yield* post(dialling())
        yield* server.ended
        assert.strictEqual((yield* server.next("play_completed")).data.collected_digits, "2")
        assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
        const [answered, over] = (yield* PhoneCompany.log).filter(({ _tag }) => _tag === "Posted").map(({ at }) => at)
        assert.isAtLeast(over! - answered!, 10_000)
        assert.deepInclude((yield* entry("Replied", "dial_completed")).action, { _tag: "Raw", ...played })
      }).pipe(emulator({ callee: Callee.answers().hears("a.wav").presses("2") }))
  )

  it.effect("may be answered by what only the documents of an account describe, if that is set", () =>
    Effect.gen(function*() {
      const listen = { method: "listen", params: { grammar: "yes or no" } }
      const server = yield* EventsServer.start({ dial_completed: listen, listen_completed: EventsServer.hangup })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "listen_completed", "call_completed"])
      assert.deepInclude((yield* entry("Replied", "dial_completed")).action, { _tag: "Raw", ...listen })
    }).pipe(emulator({ methods: { listen: "listen_completed" } })))

  it.effect("are lost where that is set, and asked again where that is set too", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({
        dial_completed: EventsServer.speak("Hello."),
        speak_completed: EventsServer.hangup
      })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "dial_completed", "speak_completed", "call_completed"])
    }).pipe(emulator({
      lost: { events: { speak_completed: 2 }, replies: { dial_completed: 1 } },
      replies: { askAgainAfter: ["5 seconds", "5 seconds"] }
    })))

  it.effect("that are lost for good leave the call to its limit", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({})
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling({ max_call_duration: "60" }))
      assert.strictEqual((yield* server.ended).data.status, "max_call_duration")
      assert.deepStrictEqual(server.told(), ["call_completed"])
      assert.match((yield* entry("Unanswered")).problem, /lost on the way/)
    }).pipe(emulator({ lost: { events: { dial_completed: Infinity } } })))

  it.effect.each<[string, EventsServer.Answer, CompanyRecord.Entry["_tag"], RegExp]>([
    ["text", "ok", "Rejected", /it is not JSON/],
    ["an action that is not known", { method: "sing" }, "Rejected", /"sing" is not known/],
    ["an action that lacks something", { method: "speak", params: {} }, "Rejected", /tts\.message/],
    ["send_dtmf", { method: "send_dtmf", params: { digits: "1" } }, "Rejected", /not public/],
    ["500", 500, "Unanswered", /HTTP 500/],
    ["a redirect", 302, "Unanswered", /HTTP 302/],
    ["silence", "silence", "Unanswered", /none within 5s/]
  ])(
    "that are answered by %s leave the call as it was, and the log says why",
    ([, answer, tag, words]) =>
      Effect.gen(function*() {
        const server = yield* EventsServer.start({ dial_completed: answer })
        yield* TelesignEmulator.reportTo(server.url)
        yield* post(dialling({ max_call_duration: "200" }))
        yield* server.ended
        assert.match(CompanyRecord.describe(yield* entry(tag)), words)
        assert.deepStrictEqual(server.told(), ["dial_completed", "call_completed"])
      }).pipe(emulator())
  )

  it.effect("go on without replies where the URL cannot be reached", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(EventsServer.start({})) // nobody listens there any more
      yield* TelesignEmulator.reportTo(url)
      yield* post(dialling({ max_call_duration: "60" }))
      yield* entry("Unanswered", "call_completed")
      const unanswered = (yield* lines).filter((line) => line.startsWith("no reply"))
      assert.deepStrictEqual(unanswered, [
        "no reply to dial_completed: the events URL cannot be reached (ECONNREFUSED)",
        "no reply to call_completed: the events URL cannot be reached (ECONNREFUSED)"
      ])
    }).pipe(emulator()))

  it.effect("are asked again only where that is set, and then until a reply comes", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({ dial_completed: [500, 500, EventsServer.hangup] })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      assert.deepStrictEqual(server.told(), ["dial_completed", "dial_completed", "dial_completed", "call_completed"])
      assert.strictEqual((yield* entry("Replied")).action?._tag, "Hangup")
    }).pipe(emulator({ replies: { askAgainAfter: ["5 seconds", "10 seconds", "15 seconds"] } })))

  it.effect("that are posted several times are obeyed once", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({
        dial_completed: [EventsServer.speak("Hello."), EventsServer.hangup],
        speak_completed: EventsServer.hangup
      })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      const copied = yield* entry("Copied")
      const replied = yield* entry("Replied")
      assert.deepStrictEqual([replied.action?._tag, copied.action?._tag].toSorted(), ["Hangup", "Speak"])
      assert.strictEqual(server.told().includes("speak_completed"), replied.action?._tag === "Speak")
      assert.strictEqual(server.told().filter((event) => event === "dial_completed").length, 2)
    }).pipe(emulator({ copies: { count: 2 } })))

  it.effect("go to another URL for the length of a call, by a parameter that is set", () =>
    Effect.gen(function*() {
      const usual = yield* EventsServer.start({ dial_completed: EventsServer.hangup })
      const special = yield* EventsServer.start({ dial_completed: EventsServer.hangup })
      yield* TelesignEmulator.reportTo(usual.url)
      yield* post(dialling({ events_to: special.url }))
      yield* special.ended
      assert.deepStrictEqual(usual.told(), [])
      yield* post(dialling())
      yield* usual.ended
    }).pipe(emulator({ eventsUrlParameter: "events_to" })))

  it.effect("tell of an incoming call, which is bridged by the reply", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({
        incoming_call: dialling({ to: "15550170077" }),
        call_leg_completed: EventsServer.hangup
      })
      yield* TelesignEmulator.reportTo(server.url)
      yield* PhoneCompany.incoming({ from: "15550170044", to: from })
      yield* server.ended
      const [first, leg] = server.received.map(({ event }) => [event.event, event.data])
      assert.deepStrictEqual(first, ["incoming_call", { to: from, from: "15550170044" }])
      assert.deepStrictEqual(leg, ["call_leg_completed", { to: "15550170077", from }])
    }).pipe(emulator()))

  it.effect("end when the far end is told to hang up", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({})
      yield* TelesignEmulator.reportTo(server.url)
      const emulator = yield* TelesignEmulator.TelesignEmulator
      const line = yield* emulator.incoming({ from: "15550170044", to: from })
      yield* server.next("incoming_call")
      yield* emulator.hangUp(line)
      assert.strictEqual((yield* server.ended).data.direction, "inbound")
    }).pipe(emulator()))

  it.effect("are described without a number, a digit or a word that was said", () =>
    Effect.gen(function*() {
      const server = yield* EventsServer.start({
        dial_completed: EventsServer.speak("Your PIN, please.", 4),
        speak_completed: EventsServer.hangup
      })
      yield* TelesignEmulator.reportTo(server.url)
      yield* post(dialling())
      yield* server.ended
      assert.deepStrictEqual((yield* lines).slice(0, 6), [
        "dial to 1••••••••01: accepted",
        "event dial_completed, answered",
        "reply to dial_completed: speak, collect 4",
        "event speak_completed, speak_successful, ••••",
        "reply to speak_completed: hangup",
        "event call_completed, hangup, 5 s"
      ])
    }).pipe(emulator({ callee: Callee.answers().presses("1234") })))
})

describe("the whole of Ringback", () => {
  const Keep = Flow.make("keep", {
    version: 1,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Literals(["kept", "cancelled"]),
    run: (parties) =>
      Line.menu("Press 1 to keep it, 2 to cancel it.", { choices: { "1": "kept", "2": "cancelled" } }).pipe(
        Flow.dial(parties)
      )
  })
  const Engine = Layer.unwrap(
    Effect.map(
      TelesignEmulator.url,
      (baseUrl) =>
        Calls.layer({ flows: [Keep], settings: TestCalls.engineSettings(PhoneLine.defaults) }).pipe(
          Layer.provideMerge(Telesign.layer({ ...TelesignEmulator.credentials, baseUrl }))
        )
    )
  )
  const Web = HttpRouter.serve(
    TelesignWebhook.layer({ path: "/telesign/events" }),
    { disableLogger: true, disableListenLog: true }
  )
  const Address = Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) => TelesignEmulator.reportTo(`${address}/telesign/events`))
  )
  const Everything = Layer.mergeAll(Web, Address).pipe(
    Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
    Layer.provideMerge(Engine),
    Layer.provideMerge(TelesignEmulator.layer()),
    Layer.provide([EventStore.layerMemory, FetchHttpClient.layer]),
    Layer.provideMerge(FakeClock.layer)
  )

  it.effect("runs a flow to its outcome over real HTTP, signatures required", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("1 second").presses("2"))
      const call = yield* Calls.start(Keep, { to: PhoneNumber.make(to), from: PhoneNumber.make(from) })
      assert.strictEqual(yield* call.outcome, "cancelled")
      assert.strictEqual((yield* entry("Replied", "speak_completed")).action?._tag, "Hangup")
      assert.isUndefined((yield* entry("Replied", "call_completed")).action)
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
    }).pipe(Effect.provide(Everything)))

  const bothAlike = [
    [`answers 1s; whenever "Press 1" presses 2`, "cancelled"],
    ["answers 1s; presses 1 every 2s", "kept"],
    ["answers 1s; presses 1 into it", "kept"],
    ["answers 1s; hangs up at 2s", "HungUp"],
    ["machine 3s; greets 4s; records 2s", "HungUp"]
  ] as const
  for (const [words, expected] of bothAlike) {
    it.effect(`meets who “${words}” as the model without HTTP does`, () => {
      const lived = Effect.gen(function*() {
        yield* PhoneCompany.callee(to, Result.getOrThrow(Callee.parse(words)))
        const call = yield* Calls.start(Keep, { to: PhoneNumber.make(to), from: PhoneNumber.make(from) })
        const outcome = yield* Effect.match(call.outcome, { onSuccess: String, onFailure: ({ _tag }) => String(_tag) })
        yield* Effect.sleep("1 minute")
        const [{ tape } = {}] = yield* PhoneCompany.lines
        const log = yield* PhoneCompany.log
        return { outcome, tape, events: log.flatMap((entry) => entry._tag === "Posted" ? [entry.webhook.event] : []) }
      })
      return Effect.gen(function*() {
        const overHttp = yield* Effect.provide(lived, Everything)
        const without = yield* Effect.provide(lived, TestCalls.layer({ flows: [Keep] }))
        assert.strictEqual(overHttp.outcome, expected)
        assert.deepStrictEqual(overHttp, without)
      })
    })
  }
})
