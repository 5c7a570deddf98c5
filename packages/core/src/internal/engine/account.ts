/**
 * What stands in the way of the dials of this process, whoever is to be rung, and what is said of it. Each process finds out by
 * itself.
 */
import type { Posted, Standing } from "../../CallInput.ts"
import * as Explain from "../../Explain.ts"
import type * as Settings from "../../Settings.ts"
import type { Run } from "../background.ts"
import * as Obstacles from "../obstacles.ts"
import { Report } from "../report.ts"
import { resultOf } from "./posted.ts"
import type { Time } from "./time.ts"

/** Knows what stands in the way of dials. */
export interface Account {
  /** All that stands in the way, for who decides at this moment. */
  readonly standing: (elapsed: number) => ReadonlyArray<Standing>
  /** From when on any dial may go, and from when on one from a number of ours, by the time that has elapsed. */
  readonly freeAt: () => number
  readonly freeAtFrom: (from: string) => number
  /** Since when something stands in the way of a dial, in milliseconds since 1970; `undefined` if nothing does. */
  readonly since: (from: string | undefined) => number | undefined
  /** A dial from this number is recorded as attempted. */
  readonly attempted: (from: string, elapsed: number) => void
  /** What has become of the `POST` of a dial from this number. Tells whether that changes what stands in the way. */
  readonly posted: (from: string, posted: Posted) => boolean
}

/** What a response shows of the account. */
const shownBy = (posted: Posted): Obstacles.Shown => {
  const result = resultOf(posted)
  return result === "unsent" || result === "lost" ? "nothing" : result
}

const noStanding: ReadonlyArray<Standing> = []

/** Of an engine that nothing stands in the way of. */
export const make = (
  { run, settings, time }: { readonly time: Time; readonly settings: Settings.Settings; readonly run: Run }
): Account => {
  let obstacles = Obstacles.none
  const ofAll = new Report(
    { fails: "No dials go, but for one at a time that probes", over: "Dials go again" },
    time.elapsed
  )
  const ofNumbers = new Report(
    { fails: "No dials from a number of ours go, but for one at a time that probes", over: "Dials from it go again" },
    time.elapsed
  )

  /** Tells that something stands in the way, and when that is over. */
  const tell = (shown: Obstacles.Shown): void => {
    if (shown === "credentials" || shown === "unreachable") run(ofAll.failed(Explain.obstacle(shown)))
    if (shown === "caller id") run(ofNumbers.failed(Explain.obstacle(shown)))
    if (obstacles.every(({ from }) => from !== undefined)) run(ofAll.over())
    if (obstacles.every(({ from }) => from === undefined)) run(ofNumbers.over())
  }

  return {
    standing: (elapsed) =>
      obstacles.length === 0
        ? noStanding
        : obstacles.map(({ from, obstacle, probeAt, since }) => ({
          obstacle,
          from,
          since,
          mayProbe: probeAt <= elapsed
        })),
    freeAt: () => Obstacles.accountFreeAt(obstacles),
    freeAtFrom: (from) => Obstacles.freeAt(obstacles, from),
    since: (from) => obstacles.find((standing) => standing.from === undefined || standing.from === from)?.since,
    attempted: (from, elapsed) => {
      obstacles = Obstacles.attempted(obstacles, from, elapsed, settings)
    },
    posted: (from, posted) => {
      const shown = shownBy(posted)
      const before = obstacles
      obstacles = Obstacles.shown(obstacles, shown, from, time.read(), settings)
      if (obstacles !== before) tell(shown)
      return obstacles !== before
    }
  }
}
