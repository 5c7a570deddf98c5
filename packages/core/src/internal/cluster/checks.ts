/** What has to be so before machines share calls. Each of these would be silent if it were otherwise. */
import { Effect, Version } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Pooler from "../pooler.ts"

/** The releases of Effect that this was tested with: what distributes there is marked unstable, and may change with any. */
const tested: ReadonlyArray<string> = ["4.1.0"]

/** Why this copy of Effect is none that the cluster is made for. */
export const effectProblem = (found: string = Version.getCurrentVersion()): string | undefined =>
  tested.includes(found)
    ? undefined
    : `It is made for Effect ${
      tested.join(" or ")
    }, exactly, and this is ${found}: Effect Cluster may change with any release. ` +
      "Install that one, or run several processes without a cluster (Calls.layer)"

/** A server before this one cannot end the session of a runner that hangs, whose shards would stay locked. */
const oldest = 140_000

/** Why this database is none for a cluster. `rowLocks`: shards are not locked by sessions. */
export const databaseProblem = (
  sql: SqlClient.SqlClient,
  rowLocks: boolean
): Effect.Effect<string | undefined, SqlError.SqlError> =>
  Effect.gen(function*() {
    const isPostgres = sql.onDialectOrElse({ pg: () => true, orElse: () => false })
    if (!isPostgres) {
      return "It needs PostgreSQL: a database in a file belongs to one process, and one process needs no cluster (Calls.layer)"
    }
    if (yield* Pooler.isBetween(sql)) return Pooler.problem
    if (rowLocks) return undefined
    const [row] = yield* sql<{ readonly version: number }>`SELECT current_setting('server_version_num')::int AS version`
    return (row?.version ?? 0) < oldest
      ? "Before PostgreSQL 14 a machine that hangs keeps its shards for as long as it hangs. " +
        "Take 14 or later, or rows instead of advisory locks (shardLockDisableAdvisory)"
      : undefined
  })
