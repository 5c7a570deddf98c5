/** Engines that are broken on purpose, each with what has to be done to it, so that each checker can be shown to find what it is for. */
import { Calls, EventStore, Settings } from "@ringback/core"
import { Effect, Hash, Layer } from "effect"
import { alone } from "../alone.ts"
import type { Planned } from "./faults.ts"

interface Sabotage {
  readonly settings: Settings.Options
  readonly store: Layer.Layer<EventStore.EventStore, never, EventStore.EventStore>
  readonly calls: <E, R>(layer: Layer.Layer<Calls.Calls, E, R>) => Layer.Layer<Calls.Calls, E, R>
  /** What it is found by. */
  readonly foundBy: ReadonlyArray<string>
  /** In place of what the seed draws. */
  readonly planned?: ReadonlyArray<Planned>
}

type Store = EventStore.EventStore["Service"]
type Engine = Calls.Calls["Service"]

const none: Sabotage = {
  settings: {},
  foundBy: [],
  store: Layer.effect(EventStore.EventStore, EventStore.EventStore),
  calls: (layer) => layer
}

const storing = (broken: (store: Store) => Store): Sabotage => ({
  ...none,
  store: Layer.effect(EventStore.EventStore, Effect.map(EventStore.EventStore, broken))
})

const calling = (broken: (calls: Engine) => Engine): Sabotage => ({
  ...none,
  calls: (layer) => Layer.effect(Calls.Calls, Effect.map(Calls.Calls, broken)).pipe(Layer.provide(layer))
})

/** Every so many times. */
const each = (times: number) => {
  let count = 0
  return () => ++count % times === 0
}

const isItsTurn = { mute: each(5) }

const isPicked = (callId: string): boolean => Hash.string(callId) % 4 === 0

const frozen: ReadonlyArray<Planned> = [{ at: 4_000, kind: "freeze", place: 0, lasts: 2_000 }]

export const all = {
  none,
  /** What another process has appended meanwhile is passed by: the turn comes behind it, as if it had been decided then. */
  version: {
    ...storing((store) => {
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
    }),
    foundBy: ["replay is truth", "order does not matter"],
    planned: frozen
  },
  /**
   * A dial is sent however long after its record, and of every fourth call the database says late that it has that. A cut wire does not
   * show it: one commit at most waits on it, which seldom has a dial in it, and of the starts behind it the application asks another
   * runner, which is first. So it is the store that is late.
   */
  window: {
    ...storing((store) => ({
      ...store,
      append: (turn, summary, options) => {
        const append = store.append(turn, summary, options)
        const isLate = isPicked(turn.callId) && turn.events.some(({ _tag }) => _tag === "DialAttempted")
        return isLate ? Effect.tap(append, () => Effect.sleep(Settings.make().dial.sendWithin + 1_000)) : append
      }
    })),
    settings: { dial: { sendWithin: "10 minutes" } },
    foundBy: ["a phone never rings twice by accident"],
    planned: frozen
  },
  /** Each process takes all others for dead. */
  taking: {
    ...storing(alone),
    foundBy: ["nothing is taken from the living", "two owners are told only where one hung or was cut off"],
    planned: frozen
  },
  /** The outcomes of every fourth call are said to be stored, and are not. */
  outcome: {
    ...storing((store) => ({
      ...store,
      append: (turn, summary, options) =>
        turn.events.some(({ _tag }) => _tag === "FlowEnded") && isPicked(turn.callId)
          ? Effect.void
          : store.append(turn, summary, options)
    })),
    foundBy: ["nothing decided is forgotten", "every line is closed and every call ends"],
    planned: frozen
  },
  /** Every fifth webhook is never answered. */
  mute: {
    ...calling((calls) => ({
      ...calls,
      receive: (webhook) => isItsTurn.mute() ? Effect.never : calls.receive(webhook),
      receiveUnsafe: (webhook, answer) => calls.receiveUnsafe(webhook, isItsTurn.mute() ? () => {} : answer)
    })),
    foundBy: ["no dead air"],
    planned: frozen
  },
  /** Nobody looks for what a process leaves behind. */
  asleep: {
    ...storing((store) => ({ ...store, due: () => Effect.succeed([]), orphans: () => Effect.succeed([]) })),
    foundBy: ["no work is left undone"],
    planned: [0, 1, 0, 1].map((place, index) => ({ at: 3_000 + index * 3_000, kind: "kill", place, away: 500 }))
  },
  /** Nothing works, and so nothing goes wrong. */
  idle: {
    ...calling((calls) => ({
      ...calls,
      start: () =>
        Effect.fail(
          new EventStore.StoreError({ operation: "write", reason: new EventStore.Closed({ problem: "It is broken" }) })
        )
    })),
    foundBy: ["a minimum of successes in every window"],
    planned: frozen
  }
} as const satisfies Record<string, Sabotage>

export type Name = keyof typeof all

export const names = Object.keys(all) as ReadonlyArray<Name>

export const of = (name: Name): Sabotage => all[name]
