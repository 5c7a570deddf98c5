/** A ladder as text: lifelines, arrows between them, and the seconds since the first rung. */
import { span } from "../spans.ts"
import * as Cells from "./cells.ts"
import type { Actor, Item, Rung } from "./items.ts"

/** Longer words would push the lifelines out of sight. */
const widest = 72

const labelOf = ({ from, silenceMillis, text, to }: Rung): string => {
  const cut = Cells.isolated(from === to ? text : Cells.cut(text, widest))
  return silenceMillis === undefined || silenceMillis < 1000 ? cut : `${cut} (after ${span(silenceMillis)} of silence)`
}

export const draw = (items: ReadonlyArray<Item>, actors: ReadonlyArray<Actor>, speed: number): string => {
  const ordered = items.toSorted((a, b) => a.at - b.at)
  const start = ordered[0]?.at ?? 0
  const columns = layout(ordered, actors)
  const rows = ordered.map((item) => {
    const seconds = item._tag === "Idle" ? "" : ((item.at - start) * speed / 1000).toFixed(1)
    return `${seconds.padStart(7)}  ${row(item, actors, columns)}`.trimEnd()
  })
  return [`      s  ${center(actors, columns)}`.trimEnd(), ...rows].join("\n")
}

const widthOf = (text: string): number => Cells.cells(text).length

/** Where the lifelines stand: far enough apart for what is told between them. */
const layout = (items: ReadonlyArray<Item>, actors: ReadonlyArray<Actor>): ReadonlyArray<number> => {
  const columns = [Math.ceil(actors[0]!.length / 2)]
  const rungs = items.filter((item) => item._tag === "Rung" && item.from !== item.to) as ReadonlyArray<Rung>
  for (let i = 1; i < actors.length; i++) {
    const labels = rungs.filter(({ from, to }) => Math.min(actors.indexOf(from), actors.indexOf(to)) === i - 1)
    const width = labels.reduce((most, rung) => Math.max(most, widthOf(labelOf(rung))), 0)
    columns.push(columns[i - 1]! + Math.max(width + 8, 14))
  }
  return columns
}

const center = (names: ReadonlyArray<string>, columns: ReadonlyArray<number>): string => {
  const line: Array<string> = []
  names.forEach((name, i) => write(line, columns[i]! - Math.floor(name.length / 2), name))
  return joined(line)
}

const row = (item: Item, actors: ReadonlyArray<Actor>, columns: ReadonlyArray<number>): string => {
  const line: Array<string> = []
  const own = columns[1]! + 2
  switch (item._tag) {
    case "Idle":
      for (const column of columns) write(line, column, "┆")
      write(line, own, `… ${item.text}${item.waitedFor === undefined ? "" : `, waiting for ${item.waitedFor}`} …`)
      return joined(line)
    case "Fold": {
      for (const column of columns) write(line, column, "│")
      const lasted = item.until > item.at ? `, ${span(item.until - item.at)}` : ""
      write(line, own, `… ${item.text}${lasted} …`)
      return joined(line)
    }
    case "Rung":
      for (const column of columns) write(line, column, "│")
      return rung(item, line, columns[actors.indexOf(item.from)]!, columns[actors.indexOf(item.to)]!)
  }
}

const rung = (step: Rung, line: Array<string>, from: number, to: number): string => {
  const label = labelOf(step)
  if (from === to) {
    write(line, from + 2, label)
    return joined(line)
  }
  const [left, right] = from < to ? [from, to] : [to, from]
  write(line, left + 1, "─".repeat(right - left - 1))
  write(line, left + 1 + Math.floor((right - left - widthOf(label) - 1) / 2) - 1, ` ${label} `)
  write(line, from, from < to ? "├" : "┤")
  write(line, from < to ? to - 1 : to + 1, from < to ? "▶" : "◀")
  return joined(line)
}

const write = (line: Array<string>, at: number, what: string): void => {
  Cells.cells(what).forEach((character, i) => void (line[at + i] = character))
}

const joined = (line: ReadonlyArray<string>): string => Array.from(line, (character) => character ?? " ").join("")
