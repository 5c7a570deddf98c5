/** The page that shows the API to whoever writes a client, opened as they do. */
import { assert } from "@effect/vitest"
import { ManagedRuntime } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, it } from "vitest"
import * as Chromium from "../../../scripts/chromium.ts"
import { address } from "../../../scripts/testApplication.ts"
import { layer } from "./fixtures/callsApi.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** Where pictures of it are put, for whoever wants to see it. */
const pictures = process.env["PICTURES"]

/** It bounds what hangs: the page is 3 MB of script. */
const patience = 120_000

describe.skipIf(Chromium.executable === undefined)("the reference page", () => {
  const runtime = ManagedRuntime.make(layer())
  let browser: Browser
  let url = ""

  beforeAll(async () => {
    url = await runtime.runPromise(address)
    browser = await Chromium.launch()
  })
  afterAll(async () => {
    await browser.close()
    await runtime.dispose()
  })

  const open = async (options: Parameters<typeof Chromium.open>[2]) => {
    const window = await Chromium.open(browser, new URL(url).origin, options)
    const asked: Array<string> = []
    window.page.setDefaultTimeout(patience)
    window.page.on("request", (request) => void asked.push(new URL(request.url()).pathname))
    await window.page.goto(`${url}/reference`, { timeout: patience })
    await window.page.getByRole("heading", { name: "Calls of Ringback" }).first().waitFor()
    return { ...window, asked }
  }

  for (const [colorScheme, width] of [["light", 1280], ["dark", 390]] as const) {
    it(`shows each endpoint and asks for nothing but itself, ${colorScheme}, ${width} pixels wide`, async () => {
      const { asked, close, page, problems } = await open({ colorScheme, viewport: { width, height: 844 } })
      for (const name of ["Start a call", "Why a call did what it did", "A call as a page shows it"]) {
        await page.getByText(name).first().waitFor({ state: "attached" })
      }
      await page.evaluate(axe)
      // The frame around our words is of Effect and Scalar.
      const found = await page.evaluate(`axe.run({ include: [[".markdown"]] }).then(({ passes, violations }) => ({
        looked: passes.length,
        serious: violations.filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join())
      }))`) as { readonly looked: number; readonly serious: ReadonlyArray<string> }
      if (pictures !== undefined) await page.screenshot({ path: `${pictures}/reference-${colorScheme}-${width}.png` })
      await close()
      assert.isAbove(found.looked, 0)
      assert.deepStrictEqual(found.serious, [])
      assert.deepStrictEqual(asked, ["/ringback/reference"])
      // What it is made of tries whether it may make code of text. It may not, and goes on without.
      assert.deepStrictEqual(problems, ["console: policy: script-src eval"])
    }, patience)
  }
})
