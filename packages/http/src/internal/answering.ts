/**
 * From the bytes and headers of a webhook to its answer, whichever door it came in by: it is verified, decoded, handed to the
 * engine, answered, and counted. A door only reads and writes.
 */
import { Webhook } from "@ringback/core"
import type { Calls, EventStore, Reply } from "@ringback/core"
import { ByteSize, Cause, Effect, Exit, Option, Result } from "effect"
import type { Context, Metric } from "effect"
import { Headers } from "effect/http"
import type * as TelesignAuth from "../TelesignAuth.ts"
import * as TelesignMetrics from "../TelesignMetrics.ts"
import * as TelesignWire from "../TelesignWire.ts"
import * as Admission from "./admission.ts"

/** What has to be known of webhooks beside the path that they come in by. */
export interface Options extends TelesignWire.Options {
  readonly verify?: Admission.Verification | undefined
  readonly maxBodySize?: ByteSize.Input | undefined
}

/** What came in. */
export type Body = Uint8Array<ArrayBuffer>

/** An answer: its status, and JSON. A class, because many are made, and wait until they are written. */
export class Answer {
  readonly status: number
  readonly text: string
  /** To be told, once, whether the carrier took the whole of it. */
  readonly sent: Reply.Reply["sentUnsafe"]
  /** The call that it is for, if that is known. */
  readonly call: Reply.Reply["call"]
  constructor(
    status: number,
    text: string,
    sent: Reply.Reply["sentUnsafe"] = () => undefined,
    call?: Reply.Reply["call"]
  ) {
    this.status = status
    this.text = text
    this.sent = sent
    this.call = call
  }
  /** Whoever sent too much may still be sending, so nothing more is read from there. */
  get headers(): { readonly [name: string]: string } {
    return this.status === 413 ? closing : plain
  }
}

const plain = { "content-type": "application/json" }

const closing = { ...plain, connection: "close" }

const refusal = (status: number, error: string) => new Answer(status, JSON.stringify({ error }))

const rejections: { readonly [R in TelesignMetrics.Rejection]: Answer } = {
  unsigned: refusal(401, "The signature is missing"),
  wrong_signature: refusal(401, "The signature is wrong"),
  malformed_signature: refusal(401, "The signature is malformed"),
  doubled_signature: refusal(401, "There are two signatures in one header"),
  unverified: refusal(401, "The webhook is not accepted"),
  too_large: refusal(413, "The body is too large"),
  unreadable: refusal(400, "The body could not be read"),
  not_json: refusal(400, "The body is not JSON"),
  not_an_event: refusal(400, "The body is not an event: it needs event and reference_id"),
  out_of_bounds: refusal(
    400,
    `The event cannot be taken: event has to be a text of 1 to ${Webhook.limits.event} characters and reference_id of 1 to ` +
      `${Webhook.limits.id}, none of them a control character`
  )
}

/** Why there is no body. */
export type Unread = "too_large" | "unreadable"

/** Answers webhooks. */
export interface Answering {
  /** So many bytes of a body are read at most. */
  readonly limit: number
  /** Answers what came in, by a callback: nearly every answer costs no fiber so. Nobody can call it off. */
  readonly answer: (headers: () => Headers.Input, body: Body | Unread, tell: (answer: Answer) => void) => void
}

/** Takes a webhook in, as an engine does. */
export type Receive = Calls.Calls["Service"]["receiveUnsafe"]

type Failure = Webhook.OutOfBounds | EventStore.StoreError

type Received = Exit.Exit<Reply.Reply, Failure>

// A webhook is paid for in garbage as much as in steps. So on its way it passes values, not errors, and what can be made
// once is made before.

