/**
 * The engine behind `Calls`: the calls in memory, what they do in the world, the webhooks that come in, and what an
 * application asks for, over one store and one transport.
 */
import { Effect, Scope } from "effect"
import * as Call from "../../Call.ts"
import type { CallId } from "../../CallEvent.ts"
import type { Standing } from "../../CallInput.ts"
import * as CallLine from "../../CallLine.ts"
import { EventStore, type Summary, type Told, type ToldTurn, type ToldTurns } from "../../EventStore.ts"
import type { Known } from "../../Explain.ts"
import { Transport } from "../../Transport.ts"
import type * as Webhook from "../../Webhook.ts"
import * as Activities from "./activities.ts"
import * as Adopting from "./adopting.ts"
import type { Answer } from "./arrival.ts"
import { Cluster } from "./asked.ts"
import * as Callers from "./callers.ts"
import * as Closing from "./closing.ts"
import * as Dialling from "./dialling.ts"
import * as Draining from "./draining.ts"
import * as Elsewhere from "./elsewhere.ts"
import * as Figures from "./figures.ts"
import * as Joining from "./joining.ts"
import * as Jumps from "./jumps.ts"
import * as Leftover from "./leftover.ts"
import * as Lookout from "./lookout.ts"
import * as MissingFlows from "./missingFlows.ts"
import * as Orphans from "./orphans.ts"
import * as Outcomes from "./outcomes.ts"
import * as Owners from "./owners.ts"
import * as Parts from "./parts.ts"
import * as Recovery from "./recovery.ts"
import * as Requests from "./requests.ts"
import * as Restore from "./restore.ts"
import * as Signals from "./signals.ts"
import * as Starts from "./starts.ts"
import * as Surroundings from "./surroundings.ts"
import * as Takeover from "./takeover.ts"
import * as Uncommitted from "./uncommitted.ts"
import * as Webhooks from "./webhooks.ts"

/** How the engine is set up. */
export interface Options extends Webhooks.Options, Surroundings.Options {
  /** The flows of this process, each as `Neighbours.nameOf` names it. */
  readonly registered: ReadonlySet<string>
}

/** What the engine does for `Calls`. */
export interface Engine extends Outcomes.Outcomes, Signals.Signals {
  readonly start: Starts.Start
  readonly receive: (webhook: Webhook.Webhook, answer: Answer) => void
  readonly obstacles: Effect.Effect<ReadonlyArray<Standing>>
  readonly known: (of: Pick<Summary, "process">) => Effect.Effect<Known>
  readonly load: Effect.Effect<Figures.Load>
  /** Hands over what can be, for so many milliseconds at most, and at least for as long as a balancer needs to see it. */
  readonly drain: (time: { readonly within: number; readonly atLeast: number }) => Effect.Effect<Leftover.Drained>
}

/** Starts an engine that runs until its scope closes, which takes `settings.closing.within` at the most. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const making = Closing.make()
  const scope = yield* Scope.make("parallel")
  const ends = { onBegin: (): void => undefined, handOver: Effect.void, onOver: Effect.void }
  yield* Effect.addFinalizer(() => Effect.suspend(() => making.close(scope, options.settings.closing.within, ends)))
  const { engine, ...known } = yield* Scope.provide(build(options, making), scope)
  Object.assign(ends, known)
  return engine
})

const build = Effect.fnUntraced(function*(options: Options, { bounded, closing, drain }: Closing.Making) {
  const unbounded = yield* EventStore
  const store = bounded(unbounded)
  const cluster = yield* Cluster
  const lapsed = (silence: number) => {
    surroundings.run(Effect.andThen(Effect.logWarning(lapsedWords(silence, options.settings)), activities.leaveOthers))
  }
  const ground = { store, closing, placement: cluster, wake: (id: CallId) => intake.wake(id), lapsed }
  const made = yield* Surroundings.make(options, ground)
  const { surroundings } = made
  const callers = yield* Callers.make(surroundings)
  const parts: Parts.Parts = Parts.make(surroundings, (...turn) => {
    surroundings.figures.follow(turn[1], turn[2])
    callers.follow(...turn)
    activities.follow(...turn)
    dialling.follow(...turn)
    elsewhere.follow(...turn)
    draining.follow(...turn)
  })
  const { intake } = parts
  const elsewhere = Elsewhere.make(surroundings, parts)
  const activities = Activities.make(surroundings, parts, options.context)
  const dialling = yield* Dialling.make(surroundings, parts, yield* Transport)
  const webhooks = yield* Webhooks.make(surroundings, parts, callers, options)
  const requests = yield* Requests.make(surroundings, webhooks.isLate)
  const uncommitted = store.processes === undefined ? Uncommitted.make(surroundings) : undefined
  const joining = Joining.make(surroundings, parts, unbounded, uncommitted?.started)
  const takeover = yield* Takeover.make(surroundings, parts)
  const draining = Draining.make(surroundings, parts)
  const adopt = Adopting.make(surroundings, parts, takeover)
  const hear = (told: Told): Effect.Effect<void> => {
    switch (told.what) {
      case "look":
        return Effect.forEach(told.calls, (id) => elsewhere.hear(id, told.from), { discard: true })
      case "yours":
        return adopt(told)
      case "mine":
        return Effect.sync(() => draining.letGo(told.calls, told.from))
    }
  }
  const { neighbours, run } = surroundings
  const hearAll = (told: Told | ToldTurns): void => {
    if (told.what !== "turns") return void run(hear(told))
    parts.hearsay.hear(told.turns)
    for (const { callId } of told.turns.filter(endsCall)) run(look(parts, callId))
  }
  yield* takeUp(options, made, parts, takeover, neighbours.listen(hearAll))
  const left = (): Leftover.Leftover => ({
    ...Leftover.ofCalls(draining.left()),
    webhooks: webhooks.waiting(),
    requests: requests.underWay()
  })
  const load = loadOf(surroundings, parts, webhooks)
  const standing = () => surroundings.pacing.standing(surroundings.elapsed())
  yield* Figures.show(load, standing, surroundings.overdue.shards)
  const local = {
    start: yield* Starts.make(surroundings, parts, requests, joining),
    ...Signals.make(surroundings, parts, requests, joining, elsewhere),
    ...Outcomes.make(surroundings, parts, joining, unbounded)
  }
  const asked = cluster === undefined ? local : yield* cluster.join({
    ...local,
    settings: options.settings,
    definition: options.definition
  })
  const leave = () => cluster?.leave()
  const engine: Engine = {
    ...local,
    ...asked,
    receive: (webhook, answer) => webhooks.receive(webhook, surroundings.figures.timed(webhook, answer)),
    obstacles: Effect.sync(standing),
    known: (of) => Effect.sync(() => knownAround(surroundings, standing(), of)),
    load: Effect.sync(load),
    drain: (time) => Effect.andThen(Effect.sync(() => (leave(), drain())), drained(draining, left, time))
  }
  return {
    engine,
    onBegin: () => (leave(), activities.stop()),
    handOver: draining.handOver,
    onOver: Effect.suspend(() => letGo(parts, left()))
  }
})

const lapsedWords = (silence: number, { store: { lease } }: Options["settings"]): string =>
  `This process said nothing for ${Math.round(silence / 1000)} s, longer than its lease of ${lease / 1000} s. ` +
  "Others may have taken its calls over, so it reads each of them again before it goes on"

/** Brings to its end what is in hand and hands over the rest, while what comes in is answered, and says what is left. */
const drained = Effect.fnUntraced(function*(
  { finish, handedOver }: Draining.Draining,
  left: () => Leftover.Leftover,
  { atLeast, within }: { readonly within: number; readonly atLeast: number }
) {
  yield* Effect.timeoutOption(finish(atLeast), within)
  const found = { ...left(), handedOver: handedOver() }
  const words = Leftover.describeDrained(found)
  yield* Leftover.isUnrecorded(found) ? Effect.logWarning(words) : Effect.logInfo(words)
  return found
})

