import { NodeRuntime } from "@effect/platform-node"
import { Calls, PhoneNumber } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Effect, Layer } from "effect"
import * as Application from "../application.ts"
import { survey } from "./flow.ts"

/** Whoever calls TELESIGN_CALLER_ID is connected with the agent on the command line. */
const Surveys = Layer.unwrap(Effect.map(Telesign.callerId, (number) => {
  const agent = PhoneNumber.make(process.argv[2] ?? "")
  return Calls.layer({ flows: [], inbound: { [number]: survey({ number, agent }) } })
}))

NodeRuntime.runMain(Effect.provide(Application.reportAll, Application.layer(Surveys)))
