import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { HangUp } from "./flow.ts"

const program = Effect.gen(function*() {
  const call = yield* Calls.start(HangUp, yield* Application.parties, { key: Application.key })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [HangUp] }))))
