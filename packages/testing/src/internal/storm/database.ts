/**
 * The database below the SQL stores of a storm: the SQLite of Node in memory, whose statements take virtual time and fail
 * by the dice. A process sees it through a `SqlClient` of its own.
 */
import { CallEvent, CallIndex, EventLog, EventStore, Retention, SqlEventStore } from "@ringback/core"
import { Context, Effect, Layer, Queue, Random, References, Semaphore, Stream } from "effect"
import type { Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import type { SqlConnection } from "effect/sql"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import type { Border } from "./border.ts"
import * as Store from "./store.ts"
import type { Process, View, World } from "./world.ts"

/** An empty database that all processes of a run open. */
export interface Database {
  readonly handle: DatabaseSync
  readonly prepare: (sql: string) => StatementSync
  /** A transaction is the only one at a time. */
  readonly transactions: Semaphore.Semaphore
  /** Which process holds it, where only one may. */
  holder: Process | undefined
  /** The last turn that was seen in it. */
  position: number
}

/** Databases with tables and without rows, for the runs to come: to make the tables takes longer than a run. */
const idle: Array<Pick<Database, "handle" | "prepare">> = []

const create = (): Pick<Database, "handle" | "prepare"> => {
  // Loaded when it is needed: Node 22 prints a warning.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite")
  const handle = new DatabaseSync(":memory:")
  const statements = new Map<string, StatementSync>()
  return {
    handle,
    prepare: (sql) => {
      const found = statements.get(sql) ?? handle.prepare(sql)
      if (isRepeated(sql)) statements.set(sql, found)
      return found
    }
  }
}

const isRepeated = (sql: string): boolean => /^(SELECT|INSERT)/.test(sql) && sql.length < 4_000

const tableNames = ["turns", "unfinished", "references", "listed", "numbers", "meta"]

const empty = ({ handle }: Database): void => {
  for (const table of tableNames) handle.exec(`DELETE FROM ringback_${table}`)
}

const fresh = (tables: Pick<Database, "handle" | "prepare">): Database => ({
  ...tables,
  transactions: Semaphore.makeUnsafe(1),
  holder: undefined,
  position: 0
})

/** A database with tables. They are made beside the run, so that it is the same run as with those that are at hand. */
const made: Effect.Effect<Database> = Effect.gen(function*() {
  const database = fresh(create())
  yield* Effect.orDie(Effect.scoped(Layer.build(storeOver(over(database)))))
  empty(database)
  return database
}).pipe(Random.withSeed("tables"), Effect.withTracerEnabled(false))

const release = (database: Database): void => {
  if (database.handle.isTransaction) database.handle.exec("ROLLBACK")
  empty(database)
  idle.push({ handle: database.handle, prepare: database.prepare })
}

/** A database for one run. */
export const open: Effect.Effect<Database, never, Scope.Scope> = Effect.acquireRelease(
  Effect.suspend(() => {
    const tables = idle.pop()
    return tables === undefined ? made : Effect.succeed(fresh(tables))
  }),
  (database) => Effect.sync(() => release(database))
)

const failure = (errno: number, message: string) =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(
      Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode: errno, errno }),
      { message: `SQLite: ${message}`, operation: "execute" }
    )
  })

const failures = {
  broken: failure(10, "disk I/O error"),
  full: failure(13, "database or disk is full"),
  refused: failure(18, "string or blob too big")
} as const

/** What PostgreSQL says of a value that does not fit an index. */
const tooLarge = new SqlError.SqlError({
  reason: new SqlError.UnknownError({
    message: "Failed to execute statement",
    operation: "execute",
    cause: Object.assign(new Error("index row size exceeds btree version 4 maximum 2704"), {
      severity: "ERROR",
      code: "54000"
    })
  })
})

const largestReference = 2_700

/** The fields of a turn among the parameters of an append, as the statement names them. */
const fieldsOf = (sql: string) => {
  const names = sql.slice(sql.indexOf("(") + 1, sql.indexOf(")")).split(", ")
  const [callId, version, referenceId, events] = ["call_id", "version", "reference_id", "events"].map((name) =>
    names.indexOf(name)
  )
  return { all: names.length, callId: callId!, version: version!, referenceId: referenceId!, events: events! }
}

