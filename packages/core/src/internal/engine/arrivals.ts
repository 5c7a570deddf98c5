/**
 * The webhooks that wait to be recorded. Each is put behind those that came before it for the same call, recorded as soon as the
 * store allows, and answered when that is durable; or before, with a hold, if the store is late and somebody waits on the line.
 */
import { Exit } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type * as Webhook from "../../Webhook.ts"
import { type Answer, Arrival, isIncoming } from "./arrival.ts"
import type { Callers } from "./callers.ts"
import { reportOver } from "./entity.ts"
import type { LateReplies } from "./lateReplies.ts"
import type { Taken } from "./message.ts"
import type { Parts } from "./parts.ts"
import type { Refusals } from "./refusals.ts"
import type { Replies } from "./replies.ts"
import type { Surroundings } from "./surroundings.ts"
import { type AsMessage, type Found, isTaken } from "./webhookMessage.ts"

/** The place of a webhook among all webhooks and replies, and when it came. */
export interface Came {
  readonly place: number
  readonly since: number
}

/** Takes webhooks to their calls. */
export interface Arrivals {
  /** Puts a webhook behind the others of its call. One that was answered before, elsewhere, has no `answer`. */
  readonly accept: (webhook: Webhook.Webhook, id: CallId, came: Came, answer: Answer | undefined) => void
  /** How many are not recorded. */
  readonly waiting: () => number
}

/** How they are answered. */
export interface Answers {
  readonly asMessage: AsMessage
  readonly callers: Callers
  readonly replies: Replies
  readonly lateReplies: LateReplies
  readonly refusals: Refusals
}

/** To the calls of an engine. */
export const make = (
  { closing, settings }: Surroundings,
  { entities, intake, sessions }: Parts,
  { asMessage, callers, lateReplies, refusals, replies }: Answers
): Arrivals => {
  let waiting = 0

  const accept: Arrivals["accept"] = (webhook, id, { place, since }, answer) => {
    if (waiting >= settings.store.waiting) return refusals.turnAway(answer)
    const entity = entities.of(id)
    if (closing.isOver()) return answer?.(lateReplies.parting(entity, webhook))
    const arrival = new Arrival(entity, webhook, place, since, answer)
    if (isIncoming(webhook)) sessions.expect(webhook.referenceId, id)
    if (webhook.kind === "CallCompleted") reportOver(entity, webhook.referenceId)
    lateReplies.watch(arrival)
    waiting++
    closing.begin()
    intake.post(entity, asMessage(arrival, (exit) => taken(arrival, exit)))
  }

  /** A webhook is recorded, or never will be. */
  const taken = (arrival: Arrival, exit: Taken<Found>): void => {
    done(arrival)
    if (Exit.isFailure(exit)) {
      callers.forget(arrival.entity.id)
      return closing.isOver() ? lateReplies.part(arrival) : refusals.refuse(arrival, exit.cause)
    }
    refusals.over()
    if (isIncoming(arrival.webhook) && !isTaken(exit.value)) callers.forget(arrival.entity.id)
    if (exit.value === undefined) refusals.lost(arrival)
    else if ("contested" in exit.value) refusals.contested(arrival)
    else if ("owner" in exit.value) forward(arrival, exit.value.owner)
    else replies.reply(arrival, exit.value)
  }

  /** A webhook waits no longer. */
  const done = (arrival: Arrival): void => {
    arrival.isDone = true
    if (isIncoming(arrival.webhook)) sessions.expectNoMore(arrival.webhook.referenceId, arrival.entity.id)
    waiting--
    closing.end()
    lateReplies.settled(arrival)
  }

  /** Gives a webhook to the call that it belongs to, behind what came in there. */
  const forward = (arrival: Arrival, owner: CallId): void => {
    const { answer } = arrival
    arrival.answer = arrival.watched.item = undefined
    accept(arrival.webhook, owner, { place: arrival.place, since: arrival.since }, answer)
  }

  return { accept, waiting: () => waiting }
}
