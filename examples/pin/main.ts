import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { PinEntry, PinReducer } from "./flow.ts"

/** The reducer, if the third argument says so. */
const program = Effect.gen(function*() {
  const input = { ...(yield* Application.parties), pin: process.argv[3] ?? "" }
  const call = yield* Calls.start(process.argv[4] === "reducer" ? PinReducer : PinEntry, input, {
    key: Application.key
  })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [PinEntry, PinReducer] }))))
