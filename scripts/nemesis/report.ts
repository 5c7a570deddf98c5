/** What became of a run, for people. */
import { type CallEvent, Ladder } from "@ringback/core"
import { CompanyLadder, type StormHistory } from "@ringback/testing"
import * as Alarms from "./alarms.ts"
import type { Breach } from "./checks.ts"
import * as Journal from "./journal.ts"
import * as Owners from "./owners.ts"
import type { Run } from "./run.ts"
import * as Silence from "./silence.ts"
import * as Times from "./times.ts"
import type { Window } from "./windows.ts"

const column = (value: string | number, width: number): string => String(value).padStart(width)

const { seconds } = Journal

/** What succeeded while each thing was done. */
export const windows = (run: Run, windows: ReadonlyArray<Window>): ReadonlyArray<string> => [
  "      at     for  starts  answers  talks  while",
  ...windows.map(({ answers, deed, from, starts, talks, to }) =>
    [
      Journal.moment(run, from),
      column(seconds(to - from), 8),
      column(starts, 8),
      column(answers, 9),
      column(talks, 7),
      `  ${deed.words}`
    ].join("")
  )
]

/** The longest time in which work was not done, and what else is counted. */
export const figures = (run: Run, history: StormHistory.StormHistory): ReadonlyArray<string> => {
  const [longest] = Owners.gaps(run)
  return [
    longest === undefined
      ? "no gap: whatever was due was done at once"
      : `longest gap: ${
        seconds(longest.to - longest.from)
      }, of a call that was ${longest.what} and waited for ${longest.words}`,
    `longest answer to a webhook: ${seconds(Silence.longest(run))}`,
    ...ends(run),
    ...(Times.business(run) > 1
      ? [
        `the machine had ${Times.business(run).toFixed(1)} times as much to do as it can: so much more time is allowed`
      ]
      : []),
    `calls that two runners had within 5 s, to and fro: ${Owners.duplicates(history)}; ` +
    `told of as calls with two owners: ${Alarms.twoOwners(run).length}`,
    ...(run.mode === "cluster"
      ? [`longest that a shard was said to be behind: ${seconds(Alarms.longestAge(run))}`]
      : [])
  ]
}

/** How many were told to end, how long the longest of them took, and where it was with that. */
const ends = ({ lives }: Run): ReadonlyArray<string> => {
  const all = lives.flatMap((life) => {
    const took = Times.ending(life)
    return took === undefined ? [] : [{ life, took }]
  }).toSorted((a, b) => b.took - a.took)
  const [longest] = all
  if (longest === undefined) return []
  const { closing, died, ending, log } = longest.life
  const said = log.flatMap(({ text }) => /The engine has [dc].*/.exec(text)?.[0] ?? [])
  const parts = closing < Infinity
    ? `${seconds(closing - ending)} to drain, ${seconds(died - closing)} to close`
    : "it did not get to close"
  return [
    `longest end of the ${all.length} who were told to end: ${seconds(longest.took)} (${parts})`,
    ...said.map((words) => `  it said: ${words}`)
  ]
}

export const remains = (remains: ReadonlyMap<string, number>): ReadonlyArray<string> =>
  remains.size === 0 ? [] : [
    "What the laws leave open:",
    ...[...remains].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${column(count, 8)}  ${name}`)
  ]

/** So many calls are drawn; the others are named. */
const mostLadders = 3

/** Each kind of breach with the ladders of some calls in which it was, and last how often each was: a log may keep only its end. */
export const breaches = (
  run: Run,
  history: StormHistory.StormHistory,
  found: ReadonlyArray<Breach>
): ReadonlyArray<string> => {
  const kinds = new Map<string, Array<Breach>>()
  for (const breach of found) {
    const name = `${breach.checker}: ${breach.problem.replace(/\d+ ms/g, "… ms")}`
    kinds.set(name, [...kinds.get(name) ?? [], breach])
  }
  return [
    ...[...kinds].flatMap(([name, own]) => [
      `VIOLATION: ${name}`,
      ...own.slice(0, mostLadders).flatMap((breach) => ["", breach.problem, ...ladder(run, history, breach)])
    ]),
    ...(found.length === 0 ? [] : said(run)),
    ...[...kinds].map(([name, { length }]) => `VIOLATION (${length}): ${name}`)
  ]
}

/** So many of the lines that runners wrote most are shown. */
const mostSaid = 12

/** What runners wrote, without their times and numbers, most often first: where no call shows it, this may say what was wrong. */
const said = ({ lives }: Run): ReadonlyArray<string> => {
  const counts = new Map<string, { readonly line: string; count: number }>()
  for (const { log, number, place } of lives) {
    for (const { text: line } of log) {
      if (!/^\[.*\] (?:INFO|WARN|ERROR|FATAL)/.test(line)) continue
      const kind = line.replace(/^\S+ /, "").replace(/[\d.]+/g, "…").slice(0, 80)
      const known = counts.get(kind)
      if (known === undefined) counts.set(kind, { line: `runner ${place + 1} (${number}) ${line}`, count: 1 })
      else known.count++
    }
  }
  const most = [...counts.values()].toSorted((a, b) => b.count - a.count).slice(0, mostSaid)
  return most.length === 0
    ? []
    : ["What runners wrote most:", ...most.map(({ count, line }) => `${column(count, 6)}  ${line}`), ""]
}

const ladder = (run: Run, history: StormHistory.StormHistory, breach: Breach): ReadonlyArray<string> => {
  const { callId, turns } = calling(history, breach)
  if (callId === undefined) return []
  const events = turns.flatMap(({ turn }) => turn.events)
  const references = new Set(events.flatMap((event) => "referenceId" in event ? [event.referenceId] : []))
  const own = history.log.filter((entry) => "referenceId" in entry && references.has(entry.referenceId))
  const by = turns.map(({ at, incarnation, turn }) => {
    const life = run.lives[incarnation - 1]!
    return `${Journal.moment(run, at)}  ${turn.version}  runner ${life.place + 1} (${life.number})  ${
      turn.events.map(({ _tag }) => _tag).join(", ")
    }`
  })
  const drawn = Ladder.text([...Ladder.rungs(events), ...CompanyLadder.fromLog(own)].toSorted((a, b) => a.at - b.at))
  return [
    `call ${callId}, which began ${Journal.moment(run, turns[0]?.at ?? run.began).trim()} after the run`,
    ...by,
    drawn,
    ""
  ]
}

const calling = (history: StormHistory.StormHistory, { callId, referenceId }: Breach) => {
  const id = callId ??
    history.turns.find(({ turn }) =>
      turn.events.some((event) => "referenceId" in event && event.referenceId === referenceId)
    )?.turn.callId
  return { callId: id as CallEvent.CallId | undefined, turns: history.turns.filter(({ turn }) => turn.callId === id) }
}
