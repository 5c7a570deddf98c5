/**
 * Lists of calls, from the tables that turns write as they are stored. A page costs the same however many calls there are: it is
 * a piece of an index that is in the order of the list, or of a few such pieces, one for each group of calls that a filter allows.
 */
import { Effect } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import type { CallId } from "../../CallEvent.ts"
import {
  type CallIndex,
  type Counts,
  type Entry,
  type Filter,
  idOf,
  NumbersNotSearchable,
  type Page
} from "../../CallIndex.ts"
import type { StoreError } from "../storeError.ts"
import * as Listing from "./listing.ts"
import * as Dialect from "./sqlDialect.ts"

/** Calls of one flow, version and state. */
interface Group {
  readonly flow: string
  readonly flow_version: number
  readonly state: number
}

interface Row extends Group {
  readonly call_id: CallId
  readonly started: number
  readonly ended: number | null
  readonly version: number
  readonly waiting_for: string
  readonly due: number | null
}

/** Where calls are looked for: all that are listed or those of a number, or a group. */
interface Piece {
  readonly from: Statement.Fragment
  readonly where: ReadonlyArray<Statement.Fragment>
  /** The table that has the order of the list. */
  readonly place: "listed" | "named"
  readonly isGroup: boolean
}

interface Counted {
  readonly state: number
  readonly calls: number
}

/** So many calls are counted at once where counting holds up everything else. */
const bitSize = 10_000

/** So many groups are asked for by one statement: databases take no statement of any length. */
const groupsAtOnce = 64

/** So many running calls are looked at, at once, for those that are due, unless a page has more. */
const lookedAtOnce = 250

/** If no more calls than this are due, they are few. */
const fewDue = 1000

/** The call at which the next group begins, where some columns are those of the group before and one is later. */
const nextGroup = (same: ReadonlyArray<string>, later: string, order: string): string =>
  `(SELECT call_id FROM ringback_listed AS later
      WHERE ${
    [...same.map((column) => `later.${column} = found.${column}`), `later.${later} > found.${later}`].join(" AND ")
  }
      ORDER BY ${order} LIMIT 1)`

/**
 * The groups that there are, each by a jump in their index from the one before. SQLite takes no limit in the step itself, hence
 * the way by the key of the table, and compares no rows by an index there, hence the three ways to be later.
 */
const allGroups = `WITH RECURSIVE found AS (
    SELECT flow, flow_version, state FROM ringback_listed WHERE call_id = (
      SELECT call_id FROM ringback_listed ORDER BY flow, flow_version, state LIMIT 1
    )
    UNION ALL
    SELECT next.flow, next.flow_version, next.state FROM found JOIN ringback_listed AS next ON next.call_id = coalesce(
      ${nextGroup(["flow", "flow_version"], "state", "later.state")},
      ${nextGroup(["flow"], "flow_version", "later.flow_version, later.state")},
      ${nextGroup([], "flow", "later.flow, later.flow_version, later.state")}
    )
  )
  SELECT flow, flow_version, state FROM found`

const lines = (sql: SqlClient.SqlClient, parts: ReadonlyArray<Statement.Fragment>): Statement.Fragment =>
  parts.length === 0 ? sql.literal("") : sql`WHERE ${sql.and(parts)}`

const isWithin = (
  sql: SqlClient.SqlClient,
  column: string,
  from: number | undefined,
  before: number | undefined
): ReadonlyArray<Statement.Fragment> => [
  ...(from === undefined ? [] : [sql`${sql.literal(column)} >= ${from}`]),
  ...(before === undefined ? [] : [sql`${sql.literal(column)} < ${before}`])
]

