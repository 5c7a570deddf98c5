/**
 * The laws that hold however bad the day was, each with what it leaves open: a `Remains` is named, counted and allowed,
 * anything else is a `Violation`.
 *
 * @since 0.1.0
 */
import { type Action, Call, type CallEvent, Settings, Webhook } from "@ringback/core"
import { Equal } from "effect"
import * as History from "./History.ts"

/**
 * What a law found in a history: a breach, or an outcome that the law names and allows.
 *
 * @since 0.1.0
 */
export type Finding =
  | { readonly _tag: "Violation"; readonly problem: string }
  | { readonly _tag: "Remains"; readonly name: string }

/**
 * A law over a finished history.
 *
 * @since 0.1.0
 */
export interface Law {
  readonly name: string
  readonly check: (history: History.History) => ReadonlyArray<Finding>
}

/**
 * Makes a law of one's own.
 *
 * @since 0.1.0
 */
export const make = (name: string, check: Law["check"]): Law => ({ name, check })

/**
 * A breach of a law. `problem` should hold no number, no key and no spoken word, for it is printed.
 *
 * @since 0.1.0
 */
export const violation = (problem: string): Finding => ({ _tag: "Violation", problem })

/**
 * An outcome that a law allows, by its name.
 *
 * @since 0.1.0
 */
export const remains = (name: string): Finding => ({ _tag: "Remains", name })

type Events = ReadonlyArray<CallEvent.CallEvent>

const eachCall = (
  history: History.History,
  check: (events: Events, id: CallEvent.CallId) => ReadonlyArray<Finding>
): ReadonlyArray<Finding> => Array.from(History.events(history)).flatMap(([id, events]) => check(events, id))

/** The turn that made the first event durable that is asked for. */
const durableAt = (
  history: History.History,
  is: (event: CallEvent.CallEvent) => boolean
): History.Appended | undefined => history.turns.find(({ turn }) => turn.events.some(is))

const before = (history: History.History, seq: number): Events =>
  history.turns.filter((appended) => appended.seq < seq).flatMap(({ turn }) => turn.events)

const stateAt = (history: History.History, seq: number): Call.Call | undefined => {
  const id = history.turns[0]?.turn.callId
  return id === undefined ? undefined : Call.fold(id, before(history, seq))
}

const lineOf = (call: Call.Call, webhook: Webhook.Webhook): Call.CallLine | undefined =>
  call.lines.find((line) => line.referenceId === webhook.referenceId) ??
    call.lines.find((line) => line.externalId !== undefined && line.externalId === webhook.externalId)

const same = (self: Action.Action | undefined, that: Action.Action | undefined): boolean => Equal.equals(self, that)

/** Another process had appended to the call before this one, which stood still in the middle of its answer, gave it. */
const wasTakenOver = (history: History.History, incarnation: number, seq: number): boolean =>
  history.turns.some((appended) => appended.seq < seq && appended.incarnation > incarnation)

/** Another process worked on the call at the same time. */
const hasCompany = (history: History.History, incarnation: number, seq: number): boolean => {
  const first = history.turns.find((appended) => appended.incarnation >= incarnation)?.seq ?? Infinity
  return history.turns.some((appended) =>
    appended.incarnation !== incarnation && appended.seq > first && appended.seq < seq
  )
}

/** Which webhook a fact was recorded from. */
const postingOf = (event: CallEvent.CallEvent): number | undefined =>
  "extra" in event && typeof event.extra?.["posting"] === "number" ? event.extra["posting"] : undefined

// ---------------------------------------------------------------------------------------------------------------------
// 1. Record first
// ---------------------------------------------------------------------------------------------------------------------

const isDurable = (history: History.History, { answered, webhook }: History.Delivery): Finding | undefined => {
  const action = answered?.action
  if (answered === undefined || action === undefined) return undefined
  const state = stateAt(history, answered.seq)
  const line = state === undefined ? undefined : lineOf(state, webhook)
  if (action._tag === "Hangup") {
    const isUnwanted = line === undefined || line.left || line.phase === "Closed" ||
      line.referenceId !== webhook.referenceId
    return isUnwanted ? undefined : violation(`hung up in answer to ${webhook.event} without a record of it`)
  }
  const recorded = before(history, answered.seq).some((event) =>
    (event._tag === "ActionDecided" || event._tag === "HoldAnswered") && same(event.action, action)
  )
  return recorded ? undefined : violation(`answered ${webhook.event} with ${action._tag} before that was durable`)
}

