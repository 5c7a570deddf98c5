/**
 * How processes on one PostgreSQL tell each other of turns, so that they need not read them: by `NOTIFY`, in the statement that adds
 * them. Whoever listens hears of them with the commit, so of nothing that is not stored.
 */
import { Clock, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { CallId } from "../../CallEvent.ts"
import type { ToldTurn } from "../../EventStore.ts"
import { Report } from "../report.ts"
import * as Dialect from "./sqlDialect.ts"

/** Whether turns are told of, and what becomes of that. */
export interface Telling {
  /** On which they are; nothing while that is not possible. */
  readonly channel: () => string | undefined
  /** A commit with notifications failed, perhaps because of them. */
  readonly failed: (error: SqlError.SqlError) => Effect.Effect<void>
  readonly worked: () => Effect.Effect<void>
}

/** So long is nothing told after that has failed, in milliseconds. */
const pause = 60_000

/** Tells on a channel. */
export const make = (channel: string): Effect.Effect<Telling> =>
  Effect.map(Clock.Clock, (clock) => {
    const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const trouble = new Report({
      fails: "Other processes cannot be told of turns",
      next: "so they read them",
      over: "Other processes are told of turns again"
    }, elapsed)
    let silentUntil = 0
    return {
      channel: () => elapsed() < silentUntil ? undefined : channel,
      failed: (error) => {
        silentUntil = elapsed() + pause
        return trouble.failed(error.message)
      },
      worked: () => trouble.over()
    }
  })

const isCallId = Schema.is(CallId)

/** What stands before the events of a turn. */
const width = Dialect.told.length - 1

/** A turn that another process tells of; nothing if it is no such. */
export const turnOf = (payload: string): ToldTurn | undefined => {
  const words = payload.split(" ", width)
  const events = payload.slice(words.join(" ").length + 1)
  const [callId, version, at, format, id] = words
  const numbers = [version, at, format].map(Number)
  if (!isCallId(callId) || id === undefined || !events.startsWith("[") || !numbers.every(Number.isFinite)) return
  return { callId, id: Dialect.unescape(id), version: numbers[0]!, at: numbers[1]!, format: numbers[2]!, events }
}
