/**
 * What a database refuses for its data, told from a database that is down. What it refuses it refuses again, however often
 * it is asked; what it cannot do now it may do later.
 */
import type { SqlError } from "effect/sql"

/**
 * `refused`: for what the statement brought. `down`: the database cannot do its work now. `unknown`: it does not say which, so
 * it is asked again for a while.
 */
export type Refusal = "refused" | "down" | "unknown"

/** Result codes of SQLite: too big, a constraint, another type than the column's, no such parameter. */
const refusedBySqlite = [18, 19, 20, 25]

/** A trigger that somebody wrote may refuse anything, for a while or for ever. */
const sqliteTrigger = 1811

/** Whether a trigger of SQLite's has refused a statement, in words of whoever wrote it. */
export const isByTrigger = (error: unknown): boolean => {
  const cause = error instanceof Error && "reason" in error ? (error as SqlError.SqlError).reason.cause : undefined
  return cause instanceof Error && "errcode" in cause && cause.errcode === sqliteTrigger
}

/** Locked, out of memory, read-only, interrupted, input and output, corrupt, full, not to be opened, another protocol. */
const downForSqlite = [5, 6, 7, 8, 9, 10, 11, 13, 14, 15]

/** Classes of SQLSTATE: data, constraints, program limits. */
const refusedByPostgres = ["22", "23", "54"]

/** Connection, read-only, login, transactions that met, resources, objects in use, an operator, the system. */
const downForPostgres = ["08", "25", "28", "40", "53", "55", "57", "58"]

/** A client did not even send it. */
const refusedByClient = ["ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE", "ERR_OUT_OF_RANGE"]

const ofSqlite = (code: number): Refusal => {
  if (code === sqliteTrigger) return "unknown"
  const primary = code & 0xff
  return refusedBySqlite.includes(primary) ? "refused" : downForSqlite.includes(primary) ? "down" : "unknown"
}

const ofPostgres = (state: string): Refusal => {
  const kind = state.slice(0, 2)
  return refusedByPostgres.includes(kind) ? "refused" : downForPostgres.includes(kind) ? "down" : "unknown"
}

const isConstraint = ({ _tag }: SqlError.SqlErrorReason): boolean =>
  _tag === "ConstraintError" || _tag === "UniqueViolation"

/** Why a statement failed, by the code of its database. Where there is none, nobody says that the database refused it. */
export const of = ({ reason }: SqlError.SqlError): Refusal => {
  const { cause } = reason
  if (cause instanceof Error) {
    if ("errcode" in cause && typeof cause.errcode === "number") return ofSqlite(cause.errcode)
    if ("code" in cause && typeof cause.code === "string") {
      if (refusedByClient.includes(cause.code)) return "refused"
      if ("severity" in cause) return ofPostgres(cause.code)
    }
  }
  return isConstraint(reason) ? "refused" : "down"
}

/** So long is a turn asked for again, in milliseconds, that is refused for a reason which nobody knows. */
const longest = 10 * 60_000

/** At most so many are told apart. */
const most = 10_000

/** The turns that were refused for a reason which nobody knows, while it is not clear whether the database is to blame. */
export class Doubts {
  private readonly since = new Map<string, { readonly at: number; readonly stored: number }>()
  private stored = 0

  /** So many turns of others were stored. */
  works(count: number): void {
    this.stored += count
  }

  /** Whether a turn of this call is to blame: others are stored meanwhile, or it has been asked for long enough. */
  isOver(callId: string, now: number): boolean {
    const before = this.since.get(callId)
    const isOver = before !== undefined && (this.stored > before.stored || now - before.at >= longest)
    if (isOver) this.since.delete(callId)
    else if (before === undefined && this.since.size < most) this.since.set(callId, { at: now, stored: this.stored })
    return isOver
  }

  /** A turn of this call is stored. */
  end(callId: string): void {
    if (this.since.size > 0) this.since.delete(callId)
  }
}
