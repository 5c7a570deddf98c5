/** The application in the hands of a test: virtual time, a phone company in this process, and HTTP that is real. */
import { NodeHttpServer } from "@effect/platform-node"
import { CallIndex, type Calls, EventStore, PhoneNumber, type Transport } from "@ringback/core"
import { TelesignAuth, TelesignNode } from "@ringback/http"
import { FakeClock, FakeTransport, PhoneCompany, TelesignEmulator, TestCalls } from "@ringback/testing"
import { ConfigProvider, Layer, Redacted } from "effect"
import { FetchHttpClient, HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { CallsLive, Routes } from "./application.ts"

/** The number of the application. */
export const from = PhoneNumber.make("15550170009")

/** The password of the people at the desk, ann and bob. */
export const password = "a password of the desk"

/** What the environment of the application says, with the tokens of programs. */
const environment = (tokens: Options["tokens"]) =>
  ConfigProvider.layer(ConfigProvider.fromUnknown({
    TELESIGN_CALLER_ID: from,
    OPERATOR_PASSWORD: password,
    RINGBACK_API_TOKENS: JSON.stringify(tokens)
  }))

const server = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(
    NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port: 0, host: "127.0.0.1" })
  ),
  Layer.provide(Layer.succeed(TelesignAuth.Account, TelesignEmulator.credentials))
)

interface Options {
  readonly tokens: ReadonlyArray<{
    readonly token: string
    readonly actor: string
    readonly scopes: ReadonlyArray<"read" | "steer">
  }>
  /** When it is, in milliseconds since 1970. */
  readonly start: number
  /** How webhooks get from the phone company to the engine; without faults unless it is given. */
  readonly connection?: Layer.Layer<never, never, Calls.Calls | PhoneCompany.PhoneCompany>
  /** What takes dials; the phone company unless it is given. */
  readonly carrier?: Layer.Layer<Transport.Transport, never, PhoneCompany.PhoneCompany>
}

/** The application, its callees and its clock. */
export const layer = (
  { carrier = FakeTransport.layer, connection = TestCalls.connection, start, tokens }: Options
) => {
  const engine = connection.pipe(
    Layer.provideMerge(CallsLive),
    Layer.provide(carrier),
    Layer.provideMerge(PhoneCompany.layer),
    Layer.provideMerge(EventStore.layerMemory),
    Layer.provide(CallIndex.layerNumbersKey(Redacted.make("a key for numbers, for a test")))
  )
  return server.pipe(
    Layer.provideMerge(engine),
    Layer.provideMerge(FakeClock.layerWith({ auto: false, start, patience: "brief" })),
    Layer.provideMerge(FetchHttpClient.layer),
    Layer.provide(environment(tokens))
  )
}
