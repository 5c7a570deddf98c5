/**
 * What the pages quote: which command printed which block, and whether a print is what a block says.
 *
 * - A block of `sh` is typed by the reader, as it stands. Each is a terminal of its own, which knows what those before it set.
 * - A block without a language, or of `text` or `json`, is what the command before it in the same section printed: the `sh` block
 *   above, or the last command in backticks of a paragraph that ends with a colon. So is what a paragraph right behind it says in
 *   backticks after "says" or "prints".
 * - A block whose lines begin with `$ ` holds commands, each with what it printed below it.
 * - A quote is a piece of the print. A line of `…` or `...` leaves out lines; `…` in a line leaves out words. Ids, times, colours,
 *   the seconds of a ladder and the numbers in front of a list may differ, and two neighbours of a ladder may change places.
 */

/** Something that a reader types, and what a page says that it prints. */
export interface Step {
  /** The page and the line of the command, as `README.md:52`. */
  readonly at: string
  readonly command: string
  readonly quotes: ReadonlyArray<Quote>
}

/** What a page says was printed. */
export interface Quote {
  readonly at: string
  readonly text: string
}

/** A page as its steps, and quotes that belong to none. */
export interface Page {
  readonly steps: ReadonlyArray<Step>
  readonly orphans: ReadonlyArray<Quote>
}

type Part =
  | { readonly _tag: "Heading" }
  | { readonly _tag: "Paragraph"; readonly line: number; readonly text: string }
  | { readonly _tag: "Block"; readonly line: number; readonly language: string; readonly text: string }

const fence = /^( *)```(\S*).*$/

/** The page, part by part. */
const partsOf = (page: string): ReadonlyArray<Part> => {
  const lines = page.split("\n")
  const parts: Array<Part> = []
  let paragraph: Array<string> = []
  const close = (line: number) => {
    if (paragraph.length > 0) {
      parts.push({ _tag: "Paragraph", line: line - paragraph.length, text: paragraph.join("\n") })
    }
    paragraph = []
  }
  for (let n = 0; n < lines.length; n++) {
    const line = lines[n]!
    const [opened, indent = "", language = ""] = fence.exec(line) ?? []
    if (opened !== undefined) {
      close(n + 1)
      const end = lines.findIndex((other, at) => at > n && other.trim() === "```")
      const text = lines.slice(n + 1, end).map((each) => each.slice(indent.length)).join("\n")
      parts.push({ _tag: "Block", line: n + 2, language, text })
      n = end
    } else if (/^#+ /.test(line)) {
      close(n + 1)
      parts.push({ _tag: "Heading" })
    } else if (line.trim() === "") close(n + 1)
    else {
      if (/^ *(?:[-*]|\d+\.) /.test(line)) close(n + 1)
      paragraph.push(line)
    }
  }
  close(lines.length + 1)
  return parts.map(indented)
}

/** A paragraph that is indented is a block without a language. */
const indented = (part: Part): Part =>
  part._tag === "Paragraph" && part.text.split("\n").every((line) => line.startsWith("    "))
    ? { _tag: "Block", line: part.line, language: "", text: part.text.replaceAll(/^ {4}/gm, "") }
    : part

const command = /`((?:npm|npx|node|pnpm|ringback|curl) [^`]+)`/g

/** The command whose print a paragraph announces. */
const announced = (paragraph: string): string | undefined =>
  paragraph.trimEnd().endsWith(":") ? [...paragraph.matchAll(command)].at(-1)?.[1] : undefined

/** A block of a terminal: each command with what is below it. */
const typed = (at: (line: number) => string, line: number, text: string): ReadonlyArray<Step> => {
  let next = line
  return text.split(/^(?=\$ )/m).map((part) => {
    const here = next
    next += part.split("\n").length - 1
    const [first = "", ...rest] = part.trimEnd().split("\n")
    const quotes = rest.length > 0 ? [{ at: at(here + 1), text: rest.join("\n") }] : []
    return { at: at(here), command: first.slice(2), quotes }
  })
}

/** Reads a page, `path` from the root of the repository. */
export const read = (path: string, text: string): Page => {
  const at = (line: number) => `${path}:${line}`
  const steps: Array<Step> = []
  const orphans: Array<Quote> = []
  let inSection = false // whether a command was typed since the last heading
  const quote = (quote: Quote) => {
    const last = steps.at(-1)
    if (inSection && last !== undefined) steps[steps.length - 1] = { ...last, quotes: [...last.quotes, quote] }
    else orphans.push(quote)
  }
  const type = (step: Step) => {
    steps.push(step)
    inSection = true
  }
  let before: Part = { _tag: "Heading" }
  for (const part of partsOf(text)) {
    if (part._tag === "Heading") inSection = false
    if (part._tag === "Paragraph" && before._tag === "Block" && before.language === "sh") {
      for (const [, said] of part.text.matchAll(/\b(?:says|prints|printed) `([^`]+)`/g)) {
        quote({ at: at(part.line), text: `…${said!}…` })
      }
    }
    if (part._tag === "Block" && part.language === "sh") type({ at: at(part.line), command: part.text, quotes: [] })
    if (part._tag === "Block" && ["", "text", "json"].includes(part.language)) {
      const spoken = before._tag === "Paragraph" ? announced(before.text) : undefined
      if (part.text.startsWith("$ ")) typed(at, part.line, part.text).forEach(type)
      else {
        if (spoken !== undefined) type({ at: at(part.line - 2), command: spoken, quotes: [] })
        quote({ at: at(part.line), text: part.text })
      }
    }
    before = part
  }
  return { steps, orphans }
}

