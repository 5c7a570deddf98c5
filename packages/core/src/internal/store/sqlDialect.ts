/**
 * The tables of the event store, and what databases say differently. The rest of its SQL is common to them.
 *
 * Text columns hold strings as they stand in JSON, without the quotes: ordinary text looks as it is, and what neither
 * SQLite nor PostgreSQL can keep (half a surrogate pair, NUL) survives.
 */

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

/** The columns of `ringback_turns` that are written; `position` counts by itself. */
export const columns = [...summaryColumns, ...otherColumns] as const

/** What a database says in its own way. */
export interface Dialect {
  /** Makes the tables, one statement after the other. A migration never changes; what comes later is another one. */
  readonly migrations: ReadonlyArray<readonly [name: string, statements: ReadonlyArray<string>]>
  /**
   * Inserts rows of different calls. A row is left out, without an error, if its version is taken. So it is if the version
   * before it is missing, or nothing is stored and the error says `gap`.
   */
  readonly insert: (rows: ReadonlyArray<Row>) => { readonly text: string; readonly parameters: ReadonlyArray<unknown> }
  /** Whether `insert` returns the `call_id` of the rows that it stored. Otherwise its raw result tells how many they are. */
  readonly namesInserted: boolean
  /** Inside a transaction: makes anew what follows the turns, and keeps turns from being appended until it ends. */
  readonly rebuild: ReadonlyArray<string>
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
  migrations: [["turns_and_calls", sqliteTables], ["dials", withDialFrom("REAL", sqliteRunning(summaryColumns))]],
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
      SELECT reference_id, call_id FROM ringback_turns WHERE reference_id IS NOT NULL ORDER BY position`
  ],
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
  events: "text"
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

/** What each process has registered. It counts for nothing when the process does not hold its lock any more. */
const postgresProcesses = [
  `CREATE TABLE ringback_processes (
    process text PRIMARY KEY,
    flows text NOT NULL
  )`
]

/** How many lines each process uses. */
const postgresLines = ["ALTER TABLE ringback_processes ADD COLUMN lines integer NOT NULL DEFAULT 0"]

/** A version may be a date with its time, which is more than an integer holds. Views of a column have to make way. */
const postgresVersions = [
  "DROP VIEW ringback_running",
  "DROP VIEW ringback_calls",
  "ALTER TABLE ringback_turns ALTER COLUMN flow_version TYPE bigint",
  calls(firstSummaryColumns),
  running(firstSummaryColumns)
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
    SELECT new.*, ${found("before")} IS DISTINCT FROM ${found("new")} AS moves
    FROM unnest(${columns.map((name, index) => `$${index + 1}::text[]::${typeOf(name)}[]`).join(", ")}) AS new (${
  columns.join(", ")
})
    LEFT JOIN LATERAL (
      SELECT * FROM ringback_turns AS turn WHERE turn.call_id = new.call_id AND turn.version = new.version - 1 LIMIT 1
    ) AS before ON true
    WHERE new.version = 1 OR before.version IS NOT NULL
  ), added AS (
    INSERT INTO ringback_turns (${columns.join(", ")}) SELECT ${columns.join(", ")} FROM new
    ON CONFLICT (call_id, version) DO NOTHING
    RETURNING call_id
  ), moved AS (
    SELECT * FROM new WHERE moves AND call_id IN (SELECT call_id FROM added)
  ), running AS (
    INSERT INTO ringback_unfinished SELECT call_id, ${minuteOf("due")}, process FROM moved WHERE status = 'running'
    ON CONFLICT (call_id) DO UPDATE SET due_from = excluded.due_from, process = excluded.process
  ), over AS (
    DELETE FROM ringback_unfinished WHERE call_id = ANY (ARRAY (SELECT call_id FROM moved WHERE status = 'over'))
  )
  SELECT call_id FROM added`

/**
 * A column as an array of text, which is the one type that a client need not guess. A column of nothing but NULL, of which
 * no type can be guessed, is an empty array: `unnest` makes it up to the length of the others with NULL.
 */
const toArray = (values: ReadonlyArray<Value>): ReadonlyArray<string | null> =>
  values.every((value) => value === null) ? [] : values.map((value) => value === null ? null : String(value))

/** PostgreSQL, through `@effect/sql-pg`. */
export const postgres: Dialect = {
  migrations: [["turns_and_calls", postgresTables], ["processes", postgresProcesses], ["versions", postgresVersions], [
    "dials",
    withDialFrom("double precision", running(summaryColumns))
  ], ["lines", postgresLines]],
  // Writers of several processes wait for each other's rows; in one order, they never wait in a circle.
  insert: (rows) => {
    const ordered = rows.toSorted(([self], [that]) => self! < that! ? -1 : 1)
    return { text: insertArrays, parameters: columns.map((_, index) => toArray(ordered.map((row) => row[index]!))) }
  },
  namesInserted: true,
  rebuild: [
    "LOCK TABLE ringback_turns IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM ringback_unfinished",
    `INSERT INTO ringback_unfinished
      SELECT call_id, ${minuteOf("due")}, process FROM ringback_calls WHERE status = 'running'`
  ],
  isShared: true
}
