/** How the pages are read. `pages.test.ts` types what they say. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import * as Quotes from "./quotes.ts"
import * as Typing from "./typing.ts"

const root = new URL("../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const page = (...lines: ReadonlyArray<string>) => Quotes.read("page.md", lines.join("\n"))
const block = (language: string, ...lines: ReadonlyArray<string>) => [`\`\`\`${language}`, ...lines, "```"]

describe("a page", () => {
  it("gives a block of output to the command above it", () =>
    assert.deepStrictEqual(
      page("# A", "", ...block("sh", "one", "two"), "", ...block("", "out"), "And then:", ...block("json", "{}")),
      {
        steps: [{
          at: "page.md:4",
          command: "one\ntwo",
          quotes: [{ at: "page.md:9", text: "out" }, { at: "page.md:13", text: "{}" }]
        }],
        orphans: []
      }
    ))

  it("gives it to the command that the sentence above it names", () =>
    assert.deepStrictEqual(
      page("`npm test` is another. `npm run x -- y`", "closes so:", "", ...block("", "out")).steps,
      [
        { at: "page.md:3", command: "npm run x -- y", quotes: [{ at: "page.md:5", text: "out" }] }
      ]
    ))

  it("has a quote of nobody where no command is in its section", () => {
    const { orphans, steps } = page(...block("sh", "one"), "# B", ...block("text", "out"))
    assert.deepStrictEqual(orphans, [{ at: "page.md:6", text: "out" }])
    assert.deepStrictEqual(steps.map(({ quotes }) => quotes), [[]])
  })

  it("has terminals with a command and its output by turns", () =>
    assert.deepStrictEqual(page(...block("", "$ one", "1", "", "$ two", "$ three", "3")).steps, [
      { at: "page.md:2", command: "one", quotes: [{ at: "page.md:3", text: "1" }] },
      { at: "page.md:5", command: "two", quotes: [] },
      { at: "page.md:6", command: "three", quotes: [{ at: "page.md:7", text: "3" }] }
    ]))

  it("has words that a command says, right behind it", () =>
    assert.deepStrictEqual(page(...block("sh", "one"), "Then it says `It is done.`, and ends.").steps[0]?.quotes, [
      { at: "page.md:4", text: "…It is done.…" }
    ]))

  it("has blocks that are only indented", () =>
    assert.deepStrictEqual(page("Words", "", "    one", "      two", "", "Words").orphans, [
      { at: "page.md:3", text: "one\n  two" }
    ]))

  it("has no commands in code of another language", () =>
    assert.deepStrictEqual(page(...block("ts", "x"), ...block("sql", "SELECT 1")), { steps: [], orphans: [] }))
})

describe("a quote", () => {
  const print =
    "begin\n  10.4    ├── dial ──▶│\ncall 6kdk0hdvdcgv1996hs1g at 2026-11-27T08:45:00.123Z\n\u001B[32mdone\u001B[0m\nend"

  it.each([
    ["a piece of the print", "begin"],
    ["several lines of it", "done\nend"],
    ["one with lines left out", "begin\n…\nend"],
    ["one with words left out", "d…e"],
    ["one of another call at another time", "call p6g2n48pjaz84fcpxk16 at 2025-01-01T00:00:00Z"],
    ["one with other seconds", "   0.3    ├── dial ──▶│"]
  ])("is true of %s", (_, quote) => assert.isUndefined(Quotes.differs(quote, print)))

  it("is true of a ladder two of whose neighbours have changed places, and of no list where they have", () => {
    assert.isUndefined(Quotes.differs("  1.0  a\n  1.0  b\n  2.0  c", "  0.9  b\n  1.1  a\n  2.5  c"))
    assert.isString(Quotes.differs("  1.0  a\n  1.0  b\n  2.0  c", "  1.0  b\n  1.0  c\n  2.0  a"))
    assert.isString(Quotes.differs("a\nb", "b\na"))
  })

  it.each([
    ["words that were not printed", "begin\nnever", "quoted:  never\nprinted: <seconds>    ├── dial ──▶│"],
    ["lines in another order", "end\n…\nbegin", "quoted:  begin\nprinted: nothing like it"],
    ["a line that is left out in silence", "begin\nend", "quoted:  end\nprinted: <seconds>    ├── dial ──▶│"],
    ["half a line", "don", "quoted:  don\nprinted: nothing like it"]
  ])("is false of %s", (_, quote, problem) => assert.strictEqual(Quotes.differs(quote, print), problem))
})

describe("a line of a log", () => {
  const said = Quotes.sayings([
    "// it is never said by anybody\nlog(`${n === 1 ? \"1 caller was\" : `${n} callers were`} turned away: at most ${most}`)"
  ])

  it("is said if the sources have its words", () => {
    assert.deepStrictEqual(Quotes.unsaid("WARN 20 callers were turned away: at most 10", said), [])
    assert.deepStrictEqual(Quotes.unsaid("WARN 20 callers were put on a list: at most 10", said), ["put on a list"])
    assert.deepStrictEqual(Quotes.unsaid("it is never said by anybody", said), ["it is never said by anybody"])
  })
})

describe("the pages", () => {
  const all = Typing.pages.map((path) => Quotes.read(path, read(path)))
  const steps = all.flatMap((page) => page.steps)
  const orphans = all.flatMap((page) => page.orphans)
  const texts = [...steps.flatMap(({ at, command, quotes }) => [{ at, text: command }, ...quotes]), ...orphans]

  it("quote what a command prints, what the log says, or what another test holds", () => {
    const quoted = orphans.map(({ text }) => text).join("\n")
    const sayings = Quotes.sayings(globSync("packages/*/src/**/*.ts", { cwd: root }).map(read))
    const said = [...sayings, ...Typing.saidByOthers].filter((saying) => quoted.includes(saying))
    const unheld = orphans.filter(({ at, text }) => Typing.isTyped(at, text)).map(({ at, text }) => ({
      at,
      text,
      unsaid: text.split("\n").flatMap((line) => Quotes.unsaid(line, said))
    }))
    assert.isAtLeast(unheld.length, 1)
    assert.deepStrictEqual(unheld.filter(({ unsaid }) => unsaid.length > 0), [])
  })

  it("let off nothing from being typed but what is listed, and that for a reason that holds", () => {
    for (const { begins, heldBy, page } of Typing.notTyped) {
      const there = texts.filter(({ at, text }) => at.startsWith(`${page}:`) && text.startsWith(begins))
      assert.lengthOf(there, 1, `${page} ${begins}`)
      if (heldBy !== undefined) assert.isTrue(existsSync(new URL(heldBy, root)), heldBy)
    }
    // Whoever lets off one more says why in `typing.ts`, and counts it here.
    for (const { heldBy, page } of Typing.notTypedPages) {
      assert.include(read(heldBy), page.replace(/^docs\/|\.md$/g, ""), heldBy)
    }
    assert.lengthOf(Typing.notTyped, 24)
    assert.lengthOf(Typing.notTypedPages, 2)
  })
})
