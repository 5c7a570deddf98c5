/**
 * What a second carrier has to bring, shown for one that is made up: a transport for its dials, and a translation of its events and
 * of the replies to them. The engine, its laws and its tests stay what they are.
 */
import { type Action, Calls, Transport, Webhook } from "@ringback/core"
import { Effect, Exit, Layer, type Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"

// Dials go out.

const Taken = Schema.Struct({ call: Schema.String })

const notConfirmed = (reason: Transport.TransportError["reason"]) => new Transport.TransportError({ reason })

/** What each answer proves. Only what surely did nothing may be tried again; anything else is `Lost`. */
const conclude = Effect.fnUntraced(function*(response: HttpClientResponse.HttpClientResponse) {
  switch (response.status) {
    case 201: {
      const { call } = yield* HttpClientResponse.schemaBodyJson(Taken)(response)
      return { referenceId: call }
    }
    case 401:
      return yield* notConfirmed(new Transport.NotSent({ problem: "HTTP 401", obstacle: "credentials" }))
    case 422:
      return yield* notConfirmed(new Transport.Refused({ status: "number_not_allowed" }))
    case 429:
      return yield* notConfirmed(new Transport.NotSent({ problem: "HTTP 429", throttled: true }))
    default:
      return yield* notConfirmed(new Transport.Lost({ problem: `HTTP ${response.status}` }))
  }
})

/** One request for one dial: no retry, and a client that follows no redirect (that of `node:http` follows none). */
export const layer = (options: { readonly url: string; readonly token: Redacted.Redacted }) =>
  Layer.effect(
    Transport.Transport,
    Effect.map(HttpClient.HttpClient, (client) =>
      Transport.Transport.of({
        send: ({ externalId, from, maxCallDurationSeconds, to }: Action.Dial) =>
          HttpClientRequest.post(`${options.url}/calls`).pipe(
            HttpClientRequest.bearerToken(options.token),
            HttpClientRequest.bodyJsonUnsafe({ to, from, tag: externalId, seconds: maxCallDurationSeconds }),
            client.execute,
            Effect.flatMap(conclude),
            Effect.timeout("10 seconds"),
            Effect.catch((error) =>
              Effect.fail(
                error._tag === "TransportError" ? error : notConfirmed(new Transport.Lost({ problem: error._tag }))
              )
            )
          )
      }))
  )

// Events come in, and each is answered.

export const Event = Schema.Struct({
  type: Schema.Literals(["incoming", "answered", "unreached", "said", "played", "ended"]),
  call: Schema.String,
  tag: Schema.optionalKey(Schema.String),
  why: Schema.optionalKey(Schema.String),
  keys: Schema.optionalKey(Schema.String),
  to: Schema.optionalKey(Schema.String),
  from: Schema.optionalKey(Schema.String)
})
export type Event = typeof Event.Type

/** What each of its events means to a call. */
const kinds = {
  incoming: "IncomingCall",
  answered: "DialCompleted",
  unreached: "DialCompleted",
  said: "SpeakCompleted",
  played: "PlayCompleted",
  ended: "CallCompleted"
} as const

const webhookOf = ({ call, from, keys, tag, to, type, why }: Event): Webhook.Webhook =>
  Webhook.make({
    kind: kinds[type],
    event: type,
    referenceId: call,
    ...(tag === undefined ? {} : { externalId: tag }),
    ...(type === "answered" ? { status: "answered" } : why === undefined ? {} : { status: why }),
    ...(keys === undefined ? {} : { digits: keys }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from })
  })

export type Command =
  | { readonly do: "say"; readonly text: string; readonly keys: number }
  | { readonly do: "play"; readonly url: string; readonly keys: number }
  | { readonly do: "hang up" }
  | { readonly do: "nothing" }

const commandOf = (action: Action.Action | undefined): Command => {
  switch (action?._tag) {
    case undefined:
      return { do: "nothing" }
    case "Speak":
      return { do: "say", text: action.text, keys: action.collect?.max ?? 0 }
    case "Play":
      return { do: "play", url: action.url, keys: action.collect?.max ?? 0 }
    case "Hangup":
    case "Dial": // this carrier bridges nobody, sends no tones and takes nothing as it is
    case "SendDtmf":
    case "Raw":
      return { do: "hang up" }
  }
}

/**
 * Answers one event, in the scope of its request: that closes when the server has taken the answer. Verify the request before,
 * for whoever knows an id of a call is the carrier for it.
 */
export const answer = Effect.fnUntraced(function*(event: Event) {
  const calls = yield* Calls.Calls
  const reply = yield* calls.receive(webhookOf(event))
  yield* Effect.addFinalizer((exit) => reply.sent(Exit.isSuccess(exit)))
  return commandOf(reply.action)
})
