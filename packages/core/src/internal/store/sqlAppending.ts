/** How turns are written: those of many calls in one commit, or as part of a transaction of the application. */
import { Array as Arr, Clock, Context, Effect, Exit, Result } from "effect"
import type { Fiber } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import * as CallEvent from "../../CallEvent.ts"
import * as CallMetrics from "../../CallMetrics.ts"
import {
  Down,
  type EventStore,
  format,
  Rejected,
  StoreError,
  type Summary,
  type Turn,
  VersionConflict
} from "../../EventStore.ts"
import type * as Broadcast from "../broadcast.ts"
import * as Listing from "./listing.ts"
import type { CallRow } from "./sqlCalls.ts"
import * as Dialect from "./sqlDialect.ts"
import { storeError } from "./sqlFailure.ts"
import * as Refusal from "./sqlRefusal.ts"
import * as Server from "./sqlServer.ts"
import type * as Telling from "./sqlTelling.ts"

type About = Parameters<EventStore["Service"]["append"]>[2]

/** A turn that waits for its commit. A class, as the frames of `internal/flow/interpreter.ts` are. */
export class Append {
  readonly turn: Turn
  readonly summary: Summary
  readonly referenceId: string | undefined
  readonly events: string
  readonly facts: Listing.Facts | undefined
  readonly isTold: boolean
  constructor(turn: Turn, summary: Summary, about: About | undefined, hash: Listing.Hash | undefined) {
    this.turn = turn
    this.summary = summary
    this.referenceId = about?.referenceId
    this.isTold = about?.isTold === true
    this.events = CallEvent.encode(turn.events)
    this.facts = Listing.factsOf(turn, summary.status, hash)
  }
}

const toRow = ({ events, facts, referenceId, summary, turn }: Append): Dialect.Row => [
  turn.callId,
  turn.version,
  Dialect.escape(summary.flow),
  summary.flowVersion,
  summary.status,
  Dialect.escape(summary.waitingFor),
  summary.status === "over" ? null : summary.due,
  summary.process,
  turn.at,
  summary.dialFrom ?? null,
  Dialect.escape(turn.id),
  referenceId === undefined ? null : Dialect.escape(referenceId),
  format,
  events,
  ...factsColumns(facts)
]

export const factsColumns = (
  facts: Listing.Facts | undefined
): readonly [facts: number | null, numbers: string | null] => [
  facts === undefined ? null : Listing.toState(facts),
  facts?.numbers === undefined ? null : JSON.stringify(facts.numbers)
]

export const isKeyed = ({ events: [first], version }: Turn): boolean =>
  version === 1 && first?._tag === "CallStarted" && first.key !== undefined

// Inside a transaction of the application