/** Counts calls. */
const counter = (sql: SqlClient.SqlClient) => {
  /** How many calls a piece has, by state. */
  const countOf = ({ from, where }: Piece) =>
    sql<Counted>`SELECT listed.state, count(*) AS calls FROM ${from} ${lines(sql, where)} GROUP BY listed.state`
      .unprepared

  /**
   * The same of a group, bit by bit: SQLite counts in the thread that answers webhooks. Calls that begin or end meanwhile are
   * counted or not.
   */
  const countBits = Effect.fnUntraced(function*(piece: Piece) {
    const counted: Array<Counted> = []
    for (let low = -1;;) {
      const where = [...piece.where, ...isWithin(sql, "listed.started", low, undefined)]
      const [edge] = yield* sql<Row>`SELECT listed.started FROM ${piece.from} ${lines(sql, where)}
        ORDER BY listed.started, listed.call_id LIMIT 1 OFFSET ${bitSize}`.unprepared
      const isLast = edge === undefined || edge.started <= low
      const bit = isLast ? where : [...where, ...isWithin(sql, "listed.started", undefined, edge.started)]
      counted.push(...yield* countOf({ ...piece, where: bit }))
      if (isLast) return counted
      low = edge.started
      yield* Effect.yieldNow
    }
  })

  return { countOf, countBits }
}

/** The order of a list, and after which place it goes on. */
interface Order {
  readonly byEnd: boolean
  readonly from: Listing.Place | undefined
}

const placeIn = ({ byEnd }: Order) => (row: Row): Listing.Place => ({
  time: byEnd ? row.ended! : row.started,
  callId: row.call_id
})

/** Reads rows. The pieces bring what their indexes hold, and only what is on the page is read whole. */
const reader = (
  sql: SqlClient.SqlClient,
  dialect: Dialect.Dialect,
  toStoreError: (error: SqlError.SqlError) => StoreError
) => {
  const pieceOf = ({ from: source, place, where }: Piece, { byEnd, from }: Order, limit: number) => {
    const time = sql.literal(byEnd ? "listed.ended" : `${place}.started`)
    const id = sql.literal(`${byEnd ? "listed" : place}.call_id`)
    const later = from === undefined ? [] : [sql`(${time}, ${id}) < (${from.time}, ${from.callId})`]
    return sql`SELECT ${id} AS call_id, ${time} AS place FROM ${source} ${lines(sql, [...where, ...later])}
      ORDER BY ${time} DESC, ${id} DESC LIMIT ${limit}`
  }

  const read = (pieces: ReadonlyArray<Piece>, order: Order, limit: number) => {
    const [first, ...rest] = pieces.map((piece, n) =>
      sql`SELECT * FROM (${pieceOf(piece, order, limit)}) AS ${sql.literal(`g${n}`)}`
    )
    const joined = rest.reduce((all, piece) => sql`${all} UNION ALL ${piece}`, first!)
    return sql<Row>`SELECT listed.*, last.version, last.waiting_for, last.due
      FROM (SELECT * FROM (${joined}) AS pieces ORDER BY place DESC, call_id DESC LIMIT ${limit}) AS found
      JOIN ringback_listed AS listed ON listed.call_id = found.call_id ${sql.literal(dialect.joinLast)}`.unprepared
  }

  /** Some rows, in their order. */
  const rowsOf = Effect.fnUntraced(function*(pieces: ReadonlyArray<Piece>, order: Order, limit: number) {
    const found: Array<Row> = []
    for (let n = 0; n < pieces.length; n += groupsAtOnce) {
      found.push(...yield* Effect.mapError(read(pieces.slice(n, n + groupsAtOnce), order, limit), toStoreError))
    }
    const placeOf = placeIn(order)
    return found.toSorted((self, that) => Listing.compare(placeOf(that), placeOf(self))).slice(0, limit)
  })

  return { rowsOf }
}

