/**
 * What happens to a webhook, whichever server it came in by: it is verified, decoded, handed to the engine, answered, and
 * counted.
 */
import { Calls } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import { Effect, Metric, Result } from "effect"
import type { Context, Redacted } from "effect"
import { Headers } from "effect/http"
import * as TelesignAuth from "../TelesignAuth.ts"
import * as TelesignWire from "../TelesignWire.ts"

/** What has to be known of webhooks beside where they come in. */
export interface Options extends TelesignWire.Options {
  readonly verify?: { readonly apiKey: Redacted.Redacted; readonly required: boolean } | undefined
}

/** What came in. */
export type Body = Uint8Array<ArrayBuffer>

/** An answer: its status, and JSON. A class, because many are made, and wait until they are written. */
export class Answer {
  readonly status: number
  readonly text: string
  /** To be told, once, whether the carrier took the whole of it. */
  readonly sent: Calls.Reply["sent"] | undefined
  constructor(status: number, text: string, sent?: Calls.Reply["sent"]) {
    this.status = status
    this.text = text
    this.sent = sent
  }
}

const refusal = (status: number, error: string) => new Answer(status, JSON.stringify({ error }))

const rejections = {
  unauthorized: refusal(401, "The signature is missing or wrong"),
  too_large: refusal(413, "The body is too large"),
  unreadable: refusal(400, "The body could not be read"),
  not_json: refusal(400, "The body is not JSON"),
  not_an_event: refusal(400, "The body is not an event: it needs event and reference_id")
}

/** Why something is not a webhook. */
export type Rejection = keyof typeof rejections

/** Answers webhooks. */
export interface Desk {
  /** The answer to what came in. From the moment at which it is decoded, not to be interrupted. */
  readonly answer: (headers: Headers.Input, body: Body) => Effect.Effect<Answer>
  readonly reject: (rejection: Rejection) => Answer
}

// A webhook is paid for in garbage as much as in steps. So on its way it passes values, not errors, and what can be made
// once is made with the desk.

/** Opens a desk. */
export const make = Effect.fnUntraced(
  function*(options: Options): Effect.fn.Return<Desk, TelesignAuth.InvalidApiKey, Calls.Calls> {
    const isTrusted = options.verify === undefined ? undefined : yield* verifier(options.verify)
    const count = counter(yield* Effect.context<never>())
    const ask = asker(yield* Calls.Calls, options, count)

    const reject = (rejection: Rejection): Answer => {
      count("unread", rejection)
      return rejections[rejection]
    }
    const decoded = (body: Body): Effect.Effect<Answer> => {
      const webhook = decode(body)
      return typeof webhook === "string" ? Effect.succeed(reject(webhook)) : ask(webhook)
    }
    return {
      reject,
      answer: isTrusted === undefined
        ? (_, body) => decoded(body)
        : (headers, body) =>
          Effect.flatMap(
            isTrusted(headers, body),
            (trusted) => trusted ? decoded(body) : Effect.succeed(reject("unauthorized"))
          )
    }
  }
)

/** Makes what tells whether a body is signed as it should be. */
const verifier = Effect.fnUntraced(function*({ apiKey, required }: NonNullable<Options["verify"]>) {
  const auth = yield* TelesignAuth.make(apiKey)
  return (headers: Headers.Input, body: Body) =>
    Effect.map(
      auth.verify(Headers.fromInput(headers), body),
      (verdict) => verdict === "valid" || (verdict === "missing" && !required)
    )
})

const decoder = new TextDecoder()

const decode = (body: Body): Webhook.Webhook | Rejection => {
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(body))
  } catch {
    return "not_json"
  }
  const webhook = TelesignWire.decodeWebhook(parsed)
  return Result.isSuccess(webhook) ? webhook.success : "not_an_event"
}

const unavailable = new Answer(503, "{}")

const hangup = new Answer(200, JSON.stringify({ method: "hangup", params: {} }))

/** Makes what hands an event to the engine, and writes its reply down. */
const asker = (calls: Calls.Calls["Service"], options: Options, count: Count) => {
  const toAnswer = ({ event }: Webhook.Webhook, { action, sent }: Calls.Reply): Effect.Effect<Answer> => {
    if (action === undefined) {
      count(event, "nothing")
      return Effect.succeed(new Answer(200, "{}", sent))
    }
    const envelope = TelesignWire.encodeAction(action, options)
    if (Result.isSuccess(envelope)) {
      count(event, "action")
      return Effect.succeed(new Answer(200, JSON.stringify(envelope.success), sent))
    }
    // Nobody could steer the line after no answer, so the callee is not kept on it.
    count(event, "unsayable")
    return Effect.logError(`A call is hung up. ${envelope.failure.message}`).pipe(
      Effect.andThen(sent(false)),
      Effect.as(hangup)
    )
  }
  return (webhook: Webhook.Webhook): Effect.Effect<Answer> =>
    Effect.uninterruptible(
      Effect.matchEffect(calls.receive(webhook), {
        onFailure: (error) => {
          count(webhook.event, "unavailable")
          return Effect.as(Effect.logError(`A webhook was not recorded. ${error.message}`), unavailable)
        },
        onSuccess: (reply) => toAnswer(webhook, reply)
      })
    )
}

// Counting

const knownEvents = [
  "incoming_call",
  "dial_completed",
  "speak_completed",
  "play_completed",
  "call_leg_completed",
  "call_completed",
  "unread"
]

type Outcome = "action" | "nothing" | "unsayable" | "unavailable" | Rejection

type Count = (event: string, result: Outcome) => void

/** Makes what counts webhooks. Names that are not known share one label, so that nobody can fill the memory with metrics. */
const counter = (context: Context.Context<never>): Count => {
  const known = new Map(knownEvents.map((event) => [event, countersOf(event)]))
  const others = countersOf("other")
  return (event, result) => (known.get(event) ?? others)(result).updateUnsafe(1, context)
}

const countersOf = (event: string) => {
  const counters = new Map<Outcome, Metric.Counter<number>>()
  return (result: Outcome): Metric.Counter<number> => {
    const found = counters.get(result)
    if (found !== undefined) return found
    const made = Metric.counter("ringback_webhooks", {
      description: "Webhooks that came in, by event and by what became of them",
      attributes: { event, result },
      incremental: true
    })
    counters.set(result, made)
    return made
  }
}
