import { NodeRuntime } from "@effect/platform-node"
import { Calls } from "@ringback/core"
import { Effect, Layer } from "effect"
import * as Application from "../application.ts"
import { Consents, Offer } from "./flow.ts"

/** Consents in memory, for a try with a number whose owner has agreed; yours are in a database. */
const ConsentsLive = Layer.sync(Consents, () => {
  const withdrawn = new Set<string>()
  return Consents.of({
    holds: (number) => Effect.sync(() => !withdrawn.has(number)),
    withdraw: (number) => Effect.sync(() => void withdrawn.add(number))
  })
})

const program = Effect.gen(function*() {
  const call = yield* Calls.start(Offer, yield* Application.parties, { key: Application.key })
  yield* Application.report(call)
})

const Offers = Calls.layer({ flows: [Offer] }).pipe(Layer.provide(ConsentsLive))

NodeRuntime.runMain(Effect.provide(program, Application.layer(Offers)))
