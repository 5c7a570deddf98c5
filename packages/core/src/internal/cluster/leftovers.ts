/**
 * What Effect Cluster leaves behind: the row of a runner that was killed stays until another stops in good order, and each machine pings
 * it meanwhile, for up to a minute at a time.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/** Removes runners that were found to be gone, and have shown no life for an hour: one that comes back registers anew. */
export const removeGone = (sql: SqlClient.SqlClient): Effect.Effect<void, SqlError.SqlError> =>
  Effect.asVoid(sql`DELETE FROM cluster_runners WHERE NOT healthy AND last_heartbeat < now() - interval '1 hour'`)

/** Does so from time to time, until the scope closes. A database that fails is asked again. */
export const keepRemoving = (sql: SqlClient.SqlClient): Effect.Effect<void, never, Scope.Scope> =>
  removeGone(sql).pipe(
    Effect.catchCause((cause) => Effect.logDebug("Runners that are gone could not be removed", cause)),
    Effect.delay("10 minutes"),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid
  )
