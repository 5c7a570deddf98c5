/** What has to be so after a run, whatever was done to it: the laws of storms that read the log, and what only a real run shows. */
import type { CallEvent, LiveCall } from "@ringback/core"
import { type PhoneLine, type StormHistory, StormLaws } from "@ringback/testing"
import * as Flows from "./flows.ts"
import type { Run } from "./run.ts"
import * as Times from "./times.ts"

/** Something that must not be, and the call in which it was. */
export interface Breach {
  readonly checker: string
  readonly problem: string
  readonly callId?: string
  /** The line in which it was, if that is what is known. */
  readonly referenceId?: string
}

export interface Findings {
  readonly breaches: ReadonlyArray<Breach>
  /** What the laws leave open, by name, and how often it was. */
  readonly remains: ReadonlyMap<string, number>
}

/** The laws that need no more than the log and the record of the carrier. */
const laws = [
  StormLaws.ringsOnce,
  StormLaws.nothingForgotten,
  StormLaws.orderDoesNotMatter,
  StormLaws.everyCallEnds,
  StormLaws.nothingAfterTheEnd
]

/** A run as far as it concerns one call. */
const ofCall = (history: StormHistory.StormHistory, id: string): StormHistory.StormHistory => {
  const isOwn = ({ id: other }: { readonly id: string }) => other === id
  const turns = history.turns.filter(({ turn }) => turn.callId === id)
  const events = turns.flatMap(({ turn }) => turn.events)
  const references = new Set(events.flatMap((event) => "referenceId" in event ? [event.referenceId] : []))
  const externalIds = new Set(events.flatMap((event) => event._tag === "DialAttempted" ? [event.externalId] : []))
  const rings = history.rings.filter(({ externalId, referenceId }) =>
    externalId === undefined ? references.has(referenceId) : externalIds.has(externalId) || externalId.includes(id)
  )
  for (const { referenceId } of rings) references.add(referenceId)
  const { told } = history
  return {
    ...history,
    wanted: 0,
    turns,
    rings,
    sent: history.sent.filter(({ action }) => externalIds.has(action.externalId ?? "")),
    ran: history.ran.filter(({ key }) => key.startsWith(`${id}/`)),
    log: history.log.filter((entry) => "referenceId" in entry && references.has(entry.referenceId)),
    told: {
      ...told,
      started: told.started.filter(isOwn),
      outcomes: told.outcomes.filter(isOwn),
      signalled: told.signalled.filter(isOwn),
      cancelled: told.cancelled.filter(isOwn)
    }
  }
}

/** The flow of a call in the version that it began with. */
const flowOf = (first: CallEvent.CallEvent | undefined): LiveCall.AnyDefinition | undefined =>
  first !== undefined && "flow" in first
    ? Flows.all.find(({ name, version }) => name === first.flow && version === first.version) as
      | LiveCall.AnyDefinition
      | undefined
    : undefined

/** Holds each call to the laws, and replays it with its flow. */
export const ofLog = (history: StormHistory.StormHistory): Findings => {
  const breaches: Array<Breach> = []
  const remains = new Map<string, number>()
  const hold = (law: StormLaws.Law, about: StormHistory.StormHistory, callId?: string) => {
    for (const finding of law.check(about)) {
      if (finding._tag === "Remains") remains.set(finding.name, (remains.get(finding.name) ?? 0) + 1)
      else breaches.push({ checker: law.name, problem: finding.problem, ...(callId === undefined ? {} : { callId }) })
    }
  }
  for (const id of new Set(history.turns.map(({ turn }) => turn.callId))) {
    const own = ofCall(history, id)
    for (const law of laws) hold(law, own, id)
    const flow = flowOf(own.turns[0]?.turn.events[0])
    if (flow !== undefined) hold(StormLaws.replayIsTruth, { ...own, flow }, id)
  }
  return { breaches: [...breaches, ...ofAll(history)], remains }
}

/** What is of no call that is stored, and what one key became. */
const ofAll = (history: StormHistory.StormHistory): ReadonlyArray<Breach> => {
  const none = "a phone rang for a call that nobody recorded"
  const rung = StormLaws.ringsOnce.check(history).filter((finding) => "problem" in finding && finding.problem === none)
  const keys = new Map<string, Set<string>>()
  for (const { id, key } of history.told.started) keys.set(key, (keys.get(key) ?? new Set()).add(id))
  return [
    ...rung.map(() => ({ checker: StormLaws.ringsOnce.name, problem: none })),
    ...[...keys.values()].filter((ids) => ids.size > 1).map((ids) => ({
      checker: StormLaws.nothingForgotten.name,
      problem: "one key became two calls",
      callId: [...ids][0]!
    }))
  ]
}

/** The lines of the carrier that are still open. */
export const ofLines = (lines: ReadonlyArray<PhoneLine.PhoneLine>): ReadonlyArray<Breach> =>
  lines.filter(({ state }) => state._tag !== "Ended").map(({ referenceId }) => ({
    checker: StormLaws.everyCallEnds.name,
    problem: "a line of the carrier is open at the end",
    referenceId
  }))

/** A process that drains for ten seconds has ended this many milliseconds after it is told so ("In production"), whatever is away. */
const longestEnd = 35_000

/** Who was told to end and took longer for it. */
export const ofEnds = (run: Run): ReadonlyArray<Breach> =>
  run.lives.flatMap((life) => {
    const took = Times.ending(life) ?? 0
    return took > longestEnd * Times.business(run)
      ? [{ checker: "who is told to end has ended in time", problem: `runner ${life.place + 1} took ${took} ms` }]
      : []
  })

/** Starts that nobody acknowledged, though they were asked for again and again. */
export const ofStarts = ({ asked }: Run): ReadonlyArray<Breach> =>
  asked.filter(({ id }) => id === undefined).map(({ problem = "no answer" }) => ({
    checker: StormLaws.nothingForgotten.name,
    problem: `nobody acknowledged a start: ${problem}`
  }))

/** What was passed by a failover has nobody connected to it. */
export const ofConnections = (pinned: number): ReadonlyArray<Breach> =>
  pinned === 0 ? [] : [{
    checker: "no connection to a server that was passed",
    problem: `${pinned} still lead to the server before the failover`
  }]
