import { assert, describe, it } from "@effect/vitest"
import {
  Call,
  CallEvent,
  Calls,
  EventStore,
  Explain,
  Flow,
  Line,
  PhoneNumber,
  Prompt,
  Settings,
  Transport
} from "@ringback/core"
import { Telesign, TelesignWire } from "@ringback/http"
import {
  Cause,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  Option,
  Redacted,
  References,
  Result,
  Schema,
  Stream,
  Tracer
} from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { parties } from "./fixtures/flows.ts"

// Unusual numbers, digits, words, keys and ids go through the whole stack, and nothing that is printed on the way shows them.

const to = PhoneNumber.make("15559130461")
const from = PhoneNumber.make("15559130472")

const canaries = {
  "a number": ["15559130461", "15559130472", "9130461", "9130472"],
  "digits": ["73951846"],
  "words": ["tangerine", "wombat"],
  "a key": ["canary-key", "Q2FuYXJ5S2V5", "canary-customer"],
  "an id": ["CANARYREF"],
  "a line of somebody else's": ["\nERROR forged"]
}

/** What of the canaries a text holds: as it is, or with something between the digits. */
const found = (text: string): ReadonlyArray<string> => {
  const together = text.replaceAll(/(?<=\d)[\s().,/_-]+(?=\d)/g, "")
  return Object.entries(canaries).flatMap(([what, all]) =>
    all.filter((canary) => text.includes(canary) || together.includes(canary)).map((canary) => `${what}: ${canary}`)
  )
}

/** Collects what is printed, with the place where it was. */
class Printed {
  readonly texts: Array<readonly [where: string, text: string]> = []
  readonly spans: Array<Tracer.NativeSpan> = []
  private readonly text = (where: string, text: string) => void this.texts.push([where, text])

  /** Prints a value in every way that a program has. */
  value(where: string, value: unknown): void {
    this.text(`${where}, inspected`, inspect(value, { depth: 30, maxStringLength: null }))
    this.text(`${where}, as JSON`, JSON.stringify(value) ?? "")
    this.text(`${where}, as text`, String(value))
    if (value instanceof Error) this.text(`${where}, its stack`, `${value.message}\n${value.stack}`)
  }

  exit(where: string, exit: Exit.Exit<unknown, unknown>): void {
    if (!Exit.isFailure(exit)) return
    this.value(where, exit)
    this.text(`${where}, its cause`, Cause.pretty(exit.cause))
    for (const reason of exit.cause.reasons) this.value(where, reason)
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isSome(error)) this.value(where, error.value)
  }

  readonly layer = Logger.layer([
    Logger.make((options) => {
      for (const format of [Logger.formatSimple, Logger.formatLogFmt, Logger.formatJson]) {
        this.text("the log", String(format.log(options)))
      }
      this.value("the log", Logger.formatStructured.log(options))
    })
  ])

  readonly tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      this.spans.push(span)
      return span
    }
  })

  /** Every canary that was seen, with where. */
  get leaks(): ReadonlyArray<string> {
    for (const span of this.spans) {
      const { attributes, events, name, status } = span
      this.text("a span", inspect([name, [...attributes], events], { depth: 10 }))
      if (status._tag === "Ended") this.exit("a span", status.exit)
    }
    return [...new Set(this.texts.flatMap(([where, text]) => found(text).map((what) => `${what} in ${where}`)))]
  }
}

const Survey = Flow.make("survey", {
  version: 1,
  input: { ...parties, said: Schema.String },
  output: Schema.String,
  run: ({ said, ...who }) =>
    Flow.gen(function*() {
      const digits = yield* Line.collect(`Say tangerine, ${said}.`, { max: 8 })
      yield* Flow.note("chosen", { digits, said })
      yield* Line.speak(Prompt.ssml(`<speak>${Prompt.escape(said)}</speak>`))
      yield* Flow.signal("ready", Schema.Struct({ code: Schema.Literal("wombat") }), { within: "1 hour" })
      return yield* Flow.activity(
        "look up",
        { success: Schema.String },
        Effect.die(new Error(`no ${to} here, ${digits}`))
      )
    }).pipe(Flow.dial({ ...who, parameters: { events: "https://canary-key.example.net/CANARYREF" } }))
})

const input = { to, from, said: "wombat 73951846" }