/** The fact itself is durable, or it is one that changes nothing. */
const isRecorded = (history: History.History, delivery: History.Delivery): Finding | undefined => {
  const { answered, incarnation, posting, webhook } = delivery
  if (answered === undefined) return undefined
  const known = before(history, answered.seq)
  if (known.some((event) => postingOf(event) === posting)) return undefined
  const content = Webhook.content(webhook)
  const wasSeen = known.some((event) => "content" in event && event.content === content)
  const state = stateAt(history, answered.seq)
  const line = state === undefined ? undefined : lineOf(state, webhook)
  const isSecond = line?.referenceId !== undefined && line.referenceId !== webhook.referenceId
  if (wasSeen || isSecond || line === undefined || state!.strays >= history.settings.maxStrays) return undefined
  const changesNothing = Webhook.kind(webhook) === "CallCompleted" &&
    (line.phase === "Closed" || line.phase === "Settling")
  const isPastAnswer = Webhook.kind(webhook) === "DialCompleted" && line.answered
  if (changesNothing || isPastAnswer || line.closedBy === "ended" || line.phase === "Owing") return undefined
  return hasCompany(history, incarnation, answered.seq)
    ? remains("an event heard by a process that was behind another one")
    : violation(`answered ${webhook.event} before it was durable (the line is ${line.phase})`)
}

/**
 * An intent is durable before the world sees it, and a webhook before it is answered. A dial is sent by the process that
 * recorded it.
 *
 * @since 0.1.0
 */
export const recordFirst: Law = make("record first", (history) => [
  ...history.deliveries.flatMap((delivery) => [isDurable(history, delivery), isRecorded(history, delivery)]).filter(
    (finding) => finding !== undefined
  ),
  ...history.sent.flatMap((sent) => {
    const attempted = durableAt(
      history,
      (event) => event._tag === "DialAttempted" && event.externalId === sent.action.externalId
    )
    if (attempted === undefined || attempted.seq > sent.seq) return [violation("sent a dial before it was durable")]
    return attempted.incarnation === sent.incarnation ? [] : [violation("sent a dial that another process recorded")]
  })
])

// ---------------------------------------------------------------------------------------------------------------------
// 2. A phone never rings twice by accident
// ---------------------------------------------------------------------------------------------------------------------

/** The decision of the author from which a line comes: an attempt that surely did nothing passes it on. */
const plansOf = (events: Events): ReadonlyMap<string, number> => {
  const plans = new Map<string, number>()
  let plan = 0
  for (const event of events) {
    if (event._tag === "DialPlanned") plan = event.n
    if (event._tag === "DialAttempted") plans.set(event.externalId, plan)
  }
  return plans
}

const endOf = (history: History.History, referenceId: string): number =>
  history.log.find((entry) =>
    entry._tag === "Posted" && entry.referenceId === referenceId && entry.webhook.event !== "incoming_call"
  )?.at ?? Infinity

/**
 * No number rings twice without its author's permission: one ring for each dial that the flow asked for, and none while an
 * earlier one may ring.
 *
 * @since 0.1.0
 */
export const ringsOnce: Law = make("a phone never rings twice by accident", (history) =>
  eachCall(history, (events) => {
    const plans = plansOf(events)
    const rung = new Map<number, number>()
    const posts = new Map<string, number>()
    const doubled = new Set(
      history.sent.filter((sent) => sent.fault === "postTwice").map((sent) => sent.action.externalId)
    )
    const findings: Array<Finding> = []
    for (const sent of history.sent) {
      const id = sent.action.externalId ?? ""
      posts.set(id, (posts.get(id) ?? 0) + 1)
      if (posts.get(id) === 2) findings.push(violation("two POSTs for one recorded attempt"))
      const attempted = events.find((event) => event._tag === "DialAttempted" && event.externalId === id)
      const waited = attempted === undefined ? 0 : sent.at - attempted.at
      if (waited > history.settings.sendWindow) {
        findings.push(
          sent.heldUpMillis > 0 || history.faults.some(({ kind }) => kind === "freeze" || kind === "takeover")
            ? remains("a process frozen in the very write of the POST")
            : violation(`a dial was sent ${waited} ms after its record`)
        )
      }
    }
    const heard = new Set<string>()
    const legs = history.rings.filter((ring) => ring.externalId === undefined).length
    const bridges = events.filter((event) => event._tag === "ActionDecided" && event.action._tag === "Dial").length
    if (legs > bridges + probes(events)) {
      findings.push(violation(`a second leg rang ${legs} times for ${bridges} dials of the flow`))
    } else if (legs > bridges) findings.push(remains("a leg dialled again because a hold showed no bridge"))
    for (const ring of history.rings) {
      if (ring.externalId === undefined) continue
      const id = ring.externalId
      if (heard.has(id) && doubled.has(id)) {
        findings.push(remains("a POST that the carrier carried out twice"))
        continue
      }
      heard.add(id)
      const plan = plans.get(id)
      if (plan === undefined) {
        findings.push(violation("a phone rang for a dial that nobody recorded"))
        continue
      }
      rung.set(plan, (rung.get(plan) ?? 0) + 1)
      if (rung.get(plan) === 2) findings.push(violation("a phone rang twice for one dial of the flow"))
    }
    return [...findings, ...overlaps(history, events)]
  }))

