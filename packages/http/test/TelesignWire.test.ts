import { assert, describe, it } from "@effect/vitest"
import { Action, type CallEvent, PhoneNumber, Transport, Webhook } from "@ringback/core"
import { Result, Schema } from "effect"
import { TelesignWire } from "../src/index.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

const dial = (params: object) =>
  TelesignWire.decodeAction({
    method: "dial",
    params: { to: "15550170001", caller_id_number: "15550170009", ...params }
  })

const reasonOf = (result: Result.Result<unknown, TelesignWire.WireError>) =>
  Result.isFailure(result) ? result.failure.reason : undefined

const decoded = <A>(result: Result.Result<A, TelesignWire.WireError>): A => Result.getOrThrow(result)

describe("encodeAction", () => {
  const cases: ReadonlyArray<readonly [string, Action.Action, object]> = [
    [
      "a dial with everything",
      Action.dial({ to, from, maxCallDurationSeconds: 900, sendDtmf: "9ww21#", externalId: "visit-8841" }),
      {
        method: "dial",
        params: {
          to: "15550170001",
          caller_id_number: "15550170009",
          max_call_duration: "900",
          send_dtmf: "9ww21#",
          external_id: "visit-8841"
        }
      }
    ],
    [
      "a dial with the least",
      Action.dial({ to, from, maxCallDurationSeconds: 14_400 }),
      { method: "dial", params: { to: "15550170001", caller_id_number: "15550170009", max_call_duration: "14400" } }
    ],
    [
      "a question",
      { _tag: "Speak", text: "Press 1.", language: "en-US", collect: { max: 1 } },
      { method: "speak", params: { tts: { message: "Press 1.", language: "en-US" }, collect_digits: { max: 1 } } }
    ],
    ["plain speech", { _tag: "Speak", text: "Hello." }, { method: "speak", params: { tts: { message: "Hello." } } }],
    [
      "audio, whose known length stays here",
      { _tag: "Play", url: "https://media.example.net/goodbye.wav", millis: 2000 },
      { method: "play", params: { url: "https://media.example.net/goodbye.wav" } }
    ],
    [
      "audio that collects",
      { _tag: "Play", url: "https://media.example.net/menu.wav", collect: { max: 4 } },
      { method: "play", params: { url: "https://media.example.net/menu.wav", collect_digits: { max: 4 } } }
    ],
    ["hanging up", Action.hangup, { method: "hangup", params: {} }]
  ]
  for (const [name, action, json] of cases) {
    it(`writes ${name} as documented`, () =>
      assert.deepStrictEqual(decoded(TelesignWire.encodeAction(action)), json as never))
  }

  it("gives a prompt an id of its own only if it has a mark, as the documents show it for a dial alone", () => {
    const marked = Action.mark({ _tag: "Speak", text: "Hello." }, "ns.0123456789abcdefghjk.1.2")
    assert.deepStrictEqual(decoded(TelesignWire.encodeAction(marked)).params, {
      tts: { message: "Hello." },
      external_id: "ns.0123456789abcdefghjk.1.2"
    })
  })

  it("refuses to invent the parameter of send_dtmf, and says why", () => {
    const result = TelesignWire.encodeAction(Action.sendDtmf("12#"))
    assert.deepStrictEqual(
      reasonOf(result),
      new TelesignWire.NotPublic({ method: "send_dtmf", setting: "sendDtmfParameter" })
    )
    assert.match(String(Result.isFailure(result) && result.failure.message), /not public.*sendDtmfParameter/)
    assert.notInclude(String(Result.isFailure(result) && result.failure.message), "12#")
  })

  it("writes send_dtmf with a parameter that was guessed", () =>
    assert.deepStrictEqual(
      decoded(TelesignWire.encodeAction(Action.sendDtmf("12#"), { sendDtmfParameter: "tones" })),
      { method: "send_dtmf", params: { tones: "12#" } }
    ))
})

