/** Engines that are broken on purpose, so that each checker can be shown to find what it is for. */
import { type Calls, EventStore, type Settings } from "@ringback/core"
import { Effect, Layer } from "effect"

interface Sabotage {
  readonly settings: Settings.Options
  readonly store: Layer.Layer<EventStore.EventStore, never, EventStore.EventStore>
  readonly calls: <E, R>(layer: Layer.Layer<Calls.Calls, E, R>) => Layer.Layer<Calls.Calls, E, R>
}

type Store = EventStore.EventStore["Service"]

const none: Sabotage = {
  settings: {},
  store: Layer.effect(EventStore.EventStore, EventStore.EventStore),
  calls: (layer) => layer
}

const storing = (broken: (store: Store) => Store): Sabotage => ({
  ...none,
  store: Layer.effect(EventStore.EventStore, Effect.map(EventStore.EventStore, broken))
})

export const all = {
  none,
  /** What another process has appended meanwhile is passed by: the turn comes behind it, as if it had been decided then. */
  version: storing((store) => {
    const append: Store["append"] = (turn, summary, options) =>
      Effect.catchTag(
        store.append(turn, summary, options),
        "VersionConflict",
        (conflict) =>
          turn.version === 1 ? Effect.fail(conflict) : append(
            { ...turn, version: turn.version + 1 },
            { ...summary, version: turn.version + 1 },
            options
          )
      )
    return { ...store, append }
  })
} as const satisfies Record<string, Sabotage>

export type Name = keyof typeof all

export const names = Object.keys(all) as ReadonlyArray<Name>
