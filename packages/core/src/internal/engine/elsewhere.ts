/**
 * Calls whose flow this process has not registered. Processes that have are told of them; where no process that lives has, a
 * call is named, its lines are looked after, and it ends by its deadlines.
 */
import { Effect, Hash, Stream } from "effect"
import * as Call from "../../Call.ts"
import type { CallId } from "../../CallEvent.ts"
import * as CallLine from "../../CallLine.ts"
import type { Processes, StoreError, Summary, Told } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import type { CallNotFound } from "../callNotFound.ts"
import type { Entity } from "./entity.ts"
import { ignore } from "./message.ts"
import { nameOf } from "./neighbours.ts"
import type { Parts } from "./parts.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** What a process does about flows that it has not registered. */
export interface Elsewhere {
  /** Goes on from a turn that is durable: leaves the call to others, or tells those that wait for what was decided. */
  readonly follow: Follow
  /** Ends a call that was cancelled, if no process knows its flow. */
  readonly endCancelled: (id: CallId) => Effect.Effect<void, StoreError | CallNotFound>
  /** Says which flows of these running calls no process has registered, where that has changed. */
  readonly nameMissing: (running: ReadonlyArray<Summary>) => Effect.Effect<void>
  /** The same of all calls that run now. */
  readonly nameAllMissing: Effect.Effect<void, StoreError>
  /** Whether that was said of the flow of a call. */
  readonly isNamed: (call: Summary) => boolean
  /** Whether a flow that was named has been registered since. */
  readonly isBack: () => boolean
  /** Hears what others tell this process, for as long as the engine runs. */
  readonly listen: (processes: Processes) => Effect.Effect<void>
}

/** How many calls of a flow that is missing are named by their ids. */
const mostNamed = 5

/** How long a process that waits for a decision is told of it, in milliseconds. No webhook waits longer for its reply. */
const longestWait = 30_000

interface Missing {
  readonly flow: string
  readonly version: number
  readonly calls: Array<CallId>
}

/** The running calls whose flow no living process has registered, by their flows. */
const missingAmong = (running: ReadonlyArray<Summary>, { isMissing }: Surroundings): ReadonlyMap<string, Missing> => {
  const found = new Map<string, Missing>()
  for (const { callId, flow, flowVersion: version } of running) {
    if (!isMissing(flow, version)) continue
    const name = nameOf(flow, version)
    const missing = found.get(name) ?? { flow, version, calls: [] }
    missing.calls.push(callId)
    found.set(name, missing)
  }
  return found
}

const idsOf = (calls: ReadonlyArray<CallId>): string =>
  `${calls.slice(0, mostNamed).join(", ")}${calls.length > mostNamed ? ", ..." : ""}`

const needing = (count: number): string => count === 1 ? "1 running call needs" : `${count} running calls need`

const isOwed = ({ lines }: Call.Call): boolean => lines.some((line) => CallLine.status(line) === "Owing")

