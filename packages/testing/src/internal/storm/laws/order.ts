/** Order does not matter: no event crashes anything, moves anything backwards, or is too late because another overtook it. */
import { Action, Call, type CallEvent, type CallLine, Webhook } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"
import * as holds from "./holds.ts"

export const residuals = {
  late: "an answer that the end of its call overtook, while the store was late"
} as const

export const check = (history: StormHistory.StormHistory): Findings => [
  ...history.deliveries.flatMap((delivery) => {
    const { failed, webhook } = delivery
    return failed === undefined || failed.excused || holds.isCrowded(history, delivery)
      ? none
      : [violation(`${webhook.event} failed: ${failed.problem.split("\n")[0]}`)]
  }),
  ...history.shown.filter(({ text, where }) => where === "log" && / died/.test(text) && !isDeathOfUsers(text)).map((
    { text }
  ) => violation(text)),
  ...StoredCalls.of(history).calls.flatMap((call) => [...backwards(call), ...overtaken(history, call)])
]

/** An activity is the user's: what it throws ends its own call. */
const isDeathOfUsers = (text: string): boolean =>
  text.startsWith("An activity of call") || /The activity .* died/.test(text)

/** An outcome stands, a closed line stays closed, whoever answered has answered, and time goes on. */
const backwards = ({ events, id }: StoredCalls.StoredCall): Findings => {
  let call = Call.initial(id)
  return events.flatMap((event) => {
    const before = call
    call = Call.evolve(call, event)
    return [
      ...(before.exit !== undefined && call.exit !== before.exit ? [violation("an outcome was changed")] : none),
      ...(event.at < before.at ? [violation("time went backwards")] : none),
      ...before.lines.flatMap((line) => reopened(event, line, call.lines.find(({ id }) => id === line.id)))
    ]
  })
}

const reopened = (
  event: CallEvent.CallEvent,
  line: CallLine.CallLine,
  after: CallLine.CallLine | undefined
): Findings => [
  ...(line.phase === "Closed" && after?.phase !== "Closed" ? [violation(`${event._tag} reopened a line`)] : none),
  ...(line.answered && after?.answered !== true ? [violation(`${event._tag} took an answer back`)] : none)
]

/** Whoever presses a key and hangs up sends two webhooks that race: the answer counts if it comes soon after the end. */
const overtaken = (history: StormHistory.StormHistory, stored: StoredCalls.StoredCall): Findings =>
  stored.events.flatMap((event, index): Findings => {
    if (event._tag !== "CallEnded") return none
    const line = StoredCalls.lineBefore(stored, index + 1, event.line)
    if (line?.phase !== "Settling" || line.inFlight === undefined) return none
    const ended = stored.turns.find(({ length }) => length > index)!.turn
    const answer = history.deliveries.find((delivery) =>
      answers(history, delivery, line, event.at) && !endsHold(history, delivery)
    )
    if (answer?.answered === undefined || answer.taken!.seq < ended.seq) return none
    if (answer.answered.at - ended.begun.at >= history.settings.line.settle) return none
    const since = stored.events.slice(index + 1, StoredCalls.eventsBefore(stored, answer.answered.seq).length)
    const isInterrupted = since.some((fact) => !["Stray", "SettleElapsed", ...decisions].includes(fact._tag))
    const isHeard = stored.events.some((fact) =>
      fact._tag === "PromptCompleted" && StoredCalls.postingOf(fact) === answer.posting
    )
    if (!isInterrupted && !isHeard && holds.isUnrecorded(answer)) return [remains(residuals.late)]
    return isInterrupted || isHeard ? none : [violation("an answer that the end of its call overtook was not heard")]
  })

/** What may follow from the end itself. */
const decisions = ["LineLeft", "FlowEnded", "DialPlanned", "SleepStarted", "Noted", "DeadlineLifted"]

/** Whether what ended is a hold that went out unrecorded, of which the flow has nothing to hear. A hold takes no digits. */
const endsHold = (history: StormHistory.StormHistory, delivery: StormHistory.Delivery): boolean =>
  (delivery.webhook.digits ?? "") === "" && holds.isAfterHold(history, delivery)

/**
 * A webhook that can end the action in flight, with digits only if that collects some, and came within the settle time
 * after the end.
 */
const answers = (
  history: StormHistory.StormHistory,
  { copy, taken, webhook }: StormHistory.Delivery,
  line: CallLine.CallLine,
  endedAt: number
): boolean => {
  if (taken === undefined || copy !== 1 || webhook.referenceId !== line.referenceId) return false
  const action = line.inFlight!.action
  const canEnd = (webhook.digits ?? "") === "" || Action.digits(action) > 0
  return canEnd && Webhook.ends(webhook, action) === true && Webhook.endsPrompt(webhook) &&
    !line.seen.includes(Webhook.content(webhook)) && taken.clock >= endedAt &&
    taken.clock - endedAt < history.settings.line.settle
}