/** Whether what is told of may be the end of a call: its events are text yet. */
const endsCall = ({ events }: ToldTurn): boolean => events.includes(`"FlowEnded"`)

/** Another process has brought a call to its end, for which somebody may wait here. */
const look = ({ entities, loading }: Parts.Parts, id: CallId): Effect.Effect<void> => {
  const entity = entities.find(id)
  return entity !== undefined && entity.listeners > 0 ? Effect.ignore(loading.refresh(entity)) : Effect.void
}

/** Counts what an engine has in hand. Of calls that others went on with, their lines are theirs. */
const loadOf = (
  { closing, now, overdue, pacing, process, troubles }: Surroundings.Surroundings,
  { entities }: Parts.Parts,
  webhooks: Webhooks.Webhooks
) =>
(): Figures.Load => {
  const all = [...entities.all()]
  const own = all.flatMap(({ live, writer }) => live !== undefined && writer === process ? [live.call] : [])
  const open = own.flatMap(Call.liveLines).filter(CallLine.isOpen)
  return {
    isDraining: closing.isDraining(),
    isClosing: closing.isBegun(),
    callsInMemory: all.length,
    linesLive: open.length,
    dialsUnknown: open.filter(({ phase }) => phase === "Unknown").length,
    dialsWaiting: pacing.waiting(),
    webhooksWaiting: webhooks.waiting(),
    shardsBehind: closing.isDraining() ? [] : overdue.behind(now()), // Who drains looks no more.
    storeFailing: troubles.store.failing ?? webhooks.failing()
  }
}

/**
 * What is known around a call. Each process finds out by itself what stands in the way of dials, so nothing is known of the dials
 * of another where nothing stands in the way of ours.
 */
const knownAround = (
  { neighbours, restore }: Surroundings.Surroundings,
  obstacles: ReadonlyArray<Standing>,
  { process }: Pick<Summary, "process">
): Known => {
  const isTheirs = process !== null && neighbours.others().has(process)
  return { restored: restore.verdicts, ...(isTheirs && obstacles.length === 0 ? {} : { obstacles }) }
}

/** Takes up the calls that are running in the store, and those that it is told to dial or to give up. */
const takeUp = Effect.fnUntraced(function*(
  { registered, restored, running }: Options,
  { clock, surroundings, time }: Surroundings.Made,
  parts: Parts.Parts,
  takeover: Takeover.Takeover,
  listen: Effect.Effect<void>
) {
  const { alarm, store: { processes } } = surroundings
  const missing = MissingFlows.make(surroundings)
  const owners = Owners.make(surroundings)
  Jumps.follow(surroundings, parts, time, takeover)
  yield* processes === undefined
    ? Recovery.recover(surroundings, takeover, missing, running)
    : Lookout.make(surroundings, parts, Orphans.make(surroundings, takeover, owners), owners, missing, listen)
      .watch(processes, clock, new Set([...registered, ...surroundings.placement?.marks ?? []]))
  if (restored === undefined) return
  for (const id of Restore.waiting(running)) alarm.setLatest(id, time.now(), false)
})

/** Nothing is recorded any more: whoever waits for an outcome is told, and what is left is said. */
const letGo = (
  { entities }: Parts.Parts,
  left: Leftover.Leftover
): Effect.Effect<void> => {
  entities.giveUp(Closing.closed)
  const words = Leftover.describe(left)
  if (words === undefined) return Effect.void
  return Leftover.isUnrecorded(left) ? Effect.logWarning(words) : Effect.logInfo(words)
}
