/** What the measured server runs: the flow, a carrier that takes every dial, and the engine on a database. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import { Calls, type EventStore, Flow, Line, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as ClusterCalls from "@ringback/core/ClusterCalls"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign } from "@ringback/http"
import { Effect, Layer, Redacted, Schema } from "effect"
import * as Membership from "../membership.ts"
import { carrierPort, isHeld, prompts, referenceId } from "./conversation.ts"

const from = PhoneNumber.make("15550170009")
const to = PhoneNumber.make("15550170001")

const asking = (questions: ReadonlyArray<string>) =>
  Flow.gen(function*() {
    let pressed = ""
    for (const question of questions) pressed += yield* Line.collect(question, { max: 1, attempts: 1 })
    return pressed
  }).pipe(Flow.dial({ to, from }))

/** The call whose turns are measured. */
export const Conversation = Flow.make("conversation", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () => asking(prompts)
})

/** A call of very many turns. */
export const Interview = Flow.make("interview", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () => asking(Array.from({ length: 600 }, (_, n) => prompts[n % prompts.length]!))
})

const taking = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({
    send: (action) =>
      Effect.succeed({ referenceId: referenceId(action._tag === "Dial" ? action.externalId ?? "" : "") })
  })
)

const posting = (port: string) =>
  Telesign.layer({
    customerId: Redacted.make("customer"),
    apiKey: Redacted.make("key"),
    baseUrl: `http://127.0.0.1:${port}`
  }).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))

const transport = carrierPort === undefined ? taking : posting(carrierPort)

/** The store in a file, or at the URL of a PostgreSQL. */
export const store = (place: string) =>
  SqlEventStore.layer.pipe(
    Layer.provide(
      place.startsWith("postgres")
        ? PgClient.layer({ url: Redacted.make(place) })
        : SqliteClient.layer({ filename: place })
    )
  )

const options = {
  flows: [Conversation, Interview],
  // A callee who answers at once would be taken for a copy, so the rule that tells copies by haste stands back.
  settings: { speech: { shortestKeyPress: 0, fastest: Infinity }, dial: { perSecond: isHeld ? 0.001 : Infinity } }
}

/** The engine, alone or as a machine of a cluster. */
const engine = (place: string) =>
  Membership.isAsked ? ClusterCalls.layer(options).pipe(Layer.provide(Membership.layer(place))) : Calls.layer(options)

/** The engine, and what stands between it and its store. */
export const calls = (place: string, beside: Layer.Layer<never, never, EventStore.EventStore> = Layer.empty) =>
  engine(place).pipe(Layer.provide(transport), Layer.provideMerge(beside), Layer.provideMerge(store(place)))
