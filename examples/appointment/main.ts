import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { Appointment } from "./flow.ts"

const program = Effect.gen(function*() {
  const when = process.argv[3] ?? "tomorrow at ten"
  const call = yield* Calls.start(Appointment, { ...(yield* Application.parties), when }, { key: Application.key })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [Appointment] }))))