/** The list of calls in a database. */
export const make = (
  sql: SqlClient.SqlClient,
  dialect: Dialect.Dialect,
  hash: Listing.Hash | undefined,
  toStoreError: (error: SqlError.SqlError) => StoreError
): CallIndex["Service"] => {
  const { countBits, countOf } = counter(sql)

  const groupsOf = (filter: Filter): Effect.Effect<ReadonlyArray<Group>, SqlError.SqlError> => {
    const states = Listing.statesOf(filter)
    const isMeant = ({ flow, flow_version, state }: Group) =>
      (filter.flow === undefined || filter.flow === Dialect.unescape(flow)) &&
      (filter.flowVersion === undefined || filter.flowVersion === Number(flow_version)) &&
      states.includes(Number(state))
    return Effect.map(sql.unsafe<Group>(allGroups), (groups) => groups.filter(isMeant))
  }

  /** The ids that a key stands for, one for each flow. */
  const keyed = (key: string, filter: Filter): Effect.Effect<ReadonlyArray<CallId>, SqlError.SqlError> =>
    Effect.map(
      filter.flow === undefined ? groupsOf(filter) : Effect.succeed([]),
      (groups) =>
        [...new Set(filter.flow === undefined ? groups.map(({ flow }) => Dialect.unescape(flow)) : [filter.flow])]
          .map((flow) => idOf(flow, key))
    )

  const isInGroups = (filter: Filter): ReadonlyArray<Statement.Fragment> => {
    const states = Listing.statesOf(filter)
    return [
      ...(filter.flow === undefined ? [] : [sql`listed.flow = ${Dialect.escape(filter.flow)}`]),
      ...(filter.flowVersion === undefined ? [] : [sql`listed.flow_version = ${filter.flowVersion}`]),
      ...(states.length === 16 ? [] : [sql.literal(`listed.state IN (${["-1", ...states].join(", ")})`)])
    ]
  }

  const isDue = (before: number | undefined) =>
    before === undefined
      ? []
      : [sql`listed.call_id IN (SELECT call_id FROM ringback_running WHERE due_from < ${before} AND due < ${before})`]

  /** Where the calls of a filter are looked for, and what is left to be asked of each. All calls are groups too, if asked for. */
  const sources = Effect.fnUntraced(function*(
    filter: Filter,
    inGroups = false
  ): Effect.fn.Return<ReadonlyArray<Piece>, SqlError.SqlError | NumbersNotSearchable> {
    const { dueBefore, endedBefore, endedFrom, key, number, startedBefore, startedFrom } = filter
    if (number !== undefined && hash === undefined) return yield* new NumbersNotSearchable()
    const started = isWithin(sql, "listed.started", startedFrom, startedBefore)
    const times = [...started, ...isWithin(sql, "listed.ended", endedFrom, endedBefore)]
    const named = number === undefined ? undefined : hash!(number)
    const isKeyed = key === undefined ? [] : [sql.in("listed.call_id", yield* keyed(key, filter))]
    const all = [...isInGroups(filter), ...times, ...isDue(dueBefore), ...isKeyed]
    const listed = sql.literal("ringback_listed AS listed")
    if (named !== undefined) {
      const from = sql`ringback_numbers AS named CROSS JOIN ringback_listed AS listed`
      const isNamed = sql`named.number = ${named} AND listed.call_id = named.call_id`
      return [{ from, where: [isNamed, ...all], place: "named", isGroup: false }]
    }
    const isOne = key !== undefined || dueBefore !== undefined || Listing.isByEnd(filter) ||
      (!inGroups && isInGroups(filter).length === 0)
    if (isOne) return [{ from: listed, where: all, place: "listed", isGroup: false }]
    return (yield* groupsOf(filter)).map(({ flow, flow_version, state }) => ({
      from: listed,
      where: [
        sql`listed.flow = ${flow} AND listed.flow_version = ${Number(flow_version)} AND listed.state = ${
          Number(state)
        }`,
        ...started
      ],
      place: "listed",
      isGroup: true
    }))
  }, (effect) => Effect.catchTag(effect, "SqlError", (error) => Effect.fail(toStoreError(error))))

  const { rowsOf } = reader(sql, dialect, toStoreError)

  const countDue = (before: number): Effect.Effect<number, StoreError> =>
    Effect.mapBoth(
      sql<{ readonly calls: number }>`SELECT count(*) AS calls FROM (
        SELECT call_id FROM ringback_unfinished WHERE due_from < ${before} LIMIT ${fewDue + 1}
      ) AS due`,
      { onFailure: toStoreError, onSuccess: ([row]) => Number(row?.calls ?? 0) }
    )

  /** Whether those that are due are looked for among those that run. Only PostgreSQL finds them by when they are due. */
  const isLookedFor = ({ dueBefore, key, number }: Filter): Effect.Effect<boolean, StoreError> => {
    if (dueBefore === undefined || key !== undefined || number !== undefined) return Effect.succeed(false)
    return dialect.isShared ? Effect.map(countDue(dueBefore), (count) => count > fewDue) : Effect.succeed(true)
  }

  /** Calls that are due, of those that run, some at once and newest first, until there are enough for a page. */
  const lookFor = Effect.fnUntraced(function*(filter: Filter, order: Order, most: number) {
    if (Listing.statesOf(filter).length === 0 || order.byEnd) return []
    const pieces = yield* sources({ ...filter, dueBefore: undefined, status: "running" })
    const found: Array<Row> = []
    let from = order.from
    for (let size = most + 1;; size = Math.min(2 * size, Math.max(size, lookedAtOnce))) {
      const some: ReadonlyArray<Row> = yield* rowsOf(pieces, { ...order, from }, size)
      found.push(...some.filter(({ due }) => due !== null && due < filter.dueBefore!))
      if (found.length > most || some.length < size) return found.slice(0, most + 1)
      from = placeIn(order)(some.at(-1)!)
      yield* Effect.yieldNow
    }
  })

  const list: CallIndex["Service"]["list"] = Effect.fnUntraced(function*(filter = {}, { after, limit } = {}) {
    const order: Order = {
      byEnd: Listing.isByEnd(filter),
      from: after === undefined ? undefined : Listing.placeOf(after)
    }
    const most = Listing.limitOf(limit)
    const rows = (yield* isLookedFor(filter))
      ? yield* lookFor(filter, order, most)
      : yield* rowsOf(yield* sources(filter), order, most + 1)
    return toPage(rows, most, placeIn(order))
  })

  const counts: CallIndex["Service"]["counts"] = Effect.fnUntraced(function*(filter = {}) {
    const over = { Success: 0, Failure: 0, Stopped: 0 }
    let running = 0
    for (const piece of yield* sources(filter, !dialect.isShared)) {
      const isBitwise = !dialect.isShared && piece.isGroup
      const rows: ReadonlyArray<Counted> = yield* Effect.mapError(
        isBitwise ? countBits(piece) : countOf(piece),
        toStoreError
      )
      for (const { calls, state } of rows) {
        const { outcome, status } = Listing.fromState(Number(state))
        if (status === "running") running += Number(calls)
        else if (outcome !== undefined) over[outcome] += Number(calls)
      }
    }
    return { running, over } satisfies Counts
  })

  return { list, counts }
}

const toPage = (rows: ReadonlyArray<Row>, most: number, placeOf: (row: Row) => Listing.Place): Page => {
  const calls = rows.slice(0, most)
  const last = calls.at(-1)
  return {
    calls: calls.map(toEntry),
    next: last === undefined || rows.length <= most ? undefined : Listing.cursorOf(placeOf(last))
  }
}

const toEntry = (row: Row): Entry => ({
  callId: row.call_id,
  flow: Dialect.unescape(row.flow),
  flowVersion: Number(row.flow_version),
  ...Listing.fromState(Number(row.state)),
  startedAt: row.started,
  endedAt: row.ended ?? undefined,
  waitingFor: Dialect.unescape(row.waiting_for),
  due: row.due ?? undefined,
  version: Number(row.version)
})
