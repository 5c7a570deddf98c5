import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"

// Every line that is more than a Debug stands in the table of docs/log.md: found in the sources, by the words that they say.

const root = new URL("../../../", import.meta.url)

const page = readFileSync(new URL("docs/log.md", root), "utf8").split("\n## Every line of the log\n")[1] ?? ""

/** Text without what is only its form in code or on the page. */
const plain = (text: string): string => text.replaceAll(/\\?["`]/g, "").replaceAll(/\s+/g, " ")

/** What stands between a parenthesis, from this place on, and the one that closes it. */
const inside = (text: string, from: number): string => {
  let depth = 1
  let at = from
  for (; depth > 0 && at < text.length; at++) depth += text[at] === "(" ? 1 : text[at] === ")" ? -1 : 0
  return text.slice(from, at - 1)
}

/** The constant parts of the texts in a piece of code, of two words at least. */
const said = (code: string): ReadonlyArray<string> =>
  Array.from(code.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g))
    .flatMap(([, quoted, template]) => (quoted ?? template ?? "").split(/\$\{[^}]*\}+/))
    .map((part) => plain(part).replace(/^[ ,.:;(){}]+|[ ,.:;(){}]+$/g, ""))
    .filter((part) => part.split(" ").length >= 2)

/** What is said at a place: by texts there, or in what is named there. */
const wordsOf = (file: string, code: string): ReadonlyArray<string> => {
  const words = said(code)
  if (words.length > 0) return words
  return Array.from(code.matchAll(/[a-z]\w+/gi), ([name]) => file.indexOf(`const ${name}`)).filter((at) => at >= 0)
    .flatMap((at) => said(file.slice(at).split("\n\n")[0]!))
}

const calls = /Effect\.log(?:Info|Warning|Error)\(|CallLog\.(?:died|lost)\(/g
const reports = /(?:fails|over): "([^"]+)"/g

/** What is put into words elsewhere. */
const elsewhere: { readonly [path: string]: ReadonlyArray<string> } = {
  "packages/core/src/internal/engine/engine.ts": ["The engine has closed, and leaves to the next process"]
}

/** What these files say only passes on what others have put into words. */
const passing = [/internal\/report\.ts$/, /internal\/engine\/callLog\.ts$/, /internal\/drawing\//]

const lines = globSync("packages/{core,http}/src/**/*.ts", { cwd: root }).toSorted().flatMap((path) => {
  const file = readFileSync(new URL(path, root), "utf8")
  if (passing.some((each) => each.test(path))) return []
  const told = [...file.matchAll(calls)].map((match) => wordsOf(file, inside(file, match.index + match[0].length)))
  const reported = [...file.matchAll(reports)].map(([, words]) => [plain(words!)])
  return [...told, ...reported].map((words) => ({ path, words: words.length > 0 ? words : elsewhere[path] ?? [] }))
})

describe("the table of all lines of the log", () => {
  it("has every line that the sources say", () => {
    assert.isAbove(lines.length, 40)
    const text = plain(page)
    const missing = lines.filter(({ words }) => !words.some((each) => text.includes(each)))
    assert.deepStrictEqual(missing, [])
  })

  it("says of each what to do", () => {
    const rows = page.split("\n").filter((line) => /^\| [A-Z]/.test(line)).map((line) => line.split(" | ").length)
    assert.isAbove(rows.length, 40)
    assert.deepStrictEqual([...new Set(rows)], [3])
  })
})