/** How often a hold was heard on a line whose bridge had perhaps not begun: then its dial is given again. */
const probes = (events: Events): number =>
  events.filter((event, index) =>
    event._tag === "HoldCompleted" && lineBefore(events, index, event.line)?.phase === "Bridged"
  ).length

const lineBefore = (events: Events, index: number, line: number): Call.CallLine | undefined =>
  events.slice(0, index).reduce(Call.evolve, Call.initial("" as CallEvent.CallId)).lines.find(({ id }) => id === line)

/** Two phones of one number that ring at the same time. */
const overlaps = (history: History.History, events: Events): ReadonlyArray<Finding> =>
  history.rings.flatMap((ring, index) =>
    history.rings.slice(0, index).flatMap((earlier) => {
      const rings = earlier.number === ring.number && endOf(history, earlier.referenceId) > ring.at
      if (!rings || earlier.externalId === ring.externalId) return []
      const isAllowed = events.some((event) => event._tag === "DialPlanned" && event.evenIfUnknown === true)
      const isDouble = history.sent.some((sent) =>
        sent.fault === "postTwice" && sent.action.externalId === earlier.externalId
      )
      if (isDouble) return [remains("a POST that the carrier carried out twice")]
      return [
        isAllowed ? remains("a dial that its author allowed even if unknown") : violation("a phone rang while it rang")
      ]
    })
  )

// ---------------------------------------------------------------------------------------------------------------------
// 3. Nothing decided is forgotten
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A start that was acknowledged is in the store, one key is one call, and what the application was told is what is
 * recorded.
 *
 * @since 0.1.0
 */
export const nothingForgotten: Law = make("nothing decided is forgotten", (history) => {
  const calls = History.events(history)
  const { outcomes, started } = history.told
  const lost = [...started].filter((id) => !calls.has(id)).map(() =>
    violation("a call that was acknowledged is not stored")
  )
  const keys = calls.size > 1 ? [violation("one key became two calls")] : []
  const told = new Set(outcomes).size > 1 ? [violation("the application was told two outcomes")] : []
  const results = eachCall(history, (events) => {
    const completed = events.filter((event) => event._tag === "ActivityCompleted").map((event) => event.n)
    return new Set(completed).size === completed.length
      ? []
      : [violation("the result of an activity was recorded twice")]
  })
  return [...lost, ...keys, ...told, ...results]
})

// ---------------------------------------------------------------------------------------------------------------------
// 4. The same webhook gets the same reply
// ---------------------------------------------------------------------------------------------------------------------

const inFlightOf = (line: Call.CallLine): unknown => [
  Call.status(line),
  line.inFlight?.n,
  line.inFlight?.at,
  line.holds,
  line.probing,
  line.left
]

const isNothingOrHangup = (action: Action.Action | undefined) => action === undefined || action._tag === "Hangup"

const sameReply = (
  history: History.History,
  first: History.Delivery,
  again: History.Delivery
): ReadonlyArray<Finding> => {
  const [one, two] = [first.answered, again.answered]
  if (one === undefined || two === undefined || same(one.action, two.action)) return []
  if ([first, again].some(({ incarnation }) => wasTakenOver(history, incarnation, Math.max(one.seq, two.seq)))) {
    return []
  }
  const states = [one, two].map(({ seq }) => stateAt(history, seq)).map((state) =>
    state === undefined ? undefined : lineOf(state, first.webhook)
  )
  const [then, later] = states
  if (then === undefined || later === undefined) return []
  if (JSON.stringify(inFlightOf(then)) !== JSON.stringify(inFlightOf(later))) return []
  const isOver = Call.status(then) === "Closed" || Call.status(then) === "Settling"
  return isOver && isNothingOrHangup(one.action) && isNothingOrHangup(two.action)
    ? []
    : [violation(`two deliveries of one ${first.webhook.event} were answered differently (the line is ${then.phase})`)]
}

