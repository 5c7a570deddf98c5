/** What becomes of the errors of a database: failures of a store, in words without a value of it. */
import { type Migrator, SqlError } from "effect/sql"
import { Closed, Down, type Rejected, StoreError } from "../../EventStore.ts"
import * as Masked from "../masked.ts"
import * as Refusal from "./sqlRefusal.ts"

/** A store that takes nothing any more. */
export const closed = (problem: string): StoreError =>
  new StoreError({ operation: "write", reason: new Closed({ problem }) })

/** What a client reports, in a sentence. It never holds parameters. */
export const storeError = (
  operation: StoreError["operation"],
  error: SqlError.SqlError | Migrator.MigrationError,
  Reason: typeof Down | typeof Rejected = Down
): StoreError => {
  const inner = error._tag === "MigrationError" ? error.cause : error
  const said = inner !== error && inner instanceof Error ? `${error.message}: ${inner.message}` : error.message
  const server = SqlError.isSqlError(inner) ? fromServer(inner) : undefined
  if (server === undefined && Refusal.isByTrigger(inner)) {
    const problem = `${Masked.line(said)}.` // whoever wrote the trigger may have put of the row into it
    return new StoreError({ operation, reason: new Reason({ problem }), cause: new Error(problem) })
  }
  if (server === undefined) {
    return new StoreError({ operation, reason: new Reason({ problem: `${said}.` }), cause: error })
  }
  const { code, message, name } = server
  const problem = `${operation === "open" ? `${said}: ${message}` : said} (SQLSTATE ${code}).`
  const cause = Object.assign(new Error(problem), { name, code })
  return new StoreError({ operation, reason: new Reason({ problem }), cause })
}

/**
 * What PostgreSQL itself has sent, of which most may quote rows: its detail, its context, its query. Its message may, too,
 * but not while tables are made.
 */
const fromServer = ({ reason: { _tag, cause } }: SqlError.SqlError) =>
  cause instanceof Error && "severity" in cause && "code" in cause
    ? { name: _tag, code: String(cause.code), message: cause.message }
    : undefined
