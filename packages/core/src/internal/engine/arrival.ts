/** A webhook that has arrived, on its way through the engine. */
import type { Exit } from "effect"
import type { StoreError } from "../../EventStore.ts"
import type { Reply } from "../../Reply.ts"
import type * as Webhook from "../../Webhook.ts"
import * as Lateness from "../lateness.ts"
import type { Entity } from "./entity.ts"

/** Whoever waits for the answer to a webhook. */
export type Answer = (reply: Exit.Exit<Reply, Webhook.OutOfBounds | StoreError>) => void

/** A webhook on its way through the engine. A class, as frames are in `flow/interpreter.ts`: it holds who waits for the answer. */
export class Arrival {
  readonly entity: Entity
  readonly webhook: Webhook.Webhook
  /** Its place among all webhooks and replies of this process. */
  readonly place: number
  /** When it came, by the time that has elapsed: how long ago that is, and how late its answer. */
  readonly since: number
  /** A hold went out on its line before it came, which the log does not know. */
  readonly afterHold: boolean
  /** What becomes late with it. Separate, because it is kept for as long as the answer could have been late. */
  readonly watched: Lateness.Watched<Arrival>
  /** Gives whoever posted it the answer. `undefined` when that is done. */
  answer: Answer | undefined
  /** It is recorded, or never will be. */
  isDone = false
  /** Its answer was a hold that nobody has recorded. */
  isHeld = false
  constructor(
    entity: Entity,
    webhook: Webhook.Webhook,
    place: number,
    since: number,
    answer: Answer | undefined
  ) {
    this.entity = entity
    this.webhook = webhook
    this.place = place
    this.since = since
    this.afterHold = entity.unrecordedHolds.has(webhook.referenceId)
    this.watched = new Lateness.Watched<Arrival>(since, this)
    this.answer = answer
  }
}

/** Whether somebody calls in. */
export const isIncoming = (webhook: Webhook.Webhook): boolean => webhook.kind === "IncomingCall"

/** Whether whoever posted it has an answer. */
export const isAnswered = (arrival: Arrival): boolean => arrival.answer === undefined

/** Answers a webhook. `false` if that was done before. */
export const answer = (arrival: Arrival, reply: Exit.Exit<Reply, StoreError>): boolean => {
  const give = arrival.answer
  if (give === undefined) return false
  arrival.answer = undefined
  arrival.watched.item = undefined
  give(reply)
  return true
}
