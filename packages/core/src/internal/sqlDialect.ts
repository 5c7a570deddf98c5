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

/** The columns that a turn and its summary share with `ringback_calls`. */
export const summaryColumns = [
  "call_id",
  "version",
  "flow",
  "flow_version",
  "status",
  "waiting_for",
  "due",
  "urgent"
] as const

/** The columns of `ringback_turns` that are written; `position` counts by itself. */
export const columns = [...summaryColumns, "id", "at", "reference_id", "format", "events"] as const

/** What a database says in its own way. */
export interface Dialect {
  /** Makes the tables, one statement after the other. It never changes; what comes later is another migration. */
  readonly tables: ReadonlyArray<string>
  /**
   * Inserts rows of different calls and gives the `call_id` of those that are stored now. A row is left out, without an
   * error, if its version is taken or the version before it is missing.
   */
  readonly insert: (rows: ReadonlyArray<Row>) => { readonly text: string; readonly parameters: ReadonlyArray<Value> }
}

/** A string as a text column holds it. */
export const escape = (text: string): string => JSON.stringify(text).slice(1, -1)

/** The string that a text column holds. */
export const unescape = (text: string): string => text.includes("\\") ? JSON.parse(`"${text}"`) : text

// SQLite

const tables = [
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
    urgent INTEGER NOT NULL,
    id TEXT NOT NULL,
    at REAL NOT NULL,
    reference_id TEXT,
    format INTEGER NOT NULL DEFAULT 1,
    events TEXT NOT NULL,
    UNIQUE (call_id, version)
  ) STRICT`,

  `CREATE INDEX ringback_turns_reference ON ringback_turns (reference_id) WHERE reference_id IS NOT NULL`,

  `CREATE TABLE ringback_calls (
    call_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    flow TEXT NOT NULL,
    flow_version INTEGER NOT NULL,
    status TEXT NOT NULL,
    waiting_for TEXT NOT NULL,
    due REAL,
    urgent INTEGER NOT NULL
  ) STRICT`,

  `CREATE INDEX ringback_calls_due ON ringback_calls (due) WHERE status = 'running'`,

  `CREATE TRIGGER ringback_turns_leave_no_gap BEFORE INSERT ON ringback_turns
  WHEN NEW.version <> 1 AND NOT EXISTS (
    SELECT 1 FROM ringback_turns WHERE call_id = NEW.call_id AND version = NEW.version - 1
  )
  BEGIN
    SELECT RAISE(IGNORE);
  END`,

  `CREATE TRIGGER ringback_calls_follow AFTER INSERT ON ringback_turns
  BEGIN
    INSERT INTO ringback_calls (${summaryColumns.join(", ")})
    VALUES (${summaryColumns.map((column) => `NEW.${column}`).join(", ")})
    ON CONFLICT (call_id) DO UPDATE SET
      ${summaryColumns.slice(1).map((column) => `${column} = excluded.${column}`).join(", ")}
    WHERE excluded.version > ringback_calls.version;
  END`
]

const placeholders = `(${columns.map(() => "?").join(", ")})`

/** The statement for `size` rows. Rows of nothing but NULL are padding. */
const insertText = (size: number): string =>
  `INSERT INTO ringback_turns (${columns.join(", ")})
  SELECT * FROM (VALUES ${Array.from({ length: size }, () => placeholders).join(", ")}) WHERE column1 IS NOT NULL
  ON CONFLICT (call_id, version) DO NOTHING
  RETURNING call_id`

/** The statements for 1, 2, 4, ... rows: few enough to stay prepared. */
const insertTexts: Array<string> = []

/** SQLite, from the version that is part of Node 22. */
export const sqlite: Dialect = {
  tables,
  insert: (rows) => {
    const power = Math.ceil(Math.log2(rows.length))
    const parameters = rows.flat()
    while (parameters.length < columns.length * 2 ** power) parameters.push(null)
    return { text: insertTexts[power] ??= insertText(2 ** power), parameters }
  }
}
