import { assert, describe, it } from "@effect/vitest"
import { CallEvent, Webhook } from "@ringback/core"
import { Result, Schema } from "effect"

const spoken = { kind: "SpeakCompleted", event: "speak_completed", referenceId: "7A10" } as const

const bounded = (webhook: object) => Result.getOrThrow(Webhook.bounded(webhook as Webhook.Webhook))

const problemOf = (webhook: object) => {
  const result = Webhook.bounded(webhook as Webhook.Webhook)
  return Result.isFailure(result) ? result.failure.field : undefined
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length

const nested = (levels: number): unknown => levels === 0 ? 1 : [nested(levels - 1)]

describe("a webhook within its bounds", () => {
  const usual: ReadonlyArray<Webhook.Webhook> = [
    spoken,
    { ...spoken, externalId: "ab12cd34.0123456789abcdefghjk.12", status: "speak_successful", digits: "" },
    { ...spoken, digits: "0123456789*#ABCD", to: "15550170009", from: "Ärzte <sip:anonymous@example.net>" },
    {
      kind: "CallCompleted",
      event: "call_completed",
      referenceId: "c0ffee00-11aa-4b2c-9d3e-5f60718293a4",
      durationSeconds: 31.5
    },
    { ...spoken, extra: { direction: null, data: { answered_on_utc: "2026-03-02T14:05:09.480", legs: [{ n: 1 }] } } },
    {
      kind: "Unknown",
      event: "x".repeat(128),
      referenceId: "é".repeat(255),
      digits: "1".repeat(128),
      durationSeconds: 0
    }
  ]
  for (const webhook of usual) {
    it(`is left as it is: ${JSON.stringify(webhook).slice(0, 80)}`, () => assert.strictEqual(bounded(webhook), webhook))
  }
})

describe("a webhook without a usable name or session", () => {
  const texts: ReadonlyArray<unknown> = [
    "",
    "a".repeat(256),
    "a\u0000b",
    "a\nb",
    "a\u0085b",
    "\ud83d",
    7,
    null,
    {},
    undefined
  ]
  for (const text of texts) {
    it(`is refused: ${JSON.stringify(text)?.slice(0, 20)}`, () => {
      assert.strictEqual(problemOf({ ...spoken, event: text }), "event")
      assert.strictEqual(problemOf({ ...spoken, referenceId: text }), "referenceId")
    })
  }

  it("is refused if it is of no kind, as from JavaScript", () => {
    const result = Webhook.bounded({ event: "dial_completed", referenceId: "7" } as never)
    assert(Result.isFailure(result))
    assert.match(result.failure.message, /its kind has to be one of IncomingCall, DialCompleted/)
  })

  it("is refused in words, which do not repeat it", () => {
    const result = Webhook.bounded({ kind: "Unknown", event: "1555017\n", referenceId: "7" })
    assert(Result.isFailure(result))
    assert.match(result.failure.message, /event has to be a text of 1 to 128 characters/)
    assert.notInclude(result.failure.message, "1555017")
  })
})

describe("a field that is out of bounds", () => {
  const fields: ReadonlyArray<readonly [keyof Webhook.Webhook, ReadonlyArray<unknown>]> = [
    ["externalId", ["", "a".repeat(256), "a\u0000", 7, {}]],
    ["status", ["a".repeat(129), "a\tb", "\udc00", 7, null]],
    ["digits", ["1".repeat(129), "TIMEOUT", " 12", "१२", "+1", 12]],
    ["to", ["1".repeat(129), "1\u007f", 15550170009]],
    ["from", ["1".repeat(129), "1\u001b[0m", ["1"]]],
    ["durationSeconds", [-1, Number.NaN, Infinity, 1e9, "31"]],
    ["extra", ["text", 7, null, ["a"], new Date(0), new Map()]]
  ]
  for (const [field, values] of fields) {
    for (const value of values) {
      it(`is left out and counted, and the event goes on: ${field} ${JSON.stringify(value)?.slice(0, 20)}`, () =>
        assert.deepStrictEqual(bounded({ ...spoken, status: "s", [field]: value }), {
          ...spoken,
          ...(field === "status" ? {} : { status: "s" }),
          leftOut: 1
        }))
    }
  }

  it("counts with the others", () =>
    assert.strictEqual(bounded({ ...spoken, digits: "x", to: "\n", extra: { a: nested(64) }, leftOut: 2 }).leftOut, 5))
})

describe("unknown fields", () => {
  it("are kept up to 2 KiB as JSON in UTF-8", () => {
    const kept = { ...spoken, extra: { note: "a".repeat(2048 - bytes({ note: "" }) - 1) } }
    assert.strictEqual(bounded(kept), kept)
    assert.deepStrictEqual(bounded({ ...spoken, extra: { note: "é".repeat(1100) } }), { ...spoken, leftOut: 1 })
    assert.deepStrictEqual(bounded({ ...spoken, extra: { note: "\u0001".repeat(400) } }), { ...spoken, leftOut: 1 })
  })

  it("are left out from the largest on, so that an id is not displaced by a transcript", () => {
    const webhook = {
      ...spoken,
      extra: {
        transcript: "a".repeat(60_000),
        sent_at: 7,
        data: { event_id: "e-1", words: Array.from({ length: 3000 }, () => "word"), leg: { n: 1 } }
      }
    }
    const left = bounded(webhook)
    assert.deepStrictEqual(left, {
      ...spoken,
      extra: { sent_at: 7, data: { event_id: "e-1", leg: { n: 1 } } },
      leftOut: 2
    })
    assert.strictEqual(Webhook.identity(left, "event_id"), "e-1")
  })

  it("of thousands keep those that fit", () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`field_${n}`, n]))
    const left = bounded({ ...spoken, extra: many })
    assert.isAbove(Object.keys(left.extra ?? {}).length, 80)
    assert.strictEqual(Object.keys(left.extra ?? {}).length + (left.leftOut ?? 0), 5000)
    assert.isAtMost(bytes(left.extra), 2048)
  })

  it("are left out if they nest too deep, or are no JSON, and the others stay", () => {
    const cycle: Record<string, unknown> = {}
    cycle["one"] = cycle["two"] = [cycle, cycle]
    for (const value of [nested(64), nested(2000), cycle, 1n, Infinity, undefined, () => 1, new Date(0), [new Map()]]) {
      assert.deepStrictEqual(bounded({ ...spoken, extra: { value, colour: "red", data: { value } } }), {
        ...spoken,
        extra: { colour: "red" },
        leftOut: 2
      })
    }
    assert.strictEqual(bounded({ ...spoken, extra: { data: { y: nested(62) } } }).leftOut, undefined)
    assert.strictEqual(bounded({ ...spoken, extra: { data: { y: nested(63) } } }).leftOut, 1)
  })

  it("are not led astray by fields named like those of every object", () => {
    const extra = JSON.parse(`{"__proto__":{"a":1},"data":{"__proto__":2,"big":"${"a".repeat(3000)}"}}`)
    const left = bounded({ ...spoken, extra })
    assert.strictEqual(JSON.stringify(left.extra), `{"__proto__":{"a":1},"data":{"__proto__":2}}`)
    assert.strictEqual(left.leftOut, 1)
  })
})