describe("decodeAction", () => {
  const options = { sendDtmfParameter: "tones" }

  it.prop(
    "gives back every action that was written, less what the wire does not carry",
    [Action.Action],
    ([action]) => {
      if (action._tag === "Raw") return // What it means is known to its author alone.
      const { millis: _, parameters: __, ...sent } = { millis: undefined, parameters: undefined, ...action }
      const json = JSON.parse(JSON.stringify(decoded(TelesignWire.encodeAction(action, options))))
      assert.deepStrictEqual(
        decoded(TelesignWire.decodeAction(json, options)) as object,
        JSON.parse(JSON.stringify(sent))
      )
    }
  )

  for (const json of [undefined, null, "", {}, [], [{}]]) {
    it(`finds no action in ${JSON.stringify(json)}`, () =>
      assert.strictEqual(reasonOf(TelesignWire.decodeAction(json))?._tag, "NoAction"))
  }

  for (
    const json of [
      "hangup",
      7,
      true,
      { params: {} },
      { method: 7 },
      [[{ method: "hangup" }]],
      [{ method: "hangup" }, { method: "hangup" }]
    ]
  ) {
    it(`does not take ${JSON.stringify(json)} for an action`, () =>
      assert.strictEqual(reasonOf(TelesignWire.decodeAction(json))?._tag, "NotAnAction"))
  }

  it("takes an array of exactly one, jsonrpc, id, and a hangup without params", () => {
    for (
      const json of [
        { method: "hangup" },
        { method: "hangup", params: null },
        [{ jsonrpc: "2.0", id: "1", method: "hangup", params: {} }]
      ]
    ) {
      assert.deepStrictEqual(decoded(TelesignWire.decodeAction(json)), Action.hangup)
    }
  })

  it("names a method that is not known", () => {
    const result = TelesignWire.decodeAction({ method: "play_multiple", params: {} })
    assert.deepStrictEqual(reasonOf(result), new TelesignWire.UnknownMethod({ method: "play_multiple" }))
  })

  it("takes numbers as strings and strings as numbers", () => {
    const expected = { _tag: "Dial", to, from, maxCallDurationSeconds: 900, externalId: "7" } as const
    assert.deepStrictEqual(decoded(dial({ max_call_duration: 900, external_id: 7, to: 15550170001 })), expected)
    assert.deepStrictEqual(decoded(dial({ max_call_duration: "900", external_id: "7" })), expected)
    const speak = (max: unknown) =>
      decoded(
        TelesignWire.decodeAction({ method: "speak", params: { tts: { message: "1?" }, collect_digits: { max } } })
      )
    assert.deepStrictEqual(speak("3"), { _tag: "Speak", text: "1?", collect: { max: 3 } })
    assert.deepStrictEqual(speak(3), speak("3"))
  })

  it("gives a dial the documented longest duration, and ignores parameters that are not known", () =>
    assert.deepStrictEqual(
      decoded(dial({ is_primary: true, send_dtmf: null })),
      { _tag: "Dial", to, from, maxCallDurationSeconds: 14_400 }
    ))

  it("takes a null for something left out", () =>
    assert.deepStrictEqual(
      decoded(
        TelesignWire.decodeAction({
          method: "speak",
          params: { tts: { message: "Hello.", language: null }, collect_digits: null }
        })
      ),
      { _tag: "Speak", text: "Hello." }
    ))

  const refused: ReadonlyArray<readonly [object, parameter: string, status: string | undefined]> = [
    [{ to: undefined }, "to", "to_number_not_provided"],
    [{ to: null }, "to", "to_number_not_provided"],
    [{ to: "" }, "to", "to_number_not_provided"],
    [{ to: "+15550170001" }, "to", "invalid_phone_number"],
    [{ to: "1 555 017 0001" }, "to", "invalid_phone_number"],
    [{ to: {} }, "to", "invalid_phone_number"],
    [{ caller_id_number: undefined }, "caller_id_number", "caller_id_number_not_provided"],
    [{ caller_id_number: "nobody" }, "caller_id_number", undefined],
    [{ max_call_duration: 0 }, "max_call_duration", undefined],
    [{ max_call_duration: "14401" }, "max_call_duration", undefined],
    [{ max_call_duration: "1e2" }, "max_call_duration", undefined],
    [{ max_call_duration: -1 }, "max_call_duration", undefined],
    [{ send_dtmf: "12a" }, "send_dtmf", undefined],
    [{ send_dtmf: "1,2" }, "send_dtmf", undefined],
    [{ external_id: {} }, "external_id", undefined]
  ]
  for (const [params, parameter, status] of refused) {
    const given = JSON.stringify(params, (_, value) => value === undefined ? "(left out)" : value)
    it(`refuses a dial with ${given}${status === undefined ? "" : ` as ${status}`}`, () => {
      const reason = reasonOf(dial(params))
      assert(reason?._tag === "BadParameter")
      assert.deepStrictEqual({ parameter: reason.parameter, status: reason.status }, { parameter, status })
    })
  }

  const others: ReadonlyArray<readonly [method: string, params: unknown, parameter: string]> = [
    ["speak", {}, "tts.message"],
    ["speak", { tts: "Hello." }, "tts.message"],
    ["speak", { tts: { message: 7 } }, "tts.message"],
    ["speak", { tts: { message: "Hello.", language: 7 } }, "tts.language"],
    ["speak", { tts: { message: "Hello." }, collect_digits: {} }, "collect_digits.max"],
    ["speak", { tts: { message: "Hello." }, collect_digits: { max: 0 } }, "collect_digits.max"],
    ["play", {}, "url"],
    ["play", { url: "https://example.net/a.wav", collect_digits: { max: 129 } }, "collect_digits.max"],
    ["play", "https://example.net/a.wav", "params"],
    ["send_dtmf", { tones: "x" }, "tones"]
  ]
  for (const [method, params, parameter] of others) {
    it(`refuses ${method} with ${JSON.stringify(params)}`, () => {
      const reason = reasonOf(TelesignWire.decodeAction({ method, params }, options))
      assert(reason?._tag === "BadParameter")
      assert.strictEqual(reason.parameter, parameter)
    })
  }

  it("cannot read send_dtmf without a guess at its parameter", () =>
    assert.strictEqual(reasonOf(TelesignWire.decodeAction({ method: "send_dtmf", params: {} }))?._tag, "NotPublic"))

  it("keeps the value out of the error", () => {
    const result = dial({ to: "1555 017 0001 secret" })
    assert(Result.isFailure(result))
    assert.notMatch(JSON.stringify(result.failure) + result.failure.message + String(result.failure), /555|secret/)
  })
})

