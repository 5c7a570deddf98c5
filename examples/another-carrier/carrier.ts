/**
 * A second carrier: a transport for its dials, and a route for its events and the replies to them. It is made up, and shaped like
 * carriers that are told by REST to make a call, ask for each instruction by a webhook, and take XML for an answer.
 */
import { type Action, Calls, Transport, Webhook } from "@ringback/core"
import { Effect, Exit, Layer, type Redacted, Schema } from "effect"
import {
  HttpClient,
  HttpClientRequest,
  HttpClientResponse,
  HttpRouter,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"

export interface Options {
  /** Where this carrier is told to call. */
  readonly api: string
  readonly token: Redacted.Redacted
  /** Where it asks: an address of `route`. Whoever knows it is the carrier, so nobody may guess its path. */
  readonly events: string
}

// Dials go out.

const Taken = Schema.Struct({ sid: Schema.String })

const notConfirmed = (reason: Transport.TransportError["reason"]) => new Transport.TransportError({ reason })

/** What each answer proves. Only what surely did nothing may be tried again; anything else is `Lost`. */
const conclude = Effect.fnUntraced(function*(response: HttpClientResponse.HttpClientResponse) {
  switch (response.status) {
    case 201: {
      const { sid } = yield* HttpClientResponse.schemaBodyJson(Taken)(response)
      return { referenceId: sid }
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
export const layer = ({ api, events, token }: Options) =>
  Layer.effect(
    Transport.Transport,
    Effect.map(HttpClient.HttpClient, (client) =>
      Transport.Transport.of({
        send: ({ externalId = "", from, maxCallDurationSeconds, to }: Action.Dial) =>
          HttpClientRequest.post(`${api}/Calls`).pipe(
            HttpClientRequest.bearerToken(token),
            HttpClientRequest.bodyUrlParams({
              To: `+${to}`,
              From: `+${from}`,
              TimeLimit: String(maxCallDurationSeconds),
              Url: address(events, { tag: externalId, after: "dial", turn: 0 }),
              StatusCallback: address(events, { tag: externalId, after: "call" })
            }),
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

/** What it was told before, whose end it reports now. */
const kinds = {
  incoming: "IncomingCall",
  dial: "DialCompleted",
  say: "SpeakCompleted",
  play: "PlayCompleted",
  leg: "LegCompleted",
  call: "CallCompleted"
} as const

/** It knows no id of ours and no number of an event. So they stand in the address at which it asks next. */
const address = (events: string, asked: { readonly [name: string]: string | number }): string =>
  `${events}?${new URLSearchParams(
    Object.entries(asked).map(([name, value]): [string, string] => [name, String(value)])
  )}`

const Form = Schema.Struct({
  CallSid: Schema.String,
  CallStatus: Schema.String,
  Digits: Schema.optionalKey(Schema.String),
  To: Schema.optionalKey(Schema.String),
  From: Schema.optionalKey(Schema.String)
})

const Asked = Schema.Struct({
  after: Schema.Literals(["incoming", "dial", "say", "play", "leg", "call"]),
  tag: Schema.optionalKey(Schema.String),
  turn: Schema.optionalKey(Schema.FiniteFromString)
})

const webhookOf = ({ after, tag, turn }: typeof Asked.Type, form: typeof Form.Type): Webhook.Webhook => {
  const isUnreached = after === "call" && form.CallStatus !== "completed" // the end of a call that nobody answered
  return Webhook.make({
    kind: isUnreached ? "DialCompleted" : kinds[after],
    event: after,
    referenceId: form.CallSid,
    status: after === "dial" ? "answered" : form.CallStatus,
    ...(tag === undefined ? {} : { externalId: tag }),
    ...(after === "say" || after === "play" ? { digits: form.Digits ?? "" } : {}),
    ...(form.To === undefined ? {} : { to: form.To }),
    ...(form.From === undefined ? {} : { from: form.From }),
    ...(turn === undefined ? {} : { extra: { turn } })
  })
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(`"`, "&quot;")

/** Speech is text, or an element that this carrier takes inside of its own. */
const spoken = (text: string): string =>
  text.startsWith("<speak") ? text.replaceAll(/^<speak[^>]*>|<\/speak>$/g, "") : escaped(text)

/** A prompt, after which it asks again, with the keys that were pressed if it collects some. */
const prompt = (heard: string, keys: number | undefined, next: string): string => {
  const redirect = `<Redirect>${next}</Redirect>`
  return keys === undefined
    ? heard + redirect
    : `<Gather numDigits="${keys}" action="${next}">${heard}</Gather>${redirect}`
}

const instructions = (action: Action.Action | undefined, next: (after: string) => string): string => {
  switch (action?._tag) {
    case undefined:
      return ""
    case "Speak":
      return prompt(`<Say>${spoken(action.text)}</Say>`, action.collect?.max, next("say"))
    case "Play":
      return prompt(`<Play>${escaped(action.url)}</Play>`, action.collect?.max, next("play"))
    case "Dial":
      return `<Dial callerId="+${action.from}" action="${next("leg")}">+${action.to}</Dial>`
    case "Hangup":
    case "SendDtmf": // what it cannot do ends the line, and does not leave it in silence
    case "Raw":
      return "<Hangup/>"
  }
}

/** The route at which it asks. What fails is answered so that it asks again. */
export const route = ({ events }: Options) =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const calls = yield* Calls.Calls
    const answer = Effect.gen(function*() {
      const asked = yield* HttpServerRequest.schemaSearchParams(Asked)
      const reply = yield* calls.receive(webhookOf(asked, yield* HttpServerRequest.schemaBodyUrlParams(Form)))
      yield* Effect.addFinalizer((exit) => reply.sent(Exit.isSuccess(exit))) // when the server has taken the answer
      const { tag = "", turn = 0 } = asked
      const next = (after: string) => escaped(address(events, { tag, after, turn: turn + 1 }))
      const xml = `<Response>${instructions(reply.action, next)}</Response>`
      return HttpServerResponse.text(xml, { contentType: "text/xml" })
    })
    const unavailable = HttpServerResponse.empty({ status: 503 })
    yield* router.add("POST", new URL(events).pathname as "/", Effect.orElseSucceed(answer, () => unavailable))
  }))
