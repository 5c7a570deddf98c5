import { NodeRuntime } from "@effect/platform-node"
import { Calls, PhoneNumber } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { Alert } from "./flow.ts"

/** Everybody on the command line, in this order. */
const people = process.argv.slice(2).map((number, index) => ({
  name: `person ${index + 1}`,
  number: PhoneNumber.make(number)
}))

const program = Effect.gen(function*() {
  const from = yield* Telesign.callerId
  const call = yield* Calls.start(Alert, { from, people, message: "The database is down." }, { key: Application.key })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [Alert] }))))
