/**
 * The tables of the event store, and what databases say differently. The rest of its SQL is common to them.
 *
 * Text columns hold strings as they stand in JSON, without the quotes: ordinary text looks as it is, and what neither
 * SQLite nor PostgreSQL can keep (half a surrogate pair, NUL) survives.
 */
import { outcomes, State } from "./listing.ts"

/** A value of a column. */
export type Value = string | number | null

/** The values of one turn, in the order of `columns`. */
export type Row = ReadonlyArray<Value>

/** The columns of `ringback_turns` that `ringback_calls` showed at first. */
const firstSummaryColumns = [
  "call_id",
  "version",
  "flow",
  "flow_version",
  "status",
  "waiting_for",
  "due",
  "process",
  "at"
] as const

/** The columns that it shows now. */
export const summaryColumns = [...firstSummaryColumns, "dial_from"] as const

const otherColumns = ["id", "reference_id", "format", "events"] as const

/**
 * By what a call is listed since a turn: `facts` is what the turn adds to its state, `numbers` are hashes in a JSON array. NULL in
 * most turns, which change nothing of it.
 */
const listingColumns = ["facts", "numbers"] as const

/** The columns of `ringback_turns` that are written; `position` counts by itself. */
export const columns = [...summaryColumns, ...otherColumns, ...listingColumns] as const

/** What a database says in its own way. */
export interface Dialect {
  /** Makes the tables, one statement after the other. A migration never changes; what comes later is another one. */
  readonly migrations: ReadonlyArray<readonly [name: string, statements: ReadonlyArray<string>]>
  /**
   * Inserts rows of different calls. A row is left out, without an error, if its version is taken. So it is if the version
   * before it is missing, or nothing is stored and the error says `gap`. Whoever listens on the channel, if one is given and the
   * database has such, is told of those that were stored, each as a line of `told`.
   */
  readonly insert: (
    rows: ReadonlyArray<Row>,
    channel?: string
  ) => { readonly text: string; readonly parameters: ReadonlyArray<unknown> }
  /** Whether `insert` returns the `call_id` of the rows that it stored. Otherwise its raw result tells how many they are. */
  readonly namesInserted: boolean
  /** Inside a transaction: makes anew what follows the turns, and keeps turns from being appended until it ends. */
  readonly rebuild: ReadonlyArray<string>
  /** Joins as `last` the last turn of each call whose id is `listed.call_id`. */
  readonly joinLast: string
  /** The hashes of a `turn`, as a table, and a hash of that. */
  readonly numbersOfTurn: string
  readonly number: string
  /** Whether several processes can open the database at once. */
  readonly isShared: boolean
}

/** What an error says if a turn leaves a gap. */
export const gap = "ringback_turns: the turn before is missing"

/** A string as a text column holds it. */
export const escape = (text: string): string => ordinary.test(text) ? text : JSON.stringify(text).slice(1, -1)

