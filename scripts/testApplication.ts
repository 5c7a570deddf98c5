/** An application with the API of calls, on a port of this machine: its flows, who may ask, and a carrier that takes every dial. */
import { NodeHttpServer } from "@effect/platform-node"
import { Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { CallsApiServer, TelesignNode } from "@ringback/http"
import { Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"

export const to = PhoneNumber.make("15559130461")
export const from = PhoneNumber.make("15559130472")

/** What it waits for. */
export const Approved = Flow.Signal("approved", Schema.Struct({ amount: Schema.Int }))

/** Waits for a person in an office, without a phone. */
export const Approval = Flow.make("approval", {
  version: 1,
  input: { order: Schema.String },
  output: Schema.Int,
  signals: [Approved],
  run: () =>
    Flow.map(
      Flow.signal(Approved, { within: "1 hour" }),
      ({ amount }) => amount
    )
})

/** Asks somebody for a number of keys. */
export const Pin = Flow.make("pin", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, word: Schema.String },
  output: Schema.String,
  run: ({ from, to, word }) =>
    Line.collect(`The word is ${word}. Enter your PIN.`, { max: 8 }).pipe(Flow.dial({ to, from }))
})

export const tokens = {
  all: "a token that may do all of it",
  reader: "a token that may only read",
  steerer: "a token that may only steer"
}

const known: ReadonlyArray<CallsApiServer.Token> = [
  { token: Redacted.make(tokens.all), actor: "ann", scopes: ["read", "steer", "reveal", "admin"] },
  { token: Redacted.make(tokens.reader), actor: "bob", scopes: ["read"] },
  { token: Redacted.make(tokens.steerer), actor: "cyd", scopes: ["steer"] }
]

/** Names the session of the line that was dialled as the n-th one. */
export const session = (n: number): string => `CANARYREF${n}`

/** Takes every dial. */
export const carrier = Layer.sync(Transport.Transport, () => {
  let sent = 0
  return Transport.Transport.of({ send: () => Effect.sync(() => ({ referenceId: session(++sent) })) })
})

/** The API over an engine and its store. */
export const served = (options: CallsApiServer.Options = {}) =>
  HttpRouter.serve(CallsApiServer.layer(options), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port: 0, host: "127.0.0.1" })
    ),
    Layer.provide(CallsApiServer.layerTokens(known))
  )

/** Where the API is. */
export const address = HttpServer.addressFormattedWith((url) => Effect.succeed(`${url}/ringback`))
