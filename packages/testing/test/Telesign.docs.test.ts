import { assert, describe, it } from "@effect/vitest"
import type { Webhook } from "@ringback/core"
import { type Action, CallEvent, PhoneNumber } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { PhoneLine } from "@ringback/testing"
import { Result, Struct } from "effect"
import { readFileSync } from "node:fs"

const page = readFileSync(new URL("../../../docs/telesign.md", import.meta.url), "utf8")

/** The cells of all tables under a heading, row by row. */
const rowsOf = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [section] = page.split(`\n## ${heading}\n`)[1]!.split("\n## ")
  return section!.split("\n").filter((line) => /^\| (?!---)/.test(line)).map((line) =>
    line.slice(1, -1).split("|").map((cell) => cell.trim())
  )
}

/** What stands between backticks in one column of the tables under a heading. */
const named = (heading: string, column: number): ReadonlyArray<string> =>
  rowsOf(heading).flatMap((row) => Array.from((row[column] ?? "").matchAll(/`([^`]+)`/g), ([, word]) => word!))

const [to, from] = [PhoneNumber.make("15550170001"), PhoneNumber.make("15550170009")]

/** Each action with all that it can carry, but what only an account's documents name. A new one does not compile until it is here. */
const full: {
  readonly [Tag in Exclude<Action.Action["_tag"], "Raw">]: Extract<Action.Action, { readonly _tag: Tag }>
} = {
  Dial: { _tag: "Dial", to, from, maxCallDurationSeconds: 60, sendDtmf: "1", externalId: "visit-8841" },
  Speak: { _tag: "Speak", text: "Hello.", language: "en-US", collect: { max: 1 }, externalId: "visit-8841" },
  Play: {
    _tag: "Play",
    url: "https://media.example.net/a.wav",
    millis: 1,
    collect: { max: 1 },
    externalId: "visit-8841"
  },
  SendDtmf: { _tag: "SendDtmf", tones: "1" },
  Hangup: { _tag: "Hangup" }
}

const envelopes = Object.values(full).map((action) =>
  Result.getOrThrow(TelesignWire.encodeAction(action, { sendDtmfParameter: "tones" }))
)

/** The names of parameters, those inside of others with a dot before them. */
const parametersOf = (params: object, before: string): ReadonlyArray<string> =>
  Object.entries(params).flatMap(([name, value]) =>
    typeof value === "object" ? parametersOf(value, `${before}.${name}`) : [`${before}.${name}`]
  )

/** Every word of an event's kind that is not the open one. A new kind is a compile error until it stands here. */
const events: Record<Exclude<Webhook.Kind, "OtherCompleted" | "Unknown">, string> = {
  IncomingCall: "incoming_call",
  DialCompleted: "dial_completed",
  SpeakCompleted: "speak_completed",
  PlayCompleted: "play_completed",
  LegCompleted: "call_leg_completed",
  CallCompleted: "call_completed"
}

describe("docs/telesign.md", () => {
  it("has a row for each action", () => {
    for (const { method } of envelopes) assert.include(named("Actions", 0), method)
  })

  it("has a row for each parameter that is sent", () => {
    const parameters = envelopes.filter(({ method }) => method !== "send_dtmf").flatMap(({ method, params }) =>
      parametersOf(params, method)
    )
    for (const parameter of parameters) assert.include(named("Actions", 0), parameter)
  })

  it("has a row for each event that means something to a call, and for no other", () => {
    for (const [kind, event] of Object.entries(events)) assert.strictEqual(TelesignWire.kind(event), kind)
    assert.deepStrictEqual(named("Events", 0).filter((name) => !name.startsWith("data.")), Object.values(events))
  })

  it("names what is recorded of each event, and of each answer to a dial", () => {
    const told = [...named("Events", 2), ...named("Responses", 3)]
    const came = Struct.keys(CallEvent.CallEvent.cases).filter((tag) =>
      "content" in CallEvent.CallEvent.cases[tag].fields
    )
    const answered = ["DialAccepted", "DialRefused", "DialNotSent", "DialUnknown"] as const satisfies ReadonlyArray<
      CallEvent.CallEvent["_tag"]
    >
    for (const tag of [...came, "SecondLine", ...answered]) assert.include(told, tag)
  })

  it("has a row for each status of a response, with its HTTP status", () => {
    const rows = rowsOf("Responses").map(([http, status]) => `${http} ${status}`)
    for (const [http, statuses] of Object.entries(TelesignWire.refusals)) {
      for (const status of statuses) assert.include(rows, `${http} \`${status}\``)
    }
  })

  it("names each field of an event that is read or written", () => {
    const line = PhoneLine.dial({
      referenceId: "a",
      action: full.Dial,
      callee: { reach: { _tag: "Answers", afterMillis: 0 }, steps: [] },
      now: 0
    })
    const [ended] = PhoneLine.hangUp(PhoneLine.elapse(line, 100).line, 100).webhooks
    const { data } = TelesignWire.encodeWebhook({ ...ended!, digits: "1" }) as { readonly data: object }
    for (const field of Object.keys(data)) assert.include(named("Events", 0), `data.${field}`)
  })
})
