import { assert } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Browser, Locator, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest"
import * as Chromium from "../../../scripts/chromium.ts"
import * as Phone from "./fixtures/phone.ts"

if (Chromium.executable === undefined) process.stderr.write(`${Chromium.missing}\n`)

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

describe.skipIf(Chromium.executable === undefined)("the phone of the emulator", () => {
  let browser: Browser
  let world: Awaited<ReturnType<typeof Phone.world>>
  let windows: Array<Chromium.Window> = []

  beforeAll(async () => {
    browser = await Chromium.launch()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    world = await Phone.world()
  })
  afterEach(async () => {
    const problems = windows.flatMap(({ problems }) => problems)
    for (const window of windows) await window.close()
    windows = []
    await world.close()
    assert.deepStrictEqual(problems, [])
  })

  const visit = async (options: Parameters<typeof Chromium.open>[2] = {}): Promise<Page> => {
    const window = await Chromium.open(browser, world.url, options)
    windows.push(window)
    await window.page.goto("/")
    await window.page.locator(".badge[data-standing=Live]").waitFor()
    await window.page.getByText("Whatever is dialled rings here").waitFor()
    return window.page
  }

  const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })

  /** That, once it has the keyboard. */
  const focused = (locator: Locator) => locator.and(locator.page().locator(":focus"))

  const serious = async (page: Page): Promise<ReadonlyArray<string>> => {
    await page.evaluate(axe)
    return page.evaluate(`axe.run().then(({ violations }) =>
      violations.filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target.join(" ")).join(", ")))`)
  }

  const over = (page: Page) => page.getByText("The call is over").waitFor()

  it("rings, is answered and takes a key by the keyboard alone, and keeps what was done", async () => {
    const page = await visit()
    assert.strictEqual(await world.dial(), 202)
    await focused(button(page, "Answer")).waitFor()
    assert.match(await page.title(), /It rings/)
    await page.keyboard.press("Enter")
    await page.getByText("Listening; a key is waited for").waitFor()
    await focused(page.getByRole("region", { name: /^Phone of/ })).waitFor()
    await page.keyboard.press("1")
    await page.getByText("See you in a minute.").waitFor()
    await over(page)
    assert.deepStrictEqual((await page.locator(".talk li").allTextContents()).map((words) => words.trim()), [
      "You hear: Your table is ready. Press 1 if you are coming, 2 if you are not.",
      "You press: 1",
      "You hear: See you in a minute.",
      "They hang up",
      "The call is over"
    ])
    const script = (await page.locator(".save .paper").textContent())!
    assert.match(script, /^answers \d+m?s; hears "Press 1 if you are coming, 2 if you are not\."; presses 1$/)
    await page.locator(".rb-rung").filter({ hasText: "presses •" }).waitFor()
  })

  it.each(["light", "dark"] as const)(
    "has no serious fault of access, ringing or in a call, when it is %s",
    async (colorScheme) => {
      const page = await visit({ colorScheme, reducedMotion: "reduce" })
      assert.deepStrictEqual(await serious(page), [])
      await world.dial()
      await button(page, "Answer").waitFor()
      assert.deepStrictEqual(await serious(page), [])
      await button(page, "Answer").click()
      await page.getByText("Listening; a key is waited for").waitFor()
      await page.getByText("What goes wrong").click()
      assert.deepStrictEqual(await serious(page), [])
      await button(page, "Hang up").click()
      await over(page)
      assert.deepStrictEqual(await serious(page), [])
    }
  )

  it("is busy, a machine, or hangs up, on phones side by side, and fits a narrow window", async () => {
    const page = await visit({ viewport: { width: 390, height: 844 } })
    for (const number of ["15550170001", "15550170002", "15550170003"]) await world.dial(number)
    const phone = (end: string) => page.getByRole("region", { name: `Phone of +1 555 017 ${end}` })
    await phone("0001").getByRole("button", { name: "Be busy" }).click()
    await phone("0002").getByRole("button", { name: "Let a machine answer" }).click()
    await phone("0003").getByRole("button", { name: "Answer", exact: true }).click()
    await phone("0003").getByRole("button", { name: "Hang up" }).click()
    await world.ended()
    await phone("0002").getByText("Your table is ready").waitFor()
    const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert.strictEqual(wide, 0)
  })

  it("calls in, and is put through to another phone on the page", async () => {
    const page = await visit()
    await button(page, "Call in").click()
    await page.getByText("Listening; a key is waited for").waitFor()
    await button(page, "0").click()
    const other = page.getByRole("region", { name: "Phone of +1 555 017 0077" })
    await other.getByRole("button", { name: "Answer", exact: true }).click()
    await page.getByText("Talking with +1 555 017 0077").waitFor()
    await other.getByRole("button", { name: "Hang up" }).click()
    await over(page)
    assert.include(world.told(), "call_leg_completed")
  })

  it("lets things go wrong, and time go faster", async () => {
    const page = await visit()
    await page.getByText("What goes wrong").click()
    await page.getByLabel("Each webhook comes twice").check()
    await page.getByText("1 on").waitFor()
    await page.getByLabel("Calls from now on go").selectOption("20 times as fast")
    await world.dial()
    await button(page, "Be busy").click()
    await world.ended()
    await page.getByText("Not reached: busy").waitFor()
    assert.isAtLeast(world.told().filter((event) => event === "dial_completed").length, 1)
    await page.getByLabel("Calls ring here").uncheck()
    await button(page, "New day").click()
    await page.getByText("Calls do not ring here").waitFor()
    await world.dial()
    await page.getByText("it follows a script").waitFor()
  })
})
