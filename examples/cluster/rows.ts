/** What became of each call, by the log and by the record of the carrier, and what each process did. */
import { Call, type CallEvent, EventStore } from "@ringback/core"
import { Effect } from "effect"
import type { Fleet } from "./fleet.ts"

/** What became of one call. */
export interface Row {
  readonly id: CallEvent.CallId
  /** The processes that appended to it, in their order. */
  readonly owners: ReadonlyArray<string>
  /** How many turns each process appended. */
  readonly turns: ReadonlyMap<string, number>
  readonly outcome: string
  readonly rings: number
}

/** The row of a call; nothing while it goes on. */
export const read = Effect.fnUntraced(function*(fleet: Fleet, id: CallEvent.CallId, rings: number) {
  const store = yield* EventStore.EventStore
  const read = yield* store.read(id)
  const call = Call.fold(id, read.flatMap(({ events }) => events))
  if (call.exit === undefined || !Call.isOver(call)) return undefined
  const writers = read.map((turn) => fleet.nameOf(turn.id.slice(0, turn.id.lastIndexOf("-"))))
  const turns = new Map<string, number>()
  for (const writer of writers) turns.set(writer, (turns.get(writer) ?? 0) + 1)
  const row: Row = {
    id,
    owners: writers.filter((writer, n) => writer !== writers[n - 1]),
    turns,
    outcome: call.exit._tag === "Success" ? String(call.exit.value) : call.exit._tag,
    rings
  }
  return row
})

const line = ({ id, outcome, owners, rings }: Row): string =>
  `${id}  ${outcome.padEnd(9)}  rang ${rings === 1 ? "once" : `${rings} times`}  ${owners.join(" > ")}`

const column = (value: number, width: number): string => String(value).padStart(width)

/** A process: what befell it, how many calls it appended to, with how many turns, and how many it brought to their end. */
const processLine = (rows: ReadonlyArray<Row>) => ({ befell, name }: Fleet["lives"][number]): string => {
  const own = rows.filter(({ turns }) => turns.has(name))
  const turns = own.reduce((sum, row) => sum + row.turns.get(name)!, 0)
  const ended = own.filter(({ owners }) => owners.at(-1) === name).length
  return `${name.padEnd(8)} ${(befell.join(", ") || "-").padEnd(16)}${column(own.length, 6)}${column(turns, 7)}${
    column(ended, 7)
  }`
}

/** What a person reads at the end. */
export const report = (rows: ReadonlyArray<Row>, lives: Fleet["lives"]): ReadonlyArray<string> => {
  const outcomes = [...new Set(rows.map(({ outcome }) => outcome))].map((outcome) =>
    `${rows.filter((row) => row.outcome === outcome).length} ${outcome}`
  )
  const moved = rows.filter(({ turns }) => turns.size > 1).length
  const twice = rows.filter(({ rings }) => rings > 1).length
  return [
    ...rows.map(line),
    "",
    "process  what befell it   calls  turns  ended",
    ...lives.map(processLine(rows)),
    "",
    `${rows.length} calls, each with an outcome: ${outcomes.join(", ")}. ` +
    `${moved} were at more than one process. ${twice} phones rang twice.`
  ]
}
