/**
 * An application that sees and steers its calls: beside its own routes it mounts the webhook, the API of calls, the page, health and
 * figures, behind a login of its own. The database is whatever store it is given.
 */
import { Calls, FlowDrawing, PhoneNumber } from "@ringback/core"
import { CallsApiServer, Inspector, Telesign, TelesignWebhook } from "@ringback/http"
import { Config, Effect, Layer, Redacted, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import appointment from "../appointment/flow.json" with { type: "json" }
import { Appointment } from "../appointment/flow.ts"
import * as Telemetry from "../telemetry/telemetry.ts"
import results from "./flow.json" with { type: "json" }
import { Results } from "./flow.ts"

/** The flows of the application. */
export const flows = [Appointment, Results] as const

/** The engine of the application. */
export const CallsLive = Calls.layer({ flows })

// The application's own routes: an order from elsewhere becomes a call.

const Booking = Schema.Struct({ booking: Schema.String, to: PhoneNumber.PhoneNumber, when: Schema.String })

const noBooking = HttpServerResponse.jsonUnsafe(
  { problem: "A booking is JSON with booking, to (country code and number, digits only) and when" },
  { status: 400 }
)

const Bookings = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const calls = yield* Calls.Calls
  const from = yield* Telesign.callerId
  yield* router.add(
    "POST",
    "/bookings",
    Effect.gen(function*() {
      const { booking, to, when } = yield* Effect.mapError(HttpServerRequest.schemaBodyJson(Booking), () => noBooking)
      const call = yield* calls.start(Appointment, { to, from, when }, { key: booking })
      return HttpServerResponse.jsonUnsafe({ call: call.id })
    })
  )
}))

// The application's own login: here a name and a password, elsewhere a session.

const login = Effect.gen(function*() {
  const password = yield* Config.Redacted("OPERATOR_PASSWORD")
  const expected = (name: string) => `Basic ${btoa(`${name}:${Redacted.value(password)}`)}`
  const known = ["ann", "bob"]
  return ({ headers }: HttpServerRequest.HttpServerRequest) => {
    const who = known.find((name) => headers["authorization"] === expected(name))
    return who === undefined
      ? Effect.fail(HttpServerResponse.empty({ status: 401, headers: { "www-authenticate": "Basic realm=\"calls\"" } }))
      : Effect.succeed({ who, scopes: ["read", "steer", "reveal"] as const })
  }
})

/** More than one desk looks at the page under one name, so they may ask more often. */
const limits = { requestsPerMinute: 6000 }

/** As `npm run explore -- examples/operations --data` has written them: nothing is explored while the application starts. */
const drawings = [appointment, results].map((each) => Result.getOrThrow(FlowDrawing.decode(each)))

/** The page of the calls, for people. */
const Page = Layer.unwrap(
  Effect.map(login, (authorize) => Inspector.layer({ path: "/ops/calls", authorize, drawings, limits }))
)

/** The API of the calls, for programs that have a token: `RINGBACK_API_TOKENS`. */
const Api = CallsApiServer.layer({ path: "/ringback", limits }).pipe(Layer.provide(CallsApiServer.layerTokensConfig))

/** All routes of the application. */
export const Routes = Layer.mergeAll(
  Bookings,
  TelesignWebhook.layer({ path: "/telesign/events" }),
  Page,
  Api,
  Telemetry.routes
)
