/**
 * What every store promises, as a suite of tests: `EventStore`, and `CallIndex`, `EventLog` and `Retention` beside it. Run it
 * on each store, your own among them.
 *
 * It has its own entry point, `@ringback/testing/StoreContract`, because it works only inside of vitest.
 *
 * @since 0.1.0
 */
import { describe, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import * as CallIndex from "./internal/contract/callIndex.ts"
import * as Durability from "./internal/contract/durability.ts"
import * as EventLog from "./internal/contract/eventLog.ts"
import * as EventStore from "./internal/contract/eventStore.ts"
import * as Retention from "./internal/contract/retention.ts"
import * as Rules from "./internal/contract/rules.ts"

/**
 * What the layer of a store provides.
 *
 * @since 0.1.0
 */
export type Ports = Rules.Ports

/**
 * A place that keeps what is stored: run, it makes an empty one, and each build of the layer that it gives opens the same
 * place again.
 *
 * @since 0.1.0
 */
export type Place<E> = Effect.Effect<Layer.Layer<Ports, E>, never, Scope.Scope>

/**
 * Declares the suite. Each build of `layer` has to give an empty store.
 *
 * @example
 * StoreContract.suite("EventStore.layerMemory", EventStore.layerMemory)
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Ports, E>): void => {
  const rules = Rules.over(layer)
  describe(name, () => {
    EventStore.suite(rules)
    CallIndex.suite(rules)
    EventLog.suite(rules)
    Retention.suite(rules)
  })
}

/**
 * Declares the part of the suite that only a store can pass which outlives its process, and which counts its commits as
 * `SqlEventStore` does.
 *
 * @since 0.1.0
 */
export const durable = <E>(name: string, place: Place<E>): void => {
  describe(`${name}, opened again`, () => {
    it.effect("has everything that was stored", () => Effect.flatMap(place, Durability.keepsEverything))
    it.effect("has everything that was under way when it closed", () => Effect.flatMap(place, Durability.drains))
    it.effect("takes nothing after it has closed", () => Effect.flatMap(place, Durability.refusesLate))
    it.effect("shares a commit among concurrent appends", () => Effect.flatMap(place, Durability.sharesCommits))
  })
}
