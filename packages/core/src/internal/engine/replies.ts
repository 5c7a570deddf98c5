/** The replies to webhooks that are recorded: at once, or when the flow has decided. */
import { type Deferred, Effect, Exit } from "effect"
import * as Call from "../../Call.ts"
import type { Owed } from "../../CallLine.ts"
import type * as Decider from "../../Decider.ts"
import * as Reply from "../../Reply.ts"
import * as Webhook from "../../Webhook.ts"
import * as Masked from "../masked.ts"
import { answer, type Arrival, isAnswered } from "./arrival.ts"
import * as Holds from "./holds.ts"
import type { LateReplies } from "./lateReplies.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"

/** What the decision about a webhook led to: the reply, or what it waits for. */
export interface Decided {
  readonly line: number
  readonly reply: Owed
  readonly isNew: boolean
  readonly isCopy: boolean
  readonly waiter: Deferred.Deferred<Owed> | undefined
}

/** Answers what is recorded. */
export interface Replies {
  /** Looks what the decision about a webhook led to. */
  readonly look: (arrival: Arrival, line: number, call: Call.Call, decided: Decider.Decided) => Decided
  /** Answers a webhook that is recorded, as soon as its flow has decided. */
  readonly reply: (arrival: Arrival, decided: Decided) => void
}

/** Whether a reply is what is in flight on its line, and not a hang-up beside that. */
const isInFlight = (reply: Owed): boolean => reply._tag === "Act" && reply.n !== undefined

/** The recorded reply that says nothing. */
const silent = Reply.make(undefined, "recorded")

/** Answers for an engine. `stamp` gives the next place among all webhooks and replies of this process. */
export const make = (
  surroundings: Surroundings,
  parts: Parts,
  lateReplies: LateReplies,
  stamp: () => number
): Replies => {
  const { closing, elapsed, run, settings } = surroundings
  const { deliveries, intake } = parts
  const giveOwed = Holds.make(surroundings, parts, lateReplies)

  const look: Replies["look"] = (arrival, line, call, decided) => {
    const { entity } = arrival
    const reply = Call.reply(call, line, decided.answer, settings)
    const written = entity.deliveries.get(line)?.written
    const isNew = decided.events.length > 0
    const isCopy = !isNew && isInFlight(reply) && written !== undefined && arrival.place > written
    const waits = reply._tag === "Wait" && !isAnswered(arrival)
    return { line, reply, isNew, isCopy, waiter: waits ? deliveries.await(entity, line) : undefined }
  }

  /** Answers on a line that waits for its flow. An engine that ends answers it without a record. */
  const awaitFlow = (arrival: Arrival, decided: Decided, waiter: Deferred.Deferred<Owed>): Effect.Effect<void> =>
    Effect.onInterrupt(
      giveOwed(arrival, decided.line, waiter, (reply) => give(arrival, decided, reply)),
      () => Effect.sync(() => lateReplies.part(arrival))
    )

  /** Gives a webhook its reply, unless a hold has gone out already. */
  const give = (arrival: Arrival, { isCopy, isNew, line }: Decided, reply: Owed): void => {
    const { entity, webhook } = arrival
    const isFirst = answer(arrival, Exit.succeed(toReply(arrival, line, reply, isCopy)))
    if (arrival.isHeld && isNew) run(recordHold(arrival, line, reply))
    if (!isFirst || reply._tag !== "Act") return
    const delivery = entity.deliveries.get(line)
    if (isCopy && delivery !== undefined) delivery.copies++
    if (isNew || Webhook.endsPrompt(webhook)) entity.unrecordedHolds.delete(webhook.referenceId)
  }

  /** Records the hold that went out instead of a reply, unless its end has come in meanwhile and was given that reply. */
  const recordHold = ({ entity, webhook }: Arrival, line: number, reply: Owed): Effect.Effect<void> => {
    const n = reply._tag === "Act" ? reply.n : undefined
    return intake.takeSurely(
      entity,
      () => entity.unrecordedHolds.has(webhook.referenceId) ? { _tag: "Held", line, n } : { _tag: "Wake" }
    )
  }

  const toReply = ({ entity, since }: Arrival, line: number, reply: Owed, isCopy: boolean): Reply.Reply => {
    if (reply._tag !== "Act") return { ...silent, call: entity.id }
    const delivery = isInFlight(reply) ? entity.deliveries.get(line) : undefined
    /** Takes down what became of it. If that has to be recorded, gives how. */
    const told = (whole: boolean): Effect.Effect<void> | undefined => {
      if (delivery !== undefined) {
        delivery.written = stamp()
        if (isCopy && !whole) delivery.copies-- // nobody has heard this one: the next is a copy as much as it was
      }
      const surely = whole && elapsed() - since <= settings.reply.lateAfter
      if (surely || reply.n === undefined) return undefined
      return intake.takeSurely(entity, { _tag: "ReplyBroke", line, n: reply.n })
    }
    return {
      action: Masked.masking(reply.action), // read from a log it would print whole
      basis: isCopy ? "copy" : "recorded",
      call: entity.id,
      sent: (whole) => Effect.suspend(() => told(whole) ?? Effect.void),
      sentUnsafe: (whole) => {
        const recording = told(whole)
        if (recording !== undefined) run(recording)
      }
    }
  }

  return {
    look,
    reply: (arrival, decided) => {
      if (decided.waiter === undefined) give(arrival, decided, decided.reply)
      else run(closing.inHand(awaitFlow(arrival, decided, decided.waiter)))
    }
  }
}