/** Works on the calls of an engine. `processes` are those that share its store. */
export const make = (surroundings: Surroundings, parts: () => Parts, processes: Processes | undefined): Elsewhere => {
  const { closing, isMissing, neighbours, now, process, run, settings, store } = surroundings
  /** Who waits for what this process decides, by call, and since when. */
  const asked = new Map<CallId, Map<string, number>>()
  const named = new Map<string, Missing>()

  const tell = (to: ReadonlyArray<string>, callId: CallId): Effect.Effect<void> =>
    processes === undefined || to.length === 0
      ? Effect.void
      : Effect.catch(
        processes.tell(to, { callId, from: process }),
        (error) => Effect.logDebug(`Others could not be told of call ${callId}: ${error.message}`)
      )

  // -------------------------------------------------------------------------------------------------------------------
  // Calls that are left to others
  // -------------------------------------------------------------------------------------------------------------------

  const knowing = ({ flow, flowVersion }: Call.Call): ReadonlyArray<string> =>
    Array.from(neighbours.others()).flatMap(([name, flows]) => flows.has(nameOf(flow, flowVersion)) ? name : [])

  /** One of those that know the flow: who runs its activity, else always the same one. All of them, if that one is late. */
  const chosen = (call: Call.Call, entity: Entity): ReadonlyArray<string> => {
    const all = knowing(call)
    const isLate = call.unheardSince !== undefined && now() - call.unheardSince > settings.reply.deadline
    if (all.length < 2 || isLate) return all
    if (entity.worker !== undefined && all.includes(entity.worker)) return [entity.worker]
    const rank = (process: string) => Hash.string(`${process}/${call.id}`)
    return [all.reduce((first, process) => rank(process) < rank(first) ? process : first)]
  }

  /** Tells a process that knows the flow. One that has joined since the last look may be the only one. */
  const leave = (entity: Entity, call: Call.Call): Effect.Effect<void> =>
    Effect.gen(function*() {
      if (knowing(call).length === 0) yield* Effect.ignore(neighbours.look)
      yield* tell(chosen(call, entity), call.id)
    })

  /** Tells those that wait for what this process decides of a call. */
  const answer = (call: Call.Call): void => {
    const waiting = asked.get(call.id)
    if (waiting === undefined) return
    const recent = Array.from(waiting).filter(([, since]) => now() - since < longestWait)
    if (!isOwed(call) || recent.length === 0) asked.delete(call.id)
    run(tell(recent.map(([process]) => process), call.id))
  }

  const follow: Follow = (entity, events, call) => {
    if (call.unheardSince !== undefined) return void run(leave(entity, call))
    answer(call)
    const isEnd = entity.live?.definition === undefined && events.some(({ _tag }) => _tag === "FlowEnded")
    if (isEnd) run(Effect.logWarning(endedWithout(call)))
  }

  /** A process asks for a call whose flow is known here, or has gone on with one that is not. */
  const hear = ({ callId, from }: Told): Effect.Effect<void> =>
    Effect.gen(function*() {
      if (closing.isBegun()) return // Others see to it at their next look.
      const { entities, intake } = parts()
      const entity = entities.of(callId)
      const waiting = asked.get(callId) ?? new Map<string, number>()
      asked.set(callId, waiting.set(from, now()))
      const knows = yield* intake.goOn(entity)
      if (!asked.has(callId)) return
      if (knows) yield* tell([from], callId) // Who knows no flow tells nobody back, or two would tell each other for ever.
      if (!knows || !isOwed(entity.live?.call ?? Call.initial(callId))) asked.delete(callId)
    }).pipe(Effect.ignore)

  // -------------------------------------------------------------------------------------------------------------------
  // Calls whose flow no process knows
  // -------------------------------------------------------------------------------------------------------------------

  const endCancelled = Effect.fnUntraced(function*(id: CallId) {
    const { entities, intake } = parts()
    const live = entities.live(id)
    if (live === undefined || !LiveCall.isWithoutFlow(live) || !live.call.cancelled) return
    if (processes !== undefined) yield* neighbours.look
    if (isMissing(live.call.flow, live.call.flowVersion)) {
      yield* intake.take(entities.of(id), { _tag: "FlowMissing" }, ignore)
    }
  })

  const nameMissing = Effect.fnUntraced(function*(running: ReadonlyArray<Summary>) {
    const missing = missingAmong(running, surroundings)
    for (const [name, { calls, flow, version }] of missing) {
      if (named.has(name)) continue
      yield* Effect.logWarning(
        `${needing(calls.length)} the flow ${flow} in version ${version}, which no living process has ` +
          `registered (${idsOf(calls)}). Register it again, or cancel them: they end without it when they are overdue`
      )
    }
    for (const [name, { flow, version }] of named) {
      if (missing.has(name) || isMissing(flow, version)) continue
      yield* Effect.logInfo(`The flow ${flow} in version ${version} is registered again`)
    }
    named.clear()
    for (const [name, each] of missing) named.set(name, each)
  })

  const listen = (processes: Processes): Effect.Effect<void> => {
    let isDeaf = false
    const once = Effect.scoped(Effect.gen(function*() {
      const told = yield* processes.told(process)
      if (isDeaf) yield* Effect.logInfo("What other processes tell is heard again")
      isDeaf = false
      yield* Stream.runForEach(told, (each) => Effect.sync(() => void run(hear(each))))
    }))
    const lost = (error: StoreError) => {
      const words =
        `What other processes tell is not heard, so calls are looked for from time to time: ${error.message}`
      const warning = isDeaf ? Effect.void : Effect.logWarning(words)
      isDeaf = true
      return Effect.andThen(warning, Effect.sleep("1 second"))
    }
    return Effect.forever(Effect.catch(once, lost))
  }

  return {
    follow,
    endCancelled,
    nameMissing,
    nameAllMissing: Effect.suspend(() => Effect.flatMap(store.due({ before: Number.MAX_SAFE_INTEGER }), nameMissing)),
    isBack: () => Array.from(named.values()).some(({ flow, version }) => !isMissing(flow, version)),
    isNamed: ({ flow, flowVersion }) => named.has(nameOf(flow, flowVersion)),
    listen
  }
}

const endedWithout = ({ exit, flow, flowVersion, id }: Call.Call): string => {
  const why = exit?._tag === "Stopped" && exit.reason._tag === "Cancelled" ? "was cancelled" : "was overdue"
  return `Call ${id} ${why} and has ended without its flow ${flow} in version ${flowVersion}, which no living process has ` +
    `registered: nothing of the flow ran, its finalizers neither`
}
