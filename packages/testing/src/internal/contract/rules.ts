/** How the rules of a store become tests, each over an empty store. */
import { it } from "@effect/vitest"
import { CallIndex, type EventLog, type EventStore, type Retention } from "@ringback/core"
import { Effect, Layer, Redacted } from "effect"

/** What the layer of a store provides. */
export type Ports = EventStore.EventStore | CallIndex.CallIndex | EventLog.EventLog | Retention.Retention

/** Ways to declare a rule of one store. */
export interface Rules {
  /** The rule holds while the store is open. */
  readonly test: (rule: string, body: Effect.Effect<void, unknown, Ports>) => void
  /** As `test`, in a store that knows the key by which numbers are found. */
  readonly testKeyed: (rule: string, body: Effect.Effect<void, unknown, Ports>) => void
  /** The body opens the store and closes it. */
  readonly testOpening: (
    rule: string,
    body: (layer: Layer.Layer<Ports, unknown>) => Effect.Effect<void, unknown>
  ) => void
}

const numbersKey = Layer.orDie(CallIndex.layerNumbersKey(Redacted.make("a key that is long enough")))

/** The rules of the store that each build of `layer` opens. */
export const over = (layer: Layer.Layer<Ports, unknown>): Rules => ({
  test: (rule, body) => it.effect(rule, () => Effect.provide(body, layer)),
  testKeyed: (rule, body) => it.effect(rule, () => Effect.provide(body, Layer.provide(layer, numbersKey))),
  testOpening: (rule, body) => it.effect(rule, () => body(layer))
})
