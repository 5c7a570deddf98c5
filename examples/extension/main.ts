import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { DialAnExtension } from "./flow.ts"

const program = Effect.gen(function*() {
  const extension = process.argv[3] ?? ""
  const message = process.argv[4] ?? "The delivery is at the gate."
  const call = yield* Calls.start(DialAnExtension, { ...(yield* Application.parties), extension, message }, {
    key: Application.key
  })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [DialAnExtension] }))))
