import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect } from "effect"
import * as Application from "../application.ts"
import { PlayAMessage } from "./flow.ts"

const program = Effect.gen(function*() {
  const message = process.argv[3] ?? "https://media.example.net/closing-time.wav"
  const call = yield* Calls.start(PlayAMessage, { ...(yield* Application.parties), message }, { key: Application.key })
  yield* Application.report(call)
})

NodeRuntime.runMain(Effect.provide(program, Application.layer(Calls.layer({ flows: [PlayAMessage] }))))
