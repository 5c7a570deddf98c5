/** When whom something befell, so that what a run shows can be held against what was done to it. */
import { Settings } from "@ringback/core"
import type { Deed, Run } from "./run.ts"
import type { Life, Stretch } from "./runners.ts"

/** How long it takes until all goes on after the database was away or out of reach: what had failed is tried again. */
export const afterFailure = 10_000

/** How long a stretch of time overlaps with any of others. */
export const overlap = (stretches: ReadonlyArray<Stretch>, from: number, to: number): number => {
  let [covered, until] = [0, from]
  for (const stretch of stretches.toSorted((a, b) => a.from - b.from)) {
    const [start, end] = [Math.max(stretch.from, until), Math.min(stretch.to, to)]
    if (end > start) [covered, until] = [covered + end - start, end]
  }
  return covered
}

const meets = (stretches: ReadonlyArray<Stretch>, from: number, to: number): boolean =>
  stretches.some((stretch) => stretch.from <= to && stretch.to >= from)

const isCut = (life: Life, wire: NonNullable<Deed["wire"]>) => (deed: Deed): boolean =>
  deed.wire === wire && deed.places.includes(life.place)

/** When a runner could not answer, whatever it is made of: it stood still, was cut off, began, or had ended. */
export const unableOf = ({ deeds }: Run, life: Life): ReadonlyArray<Stretch> => [
  { from: 0, to: life.ready },
  { from: life.died, to: Infinity },
  ...life.frozen,
  ...deeds.filter(isCut(life, "webhooks"))
]

/** The database was away for all: it was restarted, or is another server. */
export const isOfDatabase = ({ kind }: Deed): boolean => kind === "database" || kind === "failover"

/** When the database was away for a runner, or had been shortly before. */
export const withoutDatabase = (run: Run, life: Life): ReadonlyArray<Stretch> =>
  run.deeds.filter((deed) => isOfDatabase(deed) || isCut(life, "database")(deed)).map(({ from, to }) => ({
    from,
    to: to + afterFailure * business(run)
  }))

const { lease } = Settings.make().store

/** How often a runner says that it lives, in milliseconds. */
const pulse = 1_000

/**
 * When the others might take a runner for dead that stood still for longer than its lease, and what they had begun then might go on
 * after it had gone on. Its last sign of life may be as old as a pulse, or several where the machine is busy.
 */
export const passedBy = (run: Run, life: Life): ReadonlyArray<Stretch> => {
  const silence = Math.max(lease / 2, lease - pulse * business(run))
  return [...life.frozen, ...life.lags].filter(({ from, to }) => to - from >= silence).map(({ from, to }) => ({
    from: from + silence,
    to: to + afterFailure * business(run)
  }))
}

export const isPassedByWithin = (run: Run, life: Life, from: number, to: number): boolean =>
  meets(passedBy(run, life), from, to)

export const isPassedBy = (run: Run, life: Life, at: number): boolean => isPassedByWithin(run, life, at, at)

/** Who is told to end answers what comes until it has drained, and what it has in hand then. */
export const isUnable = (run: Run, life: Life, from: number, to: number): boolean =>
  from >= life.closing || meets(unableOf(run, life), from, to)

/** How long who was told to end took for it, in milliseconds in which it could; nothing while it has not ended. */
export const ending = ({ died, ending, frozen }: Life): number | undefined =>
  died < Infinity && ending < died ? died - ending - overlap(frozen, ending, died) : undefined

export const isWithoutDatabase = (run: Run, life: Life, from: number, to: number): boolean =>
  meets(withoutDatabase(run, life), from, to)

/** How much more a machine had to do than it can do at once: by that, whatever is held to a time may take longer. */
export const business = ({ loads }: Pick<Run, "loads">): number => Math.max(1, ...loads)

/** How long the machine let nobody do their work meanwhile: the worst of those who say so. */
export const lag = ({ lags, lives }: Run, from: number, to: number): number =>
  Math.max(
    0,
    ...[...lags, ...lives.flatMap((life) => life.lags)].filter((lag) => lag.from <= to && lag.to >= from).map((lag) =>
      lag.to - lag.from
    )
  )

/** When a runner could not see to what is due: it began, was about to end or had, stood still, or was without its database. */
const unableToWork = (run: Run, life: Life): ReadonlyArray<Stretch> => [
  { from: -Infinity, to: life.ready },
  { from: Math.min(life.ending, life.died), to: Infinity },
  ...life.frozen,
  ...withoutDatabase(run, life)
]

/**
 * The longest time in which one runner could see to what is due, all along. Who is disturbed begins again: it finds out who lives, and
 * has no part of the pace of dials until it has been seen for two looks.
 */
export const undisturbed = (run: Run, from: number, to: number): number =>
  Math.max(
    0,
    ...run.lives.map((life) => {
      let [longest, since] = [0, from]
      for (const stretch of unableToWork(run, life).toSorted((a, b) => a.from - b.from)) {
        longest = Math.max(longest, Math.min(stretch.from, to) - since)
        since = Math.max(since, stretch.to)
      }
      return Math.max(longest, to - since)
    })
  )