/** A copy that was taken for an answer: two facts from one webhook. */
const mistaken = (history: History.History): ReadonlyArray<Finding> =>
  eachCall(history, (events) => {
    const findings: Array<Finding> = []
    const seen = new Map<number, CallEvent.CallEvent>()
    events.forEach((event, index) => {
      const posting = postingOf(event)
      if (posting === undefined || event._tag === "Stray") return
      if (!seen.has(posting)) return seen.set(posting, event)
      findings.push(mistake(history, events, index))
    })
    return findings
  })

const mistake = (history: History.History, events: Events, index: number): Finding => {
  const event = events[index]!
  if (event._tag === "LegEnded") return remains("a copy of an earlier leg's end was taken for the end of a later one")
  if (event._tag !== "PromptCompleted" && event._tag !== "HoldCompleted") {
    return violation(`one webhook was recorded twice, the second time as ${event._tag}`)
  }
  const inFlight = lineBefore(events, index, event.line)?.inFlight
  const withDigits = event._tag === "PromptCompleted" && event.digits !== ""
  const deliveries = history.deliveries.filter((delivery) => delivery.posting === postingOf(event))
  if (inFlight !== undefined) {
    const shortest = Settings.shortest(history.settings, inFlight.action, { withDigits })
    const couldBe = (at: number | undefined) => at !== undefined && at <= event.at && at - inFlight.at >= shortest
    if (!deliveries.some(({ arrived }) => couldBe(arrived.at))) {
      return deliveries.some(({ takenAt }) => couldBe(takenAt))
        ? remains("a copy that waited for a process that stood still was taken for an answer")
        : violation("a copy was taken for an answer sooner than that could be given")
    }
  }
  return remains("a copy that came late was taken for an answer")
}

/** Completions that were never recorded, because they looked like copies: so the prompt was heard once more. */
const unheard = (history: History.History): ReadonlyArray<Finding> => {
  const recorded = new Set(history.turns.flatMap(({ turn }) => turn.events.map(postingOf)))
  const postings = new Map<string, Set<number>>()
  for (const { answered, posting, webhook } of history.deliveries) {
    const isPrompt = answered?.action?._tag === "Speak" || answered?.action?._tag === "Play"
    if (answered === undefined || !isPrompt || recorded.has(posting)) continue
    if (Webhook.kind(webhook) !== "PromptCompleted") continue
    const state = stateAt(history, answered.seq)
    const inFlight = state === undefined ? undefined : lineOf(state, webhook)?.inFlight
    const key = `${inFlight?.n}@${inFlight?.at}`
    postings.set(key, (postings.get(key) ?? new Set()).add(posting))
  }
  return [...postings.values()].flatMap(({ size }) =>
    size > history.settings.maxCopies
      ? [violation(`${size} answers to one prompt were taken for copies`)]
      : [remains("a true answer was taken for a copy")]
  )
}

/**
 * A webhook that is delivered again gets the action in flight, and is recorded once.
 *
 * @since 0.1.0
 */
export const sameWebhookSameReply: Law = make("the same webhook gets the same reply", (history) => {
  const byPosting = new Map<number, Array<History.Delivery>>()
  for (const delivery of history.deliveries) {
    if (delivery.answered === undefined) continue
    const others = byPosting.get(delivery.posting) ?? []
    byPosting.set(delivery.posting, [...others, delivery])
  }
  const pairs = [...byPosting.values()].flatMap((deliveries) => {
    const ordered = deliveries.toSorted((a, b) => a.answered!.seq - b.answered!.seq)
    return ordered.slice(1).flatMap((again, index) => sameReply(history, ordered[index]!, again))
  })
  return [...pairs, ...mistaken(history), ...unheard(history)]
})

// ---------------------------------------------------------------------------------------------------------------------
// 5. Order does not matter
// ---------------------------------------------------------------------------------------------------------------------

