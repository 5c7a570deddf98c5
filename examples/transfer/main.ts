import { NodeRuntime } from "@effect/platform-node"
import { Calls, PhoneNumber } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Effect, Layer } from "effect"
import * as Application from "../application.ts"
import { transfer } from "./flow.ts"

/** Whoever calls TELESIGN_CALLER_ID talks to the numbers on the command line: reception, billing, repairs. */
const Transfers = Layer.unwrap(Effect.map(Telesign.callerId, (number) => {
  const [, , reception = "", billing = "", repairs = ""] = process.argv
  const house = {
    number,
    reception: PhoneNumber.make(reception),
    billing: PhoneNumber.make(billing),
    repairs: PhoneNumber.make(repairs)
  }
  return Calls.layer({ flows: [], inbound: { [number]: transfer(house) } })
}))

NodeRuntime.runMain(Effect.provide(Application.reportAll, Application.layer(Transfers)))