/** Text that stands in JSON as it is. */
// oxlint-disable-next-line no-control-regex -- JSON escapes just those
const ordinary = /^[^"\\\u0000-\u001f\ud800-\udfff]*$/

/** The string that a text column holds. */
export const unescape = (text: string): string => text.includes("\\") ? JSON.parse(`"${text}"`) : text

type Columns = ReadonlyArray<typeof columns[number]>

/** The last turn of each call is what is known of it. */
const calls = (shown: Columns): string =>
  `CREATE VIEW ringback_calls AS SELECT ${shown.join(", ")} FROM ringback_turns AS turn
    WHERE version = (SELECT max(version) FROM ringback_turns WHERE call_id = turn.call_id)`

// SQLite: only one process looks, and only when it begins.

const statusBefore = "(SELECT status FROM ringback_turns WHERE call_id = NEW.call_id AND version = NEW.version - 1)"

/** CROSS JOIN says in SQLite which table is read first. `due_from` is for PostgreSQL, which has an index on it. */
const sqliteRunning = (shown: Columns): string =>
  `CREATE VIEW ringback_running AS
    SELECT ${shown.map((column) => `turn.${column}`).join(", ")}, turn.due AS due_from
    FROM ringback_unfinished AS call CROSS JOIN ringback_turns AS turn
      ON turn.call_id = call.call_id
      AND turn.version = (SELECT max(version) FROM ringback_turns WHERE call_id = call.call_id)
    WHERE turn.status = 'running'`

const sqliteTables = [
  `CREATE TABLE ringback_meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT`,

  `CREATE TABLE ringback_turns (
    position INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    flow TEXT NOT NULL,
    flow_version INTEGER NOT NULL,
    status TEXT NOT NULL,
    waiting_for TEXT NOT NULL,
    due REAL,
    process TEXT,
    at REAL NOT NULL,
    id TEXT NOT NULL,
    reference_id TEXT,
    format INTEGER NOT NULL DEFAULT 1,
    events TEXT NOT NULL,
    UNIQUE (call_id, version)
  ) STRICT`,

  // An index on the turns would grow with each turn that has a reference, at a place of its own.
  `CREATE TABLE ringback_references (
    reference_id TEXT PRIMARY KEY,
    call_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,

  calls(firstSummaryColumns),

  // What is in it may be over, if somebody has changed turns by hand; what is not in it is over.
  `CREATE TABLE ringback_unfinished (
    call_id TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID`,

  sqliteRunning(firstSummaryColumns),

  // Each turn pays for the condition, which therefore serves for two rules: the body is for what begins, ends or has a gap.
  `CREATE TRIGGER ringback_turns_follow_each_other AFTER INSERT ON ringback_turns
  WHEN NEW.status IS NOT ${statusBefore}
  BEGIN
    SELECT RAISE(ABORT, '${gap}') WHERE NEW.version <> 1 AND ${statusBefore} IS NULL;
    INSERT OR IGNORE INTO ringback_unfinished SELECT NEW.call_id WHERE NEW.status = 'running';
    DELETE FROM ringback_unfinished WHERE call_id = NEW.call_id AND NEW.status = 'over';
  END`,

  `CREATE TRIGGER ringback_references_follow AFTER INSERT ON ringback_turns WHEN NEW.reference_id IS NOT NULL
  BEGIN
    INSERT OR IGNORE INTO ringback_references VALUES (NEW.reference_id, NEW.call_id);
  END`
]

/** Since when a dial waits. Views of the turns have to make way. */
const withDialFrom = (type: string, running: string): ReadonlyArray<string> => [
  "DROP VIEW ringback_running",
  "DROP VIEW ringback_calls",
  `ALTER TABLE ringback_turns ADD COLUMN dial_from ${type}`,
  calls(summaryColumns),
  running
]

/** A type as each database names it. */
interface Types {
  readonly id: string
  readonly time: string
  readonly integer: string
  /** What stands behind the columns of a table. */
  readonly strict: string
  /** Of a table that is its key. */
  readonly keyed: string
}

/**
 * What calls are listed by, one row for each; `state` is that of `listing.ts`. Calls of one flow, version and state are a group,
 * and there are not many of those: a list is all calls, or some groups, each in the order of the list.
 */
const listingTables = ({ id, integer, keyed, strict, time }: Types): ReadonlyArray<string> => [
  `CREATE TABLE ringback_listed (
    call_id ${id} PRIMARY KEY,
    started ${time} NOT NULL,
    flow ${id} NOT NULL,
    flow_version ${integer} NOT NULL,
    state ${integer} NOT NULL,
    ended ${time}
  )${strict}`,

  `CREATE TABLE ringback_numbers (
    number ${id} NOT NULL,
    started ${time} NOT NULL,
    call_id ${id} NOT NULL,
    PRIMARY KEY (number, started, call_id)
  )${keyed}`
]

const listingIndexes = [
  "CREATE INDEX ringback_listed_started ON ringback_listed (started, call_id)",
  "CREATE INDEX ringback_listed_group ON ringback_listed (flow, flow_version, state, started, call_id)",
  "CREATE INDEX ringback_listed_ended ON ringback_listed (ended, call_id) WHERE ended IS NOT NULL",
  "CREATE INDEX ringback_turns_pruned ON ringback_turns (due) WHERE status = 'pruned' AND due IS NOT NULL"
]

const stateOf = (turn: string): string =>
  `coalesce(${turn}.facts, 0) | CASE ${turn}.status WHEN 'over' THEN ${State.over} ELSE 0 END`

const endOf = (turn: string): string => `CASE ${turn}.status WHEN 'over' THEN ${turn}.at END`

/** The state and the end of a call that is listed, after a turn that has these. */
const relisted = (state: string, ended: string): string =>
  `state = (ringback_listed.state & ${State.inbound}) | (${state} & ${State.over})
      | (CASE ${state} & ${State.outcome} WHEN 0 THEN ringback_listed.state ELSE ${state} END & ${State.outcome}),
    ended = CASE WHEN ${ended} IS NOT NULL THEN coalesce(ringback_listed.ended, ${ended}) END`

/** The facts of a turn from before there were any, by the text that `CallEvent.encode` has made of its events. */
const factsOf = (turn: string): string =>
  `coalesce(${turn}.facts, CASE
      WHEN ${turn}.version = 1 AND ${turn}.events LIKE '[{"_tag":"CallArrived"%' THEN ${State.inbound} ELSE 0 END | CASE
      WHEN ${turn}.events NOT LIKE '%"_tag":"FlowEnded"%' THEN 0
      ${
    outcomes.map((outcome, index) => `WHEN ${turn}.events LIKE '%"exit":{"_tag":"${outcome}"%' THEN ${index + 1}`)
      .join("\n      ")
  } ELSE 0 END)`

/** Lists all calls, by their turns. */
const listAll = (joinLast: string): string =>
  `INSERT INTO ringback_listed (call_id, started, flow, flow_version, state, ended)
    SELECT listed.call_id, listed.at, listed.flow, listed.flow_version,
      (${factsOf("listed")} & ${State.inbound}) | CASE last.status WHEN 'over' THEN ${State.over} ELSE 0 END | coalesce(
        (SELECT max(${
    factsOf("turn")
  } & ${State.outcome}) FROM ringback_turns AS turn WHERE turn.call_id = listed.call_id),
        0
      ),
      CASE last.status WHEN 'over' THEN (
        SELECT min(turn.at) FROM ringback_turns AS turn WHERE turn.call_id = listed.call_id AND turn.version > coalesce(
          (SELECT max(version) FROM ringback_turns AS ran WHERE ran.call_id = listed.call_id AND ran.status = 'running'),
          0
        )
      ) END
    FROM ringback_turns AS listed ${joinLast}
    WHERE listed.version = 1 AND last.status <> 'pruned'`

const sqliteJoinLast = `JOIN ringback_turns AS last ON last.call_id = listed.call_id
  AND last.version = (SELECT max(version) FROM ringback_turns AS turn WHERE turn.call_id = listed.call_id)`

/** The numbers of all turns. */
const sqliteNumbers = `INSERT OR IGNORE INTO ringback_numbers
    SELECT number.value, listed.started, turn.call_id
    FROM ringback_turns AS turn JOIN ringback_listed AS listed ON listed.call_id = turn.call_id, json_each(turn.numbers) AS number
    WHERE turn.numbers IS NOT NULL`

/**
 * The trigger of what begins, ends or has a gap, now also of what changes how a call is listed. A call that was pruned has no
 * turn that another one could follow.
 */
const sqliteListing = [
  "ALTER TABLE ringback_turns ADD COLUMN facts INTEGER",
  "ALTER TABLE ringback_turns ADD COLUMN numbers TEXT",
  ...listingTables({
    id: "TEXT",
    time: "REAL",
    integer: "INTEGER",
    strict: " STRICT, WITHOUT ROWID",
    keyed: " STRICT, WITHOUT ROWID"
  }),
  listAll(sqliteJoinLast),
  ...listingIndexes,
  "DROP TRIGGER ringback_turns_follow_each_other",
  `CREATE TRIGGER ringback_turns_follow_each_other AFTER INSERT ON ringback_turns
  WHEN NEW.facts IS NOT NULL OR NEW.numbers IS NOT NULL OR NEW.status IS NOT ${statusBefore}
  BEGIN
    SELECT RAISE(ABORT, '${gap}') WHERE NEW.version <> 1 AND coalesce(${statusBefore}, 'pruned') = 'pruned';
    INSERT OR IGNORE INTO ringback_unfinished SELECT NEW.call_id WHERE NEW.status = 'running';
    DELETE FROM ringback_unfinished WHERE call_id = NEW.call_id AND NEW.status <> 'running';
    INSERT OR IGNORE INTO ringback_listed
      SELECT NEW.call_id, NEW.at, NEW.flow, NEW.flow_version, ${stateOf("NEW")}, ${endOf("NEW")}
      WHERE NEW.version = 1;
    UPDATE ringback_listed SET ${relisted(`(${stateOf("NEW")})`, `(${endOf("NEW")})`)}
      WHERE call_id = NEW.call_id AND NEW.version <> 1;
    INSERT OR IGNORE INTO ringback_numbers
      SELECT number.value, listed.started, listed.call_id
      FROM json_each(NEW.numbers) AS number, ringback_listed AS listed WHERE listed.call_id = NEW.call_id;
  END`
]

const placeholders = `(${columns.map(() => "?").join(", ")})`

/**
 * The statement for `size` rows, of which those of nothing but NULL are padding. It returns nothing: to return a row takes
 * as long as to store a third of one.
 */
const insertText = (size: number): string =>
  `INSERT INTO ringback_turns (${columns.join(", ")})
  SELECT * FROM (VALUES ${Array.from({ length: size }, () => placeholders).join(", ")}) WHERE column1 IS NOT NULL
  ON CONFLICT (call_id, version) DO NOTHING`

/** The next of 1, 2, 3, ... 8, 10, ... 16, 20, ... 32, 40, ...: close to the number, and few enough to stay prepared. */
const roundedUp = (size: number): number => {
  const step = Math.max(1, 2 ** (Math.ceil(Math.log2(size)) - 3))
  return Math.ceil(size / step) * step
}

/** The statements by their sizes. */
const insertTexts: Array<string> = []

/** SQLite, from the version that is part of Node 22. */
export const sqlite: Dialect = {
  migrations: [
    ["turns_and_calls", sqliteTables],
    ["dials", withDialFrom("REAL", sqliteRunning(summaryColumns))],
    ["listing", sqliteListing]
  ],
  insert: (rows) => {
    const size = roundedUp(rows.length)
    const parameters: Array<Value> = []
    for (const row of rows) parameters.push(...row) // `flat` takes three times as long.
    while (parameters.length < columns.length * size) parameters.push(null)
    return { text: insertTexts[size] ??= insertText(size), parameters }
  },
  namesInserted: false,
  rebuild: [ // A transaction that writes is the only one.
    "DELETE FROM ringback_unfinished",
    "INSERT INTO ringback_unfinished SELECT call_id FROM ringback_calls WHERE status = 'running'",
    "DELETE FROM ringback_references",
    `INSERT OR IGNORE INTO ringback_references
      SELECT reference_id, call_id FROM ringback_turns WHERE reference_id IS NOT NULL ORDER BY position`,
    "DELETE FROM ringback_listed",
    listAll(sqliteJoinLast),
    "DELETE FROM ringback_numbers",
    sqliteNumbers
  ],
  joinLast: sqliteJoinLast,
  numbersOfTurn: "json_each(turn.numbers) AS number",
  number: "number.value",
  isShared: false
}

// PostgreSQL: every process looks every few seconds for calls that are due, and for those of processes that are gone.

/** The types of the columns at first. Call ids are ordered by their bytes, as everywhere else. */
const types: { readonly [K in typeof columns[number]]: string } = {
  call_id: `text COLLATE "C"`,
  version: "integer",
  flow: "text",
  flow_version: "integer",
  status: "text",
  waiting_for: "text",
  due: "double precision",
  process: "text",
  at: "double precision",
  dial_from: "double precision",
  id: "text",
  reference_id: "text",
  format: "integer",
  events: "text",
  facts: "integer",
  numbers: "text"
}

const nullable: ReadonlyArray<string> = ["due", "process", "reference_id"]

const define = (names: Columns): string =>
  names.map((name) => `${name} ${types[name]}${nullable.includes(name) ? "" : " NOT NULL"}`).join(",\n    ")

/** When a call is due, to the minute. What a call is found by is written only when it changes, and this changes seldom. */
const minuteOf = (due: string): string => `floor(${due} / 60000) * 60000`

const running = (shown: Columns): string =>
  `CREATE VIEW ringback_running AS
    SELECT ${shown.map((column) => column === "process" ? "call.process" : `turn.${column}`).join(", ")}, call.due_from
    FROM ringback_unfinished AS call CROSS JOIN LATERAL (
      SELECT * FROM ringback_turns WHERE call_id = call.call_id ORDER BY version DESC LIMIT 1
    ) AS turn
    WHERE turn.status = 'running'`

const postgresTables = [
  `DO $$ BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
      RAISE EXCEPTION 'the encoding of the database is %, and has to be UTF8', current_setting('server_encoding');
    END IF;
  END $$`,

  `CREATE TABLE ringback_meta (
    name text PRIMARY KEY,
    value text NOT NULL
  )`,

  `CREATE TABLE ringback_turns (
    position bigint GENERATED BY DEFAULT AS IDENTITY,
    ${define([...firstSummaryColumns, ...otherColumns])},
    PRIMARY KEY (call_id, version)
  )`,

  `ALTER TABLE ringback_turns ALTER COLUMN format SET DEFAULT 1`,

  `CREATE INDEX ringback_turns_reference ON ringback_turns (reference_id) WHERE reference_id IS NOT NULL`,

  `CREATE VIEW ringback_references AS SELECT DISTINCT ON (reference_id) reference_id, call_id
    FROM ringback_turns WHERE reference_id IS NOT NULL ORDER BY reference_id, position`,

  calls(firstSummaryColumns),

  `CREATE TABLE ringback_unfinished (
    call_id ${types.call_id} PRIMARY KEY,
    due_from double precision,
    process text
  )`,

  `CREATE INDEX ringback_unfinished_due ON ringback_unfinished (due_from)`,

  `CREATE INDEX ringback_unfinished_process ON ringback_unfinished (process) WHERE process IS NOT NULL`,

  running(firstSummaryColumns)
]

/** How much is added to the transactions of this server, so that those of one before come earlier. */
const offset = "coalesce((SELECT value::bigint FROM ringback_meta WHERE name = 'begun'), 0)"

/** The next transaction that can begin. */
export const nextBegun = `pg_snapshot_xmax(pg_current_snapshot())::text::bigint + ${offset}`

/**
 * The first transaction that may still be open and store turns. All databases of a server count together, and one that is known to be
 * of another database cannot store any. One that has ended since is not known, and counts: this snapshot sees nothing of it.
 */
export const oldestOpen = `coalesce(
    (SELECT min(open::text::bigint) FROM pg_snapshot_xip(pg_current_snapshot()) AS open
      WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity AS other JOIN pg_database ON pg_database.oid = other.datid
        WHERE other.backend_xid = open::xid AND pg_database.datname <> current_database()
      ) AND NOT EXISTS (
        SELECT FROM pg_prepared_xacts AS other
        WHERE other.transaction = open::xid AND other.database <> current_database()
      )),
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  ) + ${offset}`

/** From when on transactions count. */
export const beginsAt = (offset: string): string =>
  `ALTER TABLE ringback_turns ALTER COLUMN begun SET DEFAULT pg_current_xact_id()::text::bigint + ${offset}`

/** What each process has registered. It counts for nothing when the process does not hold its lock any more. */
const postgresProcesses = [
  `CREATE TABLE ringback_processes (
    process text PRIMARY KEY,
    flows text NOT NULL
  )`
]

/** How many lines each process uses. */
const postgresLines = ["ALTER TABLE ringback_processes ADD COLUMN lines integer NOT NULL DEFAULT 0"]

/** Until when each process lives, unless it says by then that it lives on. */
const postgresLeases = ["ALTER TABLE ringback_processes ADD COLUMN lives_until timestamptz"]

/** A version may be a date with its time, which is more than an integer holds. Views of a column have to make way. */
const postgresVersions = [
  "DROP VIEW ringback_running",
  "DROP VIEW ringback_calls",
  "ALTER TABLE ringback_turns ALTER COLUMN flow_version TYPE bigint",
  calls(firstSummaryColumns),
  running(firstSummaryColumns)
]

const postgresJoinLast = `CROSS JOIN LATERAL (
    SELECT * FROM ringback_turns AS turn WHERE turn.call_id = listed.call_id ORDER BY version DESC LIMIT 1
  ) AS last`

const numbersOf = (turn: string): string => `jsonb_array_elements_text(${turn}.numbers::jsonb) AS number`

const postgresNumbers = `INSERT INTO ringback_numbers
    SELECT number, listed.started, turn.call_id
    FROM ringback_turns AS turn JOIN ringback_listed AS listed ON listed.call_id = turn.call_id, ${numbersOf("turn")}
    WHERE turn.numbers IS NOT NULL
    ON CONFLICT DO NOTHING`

/**
 * What an earlier release appends while this one runs beside it: it knows nothing of lists. Its numbers are not listed. No turn
 * of this release that begins or ends a call is without facts.
 */
const postgresEarlier = [
  `CREATE FUNCTION ringback_list() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM ringback_listed WHERE call_id = NEW.call_id;
    ${listAll(postgresJoinLast)} AND listed.call_id = NEW.call_id;
    RETURN NULL;
  END $$`,

  `CREATE TRIGGER ringback_turns_of_earlier_releases AFTER INSERT ON ringback_turns
    FOR EACH ROW WHEN (NEW.facts IS NULL AND (NEW.version = 1 OR NEW.status = 'over')) EXECUTE FUNCTION ringback_list()`
]

/** Lists calls from before there were lists; what follows says which. */
export const listEarlier = listAll(postgresJoinLast)

/** The calls that are there are listed later, in pieces: to read all turns takes long, and nobody could append meanwhile. */
const postgresListing = [
  "ALTER TABLE ringback_turns ADD COLUMN facts integer, ADD COLUMN numbers text",
  ...listingTables({ id: types.call_id, time: "double precision", integer: "bigint", strict: "", keyed: "" }),
  ...listingIndexes,
  "INSERT INTO ringback_meta (name, value) SELECT 'listing', '' WHERE EXISTS (SELECT FROM ringback_turns)",
  ...postgresEarlier
]

/**
 * The order of all turns. Positions are drawn before the commit, so a turn may become visible behind one that has a later
 * position. Transactions have an order of their own, and those before the oldest that is still open are all over: what they
 * have stored is complete. `begun` is that order; a database that was restored where it begins anew adds to it.
 */
const postgresOrder = [
  "ALTER TABLE ringback_turns ADD COLUMN begun bigint NOT NULL DEFAULT 0",
  beginsAt("0"),
  "CREATE INDEX ringback_turns_order ON ringback_turns (begun, position)"
]

/** The type of a column as it is now. */
const typeOf = (name: typeof columns[number]): string =>
  name === "flow_version" ? "bigint" : types[name].split(" COLLATE")[0]!

/** What calls are found by, before and after a turn. */
const found = (turn: string): string => `(${turn}.status, ${turn}.process, ${minuteOf(`${turn}.due`)})`

/**
 * One statement for any number of rows: each parameter is a column. Triggers would do the same for whoever adds turns by hand,
 * and take twice the time. A `LIMIT` keeps the planner from reading all turns to find those before.
 */
const insertArrays = `WITH new AS MATERIALIZED (
    SELECT new.*, ${found("before")} IS DISTINCT FROM ${found("new")} AS moves,
      new.facts IS NOT NULL OR before.status IS DISTINCT FROM new.status AS lists
    FROM unnest(${columns.map((name, index) => `$${index + 1}::text[]::${typeOf(name)}[]`).join(", ")}) AS new (${
  columns.join(", ")
})
    LEFT JOIN LATERAL (
      SELECT * FROM ringback_turns AS turn WHERE turn.call_id = new.call_id AND turn.version = new.version - 1 LIMIT 1
    ) AS before ON true
    WHERE new.version = 1 OR before.status <> 'pruned'
  ), added AS (
    INSERT INTO ringback_turns (${columns.join(", ")}) SELECT ${columns.join(", ")} FROM new
    ON CONFLICT (call_id, version) DO NOTHING
    RETURNING call_id
  ), moved AS (
    SELECT * FROM new WHERE (moves OR lists) AND call_id IN (SELECT call_id FROM added)
  ), running AS (
    INSERT INTO ringback_unfinished SELECT call_id, ${minuteOf("due")}, process FROM moved
    WHERE moves AND status = 'running'
    ON CONFLICT (call_id) DO UPDATE SET due_from = excluded.due_from, process = excluded.process
  ), over AS (
    DELETE FROM ringback_unfinished WHERE call_id = ANY (ARRAY (SELECT call_id FROM moved WHERE status = 'over'))
  ), listed AS (
    INSERT INTO ringback_listed SELECT call_id, at, flow, flow_version, ${stateOf("moved")}, ${endOf("moved")}
    FROM moved WHERE lists
    ON CONFLICT (call_id) DO UPDATE SET ${relisted("excluded.state", "excluded.ended")}
  ), numbered AS (
    INSERT INTO ringback_numbers SELECT number, CASE version WHEN 1 THEN at ELSE (
      SELECT at FROM ringback_turns AS turn WHERE turn.call_id = moved.call_id AND turn.version = 1
    ) END, call_id
    FROM moved, ${numbersOf("moved")} WHERE numbers IS NOT NULL
    ON CONFLICT DO NOTHING
  )
  SELECT call_id FROM added`

/** A turn as processes tell it each other: that, and its events to the end. */
export const told = ["call_id", "version", "at", "format", "id", "events"] as const

/** What a notification can hold is less than 8,000 bytes. */
const mostTold = 7_999

/** The same, which also tells of what it adds, with the commit: what is not committed nobody hears. */
const insertArraysAndTell = `${insertArrays.slice(0, insertArrays.lastIndexOf("SELECT"))}, told AS (
    SELECT call_id, concat_ws(' ', ${told.join(", ")}) AS line FROM new WHERE call_id IN (SELECT call_id FROM added)
  )
  SELECT call_id, CASE WHEN octet_length(line) <= ${mostTold} THEN pg_notify($${
  columns.length + 1
}, line) END FROM told`

/**
 * A column as an array of text, which is the one type that a client need not guess. A column of nothing but NULL, of which
 * no type can be guessed, is an empty array: `unnest` makes it up to the length of the others with NULL.
 */
const toArray = (values: ReadonlyArray<Value>): ReadonlyArray<string | null> =>
  values.every((value) => value === null) ? [] : values.map((value) => value === null ? null : String(value))

/** PostgreSQL, through `@effect/sql-pg`. */
export const postgres: Dialect = {
  migrations: [
    ["turns_and_calls", postgresTables],
    ["processes", postgresProcesses],
    ["versions", postgresVersions],
    [
      "dials",
      withDialFrom("double precision", running(summaryColumns))
    ],
    ["lines", postgresLines],
    ["listing", postgresListing],
    ["order", postgresOrder],
    ["leases", postgresLeases]
  ],
  // Writers of several processes wait for each other's rows; in one order, they never wait in a circle.
  insert: (rows, channel) => {
    const ordered = rows.toSorted(([self], [that]) => self! < that! ? -1 : 1)
    const parameters = columns.map((_, index) => toArray(ordered.map((row) => row[index]!)))
    return channel === undefined
      ? { text: insertArrays, parameters }
      : { text: insertArraysAndTell, parameters: [...parameters, channel] }
  },
  namesInserted: true,
  rebuild: [
    "LOCK TABLE ringback_turns IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM ringback_unfinished",
    `INSERT INTO ringback_unfinished
      SELECT call_id, ${minuteOf("due")}, process FROM ringback_calls WHERE status = 'running'`,
    "DELETE FROM ringback_listed",
    listEarlier,
    "DELETE FROM ringback_meta WHERE name = 'listing'",
    "DELETE FROM ringback_numbers",
    postgresNumbers
  ],
  joinLast: postgresJoinLast,
  numbersOfTurn: numbersOf("turn"),
  number: "number",
  isShared: true
}