/**
 * No event crashes anything, and nothing moves backwards: an outcome stands, a closed line stays closed, whoever answered
 * has answered.
 *
 * @since 0.1.0
 */
export const orderDoesNotMatter: Law = make("order does not matter", (history) => [
  ...history.deliveries.flatMap(({ failed, webhook }) =>
    failed === undefined || failed.excused
      ? []
      : [violation(`${webhook.event} failed: ${failed.problem.split("\n")[0]}`)]
  ),
  ...history.lines.filter((line) => / died/.test(line)).map((line) => violation(line)),
  ...eachCall(history, (events, id) => {
    const findings: Array<Finding> = []
    let call = Call.initial(id)
    for (const event of events) {
      const next = Call.evolve(call, event)
      if (call.exit !== undefined && next.exit !== call.exit) findings.push(violation("an outcome was changed"))
      if (event.at < call.at) findings.push(violation("time went backwards"))
      for (const line of call.lines) {
        const after = next.lines.find((other) => other.id === line.id)
        if (line.phase === "Closed" && after?.phase !== "Closed") {
          findings.push(violation(`${event._tag} reopened a line`))
        }
        if (line.answered && after?.answered !== true) findings.push(violation(`${event._tag} took an answer back`))
      }
      call = next
    }
    return findings
  })
])

// ---------------------------------------------------------------------------------------------------------------------
// 6. Every line is closed and every call ends
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A call reaches its outcome and its lines are closed, or presumed so.
 *
 * @since 0.1.0
 */
export const everyCallEnds: Law = make("every line is closed and every call ends", (history) => [
  ...(history.abandonedAt === undefined ? [] : [violation("the call did not come to its end")]),
  ...(history.told.started.size === 0 && history.log.every((entry) => entry._tag !== "Called")
    ? [violation("no start was acknowledged")]
    : []),
  ...eachCall(history, (events, id) => {
    const call = Call.fold(id, events)
    const presumed = call.lines.filter((line) => line.presumed && line.phase !== "Closed")
    return [
      ...(call.exit === undefined ? [violation("a call has no outcome")] : []),
      ...(Call.isOver(call) ? [] : [violation("a line was left open")]),
      ...presumed.map(() => remains("a line presumed closed"))
    ]
  })
])

// ---------------------------------------------------------------------------------------------------------------------
// 7. No dead air
// ---------------------------------------------------------------------------------------------------------------------

/** Longer than all faults together can hold up an answer. */
const longestAnswer = 15 * 60_000

const silence = (history: History.History, delivery: History.Delivery): ReadonlyArray<Finding> => {
  const { answered, arrived, failed, incarnation, obeyed, webhook } = delivery
  if (failed !== undefined) return [remains("an event that the store would not take")]
  if (answered === undefined && history.deaths[incarnation - 1]! - arrived.at > longestAnswer) {
    return [violation(`${webhook.event} was never answered`)]
  }
  if (answered === undefined || Webhook.kind(webhook) === "CallCompleted") return []
  const waited = answered.at - arrived.at - answered.heldUpMillis
  const late = waited > history.settings.replyDeadline
    ? [violation(`${webhook.event} waited ${waited} ms for its reply`)]
    : []
  const isOpen = !history.log.some((entry) =>
    entry._tag === "Posted" && entry.referenceId === webhook.referenceId && entry.at <= answered.at &&
    entry.webhook.event === "call_completed"
  )
  const isFailed = Webhook.kind(webhook) === "DialCompleted" && webhook.status !== "answered"
  const state = stateAt(history, answered.seq)
  const isBridged = state !== undefined && lineOf(state, webhook)?.phase === "Bridged" // two people may be talking
  return obeyed && answered.action === undefined && isOpen && !isFailed && !isBridged
    ? [...late, violation(`${webhook.event} of an open line was answered with nothing`)]
    : late
}

/**
 * While a line is open, each event that can take an action and reaches the engine gets one before the reply deadline.
 *
 * @since 0.1.0
 */
export const noDeadAir: Law = make("no dead air", (history) => [
  ...history.deliveries.flatMap((delivery) => silence(history, delivery)),
  ...history.log.flatMap((entry): ReadonlyArray<Finding> => {
    switch (entry._tag) {
      case "Unanswered":
        return entry.webhook.event === "call_completed"
          ? []
          : [remains("an event without a reply that is not asked again")]
      case "Rejected":
        return entry.reason.startsWith("unsupported")
          ? [violation(`the carrier rejected a reply: ${entry.reason}`)]
          : []
      default:
        return []
    }
  })
])

