import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { CalleeHangsUp } from "./flow.ts"

const program = Effect.gen(function*() {
  const message = process.argv[3] ?? "The library closes at six today."
  const call = yield* Calls.start(CalleeHangsUp, { ...(yield* Application.parties), message }, { key: Application.key })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [CalleeHangsUp] }))))
