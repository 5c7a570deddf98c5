/** What succeeded while something was done: a run in which nothing works breaks no law either. */
import { TelesignWire } from "@ringback/http"
import type { StormHistory } from "@ringback/testing"
import { Result } from "effect"
import type { Breach } from "./checks.ts"
import type { Deed, Delivery, Run } from "./run.ts"
import * as Times from "./times.ts"

export interface Window {
  readonly deed: Deed
  readonly from: number
  readonly to: number
  /** Starts that were acknowledged, webhooks that were answered with an action, calls that came to their end as their flow meant it. */
  readonly starts: number
  readonly answers: number
  readonly talks: number
}

/** What is done takes effect for so long at least. */
const shortest = 5_000

/**
 * Counts what succeeded in the window of each deed. One in which the database is away or was shortly before, by this deed or by another,
 * is open until all is tried again.
 */
export const of = (run: Run, history: StormHistory.StormHistory): ReadonlyArray<Window> => {
  const started = run.told.started.map(({ at }) => at)
  const answered = run.deliveries.flatMap(({ answer, ended, status }) =>
    status === 200 && answer !== "" && Result.isSuccess(TelesignWire.decodeAction(JSON.parse(answer))) ? [ended] : []
  )
  const talked = history.turns.flatMap(({ turn }) =>
    turn.events.flatMap((event) =>
      event._tag === "FlowEnded" && event.exit._tag === "Success" && event.exit.value !== "unreached" ? [event.at] : []
    )
  )
  return run.deeds.map((deed) => {
    const shown = Math.max(deed.to, deed.from + shortest * Times.business(run))
    const away = run.deeds.filter(Times.isOfDatabase).map(({ from, to }) => ({
      from,
      to: to + Times.afterFailure * Times.business(run)
    }))
    const to = Math.max(shown, ...away.filter(({ from, to }) => from <= shown && to >= deed.from).map(({ to }) => to))
    const within = (all: ReadonlyArray<number>) => all.filter((at) => at >= deed.from && at <= to).length
    return { deed, from: deed.from, to, starts: within(started), answers: within(answered), talks: within(talked) }
  })
}

/** The least of what has to succeed, as a part of what was asked for meanwhile: half of all callees do not talk to the end. */
const least = 0.1

export const check = (run: Run, windows: ReadonlyArray<Window>): ReadonlyArray<Breach> =>
  windows.flatMap(({ answers, deed, from, starts, talks, to }) => {
    const length = (to - from) / 1_000
    const asked = (Math.min(to, run.ended) - from) / 1_000
    const wanted = Math.max(1, Math.floor(least * run.perSecond * asked / Times.business(run)))
    const isShort = Math.min(starts, answers, talks) < wanted
    return isShort && from + shortest * Times.business(run) < run.ended
      ? [{
        checker: "a minimum of successes in every window",
        problem: `${deed.words}: ${starts} starts, ${answers} answers and ${talks} talks in ${
          length.toFixed(1)
        } s, of ${wanted} at least; webhooks: ${becomings(run, from, to)}`
      }]
      : []
  })

/** What became of the webhooks of a time, and how often. */
const becomings = ({ deliveries }: Run, from: number, to: number): string => {
  const counts = new Map<string, number>()
  for (const delivery of deliveries.filter(({ ended }) => ended >= from && ended <= to)) {
    const name = becoming(delivery)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts.size === 0 ? "none came" : [...counts].map(([name, count]) => `${count} ${name}`).join(", ")
}

const becoming = ({ answer, begun, ended, gaveUp, life, status }: Delivery): string => {
  const who = `by runner ${life.place + 1}`
  if (gaveUp) return `given up after ${((ended - begun) / 1_000).toFixed(0)} s ${who}`
  if (status === undefined) return `broken off ${who}`
  return status === 200
    ? `with ${answer === "" || answer === "{}" ? "nothing" : "an action"} ${who}`
    : `with ${status} ${who}`
}
