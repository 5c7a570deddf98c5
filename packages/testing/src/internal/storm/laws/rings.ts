/** A phone never rings twice by accident: what the carrier rang, held against what was recorded. */
import type * as StormHistory from "../../../StormHistory.ts"
import { type Finding, type Findings, none, remains, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

export const residuals = {
  frozen: "a process that stood still in the very write of the POST",
  hidden: "a dial sent late by a machine that slept, and whose clock had been set back",
  limit: "a phone that rang while it rang, after a clock was set ahead of the longest that a line can last",
  twice: "a POST that the carrier carried out twice",
  probed: "a leg dialled again because a hold showed no bridge",
  allowed: "a dial that its author allowed even if unknown"
} as const

/** The decision of the author from which a line comes: an attempt that surely did nothing passes it on. */
const plansOf = (events: StoredCalls.Events): ReadonlyMap<string, number> => {
  const plans = new Map<string, number>()
  const planOfLine = new Map<number, number>()
  let lines = 0
  for (const event of events) {
    if (event._tag === "DialPlanned") planOfLine.set(event.line, event.n)
    if (event._tag === "DialPlanned" || event._tag === "CallArrived") lines = event.line
    if (event._tag === "DialNotSent" && event.retryAt !== undefined) {
      planOfLine.set(++lines, planOfLine.get(event.line) ?? 0)
    }
    if (event._tag === "DialAttempted") plans.set(event.externalId, planOfLine.get(event.line) ?? 0)
  }
  return plans
}

/** When a phone has stopped ringing, as far as the carrier tells. */
const endOf = (history: StormHistory.StormHistory, referenceId: string): number =>
  history.log.find((entry) =>
    entry._tag === "Posted" && entry.referenceId === referenceId && entry.webhook.kind !== "IncomingCall"
  )?.at ?? Infinity

export const check = (history: StormHistory.StormHistory): Findings => {
  const stored = StoredCalls.of(history)
  const ids = new Set(stored.calls.map((call) => call.id as string))
  const unrecorded = [...history.rings.map((ring) => ring.externalId), ...history.sent.map((s) => s.action.externalId)]
    .filter((id) => id !== undefined && !ids.has(StoredCalls.callIdIn(id)))
  return [
    ...unrecorded.map(() => violation("a phone rang for a call that nobody recorded")),
    ...stored.calls.flatMap((call) => [
      ...posts(history, call),
      ...legs(history, stored, call),
      ...rings(history, call),
      ...requests(history, call),
      ...overlaps(history, call)
    ])
  ]
}

const isOf = (
  history: StormHistory.StormHistory,
  call: StoredCalls.StoredCall,
  externalId: string | undefined
): boolean => StoredCalls.of(history).ofExternalId(externalId) === call

/** One `POST` for each recorded attempt, within the window. */
const posts = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const seen = new Set<string>()
  return history.sent.filter(({ action }) => isOf(history, call, action.externalId)).flatMap((sent): Findings => {
    const id = sent.action.externalId!
    const again = seen.has(id) ? [violation("two POSTs for one recorded attempt")] : none
    seen.add(id)
    return [...again, ...inWindow(history, call, sent)]
  })
}

const inWindow = (
  history: StormHistory.StormHistory,
  call: StoredCalls.StoredCall,
  sent: StormHistory.Sent
): Findings => {
  const isAttempt = StoredCalls.durable(
    call,
    (event) => event._tag === "DialAttempted" && event.externalId === sent.action.externalId
  )
  if (isAttempt === undefined) return none // law 1 tells
  const { sendWithin } = history.settings.dial
  if (sent.at - isAttempt.begun.at <= sendWithin) return none
  if (sent.begun.at - isAttempt.begun.at <= sendWithin) return [remains(residuals.frozen)]
  const { stood } = history.lives[sent.incarnation - 1]!
  const isMeanwhile = (at: number) => at >= isAttempt.begun.at && at <= sent.begun.at
  const isHidden = history.lives.some(({ jumped }) => jumped.some((at) => at <= sent.begun.at)) &&
    stood.some(({ to }) => isMeanwhile(to))
  return [
    isHidden
      ? remains(residuals.hidden)
      : violation(`a dial was sent ${sent.begun.at - isAttempt.begun.at} ms after its record`)
  ]
}