/** Makes what answers webhooks with what `receive` makes of them. */
export const make = Effect.fnUntraced(
  function*(
    receive: Receive,
    options: Options
  ): Effect.fn.Return<Answering, TelesignAuth.InvalidApiKey, TelesignAuth.Account> {
    const context = yield* Effect.context<never>()
    const fork = Effect.runForkWith(context)
    const count = counter(context)
    const check = yield* Admission.make(options.verify ?? "required")

    const reject = (rejection: TelesignMetrics.Rejection): Answer => {
      count("unread", rejection)
      return rejections[rejection]
    }

    const admitted = (body: Body, tell: (answer: Answer) => void): void => {
      const webhook = decode(body)
      if (typeof webhook === "string") return tell(reject(webhook))
      let isAnswered = false
      const once = (reply: Received) => {
        if (isAnswered) return
        isAnswered = true
        tell(toAnswer(webhook, reply))
      }
      try {
        receive(webhook, once)
      } catch (defect) {
        once(Exit.die(defect)) // There is no fiber to die of it, only the process.
      }
    }

    const toAnswer = ({ event }: Webhook.Webhook, reply: Received): Answer => {
      if (Exit.isFailure(reply)) return failed(event, reply.cause)
      const { action, call, sentUnsafe: sent } = reply.value
      if (action === undefined) {
        count(event, "nothing")
        return new Answer(200, "{}", sent, call)
      }
      const envelope = TelesignWire.encodeAction(action, options)
      if (Result.isSuccess(envelope)) {
        count(event, "action")
        return new Answer(200, JSON.stringify(envelope.success), sent, call)
      }
      // Nobody could steer the line after no answer, so the callee is not kept on it.
      count(event, "unsayable")
      fork(Effect.logError(`A call is hung up. ${envelope.failure.message}`))
      sent(false)
      return hangup
    }

    const failed = (event: string, cause: Cause.Cause<Failure>): Answer => {
      const error = Cause.findErrorOption(cause)
      if (Option.isNone(error)) {
        count(event, "died")
        fork(Effect.logError("A webhook could not be answered", cause))
        return unexpected
      }
      if (error.value._tag === "OutOfBounds") return reject("out_of_bounds")
      count(event, "unavailable")
      // The engine says so, once a minute at most.
      return unavailable
    }

    return {
      limit: limitOf(options),
      answer: (headers, body, tell) => {
        if (typeof body === "string") return tell(reject(body))
        if (check === undefined) return admitted(body, tell)
        fork(check(Headers.fromInput(headers()), body)).addObserver((refusal) => {
          if (Exit.isFailure(refusal)) tell(failed("unread", refusal.cause))
          else if (refusal.value === undefined) admitted(body, tell)
          else tell(reject(refusal.value))
        })
      }
    }
  }
)

const limitOf = ({ maxBodySize = "64 KiB" }: Options): number => Number(ByteSize.fromInputUnsafe(maxBodySize))

/** Whether the target of a request is the one address of a door. What follows a question mark is no part of it. */
export const isAt = (path: string, target: string): boolean => {
  const end = target.indexOf("?")
  return (end === -1 ? target : target.slice(0, end)) === path
}

/**
 * Whether a request wants to talk over a WebSocket, which is none of a webhook's: it is not for a door, whatever its address. Where
 * Node hands such requests over by themselves, nobody reads their bodies. Other offers are ignored.
 */
export const isSocket = (upgrade: string | undefined): boolean => upgrade?.toLowerCase() === "websocket"

const decoder = new TextDecoder()

const decode = (body: Body): Webhook.Webhook | TelesignMetrics.Rejection => {
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(body))
  } catch {
    return "not_json"
  }
  const webhook = TelesignWire.decodeWebhook(parsed)
  if (Result.isSuccess(webhook)) return webhook.success
  return webhook.failure.reason._tag === "OutOfBounds" ? "out_of_bounds" : "not_an_event"
}

const unavailable = new Answer(503, "{}")

const unexpected = new Answer(500, "{}")

const hangup = new Answer(200, JSON.stringify({ method: "hangup", params: {} }))

// Counting

type Count = (event: string, result: TelesignMetrics.Result) => void

/** Makes what counts webhooks. Names that are not known share one label, so that nobody can fill the memory with metrics. */
const counter = (context: Context.Context<never>): Count => {
  const known = new Map<string, ReturnType<typeof countersOf>>(
    TelesignMetrics.events.map((event) => [event, countersOf(event)])
  )
  const others = countersOf("other")
  // Whoever watches sees the first of something only if there was none before.
  for (const result of TelesignMetrics.results) {
    ;(isRefusal(result) ? known.get("unread")! : others)(result).valueUnsafe(context)
  }
  return (event, result) => (known.get(event) ?? others)(result).updateUnsafe(1, context)
}

const isRefusal = (result: TelesignMetrics.Result): result is TelesignMetrics.Rejection => result in rejections

const countersOf = (event: TelesignMetrics.Event) => {
  const counters = new Map<TelesignMetrics.Result, Metric.Counter<number>>()
  return (result: TelesignMetrics.Result): Metric.Counter<number> => {
    const found = counters.get(result)
    if (found !== undefined) return found
    const made = TelesignMetrics.webhooks(event, result)
    counters.set(result, made)
    return made
  }
}