// ---------------------------------------------------------------------------------------------------------------------
// 8. Replay is truth
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The state in memory is what the log folds to, and the flow run over the log decides what is recorded: at every turn.
 *
 * @since 0.1.0
 */
export const replayIsTruth: Law = make("replay is truth", (history) => [
  ...history.strayed.map((when) => violation(`the state in memory differs from the log ${when}`)),
  ...eachCall(history, (_, id) => {
    const own = history.turns.filter(({ turn }) => turn.callId === id)
    return own.flatMap((_, index) => {
      const so = own.slice(0, index + 1).flatMap(({ turn }) => turn.events)
      const { divergence, live } = Call.rebuild(id, history.flow, so)
      if (divergence !== undefined) {
        return [violation(`a replay diverges at event ${divergence.at}: ${divergence.recorded}, now ${divergence.now}`)]
      }
      return Equal.equals(live.call, Call.fold(id, so))
        ? []
        : [violation("a replay gives another state than the fold")]
    })
  }),
  ...eachCall(
    history,
    (events) =>
      events.flatMap((event) =>
        event._tag === "FlowEnded" && event.exit._tag === "Stopped" && event.exit.reason._tag === "FlowDiverged"
          ? [violation("the call was stopped as diverged")]
          : []
      )
  )
])

// ---------------------------------------------------------------------------------------------------------------------
// 9. Nothing after the end
// ---------------------------------------------------------------------------------------------------------------------

/**
 * After its outcome a call sends nothing but a hang-up, to a line whose end was reported nothing at all, and no phone rings
 * for a dial that was not recorded before.
 *
 * @since 0.1.0
 */
export const nothingAfterTheEnd: Law = make("nothing after the end", (history) => {
  const ended = durableAt(history, (event) => event._tag === "FlowEnded")
  const answers = history.deliveries.flatMap(({ answered, incarnation, webhook }): ReadonlyArray<Finding> => {
    if (answered?.action === undefined) return []
    const breach = (problem: string): ReadonlyArray<Finding> =>
      wasTakenOver(history, incarnation, answered.seq)
        ? [remains("an answer of a process that stood still and was taken over")]
        : [violation(problem)]
    if (ended !== undefined && answered.seq > ended.seq && answered.action._tag !== "Hangup") {
      return breach(`${answered.action._tag} was sent after the outcome`)
    }
    const closed = durableAt(
      history,
      (event) => event._tag === "CallEnded" && event.referenceId === webhook.referenceId
    )
    const state = stateAt(history, answered.seq)
    const line = state === undefined ? undefined : lineOf(state, webhook)
    const isOther = line?.referenceId !== webhook.referenceId
    return closed !== undefined && answered.seq > closed.seq && !isOther
      ? breach(`${answered.action._tag} was sent to a line whose end was recorded`)
      : []
  })
  const dials = eachCall(history, (events) => {
    const end = events.findIndex((event) => event._tag === "FlowEnded")
    const late = end === -1 ? [] : events.slice(end).filter((event) => event._tag === "DialAttempted")
    return late.map(() => violation("a dial was recorded after the outcome"))
  })
  return [...answers, ...dials]
})

// ---------------------------------------------------------------------------------------------------------------------
// 10. Secrets stay inside
// ---------------------------------------------------------------------------------------------------------------------

/**
 * No line of the engine's log holds a number or a word that was spoken.
 *
 * @since 0.1.0
 */
export const secretsStayInside: Law = make("secrets stay inside", (history) => {
  const secrets = new Set(history.rings.map((ring) => ring.number.replace("+", "")))
  for (const { turn } of history.turns) {
    for (const event of turn.events) {
      if (event._tag === "ActionDecided" && event.action._tag === "Speak") secrets.add(event.action.text)
    }
  }
  return history.lines.some((line) => [...secrets].some((secret) => line.includes(secret)))
    ? [violation("a secret is in the log")]
    : []
})

/**
 * All laws, in the order of the design.
 *
 * @since 0.1.0
 */
export const all: ReadonlyArray<Law> = [
  recordFirst,
  ringsOnce,
  nothingForgotten,
  sameWebhookSameReply,
  orderDoesNotMatter,
  everyCallEnds,
  noDeadAir,
  replayIsTruth,
  nothingAfterTheEnd,
  secretsStayInside
]