export const isInside = (sql: SqlClient.SqlClient, fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  Context.getOrUndefined(fiber.context, sql.transactionService) !== undefined

/** A fiber that was forked inside of a transaction may outlive it, and its connection is then somebody else's. */
export const isOpen = (sql: SqlClient.SqlClient): Effect.Effect<void, StoreError> =>
  Effect.catchDefect(sql.afterCommit(Effect.void), () => Effect.fail(afterEnd))

const afterEnd = new StoreError({
  operation: "write",
  reason: new Rejected({
    problem:
      "The transaction that this fiber was forked in has ended, so that nothing can be part of it. Fork after the commit"
  })
})

/** Stores a turn as part of the transaction of this fiber, on its connection. */
export const join = (writer: Writer, item: Append): Effect.Effect<void, VersionConflict | StoreError> => {
  const { changes, sql } = writer
  const later: Broadcast.Broadcast<Turn> = { ...changes, tell: (turns) => sql.afterCommit(changes.tell(turns)) }
  return Effect.andThen(
    isOpen(sql),
    Effect.flatMap(
      write({ ...writer, changes: later, telling: undefined, server: Server.alone })([item]),
      ([exit]) => exit ?? Effect.void
    )
  )
}

/** The calls whose turn is surely stored by a commit. */
type Won = ReadonlySet<CallId> | "all"

/** What a store writes with. */
export interface Writer {
  readonly sql: SqlClient.SqlClient
  readonly dialect: Dialect.Dialect
  readonly changes: Broadcast.Broadcast<Turn>
  /** How other processes are told of what is stored, if there can be any. */
  readonly telling: Telling.Telling | undefined
  /** Which server is written. */
  readonly server: Pick<Server.Server, "during" | "suspect">
  /** In which it counts. */
  readonly context: Context.Context<never>
}

type Answers = ReadonlyArray<Exit.Exit<void, VersionConflict | StoreError>>

/**
 * Writes one turn each of different calls in one commit. If the database refuses that for what is in it, it is written in
 * parts, down to the turns that are to blame, so that all others are stored.
 */
export const write = (writer: Writer) => {
  const { changes, sql } = writer
  const doubts = new Refusal.Doubts()

  const tell = (appends: ReadonlyArray<Append>): Effect.Effect<void> => {
    const stored = appends.map(({ turn }) => turn)
    return Arr.isReadonlyArrayNonEmpty(stored) ? changes.tell(stored) : Effect.void
  }

  /** Why a turn that came alone is not stored. */
  const refused = ({ turn }: Append, error: SqlError.SqlError, now: number): StoreError => {
    const refusal = Refusal.of(error)
    const isRejected = refusal === "refused" || (refusal === "unknown" && doubts.isOver(turn.callId, now))
    return storeError("write", error, isRejected ? Rejected : Down)
  }

  const answers = Effect.fnUntraced(function*(
    batch: ReadonlyArray<Append>,
    inserted: Result.Result<Won, SqlError.SqlError>
  ) {
    const won = Result.getOrElse(inserted, () => none)
    const isWon = ({ turn }: Append) => won === "all" || won.has(turn.callId)
    // Who did not win may be stored all the same: by an append before, or by a commit of unknown result.
    const found = yield* Effect.result(findStored(sql, batch.filter((append) => !isWon(append))))
    const earlier = Result.getOrElse(found, () => none)

    const isStored = (append: Append) => isWon(append) || earlier.has(append.turn.callId)
    yield* tell(batch.filter(isStored))

    const now = yield* Clock.currentTimeMillis
    return batch.map((append): Answers[number] => {
      if (isStored(append)) return Exit.void
      if (Result.isFailure(inserted)) return Exit.fail(refused(append, inserted.failure, now))
      if (Result.isFailure(found)) return Exit.fail(storeError("write", found.failure))
      return Exit.fail(new VersionConflict({ callId: append.turn.callId, version: append.turn.version }))
    })
  })

  const parts = (batch: ReadonlyArray<Append>): Effect.Effect<Answers> => {
    const half = batch.length >> 1
    return Effect.zipWith(all(batch.slice(0, half)), all(batch.slice(half)), (first, rest) => [...first, ...rest])
  }

  const all = (batch: ReadonlyArray<Append>): Effect.Effect<Answers> =>
    Effect.flatMap(Effect.result(insert(writer, batch)), (inserted) => {
      if (Result.isFailure(inserted) && batch.length > 1 && Refusal.of(inserted.failure) !== "down") return parts(batch)
      if (Result.isSuccess(inserted)) settled(batch)
      if (Result.isFailure(inserted) || inserted.success !== "all") return answers(batch, inserted)
      return Effect.map(tell(batch), () => batch.map(() => Exit.void))
    })

  const settled = (batch: ReadonlyArray<Append>): void => {
    doubts.works(batch.length)
    for (const { turn } of batch) doubts.end(turn.callId)
  }

  return all
}

const none: ReadonlySet<CallId> = new Set()

/** The calls whose turn is surely stored by this commit. Others may be, unless their database names all. */
const insert = (writer: Writer, batch: ReadonlyArray<Append>): Effect.Effect<Won, SqlError.SqlError> =>
  Effect.catchIf(
    writer.server.during(Effect.suspend(() => insertAll(writer, batch))),
    leavesGap,
    () =>
      Effect.flatMap(
        Effect.andThen(Effect.sync(writer.server.suspect), withoutGaps(writer.sql, batch)),
        (rest) =>
          Effect.map(
            insertAll(writer, rest),
            (won) => won === "all" ? new Set(rest.map(({ turn }) => turn.callId)) : won
          )
      )
  )

/** With what is told of it, if that is wanted of any of it. Where nothing can be told, it is stored without that. */
const insertAll = (writer: Writer, batch: ReadonlyArray<Append>): Effect.Effect<Won, SqlError.SqlError> => {
  const { telling } = writer
  const channel = batch.some(({ isTold }) => isTold) ? telling?.channel() : undefined
  if (channel === undefined) return insertOnce(writer, batch, undefined)
  return Effect.matchEffect(insertOnce(writer, batch, channel), {
    onFailure: (error) =>
      Refusal.of(error) === "down" || leavesGap(error)
        ? Effect.fail(error)
        : Effect.andThen(telling!.failed(error), insertOnce(writer, batch, undefined)),
    onSuccess: (won) => Effect.as(telling!.worked(), won)
  })
}

const insertOnce = (
  { context, dialect, sql }: Writer,
  batch: ReadonlyArray<Append>,
  channel: string | undefined
): Effect.Effect<Won, SqlError.SqlError> => {
  if (batch.length === 0) return Effect.succeed("all")
  const { parameters, text } = dialect.insert(batch.map(toRow), channel)
  const statement = compiled<CallRow>(sql, text, parameters)
  const counted = (count: number) => {
    if (count === 0) return
    CallMetrics.storeCommits.updateUnsafe(1, context)
    CallMetrics.storeTurns.updateUnsafe(count, context)
  }
  const named = (rows: ReadonlyArray<CallRow>): Won => {
    counted(rows.length)
    return rows.length === batch.length ? "all" : new Set(rows.map((row) => row.call_id))
  }
  const unnamed = (result: unknown): Won => {
    const count = changed(result)
    counted(count)
    return count === batch.length ? "all" : none
  }
  return dialect.namesInserted ? Effect.map(statement, named) : Effect.map(statement.raw, unnamed)
}

/**
 * A statement that need not be compiled. A client keeps what it compiles in a weak map, and what such a map holds survives the
 * next collection of garbage: here all events of a batch.
 */
const compiled = <A extends object>(sql: SqlClient.SqlClient, text: string, parameters: ReadonlyArray<unknown>) =>
  Object.assign(sql.unsafe<A>(text), { compile: () => [text, parameters] as const })

const leavesGap = (error: SqlError.SqlError): boolean => {
  const { cause } = error.reason
  return error.message.includes(Dialect.gap) || (cause instanceof Error && cause.message.includes(Dialect.gap))
}

/** Those of a batch that follow a turn which is stored, or are the first of their call. */
const withoutGaps = (sql: SqlClient.SqlClient, batch: ReadonlyArray<Append>) => {
  const before = batch.map(({ turn }) =>
    sql`(call_id = ${turn.callId} AND version = ${turn.version - 1} AND status <> 'pruned')`
  )
  return Effect.map(
    callsWith(sql, before),
    (calls) => batch.filter(({ turn }) => turn.version === 1 || calls.has(turn.callId))
  )
}

/** How many rows a statement has written, by what clients for SQLite give as its raw result. */
const changed = (result: unknown): number =>
  typeof result === "object" && result !== null && "changes" in result ? Number(result.changes) : 0

/** The calls among them whose turn, by its own id, is stored already. */
const findStored = (sql: SqlClient.SqlClient, batch: ReadonlyArray<Append>) => {
  if (batch.length === 0) return Effect.succeed(new Set<CallId>())
  const own = batch.map(({ turn }) =>
    sql`(call_id = ${turn.callId} AND version = ${turn.version} AND id = ${Dialect.escape(turn.id)})`
  )
  return callsWith(sql, own)
}

const callsWith = (sql: SqlClient.SqlClient, turns: ReadonlyArray<Statement.Fragment>) =>
  Effect.map(
    sql<CallRow>`SELECT call_id FROM ringback_turns WHERE ${sql.or(turns)}`.unprepared,
    (rows) => new Set(rows.map((row) => row.call_id))
  )