describe("decodeWebhook", () => {
  it("gives one content to a copy whose fields come in another order, with more that is not known, or a mark", () => {
    const first = {
      event: "speak_completed",
      reference_id: "7A10",
      data: { status: "speak_successful", collected_digits: "2", to: "15550170001" }
    }
    const again = {
      sent_at: 7,
      data: { to: "15550170001", attempt: 2, collected_digits: 2, status: "speak_successful" },
      external_id: "ns.0123456789abcdefghjk.1.2",
      reference_id: "7A10",
      event: "speak_completed"
    }
    const [one, two] = [first, again].map((json) => Webhook.content(decoded(TelesignWire.decodeWebhook(json))))
    assert.strictEqual(one, two)
  })

  const documented: ReadonlyArray<readonly [object, Webhook.Webhook]> = [
    [
      { event: "incoming_call", reference_id: "c0ffee00-11aa", data: { to: "15550170009", from: "5550170044" } },
      {
        kind: "IncomingCall",
        event: "incoming_call",
        referenceId: "c0ffee00-11aa",
        to: "15550170009",
        from: "5550170044"
      }
    ],
    [
      {
        event: "dial_completed",
        reference_id: "7A10",
        external_id: "visit-8841",
        data: { to: "15550170001", from: "15550170009", status: "answered" }
      },
      {
        kind: "DialCompleted",
        event: "dial_completed",
        referenceId: "7A10",
        externalId: "visit-8841",
        status: "answered",
        to: "15550170001",
        from: "15550170009"
      }
    ],
    [
      { event: "speak_completed", reference_id: "7A10", data: { status: "speak_successful", collected_digits: "2" } },
      { kind: "SpeakCompleted", event: "speak_completed", referenceId: "7A10", status: "speak_successful", digits: "2" }
    ],
    [
      { event: "play_completed", reference_id: "7A10", data: { status: "done", collected_digits: "0#" } },
      { kind: "PlayCompleted", event: "play_completed", referenceId: "7A10", status: "done", digits: "0#" }
    ],
    [
      { event: "call_leg_completed", reference_id: "7A10", data: { to: "15550170077", from: "15550170009" } },
      { kind: "LegCompleted", event: "call_leg_completed", referenceId: "7A10", to: "15550170077", from: "15550170009" }
    ],
    [
      {
        event: "call_completed",
        reference_id: "7A10",
        data: {
          duration: 31,
          created_on_utc: "2026-03-02T14:05:00.120",
          status: "hangup",
          audio_recording_file_name: null,
          to: "15550170001",
          from: "15550170009",
          direction: "outbound"
        }
      },
      {
        kind: "CallCompleted",
        event: "call_completed",
        referenceId: "7A10",
        status: "hangup",
        to: "15550170001",
        from: "15550170009",
        durationSeconds: 31,
        extra: {
          data: { created_on_utc: "2026-03-02T14:05:00.120", audio_recording_file_name: null, direction: "outbound" }
        }
      }
    ]
  ]
  for (const [json, webhook] of documented) {
    it(`reads ${webhook.event}`, () => assert.deepStrictEqual(decoded(TelesignWire.decodeWebhook(json)), webhook))
  }

  it("knows what an event means by its name, and takes what ends like an action for the end of one", () => {
    assert.strictEqual(TelesignWire.kind("recording_completed"), "OtherCompleted")
    for (const name of ["sung", "completed", "call_completed2", "constructor"]) {
      assert.strictEqual(TelesignWire.kind(name), "Unknown")
    }
  })

  const event = (data: unknown, top: object = {}) =>
    decoded(TelesignWire.decodeWebhook({ event: "speak_completed", reference_id: "7A10", data, ...top }))

  it("reads empty, null and absent digits of a prompt alike", () => {
    const silent = { kind: "SpeakCompleted", event: "speak_completed", referenceId: "7A10", digits: "" } as const
    assert.deepStrictEqual(event({ collected_digits: "" }), silent)
    assert.deepStrictEqual(event({ collected_digits: null }), silent)
    assert.deepStrictEqual(event({}), silent)
    assert.deepStrictEqual(event(null), silent)
    assert.deepStrictEqual(event(undefined), silent)
  })

  it("gives digits to other events only if they bring some", () => {
    const json = { event: "incoming_call", reference_id: "7A10", data: { collected_digits: null } }
    assert.deepStrictEqual(decoded(TelesignWire.decodeWebhook(json)), {
      kind: "IncomingCall",
      event: "incoming_call",
      referenceId: "7A10"
    })
    assert.strictEqual(
      decoded(TelesignWire.decodeWebhook({ ...json, event: "new_event", data: { collected_digits: "5" } })).digits,
      "5"
    )
  })

  it("reads a numeric string as a duration and a number as digits", () => {
    assert.strictEqual(event({ duration: "6" }).durationSeconds, 6)
    assert.strictEqual(event({ duration: "6.5" }).durationSeconds, 6.5)
    assert.strictEqual(event({ collected_digits: 12 }).digits, "12")
  })

  it("falls back to the top level for to and from", () => {
    const both = event({ to: "15550170001" }, { to: "15550170002", from: "15550170003" })
    assert.strictEqual(both.to, "15550170001")
    assert.strictEqual(both.from, "15550170003")
    assert.deepStrictEqual(both.extra, { to: "15550170002" })
  })

  it("counts a known field of a senseless type as unknown", () => {
    const webhook = event({ status: 7, duration: "soon", collected_digits: ["1"], to: {} }, {
      external_id: {},
      to: "1555"
    })
    assert.deepStrictEqual(webhook, {
      kind: "SpeakCompleted",
      event: "speak_completed",
      referenceId: "7A10",
      extra: { external_id: {}, to: "1555", data: { status: 7, duration: "soon", collected_digits: ["1"], to: {} } }
    })
  })

  it("keeps an event that is not known, with all of its fields", () =>
    assert.deepStrictEqual(
      decoded(TelesignWire.decodeWebhook({ event: "sung", reference_id: "7", tune: [1], data: { key: "C" } })),
      { kind: "Unknown", event: "sung", referenceId: "7", extra: { tune: [1], data: { key: "C" } } }
    ))

  it("keeps data that is no object", () => assert.deepStrictEqual(event("gone").extra, { data: "gone" }))

  it("leaves out what nests too deep to be written again, and keeps the event", () => {
    const nested = (levels: number) =>
      decoded(TelesignWire.decodeWebhook(
        JSON.parse(`{"event":"x","reference_id":"7","data":{"y":${"[".repeat(levels)}${"]".repeat(levels)}}}`)
      ))
    assert.strictEqual(nested(62).leftOut, undefined)
    assert.deepStrictEqual(nested(63), { kind: "Unknown", event: "x", referenceId: "7", leftOut: 1 })
    assert.deepStrictEqual(nested(30_000), { kind: "Unknown", event: "x", referenceId: "7", leftOut: 1 })
  })

  it("leaves out of a body as long as any what would not fit, and keeps what the call needs", () => {
    const json = {
      event: "speak_completed",
      reference_id: "7A10",
      external_id: "ns.0123456789abcdefghjk.1",
      transcript: "a".repeat(60_000),
      data: { collected_digits: "2", status: "speak_successful", sequence: 3, words: Array(1000).fill("a") }
    }
    assert.deepStrictEqual(decoded(TelesignWire.decodeWebhook(json)), {
      kind: "SpeakCompleted",
      event: "speak_completed",
      referenceId: "7A10",
      externalId: "ns.0123456789abcdefghjk.1",
      digits: "2",
      status: "speak_successful",
      extra: { data: { sequence: 3 } },
      leftOut: 2
    })
  })

  it("ends a call whose duration is absurd, and takes keys that no phone has for none", () => {
    const json = { event: "call_completed", reference_id: "7A10", data: { duration: 1e300, status: "hangup" } }
    assert.deepStrictEqual(decoded(TelesignWire.decodeWebhook(json)), {
      kind: "CallCompleted",
      event: "call_completed",
      referenceId: "7A10",
      status: "hangup",
      leftOut: 1
    })
    const { digits = "", leftOut } = event({ collected_digits: "TIMEOUT" })
    assert.deepStrictEqual([digits, leftOut], ["", 1])
    assert.strictEqual(event({ collected_digits: "1".repeat(129) }).digits ?? "", "")
    assert.strictEqual(event({ collected_digits: "1".repeat(128) }).digits, "1".repeat(128))
  })

  const tooLong: ReadonlyArray<readonly [field: string, json: object]> = [
    ["event", { event: "a".repeat(129), reference_id: "7A10" }],
    ["event", { event: "sung\u0000", reference_id: "7A10" }],
    ["reference_id", { event: "incoming_call", reference_id: "ab".repeat(1400) }],
    ["reference_id", { event: "incoming_call", reference_id: "7A\n10" }]
  ]
  for (const [field, json] of tooLong) {
    it(`refuses an event in words that do not repeat it: ${JSON.stringify(json).slice(0, 40)}`, () => {
      const result = TelesignWire.decodeWebhook(json)
      assert(Result.isFailure(result) && result.failure.reason._tag === "OutOfBounds")
      assert.strictEqual(result.failure.reason.field, field)
      assert.match(result.failure.message, new RegExp(`^This event cannot be taken: ${field} has to be a text`))
      assert.notMatch(result.failure.message, /aaa|abab|sung/)
    })
  }

  it("is not led astray by fields named like those of every object", () => {
    const json = JSON.parse(
      `{"event":"x","reference_id":"7","__proto__":{"status":"a"},"constructor":1,"data":{"__proto__":{"to":"1"},"toString":2}}`
    )
    const webhook = decoded(TelesignWire.decodeWebhook(json))
    assert.strictEqual(webhook.status, undefined)
    assert.strictEqual(webhook.to, undefined)
    assert.deepStrictEqual(TelesignWire.encodeWebhook(webhook), json)
  })

  for (
    const json of [
      undefined,
      null,
      "dial_completed",
      [],
      {},
      { event: "dial_completed" },
      { reference_id: "7A10" },
      { event: "", reference_id: "7A10" },
      { event: "dial_completed", reference_id: "" },
      { event: "dial_completed", reference_id: 7 },
      { event: ["dial_completed"], reference_id: "7A10" }
    ]
  ) {
    it(`does not take ${JSON.stringify(json)} for an event`, () =>
      assert.strictEqual(reasonOf(TelesignWire.decodeWebhook(json))?._tag, "NotAnEvent"))
  }

  const Field = Schema.optionalKey(Schema.Union([Schema.Json, Schema.String, Schema.Finite, Schema.Null]))
  const Body = Schema.Struct({
    event: Schema.Union([
      Schema.Literals(["incoming_call", "dial_completed", "speak_completed", "play_completed", "call_completed"]),
      Schema.String.check(Schema.isPattern(/^[a-z_]{1,20}$/))
    ]),
    reference_id: Schema.String.check(Schema.isPattern(/^[0-9A-Z-]{1,36}$/)),
    external_id: Field,
    to: Field,
    from: Field,
    status: Field,
    colour: Field,
    data: Schema.Union([
      Schema.Struct({
        status: Field,
        collected_digits: Field,
        to: Field,
        from: Field,
        duration: Field,
        direction: Field,
        event: Field
      }),
      Schema.Json
    ])
  })

  it.prop("comes back unchanged from every body that encodeWebhook makes of it", [Body], ([body]) => {
    const webhook = decoded(TelesignWire.decodeWebhook(body))
    if (webhook.leftOut !== undefined) return
    assert.deepStrictEqual(decoded(TelesignWire.decodeWebhook(TelesignWire.encodeWebhook(webhook))), webhook)
  }, { arbitrary: { runs: 500 } })

  it.prop("loses no field on the way through", [Body], ([body]) => {
    const webhook = decoded(TelesignWire.decodeWebhook(body))
    if (webhook.leftOut !== undefined) return
    const json = TelesignWire.encodeWebhook(webhook) as typeof body
    assert.deepStrictEqual(json.colour, body.colour)
    assert.deepStrictEqual(json.status, body.status)
    if (Schema.is(Body.fields.data.members[0])(body.data) && !Array.isArray(body.data)) {
      const data = json.data as typeof body.data
      assert.deepStrictEqual(data.direction, body.data.direction)
      assert.deepStrictEqual(data.event, body.data.event)
    }
  }, { arbitrary: { runs: 500 } })

  it.prop("never throws, whatever the JSON", [Schema.Json], ([json]) => {
    TelesignWire.decodeWebhook(json)
    TelesignWire.decodeAction(json)
  })
})

