/**
 * An engine that asks the owner of a call, where that is another machine. Where the owner does not answer, or says that it is not
 * here, the engine itself takes the call from the log; what the owner may have done all the same is found there, for each thing
 * that is asked can be told apart from a second one like it.
 */
import { Effect, Option } from "effect"
import type { Schema, Scope } from "effect"
import type { CallId, Exit } from "../../CallEvent.ts"
import { EventStore } from "../../EventStore.ts"
import type { Asked, Cluster, Local } from "../engine/asked.ts"
import { Chance } from "../engine/chance.ts"
import * as ids from "../ids.ts"
import { groupOf } from "./groups.ts"
import type { Group } from "./messages.ts"
import * as Sending from "./sending.ts"

/** An owner is asked for an outcome so long at a time, in milliseconds. */
const round = 20_000

/** Where calls lie, and the way to their owners. */
export interface Reach extends Pick<Cluster, "isOwn" | "shardOf" | "shards"> {
  /** Of a group of calls. */
  readonly owner: (group: string) => Owner
}

/** Asks until its scope closes. */
export const make: (
  reach: Reach,
  local: Local
) => Effect.Effect<Asked, never, EventStore | Scope.Scope> = Effect.fnUntraced(function*(
  { isOwn, owner },
  local
) {
  const { lookEvery } = local.settings.store
  const within = local.settings.reply.deadline / 4
  const store = yield* EventStore
  const sending = yield* Sending.make
  const draw = yield* Chance

  /** Inside of a transaction of the application a start is a part of it, and nothing else is possible. */
  const isWithin = Effect.map(
    Effect.orElseSucceed(store.transaction ?? Effect.undefined, () => undefined),
    (transaction) => transaction !== undefined
  )

  /** Asks the owner. `NotHere` if the call is at this machine, or its owner gives no answer in time. */
  const ask = <A, E>(id: CallId, wait: number, send: (owner: Owner) => Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      const place = groupOf(id)
      return isOwn(id)
        ? Effect.succeed(notHere)
        : Effect.map(sending.ask(place, wait, send(owner(place))), Option.getOrElse(() => notHere))
    })

  const start: Asked["start"] = Effect.fnUntraced(function*(definition, input, key, given) {
    const own = local.start(definition, input, key, given)
    if (key === undefined || (yield* isWithin)) return yield* own
    const id = given ?? ids.namedCallId(definition.name, key)
    const { name: flow, version } = definition
    const payload = { id, flow, version, input: input as Schema.Json, key }
    const answer = yield* ask(id, within, (owner) => owner.Start(payload))
    return answer._tag === "Started" ? { id, ...answer } : yield* own
  })

  /** Without a key of its own a signal gets one, so that it is told once, whether by its owner, from the log, or by both. */
  const signal: Asked["signal"] = Effect.fnUntraced(function*(id, name, value, given, by) {
    if (isOwn(id) || (yield* isWithin)) return yield* local.signal(id, name, value, given, by)
    const key = given ?? `sent-${draw()}${draw()}`
    const payload = { id, name, value: value as Schema.Json, key, ...(by === undefined ? {} : { by }) }
    const answer = yield* ask(id, within, (owner) => owner.Signal(payload))
    return answer._tag === "Told" ? answer.problem : yield* local.signal(id, name, value, key, by)
  })

  const cancel: Asked["cancel"] = Effect.fnUntraced(function*(id, by) {
    if (yield* isWithin) return yield* local.cancel(id, by)
    const answer = yield* ask(id, within, (owner) => owner.Cancel({ id, ...(by === undefined ? {} : { by }) }))
    if (answer._tag === "NotHere") yield* local.cancel(id, by)
  })

  /** The outcome, from the owner, which is asked again until it knows. */
  const outcomeElsewhere = (id: CallId): Effect.Effect<Exit> =>
    Effect.gen(function*() {
      while (true) {
        const answer = yield* ask(id, round + within, (owner) => owner.Outcome({ id, within: round }))
        if (answer._tag === "Ended") return answer.exit
        if (answer._tag === "NotHere") yield* Effect.sleep(lookEvery)
      }
    })

  /** Whoever knows it first: the log is looked at from time to time meanwhile. */
  const outcome: Asked["outcome"] = (id) => Effect.raceFirst(local.outcome(id), outcomeElsewhere(id))

  return { start, signal, cancel, outcome }
})

/** An owner, as it is asked. */
export type Owner = Effect.Success<typeof Group.client> extends (name: string) => infer Client ? Client : never

const notHere = { _tag: "NotHere" as const }
