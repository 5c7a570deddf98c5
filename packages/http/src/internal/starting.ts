/**
 * What is answered while there is no engine yet. Nothing is recorded, so nothing is decided: whoever waits on a line is held, at
 * most as often in a row as an engine would, and what could not be answered so has to come again.
 */
import { Action, EventStore, Reply, Settings, Webhook } from "@ringback/core"
import { Exit } from "effect"
import type { Receive } from "./answering.ts"

/** Of so many sessions it is known how often they were held; those of before are forgotten. */
const sessions = 10_000

const unready = Exit.fail(
  new EventStore.StoreError({
    operation: "write",
    reason: new EventStore.Closed({ problem: "The engine is not ready" })
  })
)

/** Makes what takes webhooks in without an engine. */
export const make = (): Receive => {
  const { hold, unrecordedHolds } = Settings.make({}).reply
  const held = new Map<string, number>()
  const holding = Exit.succeed(Reply.make(Action.prompt(hold), "unrecorded hold"))
  const hangingUp = Exit.succeed(Reply.make(Action.hangup, "unrecorded hang-up"))

  return (reported, answer) => {
    const webhook = Webhook.bounded(reported)
    if (webhook._tag === "Failure") return answer(Exit.fail(webhook.failure))
    if (!Webhook.asksForAction(webhook.success)) return answer(unready)
    const { referenceId } = webhook.success
    const times = held.get(referenceId) ?? 0
    if (times >= unrecordedHolds) return answer(hangingUp)
    held.delete(referenceId)
    held.set(referenceId, times + 1)
    if (held.size > sessions) held.delete(held.keys().next().value!)
    answer(holding)
  }
}