/** Second legs ring once for each bridging dial. */
const legs = (
  history: StormHistory.StormHistory,
  stored: StoredCalls.StoredCalls,
  call: StoredCalls.StoredCall
): Findings => {
  const rung =
    history.rings.filter((ring) => ring.externalId === undefined && stored.ofReference(ring.referenceId) === call)
      .length
  const bridges = call.events.filter((event) => event._tag === "ActionDecided" && event.action._tag === "Dial").length
  if (rung <= bridges) return none
  return [
    rung > bridges + probes(call)
      ? violation(`a second leg rang ${rung} times for ${bridges} dials of the flow`)
      : remains(residuals.probed)
  ]
}

/** How often a hold was heard on a line whose bridge had perhaps not begun: then its dial is given again. */
const probes = (call: StoredCalls.StoredCall): number =>
  call.events.filter((event, index) =>
    event._tag === "HoldCompleted" && StoredCalls.lineBefore(call, index, event.line)?.phase === "Bridged"
  ).length

/** First legs ring once for each dial that the flow asked for. */
const rings = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const plans = plansOf(call.events)
  const doubled = new Set(
    history.sent.filter((sent) => sent.fault === "postTwice").map((sent) => sent.action.externalId)
  )
  const heard = new Set<string>()
  const rung = new Map<number, number>()
  return history.rings.flatMap((ring): Findings => {
    const id = ring.externalId
    if (id === undefined || !isOf(history, call, id)) return none
    if (heard.has(id) && doubled.has(id)) return [remains(residuals.twice)]
    heard.add(id)
    const plan = plans.get(id)
    if (plan === undefined) return [violation("a phone rang for a dial that nobody recorded")]
    rung.set(plan, (rung.get(plan) ?? 0) + 1)
    return rung.get(plan) === 2 ? [violation("a phone rang twice for one dial of the flow")] : none
  })
}

/** First legs ring once for each request of the flow, whatever is recorded of it. */
const requests = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const { requestOf, rings, sent } = history
  if (requestOf === undefined) return none
  const rung = new Set(rings.map(({ externalId }) => externalId))
  const own = sent.filter(({ action: { externalId } }) => isOf(history, call, externalId) && rung.has(externalId))
  const attempts = StoredCalls.grouped(own, ({ action }) => requestOf(action))
  return [...attempts.values()].flatMap((sent) =>
    new Set(sent.map(({ action }) => action.externalId)).size > 1
      ? [violation("a phone rang twice for one request of the flow")]
      : none
  )
}

/** Two phones of one number that ring at the same time for one call. */
const overlaps = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const own = history.rings.filter((ring) => isOf(history, call, ring.externalId))
  return own.flatMap((ring, index) =>
    own.slice(0, index).flatMap((earlier): ReadonlyArray<Finding> => {
      const rings = earlier.number === ring.number && endOf(history, earlier.referenceId) > ring.at
      if (!rings || earlier.externalId === ring.externalId) return none
      const isAllowed = call.events.some((event) => event._tag === "DialPlanned" && event.evenIfUnknown === true)
      const isDouble = history.sent.some((sent) =>
        sent.fault === "postTwice" && sent.action.externalId === earlier.externalId
      )
      if (isDouble) return [remains(residuals.twice)]
      const isJumped = history.lives.some(({ jumped }) => jumped.some((at) => at <= ring.at))
      // The first dial may even ring last, if its POST took longer than that of the second.
      const two = [earlier.externalId, ring.externalId]
      const lines = call.call.lines.filter(({ externalId }) => two.includes(externalId)).map(({ id }) => id)
      const isPresumed = call.events.some((event) => event._tag === "LinePresumedClosed" && lines.includes(event.line))
      if (isJumped && isPresumed) return [remains(residuals.limit)]
      return [isAllowed ? remains(residuals.allowed) : violation("a phone rang while it rang")]
    })
  )
}