const varying: ReadonlyArray<readonly [RegExp, string]> = [
  // oxlint-disable-next-line no-control-regex -- it is what colours begin with
  [/\u001B\[[\d;]*m/g, ""],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<time>"],
  [/\b\d\d:\d\d:\d\d\.\d+\b/g, "<time>"],
  [/\b[0-9A-F]{32}\b/g, "<reference>"],
  [/\b[0-9a-hjkmnp-tv-z]{20}\b/g, "<call>"],
  [/^ +\d+\.\d(?= {2})/gm, "<seconds>"],
  [/^ +\d+(?= {2})/gm, "<count>"]
]

const plain = (text: string): ReadonlyArray<string> =>
  varying.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), text).split("\n").map((line) =>
    line.trimEnd()
  )

const isGap = (line: string) => ["…", "..."].includes(line.trim())

const fits = (quoted: string, printed: string): boolean =>
  quoted === printed ||
  quoted.includes("…") &&
    new RegExp(`^${quoted.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`).test(
      printed
    )

/** The parts of a quote between lines that are left out. */
const piecesOf = (quote: string): ReadonlyArray<ReadonlyArray<string>> => {
  const pieces: Array<Array<string>> = [[]]
  for (const line of plain(quote.trimEnd())) {
    if (isGap(line)) pieces.push([])
    else pieces.at(-1)!.push(line)
  }
  return pieces.filter((piece) => piece.length > 0)
}

const areNeighbours = (...lines: ReadonlyArray<string>) => lines.every((line) => line.startsWith("<seconds>"))

/** How many lines of a piece are printed at a place, one after another. Two of a ladder that are neighbours may have changed places. */
const run = (piece: ReadonlyArray<string>, printed: ReadonlyArray<string>, from: number): number => {
  let n = 0
  while (n < piece.length) {
    const [one = "", two = ""] = piece.slice(n, n + 2)
    const [first = "", second = ""] = printed.slice(from + n, from + n + 2)
    if (fits(one, first)) n += 1
    else if (areNeighbours(one, two) && fits(one, second) && fits(two, first)) n += 2
    else return n
  }
  return n
}

/** What is wrong with a quote: where it first says something else than the print. Nothing if it is a piece of the print. */
export const differs = (quote: string, print: string): string | undefined => {
  const printed = plain(print)
  let from = 0
  for (const piece of piecesOf(quote)) {
    const runs = printed.slice(from).map((_, n) => run(piece, printed, from + n))
    const place = runs.indexOf(piece.length)
    if (place < 0) {
      const most = Math.max(0, ...runs)
      const near = most > 0 ? printed[from + runs.indexOf(most) + most] ?? "the end" : "nothing like it"
      return `quoted:  ${piece[most]}\nprinted: ${near}`
    }
    from += place + piece.length
  }
  return undefined
}

/** The constant parts of the texts in some sources, of two words at least: what a log can say. */
export const sayings = (sources: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    ...new Set(sources.flatMap((source) =>
      source.replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, "").replaceAll(/\\(.)/g, "$1").split(/["`{}\n]/)
    ))
  ]
    .map((part) =>
      part.replace(/\$$/, "").trim()
    )
    .filter((part) => part.split(" ").length >= 2)
    .toSorted((a, b) => b.length - a.length)

/** The words of a line of a log that nothing says: three in a row that no source has as they stand. */
export const unsaid = (line: string, said: ReadonlyArray<string>): ReadonlyArray<string> =>
  said.reduce((line, saying) => line.replaceAll(saying, " | "), line).match(/\b[A-Za-z]+(?: [a-z]+){2,}/g) ?? []
