import { NodeRuntime } from "@effect/platform-node"
import { Calls, PhoneNumber } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Effect, Layer } from "effect"
import * as Application from "../application.ts"
import { masking } from "./flow.ts"

/** Calls to TELESIGN_CALLER_ID connect the two numbers on the command line. */
const Masks = Layer.unwrap(Effect.map(Telesign.callerId, (number) => {
  const pair = [PhoneNumber.make(process.argv[2] ?? ""), PhoneNumber.make(process.argv[3] ?? "")] as const
  return Calls.layer({ flows: [], inbound: { [number]: masking({ number, pair }) } })
}))

NodeRuntime.runMain(Effect.provide(Application.reportAll, Application.layer(Masks)))