/** Whether the database refuses an append for one of its turns. Some rows may be padding. */
const isRefused = (world: World, sql: string, parameters: ReadonlyArray<unknown>): boolean => {
  if (world.refused.size === 0 && world.options.store !== "postgres") return false
  const { all, ...place } = fieldsOf(sql)
  let is = false
  for (let at = 0; at + all <= parameters.length && parameters[at + place.callId] !== null; at += all) {
    const isTooLarge = world.options.store === "postgres" &&
      String(parameters[at + place.referenceId] ?? "").length > largestReference
    const turn = {
      callId: parameters[at + place.callId] as CallEvent.CallId,
      version: Number(parameters[at + place.version]),
      events: world.refused.size === 0 ? [] : CallEvent.decode(String(parameters[at + place.events]))
    }
    if (isTooLarge || Store.refuses(world, turn)) is = true
  }
  return is
}

/** Statements that befalls what befalls the store. */
const isOfCalls = /ringback_(turns|calls|running|references|meta|listed|numbers|unfinished)\b/

/** Those of a transaction that prunes, of which each may fail, and then nothing of it is done. */
const isOfPruning = /^\s*(DELETE|UPDATE|INSERT)/

type Transform = Parameters<SqlConnection.Connection["execute"]>[2]

/** A connection whose statements meet the weather. Those that make tables and open transactions do not. */
const connect = (
  { handle, prepare }: Database,
  weather: Store.Weather<SqlError.SqlError> | undefined,
  stored: () => void,
  isRefused: (sql: string, parameters: ReadonlyArray<unknown>) => boolean
): SqlConnection.Connection => {
  const run = <A>(sql: string, parameters: ReadonlyArray<unknown>, use: (statement: StatementSync) => A) => {
    const statement = Effect.try({
      try: () => {
        const prepared = prepare(sql)
        prepared.setReturnArrays(false)
        return use(prepared)
      },
      catch: (cause) => failure(1, cause instanceof Error ? cause.message : "unknown problem")
    })
    if (weather === undefined || !isOfCalls.test(sql)) return statement
    if (handle.isTransaction) return isOfPruning.test(sql) ? weather.failing(statement) : statement
    return sql.startsWith("INSERT INTO ringback_turns")
      ? weather.writing(statement, stored, () => isRefused(sql, parameters))
      : weather.reading(statement)
  }
  const bind = (parameters: ReadonlyArray<unknown>) => parameters as ReadonlyArray<SQLInputValue>
  const rows = (sql: string, parameters: ReadonlyArray<unknown>, transform: Transform) => {
    const all = run(sql, parameters, (statement) => statement.all(...bind(parameters)))
    return transform === undefined ? all : Effect.map(all, transform)
  }
  const values = (sql: string, parameters: ReadonlyArray<unknown>) =>
    run(sql, parameters, (statement) => {
      statement.setReturnArrays(true)
      return statement.all(...bind(parameters)) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    })
  return {
    execute: rows,
    executeUnprepared: rows,
    executeValues: values,
    executeValuesUnprepared: values,
    executeRaw: (sql, parameters) => run(sql, parameters, (statement) => statement.run(...bind(parameters))),
    executeStream: (sql, parameters, transform) => Stream.fromIterableEffect(rows(sql, parameters, transform))
  }
}

/** In fair weather. */
const over = (database: Database) =>
  Effect.suspend(() => client(database, connect(database, undefined, () => {}, () => false), "one"))