const Anything = Schema.Union([
  Schema.Json,
  Schema.String,
  Schema.Number,
  Schema.String.check(Schema.isPattern(/^[0-9*#]{0,140}$/)),
  Schema.Record(Schema.String, Schema.Union([Schema.Json, Schema.Literal("a".repeat(1500))]))
])

const Reported = Schema.Struct({
  event: Schema.Union([Schema.Literals(["incoming_call", "dial_completed", "speak_completed"]), Anything]),
  referenceId: Schema.Union([Schema.String.check(Schema.isMinLength(1)), Anything]),
  externalId: Schema.optionalKey(Anything),
  status: Schema.optionalKey(Anything),
  digits: Schema.optionalKey(Anything),
  to: Schema.optionalKey(Anything),
  from: Schema.optionalKey(Anything),
  durationSeconds: Schema.optionalKey(Anything),
  extra: Schema.optionalKey(Anything)
})

describe("whatever comes", () => {
  it.prop("is refused, or within bounds, by which nothing is left out a second time", [Reported], ([reported]) => {
    const result = Webhook.bounded(reported as Webhook.Webhook)
    if (Result.isFailure(result)) return
    const webhook = result.success
    assert.strictEqual(bounded(webhook), webhook)
    assert.isAtMost(bytes(webhook.extra ?? {}), 2048)
    assert.isBelow(bytes(Webhook.content(webhook)), 4096)
  }, { arbitrary: { runs: 200 } })

  it.prop("can be recorded and read back as it is", [Reported], ([reported]) => {
    const result = Webhook.bounded(reported as Webhook.Webhook)
    if (Result.isFailure(result)) return
    const { digits = "", durationSeconds, event, extra, referenceId, status } = result.success
    const more = { content: Webhook.content(result.success), ...(extra === undefined ? {} : { extra }) }
    const withStatus = { ...more, ...(status === undefined ? {} : { status }) }
    const facts: ReadonlyArray<CallEvent.CallEvent> = [
      { _tag: "PromptCompleted", at: 1, line: 1, n: 1, digits, ...withStatus },
      { _tag: "Stray", at: 1, line: 1, event, hungUp: false, ...more },
      {
        _tag: "CallEnded",
        at: 1,
        line: 1,
        referenceId,
        ...withStatus,
        ...(durationSeconds === undefined ? {} : { durationSeconds })
      }
    ]
    const text = CallEvent.encode(facts)
    assert.deepStrictEqual(JSON.parse(CallEvent.encode(CallEvent.decode(text))), JSON.parse(text))
  }, { arbitrary: { runs: 200 } })
})

describe("the name of an event", () => {
  it("is shown if it is one that cannot hold a number, and else not", () => {
    assert.strictEqual(Webhook.shown(spoken), "speak_completed")
    for (const event of ["Call 15550170001", "a".repeat(65), "a\nb", "speak_completed2", ""]) {
      assert.strictEqual(Webhook.shown({ ...spoken, event }), "not shown")
    }
  })
})