type Answer = { readonly status: number; readonly body: string } | { readonly broken: Error }

/** A carrier that answers as it is told to, and remembers the id of the last dial. */
const carrier = (answer: Answer) => {
  const seen = { externalId: "" }
  const client = HttpClient.make((request) =>
    Effect.gen(function*() {
      if (request.body._tag === "Stream") {
        const body = yield* Effect.orDie(Stream.mkString(Stream.decodeText(request.body.stream)))
        seen.externalId = JSON.parse(body).params.external_id
      }
      if ("broken" in answer) {
        const reason = new HttpClientError.TransportError({ request, cause: answer.broken })
        return yield* Effect.fail(new HttpClientError.HttpClientError({ reason }))
      }
      return HttpClientResponse.fromWeb(request, new Response(answer.body, { status: answer.status }))
    })
  )
  return { seen, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const engine = (client: Layer.Layer<HttpClient.HttpClient>) =>
  Calls.layer({ flows: [Survey] }).pipe(
    Layer.provideMerge(EventStore.layerMemory),
    Layer.provide(Telesign.layer({
      customerId: Redacted.make("canary-customer"),
      apiKey: Redacted.make("Q2FuYXJ5S2V5"),
      baseUrl: "http://127.0.0.1"
    })),
    Layer.provide(client)
  )

/** Brings an event in as it travels, and prints what becomes of it. */
const comes = (printed: Printed, json: unknown) =>
  Effect.gen(function*() {
    const webhook = TelesignWire.decodeWebhook(json)
    if (Result.isFailure(webhook)) return printed.value("an event that is none", webhook.failure)
    const answering = yield* Effect.forkChild(Effect.exit(Calls.receive(webhook.success)))
    yield* TestClock.adjust("3 seconds") // for an answer that waits for the flow
    printed.exit("an event", yield* Fiber.join(answering))
  })

/** Prints what is to be had of a call. */
const look = (printed: Printed, id: Calls.Handle<unknown, unknown>["id"]) =>
  Effect.gen(function*() {
    const call = Option.getOrThrow(yield* Calls.get(id))
    const events = yield* Calls.events(id)
    printed.value("a call", call)
    printed.value("its lines", call.lines)
    for (const line of call.lines) printed.value("a line", line)
    printed.value("its events", events)
    for (const event of events) {
      printed.value("an event of a call", event)
      printed.value("an event in words", Explain.event(event))
    }
    printed.value("what a call waits for", Explain.waitingFor(call, Settings.defaults))
  })

const watched = <A, E, R>(run: (printed: Printed) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const printed = new Printed()
    yield* run(printed).pipe(
      Effect.provide(printed.layer),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.withTracer(printed.tracer)
    )
    printed.value("the metrics", yield* Metric.snapshot)
    assert.isAbove(printed.texts.length, 20)
    assert.deepStrictEqual(printed.leaks, [])
  })

describe("nothing that is printed shows what was dialled, pressed or said:", () => {
  it.effect("of a conversation that ends in a throw", () =>
    watched((printed) => {
      const { layer, seen } = carrier({ status: 202, body: `{"reference_id":"CANARYREF-1","status":"dial_accepted"}` })
      return Effect.gen(function*() {
        const call = yield* Calls.start(Survey, input, { key: "canary-key-1" })
        const about = { reference_id: "CANARYREF-1", external_id: seen.externalId }
        const data = { to, from, unknown: "wombat 15559130461" }
        yield* comes(printed, { ...about, event: "dial_completed", data: { ...data, status: "answered" } })
        yield* comes(printed, { ...about, event: "dial_progress_15559130461\nERROR forged", data })
        yield* comes(printed, { ...about, event: "speak_completed", data: { ...data, collected_digits: "73951846" } })
        yield* look(printed, call.id)
        yield* comes(printed, { ...about, event: "speak_completed", data })
        printed.exit("a signal", yield* Effect.exit(call.signal("ready", { code: "tangerine 73951846" })))
        printed.exit(
          "a start",
          yield* Effect.exit(Calls.start(Survey, { ...input, said: "tangerine" }, { key: "canary-key-1" }))
        )
        yield* call.signal("ready", { code: "wombat" })
        printed.exit("an outcome", yield* Effect.exit(call.outcome))
        yield* comes(printed, {
          ...about,
          event: "call_completed",
          data: { ...data, status: "15559130461\nERROR forged" }
        })
        yield* look(printed, call.id)
      }).pipe(Effect.provide(engine(layer)))
    }))

  it.effect("of a callee who is not reached, in words of the carrier's", () =>
    watched((printed) => {
      const { layer, seen } = carrier({ status: 202, body: `{"reference_id":"CANARYREF-2"}` })
      return Effect.gen(function*() {
        const call = yield* Calls.start(Survey, input)
        yield* comes(printed, {
          event: "dial_completed",
          reference_id: "CANARYREF-2",
          external_id: seen.externalId,
          data: { to, from, status: "busy 15559130461\nERROR forged 73951846" }
        })
        printed.exit("an outcome", yield* Effect.exit(call.outcome))
        yield* look(printed, call.id)
      }).pipe(Effect.provide(engine(layer)))
    }))

  const answers: Readonly<Record<string, Answer>> = {
    "a refusal": { status: 400, body: `{"status":"invalid_phone_number","message":"15559130461"}` },
    "a status that is not documented": { status: 400, body: `{"status":"15559130461\\nERROR forged"}` },
    "credentials that are not accepted": { status: 401, body: `{"status":"not_authorized"}` },
    "throttling": { status: 429, body: "15559130461" },
    "no JSON": { status: 202, body: "CANARYREF tangerine" },
    "a break": { broken: new Error("to 15559130461 with Q2FuYXJ5S2V5\nERROR forged") }
  }
  for (const [what, answer] of Object.entries(answers)) {
    it.effect(`of a dial that meets ${what}`, () =>
      watched((printed) => {
        const { layer } = carrier(answer)
        return Effect.gen(function*() {
          const call = yield* Calls.start(Survey, input)
          yield* look(printed, call.id)
          yield* call.cancel
          printed.exit("an outcome", yield* Effect.exit(call.outcome))
          yield* look(printed, call.id)
        }).pipe(Effect.provide(engine(layer)))
      }))
  }

  it.effect("of what is wrong from the start", () =>
    watched((printed) => {
      const { layer } = carrier({ status: 202, body: "{}" })
      return Effect.gen(function*() {
        printed.exit("a start", yield* Effect.exit(Calls.start(Survey, { ...input, to: "+1 555 913 0461" as never })))
        printed.exit("a start", yield* Effect.exit(Calls.start(Survey, { ...input, said: 73951846 as never })))
        for (
          const json of [
            { event: "tangerine".repeat(50), reference_id: "CANARYREF" },
            { event: "15559130461\nERROR forged", reference_id: "CANARYREF-3", data: { to, from } },
            { event: "incoming_call", reference_id: "CANARYREF-4", data: { to: from, from: to } },
            { event: "speak_completed", reference_id: "CANARYREF\n".repeat(99) }
          ]
        ) {
          yield* comes(printed, json)
        }
        for (
          const json of [{ method: "call 15559130461\nERROR forged" }, { method: "dial", params: { to: "tangerine" } }]
        ) {
          printed.value("an action that is none", Result.merge(TelesignWire.decodeAction(json)))
        }
        const wrong: ReadonlyArray<() => unknown> = [
          () => PhoneNumber.make("+1 555 913 0461"),
          () => Prompt.ssml("<speak>tangerine <wombat</speak>")
        ]
        for (const make of wrong) {
          printed.exit("a value that is none", yield* Effect.exit(Effect.sync(make)))
        }
        printed.value(
          "a failure to send",
          new Transport.TransportError({
            reason: new Transport.Refused({ status: "invalid_phone_number" })
          })
        )
      }).pipe(Effect.provide(engine(layer)))
    }))

  it.effect("but what is asked for by name is whole", () => {
    const { layer } = carrier({ status: 202, body: `{"reference_id":"CANARYREF-5"}` })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Survey, input)
      const events = yield* Calls.events(call.id)
      assert.deepStrictEqual(CallEvent.decode(CallEvent.encode(events)), events)
      assert.strictEqual(Option.getOrThrow(yield* Calls.get(call.id)).lines[0]?.to, to)
      assert.deepStrictEqual(Call.fold(call.id, events), Option.getOrThrow(yield* Calls.get(call.id)))
    }).pipe(Effect.provide(engine(layer)))
  })
})