/** Around one connection, as for SQLite, or around as many as there are statements. */
const client = (database: Database, connection: SqlConnection.Connection, connections: "one" | "many") => {
  const leased = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connection),
    semaphore: connections === "one" ? Semaphore.makeUnsafe(1) : database.transactions,
    isTransaction: () => database.handle.isTransaction
  })
  const { borrower: _, ...transactions } = leased
  return SqlClient.make({
    ...(connections === "one" ? leased : { ...transactions, acquirer: Effect.succeed(connection) }),
    driver: "node:sqlite",
    compiler: Statement.makeCompilerSqlite(),
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
}

const storeOver = (client: Effect.Effect<SqlClient.SqlClient, SqlError.SqlError, Reactivity.Reactivity>) =>
  SqlEventStore.layer.pipe(
    Layer.provide(Layer.effect(SqlClient.SqlClient, client)),
    Layer.provide(Reactivity.layer),
    Layer.fresh
  )

/** `SqlEventStore` over a database, in fair weather. */
export const layerCalm = (connections: "one" | "many") =>
  Layer.unwrap(
    Effect.map(open, (database) =>
      storeOver(Effect.suspend(() =>
        client(
          database,
          connect(database, undefined, () => {}, () => false),
          connections
        )
      )))
  )

const isSeenIn = (world: World) => (member: Process) =>
  !member.dead && !member.unseen.some(({ from, to }) => from <= world.now() && world.now() < to)

/** A process has seen who lives, and errs until it looks again if it has not seen all of them. */
const believe = ({ life: { erred } }: Process, now: number, isWrong: boolean): void => {
  const last = erred.at(-1)
  if (last?.to === Infinity) erred.splice(-1, 1, { from: last.from, to: now })
  if (isWrong) erred.push({ from: now, to: Infinity })
}

/** Tells all who are seen of turns: of some not at all, of some twice, and of some after the next one. */
const telling = (world: World) => {
  let count = 0
  let late: ReadonlyArray<EventStore.Turn> = []
  return (turn: EventStore.Turn): void => {
    count++
    const isLate = count % 6 === 5
    const now = count % 5 === 4 || isLate ? [] : count % 7 === 6 ? [turn, turn] : [turn]
    for (const each of [...now, ...late]) {
      const turns = [{ ...EventStore.toStored(each), callId: each.callId }]
      for (const { told } of world.processes.filter(isSeenIn(world))) {
        if (told !== undefined) Queue.offerUnsafe(told, { what: "turns", turns })
      }
    }
    late = isLate ? [turn] : []
  }
}

/**
 * What PostgreSQL shows of the processes that share it: a process lives as long as it holds its connection and renews its lease.
 * One that stands still for longer, or has lost its connection for a moment, is taken for dead. What it is told meanwhile is lost.
 */
const members = (world: World, border: Border, process: Process): EventStore.Processes => {
  const isSeen = isSeenIn(world)
  const { reading } = Store.weather(
    world,
    border,
    process,
    (operation) =>
      new EventStore.StoreError({ operation, reason: new EventStore.Down({ problem: "It was made to fail" }) })
  )
  return {
    join: (name, flows, { millis, renewing: sent }) => {
      const renewing = Effect.suspend(() => {
        const arrived = sent()
        return Effect.andThen(border.pass(process), Effect.sync(arrived))
      })
      const joined = Effect.sync(() => {
        process.name = name
        process.flows = flows
      })
      const living = Effect.forkScoped(Effect.forever(Effect.delay(renewing, millis / 3)))
      return Effect.andThen(reading(joined), Effect.andThen(renewing, living))
    },
    leave: (name) =>
      reading(Effect.sync(() => {
        for (const member of world.processes.filter((member) => member.name === name)) member.flows = new Set()
      })),
    alive: reading(Effect.sync(() => {
      const lost = world.strikes("connectionLost")
      const self = lost === undefined ? undefined : world.processes[lost.between(1, world.processes.length) - 1]!
      if (lost !== undefined) self?.unseen.push({ from: world.now(), to: world.now() + lost.between(1_000, 30_000) })
      const joined = world.processes.filter(({ dead, name }) => !dead && name !== undefined)
      const seen = joined.filter(isSeen)
      believe(process, world.now(), seen.length < joined.length)
      return new Map(seen.flatMap(({ flows, name }) => name === undefined ? [] : [[name, flows] as const]))
    })),
    tell: (names, told) =>
      reading(Effect.sync(() => {
        for (const { name, told: queue } of world.processes.filter(isSeen)) {
          if (name !== undefined && names.includes(name) && queue !== undefined) Queue.offerUnsafe(queue, told)
        }
      })),
    told: () =>
      Effect.map(Queue.unbounded<EventStore.Told | EventStore.ToldTurns>(), (queue) => {
        process.told = queue
        return Stream.mapEffect(Stream.fromQueue(queue), (told) => Effect.as(border.pass(process), told))
      }),
    use: (name, lines) =>
      reading(Effect.sync(() => {
        for (const member of world.processes.filter((member) => member.name === name)) member.lines = lines
      })),
    inUse: reading(
      Effect.sync(() =>
        new Map(world.processes.flatMap(({ lines, name }) => name === undefined ? [] : [[name, lines] as const]))
      )
    ),
    now: reading(Effect.sync(world.now))
  }
}

const newTurns = "SELECT position, id FROM ringback_turns WHERE position > ? ORDER BY position"

/** `SqlEventStore` as a process of a storm has it. On SQLite another process may hold the database: then it does not open. */
export const layer = (
  world: World,
  border: Border,
  process: Process,
  database: Database
): Layer.Layer<Store.Services, EventStore.StoreError | SqlError.SqlError> => {
  const isShared = world.options.store === "postgres"
  const stored = () => {
    for (const { id, position } of database.prepare(newTurns).all(database.position)) {
      Store.stored(world, process, String(id))
      database.position = Number(position)
    }
  }
  const weather = Store.weather(
    world,
    border,
    process,
    (_, problem) => problem === "refused" && isShared ? tooLarge : failures[problem]
  )
  const opened = Effect.suspend(() => {
    if (!isShared && database.holder?.dead === false) {
      process.life.failed.push(world.now())
      return Effect.fail(failure(5, "database is locked"))
    }
    database.holder = process
    return client(
      database,
      connect(database, weather, stored, (sql, parameters) => isRefused(world, sql, parameters)),
      isShared ? "many" : "one"
    )
  })
  return Layer.effectContext(
    Effect.map(Effect.context<Store.Services>(), (services) => {
      const store = Context.get(services, EventStore.EventStore)
      const retention = Context.get(services, Retention.Retention)
      const tell = telling(world)
      return services.pipe(
        Context.add(EventStore.EventStore, {
          ...store,
          append: (turn, summary, about) => {
            const told = about?.isTold === true ? Effect.sync(() => tell(turn)) : Effect.void
            return Store.noting(
              world,
              process,
              turn,
              summary,
              Effect.tap(store.append(turn, summary, about), () => told)
            )
          },
          processes: isShared ? members(world, border, process) : undefined
        }),
        Context.add(Retention.Retention, { prune: (options) => inOneGo(retention.prune(options)) })
      )
    })
  ).pipe(Layer.provide(storeOver(opened)), Layer.provide(Store.numbersKey))
}

/** A transaction is let through without a pause: there is one connection below all of them, and no other statement is part of it. */
const inOneGo = Effect.provideService(References.PreventSchedulerYield, true)

/** What is left of calls that were pruned: the rows of those that are remembered, and what has no place beside them. */
const looked = ({ handle }: Database) => {
  const rows = handle.prepare(`SELECT call_id, due FROM ringback_turns WHERE status = 'pruned' AND due IS NOT NULL`)
    .all()
  const gone = "call_id IN (SELECT call_id FROM ringback_turns WHERE status = 'pruned' AND due IS NOT NULL)"
  const left: Array<readonly [place: string, table: string, where: string]> = [
    ["turns", "turns", `${gone} AND status <> 'pruned'`],
    ["turns that nobody needs", "turns", "status = 'pruned' AND due IS NULL AND version > 1 AND reference_id IS NULL"],
    [
      "what a turn said",
      "turns",
      `${gone} AND (events <> '[]' OR id <> '' OR waiting_for <> '' OR process IS NOT NULL OR dial_from IS NOT NULL
        OR facts IS NOT NULL OR numbers IS NOT NULL)`
    ],
    ["lists", "listed", gone],
    ["numbers", "numbers", gone],
    ["the calls that run", "unfinished", gone]
  ]
  const isLeft = ([, table, where]: typeof left[number]) =>
    handle.prepare(`SELECT 1 FROM ringback_${table} WHERE ${where} LIMIT 1`).get() !== undefined
  return {
    pruned: rows.map((row) => ({ id: row["call_id"] as CallEvent.CallId, until: Number(row["due"]) })),
    rest: left.filter(isLeft).map(([place]) => place)
  }
}

/** A database, looked at from outside. */
export const view: (database: Database) => Effect.Effect<View, never, Scope.Scope> = Effect.fnUntraced(
  function*(database) {
    const client = over(database)
    const services = yield* Layer.build(
      SqlEventStore.layerReading.pipe(
        Layer.provide(Layer.effect(SqlClient.SqlClient, client)),
        Layer.provide(Reactivity.layer),
        Layer.provide(Store.numbersKey),
        Layer.fresh
      )
    )
    return {
      look: Effect.sync(() => looked(database)),
      index: Context.get(services, CallIndex.CallIndex),
      log: Context.get(services, EventLog.EventLog)
    }
  },
  (effect) => Effect.orDie(Effect.withTracerEnabled(effect, false))
)
