import { assert, describe, it } from "@effect/vitest"
import GithubSlugger from "github-slugger"
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs"
import { posix } from "node:path"

const root = new URL("../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const examples = readdirSync(new URL("examples/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => read(`examples/${path}`))

const programs = readdirSync(new URL("examples/python/", root))
  .filter((path) => path.endsWith(".py"))
  .map((path) => read(`examples/python/${path}`))

const pages = ["README.md", ...readdirSync(new URL("docs/", root)).map((file) => `docs/${file}`)]
  .filter((path) => path.endsWith(".md"))
const blocksOf = (page: string, language = "ts") =>
  Array.from(page.matchAll(new RegExp("```" + language + "\\n([^]*?)```", "g")), (match) => match[1] ?? "")
/** The code in the doc comments of the packages, which editors show to whoever writes the same. */
const commented = readdirSync(new URL("packages/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => /^\w+\/(src\/(?!internal\/).*\.ts|README\.md)$/.test(path))
  .map((path) => read(`packages/${path}`).replaceAll(/^ *\* ?/gm, ""))
  .filter((text) => text.includes("Layer.provide"))

/** Whatever a reader may click on. */
const everyPage = [
  ...pages,
  "CONTRIBUTING.md",
  "bench/README.md",
  ...globSync("packages/*/README.md", { cwd: root }).toSorted()
]

const wordsOf = (page: string) => page.replaceAll(/^( *)```[^]*?^\1```$/gm, "").replaceAll(/`[^`\n]*`/g, "")
const linksOf = (page: string) => Array.from(wordsOf(page).matchAll(/\]\(([^)\s]+)\)/g), (match) => match[1] ?? "")
const isElsewhere = (link: string) => /^[a-z]+:/.test(link)

/** The file that a link leads to, from the root, and the heading in it. */
const targetOf = (path: string, link: string) => {
  const [file = "", heading] = link.split("#")
  return { file: file === "" ? path : posix.join(posix.dirname(path), file), heading }
}

/** The names that GitHub gives to the headings of a page. */
const headingsOf = (page: string): ReadonlyArray<string> => {
  const slugger = new GithubSlugger()
  const lines = page.replaceAll(/^( *)```[^]*?^\1```$/gm, "").split("\n").filter((line) => /^#+ /.test(line))
  return lines.map((line) => slugger.slug(line.replace(/^#+ /, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")))
}

/** How many clicks each page is away from the README. */
const clicks = (): ReadonlyMap<string, number> => {
  const found = new Map([["README.md", 0]])
  for (const [path, away] of found) {
    const files = linksOf(read(path)).filter((link) => !isElsewhere(link)).map((link) => targetOf(path, link).file)
    for (const file of files.filter((file) => file.endsWith(".md") && !found.has(file))) found.set(file, away + 1)
  }
  return found
}

/** What nobody should copy. */
const unsafe = (code: string): ReadonlyArray<string> => {
  const lines = code.split("\n")
  const server = lines.findIndex((line) =>
    /Layer\.provide\w*\((NodeHttpServer\.layer(Config)?\(|[sS]erver\b)/.test(line)
  )
  const engine = lines.findLastIndex((line, at) =>
    at < server && /Layer\.provide\w*\((CallsLive|calls|engine)\b/.test(line)
  )
  const between = engine < 0 ? "" : lines.slice(engine, server).join("\n")
  return [
    ...(engine >= 0 && !between.includes("HttpRouter.serve") ? [`the port opens before the engine:\n${between}`] : []),
    ...lines.filter((line) => /verify: "(none|if signed)"/.test(line)),
    ...code.match(/NodeHttpServer\.layer\w*\(\s*(createServer|\(\) => createServer\()/g) ?? []
  ]
}

it("the examples show neither a port that is open before the engine nor a webhook that is not verified", () => {
  assert.isAtLeast(examples.filter((example) => example.includes("NodeHttpServer.layer")).length, 4)
  assert.deepStrictEqual(examples.flatMap(unsafe), [])
})

it("the doc comments show neither", () => {
  const blocks = commented.flatMap((text) => blocksOf(text))
  assert.isAtLeast(blocks.filter((block) => block.includes("NodeHttpServer.layer")).length, 1)
  assert.deepStrictEqual(blocks.flatMap(unsafe), [])
})

it("what nobody should copy is told from what is safe", () => {
  const served = "HttpRouter.serve(Routes).pipe("
  const opened = "  Layer.provide(NodeHttpServer.layer(server, { port })),"
  const started = "  Layer.provideMerge(CallsLive)"
  assert.deepStrictEqual(unsafe([served, opened, started].join("\n")), [])
  assert.lengthOf(unsafe([served, started, opened].join("\n")), 1)
  assert.lengthOf(unsafe([served, started, "  Layer.provide(Server)"].join("\n")), 1)
  assert.lengthOf(unsafe(`TelesignWebhook.layer({ path, verify: "none" })`), 1)
  assert.lengthOf(unsafe("NodeHttpServer.layer(createServer, { port })"), 1)
  assert.lengthOf(unsafe("NodeHttpServer.layerConfig(\n  () => createServer(),\n"), 1)
})

it("the README and the guides show code at all", () => {
  for (const path of ["README.md", "docs/your-own-flow.md", "docs/testing.md"]) {
    assert.isAtLeast(blocksOf(read(path)).length, 3, path)
  }
  assert.isAtLeast(blocksOf(read("docs/emulator.md"), "python").length, 3)
})

describe.each(pages)("%s", (path) => {
  const page = read(path)

  it("quotes TypeScript only from examples, which are compiled and tested", () => {
    for (const block of blocksOf(page)) {
      assert.isTrue(examples.some((example) => example.includes(block.trimEnd())), `not in an example:\n${block}`)
    }
  })

  it("quotes Python only from programs that are tested", () => {
    for (const block of blocksOf(page, "python")) {
      assert.isTrue(programs.some((program) => program.includes(block.trimEnd())), `not in a program:\n${block}`)
    }
  })

  it("shows no port that is open before the engine, and no webhook that is not verified", () => {
    for (const block of blocksOf(page)) assert.deepStrictEqual(unsafe(block), [])
  })

  it("names only commands that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> }
    const named = Array.from(page.matchAll(/npm run ([a-z0-9:]+)/g), (match) => match[1] ?? "")
    assert.deepStrictEqual(named.filter((name) => scripts[name] === undefined), [])
  })
})

describe.each(everyPage)("the links of %s", (path) => {
  const links = linksOf(read(path))

  it("lead to files and headings that exist", () => {
    const missing = links.filter((link) => !isElsewhere(link)).filter((link) => {
      const { file, heading } = targetOf(path, link)
      return !existsSync(new URL(file, root)) || heading !== undefined && !headingsOf(read(file)).includes(heading)
    })
    assert.deepStrictEqual(missing, [])
  })

  it("lead elsewhere by https, to a host and nowhere on this machine", () => {
    const strange = links.filter(isElsewhere).filter((link) =>
      !/^https:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[/#]|$)/.test(link)
    )
    assert.deepStrictEqual(strange, [])
  })

  it("say of each picture what it shows", () => assert.notMatch(wordsOf(read(path)), /!\[\s*\]/))
})

it("every page is two clicks away from the README, at most", () => {
  const away = clicks()
  assert.deepStrictEqual(everyPage.filter((path) => !((away.get(path) ?? 3) <= 2)), [])
})

it("every picture is shown by a page", () => {
  const shown = new Set(everyPage.flatMap((path) => linksOf(read(path)).map((link) => targetOf(path, link).file)))
  const pictures = globSync("docs/pictures/*", { cwd: root }).toSorted()
  assert.isAtLeast(pictures.length, 5)
  assert.deepStrictEqual(pictures.filter((picture) => !shown.has(picture)), [])
})

it("headings are named as on GitHub, and code holds none", () =>
  assert.deepStrictEqual(headingsOf("# One `two`, three?\n```sh\n# no\n```\n## [A b](c.md)\n## A b"), [
    "one-two-three",
    "a-b",
    "a-b-1"
  ]))
