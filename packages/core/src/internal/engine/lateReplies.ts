/**
 * Replies that are not on record when they go out, because the store is late or the engine ends. A webhook stays where it is and is recorded when
 * the store can. Meanwhile whoever waits on the line gets a hold, for it decides nothing: what it is given next, and what is
 * made of its end, is decided from the log alone. So the hold is recorded too, behind its webhook, unless its end came first.
 */
import { Effect, Exit } from "effect"
import type { Scope } from "effect"
import * as Action from "../../Action.ts"
import { Late, StoreError } from "../../EventStore.ts"
import * as Reply from "../../Reply.ts"
import type * as Webhook from "../../Webhook.ts"
import * as table from "../call/table.ts"
import * as Lateness from "../lateness.ts"
import { Report } from "../report.ts"
import type { Addresses } from "./addresses.ts"
import { answer, type Arrival, isAnswered } from "./arrival.ts"
import * as Closing from "./closing.ts"
import { countHold, type Entity } from "./entity.ts"
import type { Surroundings } from "./surroundings.ts"

/** Answers webhooks that are not recorded. */
export interface LateReplies {
  /** Answers a webhook when the store is late with it. */
  readonly watch: (arrival: Arrival) => void
  /** A webhook is recorded, or never will be. */
  readonly settled: (arrival: Arrival) => void
  /** Answers a webhook with what may be said without a record. If that is nothing, the store is waited for a while longer. */
  readonly answer: (arrival: Arrival) => void
  /** The answer of an engine that records nothing any more. */
  readonly parting: (entity: Entity, webhook: Webhook.Webhook) => Exit.Exit<Reply.Reply, StoreError>
  /** Answers with it. */
  readonly part: (arrival: Arrival) => void
  /** Whether the store is so late that what can wait had better not be asked of it. */
  readonly isLate: () => boolean
  /** How long that has been so, and for how many webhooks. */
  readonly failing: () => Report["failing"]
}

const closed = Exit.fail(Closing.closed)
const notInTime = Exit.fail(
  new StoreError({
    operation: "write",
    reason: new Late({ problem: "It is late; the event is recorded as soon as it can be" })
  })
)

/** Watches until its scope closes. */
export const make = Effect.fnUntraced(function*(
  { elapsed, run, settings }: Surroundings,
  { knownLineOf }: Addresses
): Effect.fn.Return<LateReplies, never, Scope.Scope> {
  const late = new Set<Arrival>()
  const lateness = new Report({
    fails: "Webhooks wait for the store, and whoever is on the line hears a hold",
    over: "Webhooks wait for the store no more"
  }, elapsed)

  /** What may be said, if anything. After a few holds in a row the line is hung up, rather than held for ever. */
  const unrecorded = (entity: Entity, webhook: Webhook.Webhook): Reply.Reply | undefined => {
    const isOver = entity.reportedOver.has(webhook.referenceId)
    const allowed = isOver ? "nothing" : table.unrecorded(knownLineOf(entity, webhook), webhook)
    const holds = entity.unrecordedHolds.get(webhook.referenceId) ?? 0
    if (allowed === "nothing") return undefined
    if (allowed === "hangup" || holds >= settings.reply.unrecordedHolds) {
      return Reply.make(Action.hangup, "unrecorded hang-up")
    }
    countHold(entity, webhook.referenceId)
    return Reply.make(Action.prompt(settings.reply.hold), "unrecorded hold")
  }

  const answerLate = (arrival: Arrival): void => {
    const reply = unrecorded(arrival.entity, arrival.webhook)
    if (reply === undefined) watchOn(new Lateness.Watched(arrival.since, arrival))
    else arrival.isHeld = answer(arrival, Exit.succeed(reply)) && reply.basis === "unrecorded hold"
  }

  /**
   * A hold helps whose line is in the log: its end tells the next process that somebody waits. Whoever is not in the log had
   * better be asked for again.
   */
  const parting: LateReplies["parting"] = (entity, webhook) => {
    const reply = (entity.live?.call ?? entity.known) === undefined ? undefined : unrecorded(entity, webhook)
    return reply === undefined ? closed : Exit.succeed(reply)
  }

  const becameLate = (arrival: Arrival): void => {
    if (arrival.isDone) return // it waits for the flow
    late.add(arrival)
    answerLate(arrival)
    run(lateness.failed(`${late.size} of them are late`))
  }

  const watch = yield* Lateness.make<Arrival>(
    elapsed,
    settings.reply.deadline,
    (arrival) => Effect.sync(() => becameLate(arrival))
  )
  const watchOn = yield* Lateness.make<Arrival>(
    elapsed,
    settings.store.patience,
    (arrival) => Effect.sync(() => void answer(arrival, notInTime))
  )

  return {
    watch: ({ watched }) => watch(watched),
    settled: (arrival) => {
      if (late.delete(arrival) && late.size === 0) run(lateness.over())
    },
    answer: answerLate,
    parting,
    part: (arrival) => {
      if (!isAnswered(arrival)) answer(arrival, parting(arrival.entity, arrival.webhook))
    },
    isLate: () => late.size > 0,
    failing: () => lateness.failing
  }
})
