/** What is printed: data on standard output, talk on standard error. */
import { Console, Effect, Fiber, Layer, Logger, References } from "effect"
import type { Duration } from "effect"
import { CliOutput } from "effect/cli"

/** What no terminal shall be told by somebody else's words. */
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Text without what steers a terminal. */
export const plain = (text: string): string => text.replaceAll(controls, "")

/** What is logged in this process is talk, and only what somebody has to know. */
export const logs: Layer.Layer<never> = Layer.merge(
  Logger.layer([Logger.withConsoleError(Logger.formatSimple)]),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)

/** A line, or several, of data. */
export const data = (text: string): Effect.Effect<void> => Console.log(plain(text))

/** A line of JSON. */
export const json = (value: unknown): Effect.Effect<void> => Console.log(JSON.stringify(value))

/** Talk, which no program reads. */
export const talk = (text: string): Effect.Effect<void> => Console.error(plain(text))

const isColoured = (): boolean => process.stdout.isTTY === true && !process.env["NO_COLOR"]

const colour = (code: number) => (text: string): string => isColoured() ? `\u001b[${code}m${text}\u001b[0m` : text

const [bold, red, green, yellow] = [1, 31, 32, 33].map(colour) as [Paint, Paint, Paint, Paint]

type Paint = (text: string) => string

/** Words in a colour, if that is wanted. */
export const paint = { bold, red, green, yellow }

/** Prints what holds colours of ours, and nothing of anybody else's. */
export const painted = (text: string): Effect.Effect<void> => Console.log(text)

const width = (): number | undefined => process.stdout.isTTY ? process.stdout.columns : undefined

/** In cells of the terminal, of which a wide letter takes two. */
const widthOf = CliOutput.displayWidth

/** As much of a line as so many cells hold. */
const within = (line: string, most: number): string => {
  const letters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment)
  let width = 0
  return letters.filter((letter) => (width += widthOf(letter)) <= most).join("")
}

/** Columns with a head; the last one is cut where the terminal ends. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Effect.Effect<void> => {
  const all = [head, ...rows.map((row) => row.map((cell) => plain(cell).replaceAll(/\s+/g, " ")))]
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))))
  const padded = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell))
  const lines = all.map((row) => row.map(padded).join("  ").trimEnd())
  const most = width()
  const cut = lines.map((line) => most !== undefined && widthOf(line) > most ? `${within(line, most - 1)}…` : line)
  return painted([bold(cut[0] ?? ""), ...cut.slice(1)].join("\n"))
}

/** A time for people, in UTC. */
export const time = (millis: number | undefined): string =>
  millis === undefined ? "" : new Date(millis).toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z")

/** How long, in the largest units. */
export const span = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const
  const at = units.findIndex(([, size]) => seconds >= size)
  if (at < 0) return "0 s"
  const [name, size] = units[at]!
  const next = units[at + 1]
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[1])
  return `${Math.floor(seconds / size)} ${name}${rest === 0 || next === undefined ? "" : ` ${rest} ${next[0]}`}`
}

const patience: Duration.Input = "1 second"

/** Says on a terminal what is waited for, if that takes longer than a second. */
export const waiting = <A, E, R>(words: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  process.stderr.isTTY !== true ? effect : Effect.scoped(Effect.gen(function*() {
    let isShown = false
    const show = Effect.delay(Effect.sync(() => (isShown = true, void process.stderr.write(`${words}…`))), patience)
    const shown = yield* Effect.forkScoped(show)
    return yield* Effect.ensuring(
      effect,
      Effect.andThen(
        Fiber.interrupt(shown),
        Effect.sync(() => isShown ? void process.stderr.write("\r\u001b[K") : undefined)
      )
    )
  }))
