/** What runners say to those who watch over them, held against what was done to them: calls with two owners, and shards that are behind. */
import { Settings } from "@ringback/core"
import type { Breach } from "./checks.ts"
import * as Owners from "./owners.ts"
import type { Run } from "./run.ts"
import type { Life } from "./runners.ts"
import * as Times from "./times.ts"

const { lease, lookEvery } = Settings.make().store

/** A runner has said that a call has two owners. */
interface Told {
  readonly at: number
  readonly callId: string
  readonly by: Life
  /** The process that was first; nothing if it is not known. */
  readonly other: Life | undefined
}

const words = /Call (\S+) has two owners: this process \(\S+\) and (\S+) both/

/** All that was said of two owners. */
export const twoOwners = ({ lives }: Pick<Run, "lives">): ReadonlyArray<Told> =>
  lives.flatMap((by) =>
    by.log.flatMap(({ at, text }) => {
      const [, callId, name] = words.exec(text) ?? []
      return callId === undefined ? [] : [{ at, callId, by, other: lives.find((life) => life.name === name) }]
    })
  )

/** Whether somebody else might go on with what a runner had: it stood still for its lease, or was without its database. Death is no reason. */
const hasReason = (run: Run, life: Life, at: number): boolean =>
  Times.isWithoutDatabase(run, life, at - lease, at) || Times.isPassedByWithin(run, life, at - lease, at)

/** Two owners that were told of, and neither of them had hung or was cut off. */
export const checkTwoOwners = (run: Run): ReadonlyArray<Breach> =>
  twoOwners(run).filter(({ at, by, other }) =>
    ![by, ...(other === undefined ? [] : [other])].some((life) => hasReason(run, life, at))
  ).map(({ by, callId, other }) => ({
    checker: "two owners are told only where one hung or was cut off",
    problem: `runner ${by.place + 1} told of two owners, itself and ${
      other === undefined ? "one that is not known" : `runner ${other.place + 1}`
    }`,
    callId
  }))

/** The longest that any runner said of a shard that is behind, in milliseconds. */
export const longestAge = ({ lives }: Pick<Run, "lives">): number =>
  Math.max(0, ...lives.flatMap(({ behind }) => behind.map(({ millis }) => millis)))

/** Whether nobody who lives says any more that a shard is behind. */
export const isNoneBehind = ({ lives }: Pick<Run, "lives">): boolean =>
  lives.every(({ behind, died }) => died < Infinity || (behind.at(-1)?.millis ?? 0) === 0)

/** By then who looks has seen what is late, and has said so: that it is late by a look, at the next one, and a while. */
const seenAfter = 2 * lookEvery + 3_000

/** In a cluster: what is due and not done is told by shard, and when it is done it is told no more. */
export const checkAges = (run: Run): ReadonlyArray<Breach> => {
  if (run.mode !== "cluster") return []
  const checker = "what waits is told by shard"
  const isTold = (from: number, to: number) =>
    run.lives.some(({ behind }) => behind.some(({ at, millis }) => at >= from && at <= to && millis >= lookEvery))
  const untold = Owners.gaps(run).filter(({ attended, from, to, what }) =>
    what === "due" && attended > seenAfter * Times.business(run) && !isTold(from, to + lookEvery)
  )
  return [
    ...untold.map(({ callId, from, to }) => ({
      checker,
      problem: `no runner told of what was due and not done for ${to - from} ms`,
      callId
    })),
    ...isNoneBehind(run) ? [] : [{ checker, problem: "a runner says at the end that a shard is behind" }]
  ]
}
