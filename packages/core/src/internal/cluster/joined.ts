/** An engine among machines that ask each other, whatever tells where calls lie. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { EventStore } from "../../EventStore.ts"
import type { Cluster, Local } from "../engine/asked.ts"
import * as Asking from "./asking.ts"

/** The port of an engine, and the engine behind it while there is one. */
export interface Joined {
  readonly cluster: Cluster
  readonly engine: () => Local | undefined
}

/** Asks until the scope closes. */
export const make: (
  reach: Asking.Reach,
  marks: ReadonlyArray<string>
) => Effect.Effect<Joined, never, EventStore | Scope.Scope> = Effect.fnUntraced(function*(reach, marks) {
  const context = yield* Effect.context<EventStore | Scope.Scope>()
  let engine: Local | undefined
  const cluster: Cluster = {
    isOwn: reach.isOwn,
    shardOf: reach.shardOf,
    shards: reach.shards,
    marks,
    join: Effect.fnUntraced(function*(local) {
      const asked = yield* Effect.provideContext(Asking.make(reach, local), context)
      engine = local
      return asked
    }),
    leave: () => void (engine = undefined)
  }
  return { cluster, engine: () => engine }
})

/** The way to owners who are sent data, one message after another. */
export const reachBy = (
  isOwn: Asking.Reach["isOwn"],
  send: (message: {
    readonly tag: "Start" | "Signal" | "Cancel" | "Outcome"
    readonly payload: { readonly id: CallId }
  }) => Effect.Effect<unknown, unknown>
): Asking.Reach => {
  const asks = (tag: Parameters<typeof send>[0]["tag"]) => (payload: { readonly id: CallId }) => send({ tag, payload })
  const owner = {
    Start: asks("Start"),
    Signal: asks("Signal"),
    Cancel: asks("Cancel"),
    Outcome: asks("Outcome")
  } as unknown as Asking.Owner
  return { isOwn, shardOf: () => "0", shards: () => ["0"], owner: () => owner }
}
