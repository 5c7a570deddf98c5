import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const examples = readdirSync(new URL("examples/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => read(`examples/${path}`))

const pages = ["README.md", ...readdirSync(new URL("docs/", root)).map((file) => `docs/${file}`)]
  .filter((path) => path.endsWith(".md"))
const blocksOf = (page: string) => Array.from(page.matchAll(/```ts\n([^]*?)```/g), (match) => match[1] ?? "")
/** The code in the doc comments of the packages, which editors show to whoever writes the same. */
const commented = readdirSync(new URL("packages/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => /^\w+\/(src\/(?!internal\/).*\.ts|README\.md)$/.test(path))
  .map((path) => read(`packages/${path}`).replaceAll(/^ *\* ?/gm, ""))
  .filter((text) => text.includes("Layer.provide"))

const linksOf = (page: string) => Array.from(page.matchAll(/\]\(([^)#]+)[^)]*\)/g), (match) => match[1] ?? "")

/** What nobody should copy. */
const unsafe = (code: string): ReadonlyArray<string> => {
  const lines = code.split("\n")
  const server = lines.findIndex((line) => /Layer\.provide\w*\((NodeHttpServer\.layer|[sS]erver\b)/.test(line))
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
  const blocks = commented.flatMap(blocksOf)
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
})

describe.each(pages)("%s", (path) => {
  const page = read(path)

  it("quotes TypeScript only from examples, which are compiled and tested", () => {
    for (const block of blocksOf(page)) {
      assert.isTrue(examples.some((example) => example.includes(block.trimEnd())), `not in an example:\n${block}`)
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

  it("links only to files that exist", () => {
    const files = linksOf(page).filter((link) => !link.includes(":"))
    const missing = files.filter((link) => !existsSync(new URL(link, new URL(path, root))))
    assert.deepStrictEqual(missing, [])
  })
})
