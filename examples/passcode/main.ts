import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { Passcode } from "./flow.ts"

const program = Effect.gen(function*() {
  const code = process.argv[3] ?? ""
  const call = yield* Calls.start(Passcode, { ...(yield* Application.parties), code }, { key: Application.key })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [Passcode] }))))
