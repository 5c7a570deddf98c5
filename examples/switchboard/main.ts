import { NodeRuntime } from "@effect/platform-node"
import { Calls, PhoneNumber } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Effect, Layer } from "effect"
import * as Application from "../application.ts"
import { Directory, switchboard } from "./flow.ts"

/** A directory in memory; yours asks a database. Both departments are the number on the command line. */
const DirectoryLive = Layer.sync(Directory, () => {
  const desk = PhoneNumber.make(process.argv[2] ?? "")
  return Directory.of({
    customer: (number) => Effect.succeed(number.endsWith("44") ? { name: "Ann", agent: null } : null),
    department: () => Effect.succeed(desk)
  })
})

/** Whoever calls TELESIGN_CALLER_ID gets the switchboard. */
const Switchboards = Layer.unwrap(
  Effect.map(Telesign.callerId, (number) => Calls.layer({ flows: [], inbound: { [number]: switchboard(number) } }))
).pipe(Layer.provide(DirectoryLive))

NodeRuntime.runMain(Effect.provide(Application.reportAll, Application.layer(Switchboards)))
