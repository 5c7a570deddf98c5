/**
 * Calls whose flow this process has not registered. Processes that have are told of them; where no process that lives has, a
 * call's lines are looked after, and it ends by its deadlines.
 */
import { Effect } from "effect"
import * as Call from "../../Call.ts"
import type { CallNotFound } from "../../CallError.ts"
import type { CallId } from "../../CallEvent.ts"
import * as CallLine from "../../CallLine.ts"
import type { StoreError } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import * as CallLog from "./callLog.ts"
import type { Entity } from "./entity.ts"
import { ignore } from "./message.ts"
import * as Neighbours from "./neighbours.ts"
import type { Parts } from "./parts.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** What a process does about calls whose flow it has not registered. */
export interface Elsewhere {
  /** Goes on from a turn that is durable: leaves the call to others, or tells those that wait for what was decided. */
  readonly follow: Follow
  /** Ends a call that was cancelled, if no process knows its flow. */
  readonly endCancelled: (id: CallId) => Effect.Effect<void, StoreError | CallNotFound>
  /** A process asks for a call whose flow is known here, or has gone on with one that is not. */
  readonly hear: (id: CallId, from: string) => Effect.Effect<void>
}

/** How long a process that waits for a decision is told of it, in milliseconds. No webhook waits longer for its reply. */
const longestWait = 30_000

const isOwed = ({ lines }: Call.Call): boolean => lines.some((line) => CallLine.status(line) === "Owing")

const endedWithout = ({ exit, flow, flowVersion, id }: Call.Call): string => {
  const why = exit?._tag === "Stopped" && exit.reason._tag === "Cancelled" ? "was cancelled" : "was overdue"
  return `Call ${id} ${why} and has ended without its flow ${flow} in version ${flowVersion}, which no living process has ` +
    `registered: nothing of the flow ran, its finalizers neither`
}

/** Works on the calls of an engine. */
export const make = (surroundings: Surroundings, { entities, intake }: Parts): Elsewhere => {
  const { closing, isMissing, neighbours, now, run, settings } = surroundings
  /** Who waits for what this process decides, by call, and since when. */
  const asked = new Map<CallId, Map<string, number>>()

  const knowing = (call: Call.Call): ReadonlyArray<string> => Neighbours.knowing(neighbours.others(), call)

  /** One of those that know the flow: who runs its activity, else always the same one. All of them, if that one is late. */
  const chosen = (call: Call.Call, entity: Entity): ReadonlyArray<string> => {
    const all = knowing(call)
    const isLate = call.unheardSince !== undefined && now() - call.unheardSince > settings.reply.deadline
    if (all.length < 2 || isLate) return all
    if (entity.worker !== undefined && all.includes(entity.worker)) return [entity.worker]
    return [Neighbours.chosenOf(all, call.id) ?? all[0]!]
  }

  /** Tells a process that knows the flow. One that has joined since the last look may be the only one. */
  const leave = (entity: Entity, call: Call.Call): Effect.Effect<void> =>
    Effect.gen(function*() {
      if (knowing(call).length === 0) yield* Effect.ignore(neighbours.look)
      yield* neighbours.tell(chosen(call, entity), call.id)
    })

  /** Tells those that wait for what this process decides of a call. */
  const answer = (call: Call.Call): void => {
    const waiting = asked.get(call.id)
    if (waiting === undefined) return
    const recent = Array.from(waiting).filter(([, since]) => now() - since < longestWait)
    if (!isOwed(call) || recent.length === 0) asked.delete(call.id)
    run(neighbours.tell(recent.map(([process]) => process), call.id))
  }

  const follow: Follow = (entity, events, call) => {
    if (call.unheardSince !== undefined) return void run(leave(entity, call))
    answer(call)
    const isEnd = entity.live?.definition === undefined && events.some(({ _tag }) => _tag === "FlowEnded")
    if (isEnd) run(CallLog.about(entity, Effect.logWarning(endedWithout(call))))
  }

  const hear: Elsewhere["hear"] = (callId, from) =>
    Effect.gen(function*() {
      if (closing.isDraining()) return // Others see to it at their next look.
      const entity = entities.of(callId)
      const waiting = asked.get(callId) ?? new Map<string, number>()
      asked.set(callId, waiting.set(from, now()))
      const knows = yield* intake.goOn(entity)
      if (!asked.has(callId)) return
      if (knows) yield* neighbours.tell([from], callId) // Who knows no flow tells nobody back, or two would do so for ever.
      if (!knows || !isOwed(entity.live?.call ?? Call.initial(callId))) asked.delete(callId)
    }).pipe(Effect.ignore)

  const endCancelled: Elsewhere["endCancelled"] = Effect.fnUntraced(function*(id) {
    const live = entities.live(id)
    if (live === undefined || !LiveCall.isWithoutFlow(live) || !live.call.cancelled) return
    yield* neighbours.look
    if (!isMissing(live.call.flow, live.call.flowVersion)) return
    yield* intake.take(entities.of(id), { _tag: "FlowMissing" }, ignore)
  })

  return { follow, endCancelled, hear }
}
