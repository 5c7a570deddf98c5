/** How an engine reads the turns of calls: those of several at a time together, where other processes share the tables. */
import { Context, Effect, Exit, type Fiber, References, Result, Tracer } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import { beginOf, type EventStore, type StoredTurn, type StoreError, type Turn, unforked } from "../../EventStore.ts"
import type { Run } from "../background.ts"
import { decoded } from "../turn.ts"
import * as GroupRead from "./groupRead.ts"
import { isInside } from "./sqlAppending.ts"
import type { Dialect } from "./sqlDialect.ts"
import { storeError } from "./sqlFailure.ts"
import * as SqlLog from "./sqlLog.ts"
import * as Refusal from "./sqlRefusal.ts"

type Read = EventStore["Service"]["read"]

/** From the tables of a client. */
export const make = (sql: SqlClient.SqlClient, dialect: Dialect, run: Run): Read => {
  if (!dialect.isShared) return (callId, after = 0) => alone(sql, { callId, after })
  const together = GroupRead.make({ read: all(sql), run, atOnce: 2, batchSize: 256 })
  return (callId, after = 0) => read(sql, { callId, after }, together({ callId, after }))
}

/** The turns of a call after a version. */
interface Wanted {
  readonly callId: CallId
  readonly after: number
}

type Found = Effect.Effect<ReadonlyArray<Turn>, StoreError>

/** What is read as part of a transaction, or of what somebody traces, is read by itself. */
const read = (sql: SqlClient.SqlClient, wanted: Wanted, together: Found): Found => {
  const found: Found = Effect.withFiber((fiber) =>
    isInside(sql, fiber) || isTraced(fiber) ? alone(sql, wanted) : together
  )
  const begin = beginOf(together)
  return begin === undefined ? found : unforked(found, begin)
}

const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(References.TracerEnabled) && Context.getOrUndefined(fiber.context, Tracer.ParentSpan) !== undefined

const alone = (sql: SqlClient.SqlClient, { after, callId }: Wanted): Found =>
  sql<StoredTurn>`SELECT id, version, at, format, events FROM ringback_turns
    WHERE call_id = ${callId} AND version > ${after} AND status <> 'pruned' ORDER BY version`.pipe(
    Effect.mapError(unread),
    Effect.flatMap((rows) => Effect.fromResult(decoded(callId, rows.map(SqlLog.toStoredTurn))))
  )

const unread = (error: SqlError.SqlError): StoreError => storeError("read", error)

interface WantedRow extends StoredTurn {
  readonly place: number
}

/** Reads for many. An `ORDER BY` keeps the planner from reading all turns to find those of a few calls. */
const all = (sql: SqlClient.SqlClient) => (batch: ReadonlyArray<Wanted>) => {
  const calls = batch.map(({ callId }) => callId)
  const versions = batch.map(({ after }) => String(after))
  const rows = sql<
    WantedRow
  >`SELECT wanted.place::integer AS place, turn.id, turn.version, turn.at, turn.format, turn.events
    FROM unnest(${calls}::text[], ${versions}::text[]::integer[]) WITH ORDINALITY AS wanted (call_id, after, place)
    CROSS JOIN LATERAL (
      SELECT * FROM ringback_turns
      WHERE ringback_turns.call_id = wanted.call_id AND version > wanted.after AND status <> 'pruned' ORDER BY version
    ) AS turn`
  return Effect.matchEffect(rows, {
    onSuccess: (rows) => Effect.succeed(answers(batch, rows)),
    onFailure: (error) =>
      batch.length === 1 || Refusal.of(error) === "down"
        ? Effect.succeed(batch.map(() => Exit.fail(unread(error))))
        : Effect.forEach(batch, (wanted) => Effect.exit(alone(sql, wanted))) // One may be to blame, and not the others.
  })
}

type Answer = Exit.Exit<ReadonlyArray<Turn>, StoreError>

const nothing: Answer = Exit.succeed([])

const answers = (batch: ReadonlyArray<Wanted>, rows: ReadonlyArray<WantedRow>): ReadonlyArray<Answer> => {
  const found: Array<Array<StoredTurn> | undefined> = []
  for (const row of rows) (found[Number(row.place) - 1] ??= []).push(SqlLog.toStoredTurn(row))
  return batch.map(({ callId }, index) => found[index] === undefined ? nothing : answer(callId, found[index]))
}

const answer = (callId: CallId, stored: ReadonlyArray<StoredTurn>): Answer => {
  const turns = decoded(callId, stored.toSorted((self, that) => self.version - that.version))
  return Result.isSuccess(turns) ? Exit.succeed(turns.success) : Exit.fail(turns.failure)
}
