/** The site, as `npm run site` builds it: every link in it leads somewhere, and no page asks another host for anything. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join, posix } from "node:path"
import { fileURLToPath } from "node:url"
import * as Chromium from "../scripts/chromium.ts"

const root = fileURLToPath(new URL("../", import.meta.url))
const site = mkdtempSync(join(tmpdir(), "ringback-site-"))
const read = (path: string) => readFileSync(join(site, path), "utf8")
const pages = () => globSync("**/*.html", { cwd: site }).toSorted()

beforeAll(() => {
  const { output, status } = spawnSync(process.execPath, ["site/main.ts", site], { cwd: root, encoding: "utf8" })
  assert.strictEqual(status, 0, output.join(""))
}, 240_000)

afterAll(() => rmSync(site, { recursive: true, force: true }))

const attributes = (html: string, name: string): ReadonlyArray<string> =>
  Array.from(html.matchAll(new RegExp(` ${name}="([^"]*)"`, "g")), ([, value]) => value!.replaceAll("&amp;", "&"))

const anchors = new Map<string, ReadonlySet<string>>()
const hasAnchor = (path: string, anchor: string) => {
  const known = anchors.get(path) ?? new Set(attributes(read(path), "id"))
  anchors.set(path, known)
  return known.has(decodeURIComponent(anchor))
}

/** What is wrong with the links of a page. */
const broken = (path: string): ReadonlyArray<string> =>
  [...attributes(read(path), "href"), ...attributes(read(path), "src")].filter((link) => {
    if (/^(?:https:|data:|http:\/\/127\.0\.0\.1[:/])/.test(link)) return false
    const [file = "", anchor = ""] = link.split("#")
    const target = file === "" ? path : posix.join(posix.dirname(path), decodeURIComponent(file))
    return !existsSync(join(site, target)) || anchor !== "" && !hasAnchor(target, anchor)
  })

describe("the site", () => {
  it("has a page for each guide and each module", () => {
    const titles = pages().map((path) => /<title>(.*?) \| Ringback<\/title>/.exec(read(path))?.[1] ?? "")
    const guides = globSync("docs/*.md", { cwd: root }).map((path) =>
      readFileSync(root + path, "utf8").split("\n")[0]!.slice(2)
    )
    assert.deepStrictEqual(guides.filter((guide) => !titles.includes(guide)), [])
    const modules = globSync("packages/*/src/index.ts", { cwd: root }).flatMap((path) =>
      Array.from(readFileSync(root + path, "utf8").matchAll(/^export \* as (\w+)/gm), ([, name]) => name!)
    )
    assert.isAtLeast(modules.length, 50)
    assert.deepStrictEqual(modules.filter((name) => !titles.includes(name)), [])
  })

  it("has no link that leads nowhere", () => {
    assert.isAtLeast(pages().length, 100)
    const wrong = pages().flatMap((path) => [...new Set(broken(path))].map((link) => `${path}: ${link}`))
    assert.deepStrictEqual(wrong, [])
  })

  it("asks no other host for anything", () => {
    const asked = /<(?:script|img|link|iframe|source|video|audio|use)\b[^>]*(?:src|href)="(?:https?:)?\/\//
    const wrong = [
      ...pages().filter((path) => asked.test(read(path))),
      ...globSync("**/*.css", { cwd: site }).filter((path) => /url\(["']?(?:https?:)?\/\/|@import/.test(read(path)))
    ]
    assert.deepStrictEqual(wrong, [])
  })
})

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml"
}

/** The folder as a server of static files gives it. */
const served = async () => {
  const server = createServer((request, response) => {
    const path = join(site, decodeURIComponent(new URL(request.url ?? "/", "http://site").pathname))
    if (!existsSync(path)) return response.writeHead(404).end()
    return response.writeHead(200, { "content-type": types[posix.extname(path)] ?? "text/plain" }).end(
      readFileSync(path)
    )
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

/** The pages with the widest tables, ladders, drawings and types. */
const looked = [
  "index.html",
  "docs/call-states.html",
  "docs/calls-over-http.html",
  "docs/in-production.html",
  "docs/phone.html",
  "_ringback/core/Flow.html"
]

describe.skipIf(Chromium.executable === undefined)("a page in a browser", () => {
  it.each(["light", "dark"] as const)("is no wider than a phone, and has no fault, %s", async (colorScheme) => {
    const browser = await Chromium.launch()
    const { close, url } = await served()
    for (const path of looked) {
      const window = await Chromium.open(browser, url, { colorScheme, viewport: { width: 390, height: 844 } })
      await window.page.goto(`${url}/${path}`, { waitUntil: "load" })
      const wide = await window.page.evaluate<number>("document.documentElement.scrollWidth")
      assert.isAtMost(wide, 390, `${path} is wider than the screen`)
      assert.deepStrictEqual(window.problems, [], path)
      await window.close()
    }
    await browser.close()
    close()
  }, 240_000)
})
