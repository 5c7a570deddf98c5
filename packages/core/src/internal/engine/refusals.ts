/** Webhooks that are not recorded, and never will be. Nobody could steer their lines, so nobody is left on one in silence. */
import { Cause, Effect, Exit, Option } from "effect"
import * as Action from "../../Action.ts"
import type { CallNotFound } from "../../CallError.ts"
import { isOfSession } from "../../CallLine.ts"
import { Busy, StoreError } from "../../EventStore.ts"
import * as Reply from "../../Reply.ts"
import * as Webhook from "../../Webhook.ts"
import * as Defect from "../defect.ts"
import * as Gathered from "../gathered.ts"
import { isLasting, Report } from "../report.ts"
import type { Addresses } from "./addresses.ts"
import { type Answer, answer, type Arrival } from "./arrival.ts"
import * as CallLog from "./callLog.ts"
import type { Surroundings } from "./surroundings.ts"

/** Answers what is not recorded. */
export interface Refusals {
  /** A webhook is not taken, for this cause. */
  readonly refuse: (arrival: Arrival, cause: Cause.Cause<StoreError | CallNotFound>) => void
  /**
   * An event that carries our namespace but belongs to no dial that is stored: a store was lost, or is a copy of an earlier
   * day.
   */
  readonly lost: (arrival: Arrival) => void
  /** An event of a line whose session the carrier has given to the line of another call too: that one is left alone. */
  readonly contested: (arrival: Arrival) => void
  /** Too many wait already. */
  readonly turnAway: (answer: Answer | undefined) => void
  /** It could not be found out whose it is. */
  readonly failed: (problem: string) => Effect.Effect<void>
  /** One was recorded: if others were not, that is over. */
  readonly over: () => void
}

/** Answers for an engine. */
export const make = ({ elapsed, restore, run, settings }: Surroundings, addresses: Addresses): Refusals => {
  const report = new Report({ fails: "Webhooks cannot be recorded", over: "Webhooks are recorded again" }, elapsed)
  const silent = (basis: "unclaimed" | "refused") => Exit.succeed(Reply.make(undefined, basis))
  const hangup = (basis: "unclaimed" | "refused") => Exit.succeed(Reply.make(Action.hangup, basis))

  const tooMany = new StoreError({
    operation: "write",
    reason: new Busy({ problem: `${settings.store.waiting} webhooks wait for it already, so this one was not taken` })
  })

  /** Whether the carrier has said that nobody is on the line any more. */
  const isReportedOver = ({ entity, webhook }: Arrival): boolean => {
    const line = addresses.knownLineOf(entity, webhook)
    const isEnded = line?.closedBy === "ended" || line?.closedBy === "settled"
    return (isEnded && isOfSession(line, webhook.referenceId)) || entity.reportedOver.has(webhook.referenceId)
  }

  /** A store that may take it later is told to the carrier, which may send it again. */
  const refuse: Refusals["refuse"] = (arrival, cause) => {
    const { entity, webhook } = arrival
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    if (error?._tag === "CallNotFound") return error.endedAt === undefined ? lost(arrival) : pruned(arrival)
    run(CallLog.about(entity, report.failed(error?.message ?? Defect.message(Cause.squash(cause)))))
    if (error !== undefined && !isLasting(error)) return void answer(arrival, Exit.fail(error))
    if (error === undefined) run(CallLog.died(entity, "A webhook could not be taken", Cause.squash(cause)))
    const isWaiting = Webhook.asksForAction(webhook) && !isReportedOver(arrival)
    answer(arrival, isWaiting ? hangup("refused") : silent("refused"))
  }

  /** An event of a call that is over and of which nothing is left. If it shows life, its line is hung up on, as any that is over. */
  const pruned = (arrival: Arrival): void =>
    void answer(arrival, Webhook.asksForAction(arrival.webhook) ? hangup("unclaimed") : silent("unclaimed"))

  const contested: Refusals["contested"] = (arrival) =>
    void answer(arrival, Webhook.asksForAction(arrival.webhook) ? hangup("refused") : silent("refused"))

  const lost: Refusals["lost"] = (arrival) => {
    const { webhook } = arrival
    const isOver = webhook.kind === "CallCompleted"
    answer(arrival, isOver ? silent("unclaimed") : hangup("unclaimed"))
    if (!isOver) tellLost(Webhook.shown(webhook))
    if (addresses.attemptOf(webhook) !== undefined) restore.suspect()
  }

  const tellLost = Gathered.make<string>(run, (names, count) =>
    Effect.logWarning(
      `${
        count === 1 ? "An event names a dial" : `${count} events name dials`
      } of this installation that the store does ` +
        `not know (${[...new Set(names)].join(", ")}): whoever is on the line is hung up on`
    ))

  return {
    refuse,
    lost,
    contested,
    turnAway: (answer) => {
      run(report.failed(tooMany.message))
      answer?.(Exit.fail(tooMany))
    },
    failed: (problem) => report.failed(problem),
    over: () => {
      if (report.isBegun) run(report.over())
    }
  }
}