describe("decodeResponse", () => {
  const receivedAt = Date.UTC(2026, 2, 2, 14, 5, 0)
  const respond = (httpStatus: number, body: unknown, retryAfter?: string) =>
    Result.merge(
      TelesignWire.decodeResponse({
        httpStatus,
        body: typeof body === "string" ? body : JSON.stringify(body),
        retryAfter,
        receivedAt
      })
    )
  const tagOf = (answer: ReturnType<typeof respond>) => "_tag" in answer ? answer._tag : "Accepted"

  it("accepts a 202 with a reference_id", () => {
    assert.deepStrictEqual(respond(202, { reference_id: "7A10", status: "dial_accepted" }), { referenceId: "7A10" })
    assert.deepStrictEqual(respond(202, { reference_id: "7A10", status: "queued", more: 1 }), { referenceId: "7A10" })
  })

  for (
    const body of [
      "",
      "{",
      "[]",
      "null",
      "\"ok\"",
      "<html>",
      "{}",
      { reference_id: "" },
      { reference_id: 7 },
      { reference_id: "ab".repeat(1500) },
      { reference_id: "7A10\u0000" },
      { reference_id: "7A\r\n10" }
    ]
  ) {
    it(`counts a 202 with ${JSON.stringify(body).slice(0, 40)} as lost, for the phone may ring`, () =>
      assert.strictEqual(tagOf(respond(202, body)), "Lost"))
  }

  const obstacles: { readonly [status: string]: CallEvent.Obstacle } = {
    caller_id_number_not_owned: "caller id",
    caller_id_number_not_provided: "caller id",
    credentials_not_provided: "credentials",
    not_authorized: "credentials"
  }
  for (const [httpStatus, statuses] of Object.entries(TelesignWire.refusals)) {
    for (const status of statuses) {
      const obstacle = obstacles[status]
      it(`counts ${httpStatus} ${status} as ${obstacle === undefined ? "refused" : `in the way of others: ${obstacle}`}`, () =>
        assert.deepStrictEqual(
          respond(Number(httpStatus), { reference_id: "7A10", status }),
          obstacle === undefined
            ? new Transport.Refused({ status })
            : new Transport.NotSent({ problem: `HTTP ${httpStatus}: ${status}`, obstacle })
        ))
    }
  }

  it("counts a refusal under a number that is not documented for it as lost", () => {
    assert.strictEqual(tagOf(respond(200, { status: "not_authorized" })), "Lost")
    assert.strictEqual(tagOf(respond(403, { status: "not_authorized" })), "Lost")
    assert.strictEqual(tagOf(respond(400, { status: "to_number_blocked_by_country" })), "Lost")
  })

  it("counts a 200 that says accepted as lost", () =>
    assert.strictEqual(tagOf(respond(200, { reference_id: "7A10", status: "dial_accepted" })), "Lost"))

  const undocumented = ["", "<html>", "[]", "{}", { status: "new_status" }, { status: 7 }, {
    status: ["not_authorized"]
  }, { reference_id: "7A10", status: "dial_accepted" }]
  for (const body of undocumented) {
    for (const httpStatus of [200, 400]) {
      it(`counts a ${httpStatus} with ${JSON.stringify(body)} as lost`, () =>
        assert.strictEqual(tagOf(respond(httpStatus, body)), "Lost"))
    }

    it(`counts a 401 with ${JSON.stringify(body)} as not sent, and as an obstacle`, () =>
      assert.deepStrictEqual(
        respond(401, body),
        new Transport.NotSent({ problem: "HTTP 401: no documented status", obstacle: "credentials" })
      ))
  }

  for (
    const httpStatus of [0, 100, 201, 204, 301, 302, 307, 308, 402, 403, 404, 405, 408, 409, 415, 500, 502, 503, 504]
  ) {
    it(`counts a ${httpStatus} as lost, whatever its body and headers say`, () =>
      assert.strictEqual(tagOf(respond(httpStatus, { reference_id: "7A10", status: "dial_accepted" }, "5")), "Lost"))
  }

  it("counts a 429 as throttled, JSON or not", () => {
    const notSent = new Transport.NotSent({ problem: "HTTP 429: too many requests", throttled: true })
    assert.deepStrictEqual(respond(429, { status: "rate_limit_exceeded" }), notSent)
    assert.deepStrictEqual(respond(429, "slow down"), notSent)
  })

  const retries: ReadonlyArray<readonly [string, number | undefined]> = [
    ["7", 7000],
    ["0", 0],
    ["Mon, 02 Mar 2026 14:06:30 GMT", 90_000],
    ["Mon, 02 Mar 2026 14:00:00 GMT", 0],
    ["-7", undefined],
    ["soon", undefined],
    ["2026-03-02", undefined],
    ["Mon, 99 Foo 2026 14:06:30 GMT", undefined],
    ["3600", 3_600_000],
    ["3601", 3_600_000],
    ["999999999", 3_600_000],
    ["99999999999", 3_600_000],
    ["Mon, 02 Mar 2058 14:06:30 GMT", 3_600_000],
    ["9".repeat(16), undefined]
  ]
  for (const [header, millis] of retries) {
    it(`reads Retry-After: ${header} as ${millis === undefined ? "nothing" : `${millis} ms`}`, () => {
      const answer = respond(429, "", header)
      assert("_tag" in answer && answer._tag === "NotSent")
      assert.strictEqual(answer.retryAfterMillis, millis)
    })
  }

  it("repeats a foreign status only if it cannot hold a number", () => {
    const problem = (status: string) => JSON.stringify(respond(400, { status }))
    assert.include(problem("to_number_is_asleep"), "to_number_is_asleep")
    assert.notInclude(problem("bad number 15550170001"), "15550170001")
    assert.notInclude(problem("a".repeat(65)), "aaa")
  })

  it.prop(
    "accepts nothing but a 202",
    [Schema.Int, Schema.Json],
    ([httpStatus, body]) => httpStatus === 202 || tagOf(respond(httpStatus, JSON.stringify(body))) !== "Accepted"
  )
})
