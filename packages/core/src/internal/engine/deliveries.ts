/** The replies of a call: who waits for one, and what became of those that are in flight. */
import { Deferred, Exit } from "effect"
import * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"
import * as CallLine from "../../CallLine.ts"
import type { Owed } from "../../CallLine.ts"
import type * as LiveCall from "../../LiveCall.ts"
import type { Entity } from "./entity.ts"
import type { Surroundings } from "./surroundings.ts"

/** Follows replies. What it knows of one is of this process alone. */
export interface Deliveries {
  /** A turn is durable. */
  readonly follow: (entity: Entity, events: ReadonlyArray<CallEvent>, call: Call.Call) => void
  /** A call is read from the store. Without its flow here, what others have decided answers the webhooks that wait for it. */
  readonly read: (entity: Entity, live: LiveCall.LiveCall) => void
  /** The reply to a webhook that waits for its flow. */
  readonly await: (entity: Entity, line: number) => Deferred.Deferred<Owed>
  readonly awaitNoMore: (entity: Entity, line: number, reply: Deferred.Deferred<Owed>) => void
  /** Answers the webhooks for which the flow has decided. */
  readonly answer: (entity: Entity, call: Call.Call) => void
}

/** What is in flight on a line that is wanted. Whoever is on another is hung up on, whatever was in flight. */
const wantedAction = (line: CallLine.CallLine): CallLine.CallLine["inFlight"] => {
  const status = CallLine.status(line)
  return status === "Acting" || status === "Bridged" ? line.inFlight : undefined
}

/** Whether a webhook of this process waits for its flow. */
const isAwaited = (entity: Entity, line: number): boolean => (entity.waiters.get(line)?.size ?? 0) > 0

/** Keeps an eye on the delivery of the action in flight. One that is not ours was written before, if at all. */
const track = (entity: Entity, line: CallLine.CallLine, isOurs: boolean): void => {
  const action = wantedAction(line)
  if (action === undefined) return void entity.deliveries.delete(line.id)
  const delivery = entity.deliveries.get(line.id)
  if (delivery?.n === action.n && delivery.at === action.at) return
  const written = isOurs ? undefined : 0
  entity.deliveries.set(line.id, { n: action.n, at: action.at, isOurs, written, copies: 0 })
}

/** By the settings of an engine. */
export const make = ({ settings, store }: Surroundings): Deliveries => {
  /**
   * Whether an action that a turn has put in flight answers a webhook of this process: another may have written it, and a
   * hold for which no webhook waits went out before it was recorded.
   */
  const isOurs = (entity: Entity, { id }: CallLine.CallLine, events: ReadonlyArray<CallEvent>): boolean =>
    isAwaited(entity, id) || events.some((event) => "content" in event && event.line === id) ||
    (store.processes === undefined && !events.some((event) => event._tag === "HoldAnswered" && event.line === id))

  const forgetQuiet = ({ deliveries }: Entity, { quiet }: Call.Call): void => {
    for (const line of deliveries.keys()) if (line <= quiet) deliveries.delete(line)
  }

  return {
    follow: (entity, events, call) => {
      forgetQuiet(entity, call)
      for (const line of Call.liveLines(call)) track(entity, line, isOurs(entity, line, events))
    },
    read: (entity, { call, definition }) => {
      forgetQuiet(entity, call)
      for (const line of Call.liveLines(call)) {
        track(entity, line, definition === undefined && isAwaited(entity, line.id))
      }
    },
    await: (entity, line) => {
      const reply = Deferred.makeUnsafe<Owed>()
      const waiting = entity.waiters.get(line)
      if (waiting === undefined) entity.waiters.set(line, new Set([reply]))
      else waiting.add(reply)
      return reply
    },
    awaitNoMore: (entity, line, reply) => void entity.waiters.get(line)?.delete(reply),
    answer: (entity, call) => {
      for (const [line, waiting] of entity.waiters) {
        const reply = Call.reply(call, line, "line", settings)
        if (reply._tag === "Wait") continue
        entity.waiters.delete(line)
        for (const waiter of waiting) Deferred.doneUnsafe(waiter, Exit.succeed(reply))
      }
    }
  }
}
