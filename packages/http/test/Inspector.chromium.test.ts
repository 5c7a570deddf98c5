import { assert } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee } from "@ringback/testing"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer, request as ask } from "node:http"
import { createRequire } from "node:module"
import type { Browser, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest"
import * as Chromium from "../../../scripts/chromium.ts"
import {
  type Application,
  application,
  Busy,
  callee,
  Evil,
  evil,
  EvilSignal,
  from,
  path,
  Reminder,
  RightToLeft,
  TableFree,
  Wide
} from "./fixtures/inspected.ts"

if (Chromium.executable === undefined) process.stderr.write(`${Chromium.missing}\n`)

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

describe.skipIf(Chromium.executable === undefined)("Inspector", () => {
  let browser: Browser
  let app: Application
  let windows: Array<Chromium.Window> = []
  let expected: ReadonlyArray<RegExp> = []

  beforeAll(async () => {
    browser = await Chromium.launch()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    app = await application()
    expected = []
  })
  afterEach(async () => {
    const problems = windows.flatMap(({ problems }) => problems).filter((problem) =>
      !expected.some((each) => each.test(problem))
    )
    for (const window of windows) await window.close()
    windows = []
    await app.close()
    assert.deepStrictEqual(problems, [])
  })

  // What happens

  const number = (n: number) => PhoneNumber.make(`+1555017${String(n).padStart(4, "0")}`)

  /** Starts a call to somebody who behaves so, and lets time pass. */
  const remind = async (n: number, ...scripts: ReadonlyArray<Callee.Script>) => {
    await app.run(callee(number(n), ...scripts))
    return (await app.run(Calls.start(Reminder, { to: number(n), from, when: "Tuesday at ten" }, { key: `key-${n}` })))
      .id
  }

  const hold = async (n: number) => {
    await app.run(callee(number(n), Callee.answers("1 second")))
    const { id } = await app.run(Calls.start(TableFree, { to: number(n), from }))
    await app.advance("20 seconds")
    return id
  }

  // What a visitor does

  type Visit = Parameters<typeof Chromium.open>[2] & { readonly visitor?: string }

  const visit = async (place = "", { visitor = "ann", ...options }: Visit = {}): Promise<Page> => {
    const window = await Chromium.open(browser, app.url, { now: await app.now(), ...options })
    windows.push(window)
    await window.page.context().addCookies([{ name: "visitor", value: visitor, url: app.url }])
    await window.page.goto(`${path}${place}`)
    return window.page
  }

  const rung = (page: Page, text: string | RegExp) => page.locator(".rung").filter({ hasText: text })

  const rungs = (page: Page) => page.locator(".rung .label").allTextContents()

  const serious = async (page: Page): Promise<ReadonlyArray<string>> => {
    await page.evaluate(axe)
    return page.evaluate(`axe.run().then(({ violations }) =>
      violations.filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target.join(" ")).join(", ")))`)
  }

  /** What makes a narrow window scroll sideways. */
  const overflowing = (page: Page): Promise<ReadonlyArray<string>> =>
    page.evaluate(`document.documentElement.scrollWidth <= innerWidth ? [] :
      Array.from(document.querySelectorAll("body *")).filter((each) => each.getBoundingClientRect().right > innerWidth)
        .map((each) => each.tagName + "." + each.getAttribute("class"))`)

  // The list

  it("lists calls, newest first, and keeps what is filtered in the address and on going back", async () => {
    await remind(1, Callee.answers("2 seconds").presses("1"))
    await app.advance("1 minute")
    const running = await hold(2)
    const page = await visit()
    await page.locator(".calls tbody tr").nth(1).waitFor()
    assert.match((await page.locator(".calls tbody tr").first().textContent())!, /table-free.*Running/)
    await page.getByRole("button", { name: /Running/ }).click()
    await page.waitForURL(/status=running/)
    await page.locator(".calls tbody tr").nth(1).waitFor({ state: "detached" })
    await page.getByLabel("Flow").selectOption("table-free")
    await page.waitForURL(/flow=table-free/)
    await page.getByRole("link", { name: "table-free" }).click()
    await page.waitForURL(new RegExp(`/call/${running}`))
    await page.getByRole("heading", { name: "table-free", level: 1 }).waitFor()
    await page.goBack()
    await page.waitForURL(/status=running/)
    assert.strictEqual(await page.getByLabel("Flow").inputValue(), "table-free")
    await page.goBack()
    await page.goBack()
    await page.locator(".calls tbody tr").nth(1).waitFor()
  })

  it("finds a call by its number and by its key, neither of which stands in the address", async () => {
    await remind(1, Callee.busy)
    await remind(2, Callee.busy)
    const page = await visit()
    await page.locator(".calls tbody tr").nth(1).waitFor()
    for (const [words, told] of [["+1 555 017 0002", "this number"], ["key-1", "this key"]] as const) {
      await page.getByLabel("Search").fill(words)
      await page.getByLabel("Search").press("Enter")
      await page.getByText(`Only calls of ${told}`).waitFor()
      await page.locator(".calls tbody tr").nth(1).waitFor({ state: "detached" })
      assert.notMatch(page.url(), /0002|key-1/)
    }
    await page.goBack()
    await page.getByText("Only calls of this number").waitFor()
    await page.getByText("Clear all filters").click()
    await page.locator(".calls tbody tr").nth(1).waitFor()
  })

  it("goes to a call whose id is searched for", async () => {
    const id = await remind(1, Callee.busy)
    const page = await visit()
    await page.getByLabel("Search").fill(id)
    await page.getByLabel("Search").press("Enter")
    await page.waitForURL(`**/call/${id}`)
  })

  it("pages by cursor and never loads all", async () => {
    for (let n = 0; n < 60; n++) await remind(n, Callee.busy)
    const page = await visit()
    await page.locator(".calls tbody tr").nth(49).waitFor()
    assert.strictEqual(await page.locator(".calls tbody tr").count(), 50)
    await page.getByRole("button", { name: "Older calls" }).click()
    await page.waitForURL(/after=/)
    await page.getByText("There are no older calls").waitFor()
    assert.strictEqual(await page.locator(".calls tbody tr").count(), 10)
    await page.goBack()
    await page.locator(".calls tbody tr").nth(49).waitFor()
  })

  it("shows a call that begins, and one that ends, without a reload", async () => {
    const page = await visit()
    await page.getByText("No calls yet").waitFor()
    await remind(1, Callee.answers("2 seconds").presses("1"))
    await page.locator(".calls").getByText("Running").waitFor()
    await app.advance("1 minute")
    await page.locator(".calls").getByText("Succeeded").waitFor()
  })

  it("says that it is disconnected, and has missed nothing when it is not any more", async () => {
    const page = await visit()
    await page.locator(".badge", { hasText: "Live" }).waitFor()
    await page.route("**/api/live", (route) => route.abort())
    app.cut()
    await page.locator(".badge", { hasText: "Disconnected" }).waitFor()
    await remind(1, Callee.busy)
    await page.unroute("**/api/live")
    await page.locator(".badge", { hasText: "Live" }).waitFor()
    await page.locator(".calls tbody tr").first().waitFor()
  })

  // One call

  it("says on top what a call waits for, until when, what happens then and who may end it sooner", async () => {
    const id = await hold(1)
    const page = await visit(`/call/${id}`)
    const waiting = page.getByRole("region", { name: "What it waits for" })
    await waiting.getByRole("heading", { name: "The signal table-free" }).waitFor()
    const text = (await waiting.textContent())!
    assert.match(text, /At \d+ \w+ \d\d:\d\d:\d\d, unless something comes before, the line counts as lost/)
    assert.match(text, /The flow waits for it until \d+ \w+ \d\d:\d\d:\d\d/)
    assert.match(text, /Sooner ended by the application by the signal table-free/)
    assert.match((await waiting.getByRole("timer").textContent())!, /^\d:\d\d$/)
  })

  it("draws who told whom what, masked, and tells of each event what it says and why", async () => {
    const id = await remind(1, Callee.busy, Callee.answers("2 seconds").presses("1"))
    await app.advance("11 minutes")
    const page = await visit(`/call/${id}`)
    await rung(page, "presses •").waitFor()
    const told = await rungs(page)
    assert.include(told, "start appointment-reminder")
    assert.notMatch(await page.locator("body").innerText(), /Tuesday|\+?15550170001/)
    await rung(page, "speak, collect 1").locator("button").click()
    await page.waitForURL(/event=\d+/)
    const panel = page.getByRole("complementary", { name: "Event" })
    await panel.getByText(/Because the flow waited for an answer to its dial/).waitFor()
    await panel.getByRole("button", { name: /As it is stored/ }).click()
    await panel.getByText(/ActionDecided/).last().waitFor()
    const before = page.url()
    await panel.getByRole("button", { name: /dial completed/ }).click()
    await page.waitForURL((url) => url.href !== before)
    await panel.getByRole("heading", { name: /dial completed/ }).waitFor()
    await page.reload()
    await panel.getByRole("heading", { name: /dial completed/ }).waitFor()
    await page.keyboard.press("Escape")
    await panel.waitFor({ state: "detached" })
  })

  it("collapses idle time, and keeps how long it was", async () => {
    const id = await remind(1, Callee.busy, Callee.answers("2 seconds").presses("1"))
    await app.advance("11 minutes")
    const page = await visit(`/call/${id}`)
    await page.getByText(/10 min later, having waited for the end of a sleep/).waitFor()
  })

  it("folds holds with their count, and unfolds them", async () => {
    const id = await hold(1)
    await app.advance("20 seconds")
    const page = await visit(`/call/${id}`)
    const fold = page.getByRole("button", { name: /Show \d holds/ })
    await fold.waitFor()
    const before = (await rungs(page)).length
    await fold.click()
    await page.getByRole("button", { name: /Fold \d holds/ }).waitFor()
    assert.isAbove((await rungs(page)).length, before)
    const held = await page.locator(".facts div").filter({ hasText: "Holds" }).locator("dd").textContent()
    assert.strictEqual(
      (await page.getByRole("button", { name: /Fold \d holds/ }).textContent())?.trim(),
      `Fold ${held} holds`
    )
  })

  /** A call of 10,000 events. */
  const busy = async () => {
    const { id } = await app.run(Calls.start(Busy, { turns: 100 }))
    await app.advance("2 minutes")
    return id
  }

  /** That all of a call is there: there is a row that says so until it is. */
  const wholly = (page: Page) => page.getByText("The rest is being read").waitFor({ state: "detached" })

  it("sends and draws of 10,000 events those in sight first, and reads their log once", async () => {
    const id = await busy()
    const page = await visit()
    await page.locator(".badge", { hasText: "Live" }).waitFor()
    const [asked, sizes, before] = [new Array<string>(), new Array<Promise<number>>(), app.reads()]
    page.on("response", (response) => {
      const place = new URL(response.url()).pathname.slice(path.length)
      if (!place.includes(id)) return // What the list had asked for may come after it was left.
      asked.push(place)
      if (place.endsWith("/view")) sizes.push(response.body().then(({ length }) => length))
    })
    await page.getByRole("link", { name: "busy" }).click()
    await rung(page, "note 0.0").first().waitFor()
    await page.locator(".badge", { hasText: "Complete" }).waitFor()
    await wholly(page)
    assert.deepStrictEqual([...new Set(asked)].toSorted(), [
      `/api/calls/${id}/live`,
      `/api/calls/${id}/view`,
      `/zone/${id}`
    ])
    const [first, ...rest] = await Promise.all(sizes)
    assert.isBelow(first!, 100_000, "bytes until something is drawn")
    assert.isAtMost(rest.length, 5)
    assert.isAbove(rest.reduce((sum, size) => sum + size, 0), 20 * first!, "bytes of the rest")
    assert.strictEqual(app.reads() - before, 1)
    assert.isAtMost(await page.locator(".rungs > *").count(), 60)
    const rows = await page.locator(".rungs > *").first().getAttribute("aria-setsize")
    assert.isAbove(Number(rows), 9_800)
    assert.isBelow(await page.evaluate<number>("document.querySelectorAll('*').length"), 900)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await rung(page, "ended with its output").waitFor()
    assert.isBelow(await page.evaluate<number>("document.querySelectorAll('*').length"), 900)
    await page.getByLabel("Find in this call").fill("note 57.3")
    await rung(page, /^.*notes note 57\.3$/).waitFor()
    await rung(page, "note 0.0").first().waitFor({ state: "detached" })
  })

  it("has room for what is not read yet, says so, and tries again where that fails", async () => {
    const id = await busy()
    expected = [/Failed to load resource/]
    const page = await visit("", { viewport: { width: 390, height: 800 } })
    let isCut = true
    await page.route(/view.*after=/, (route) => isCut ? route.abort() : route.continue())
    await page.goto(`${path}/call/${id}?event=9000`)
    await rung(page, "note 0.0").first().waitFor()
    await page.getByText("It is being read…").waitFor()
    await page.getByText("The server cannot be reached").waitFor()
    const rows = await page.locator(".rungs > *").first().getAttribute("aria-setsize")
    assert.isAbove(Number(rows), 9_800)
    await page.getByLabel("Find in this call").fill("note 57.3")
    await page.getByText("The rest is being read").waitFor()
    assert.strictEqual(await page.getByText("Nothing in this call is like that").count(), 0)
    await page.getByLabel("Find in this call").fill("")
    isCut = false
    await wholly(page)
    await page.locator(".rung [aria-current=true]").waitFor()
    await page.getByRole("complementary", { name: "Event" }).getByText("9000, in turn").waitFor()
    await page.getByText("The server cannot be reached").waitFor({ state: "detached" })
  })

  it("saves all of a long call, also before all of it was read", async () => {
    const id = await busy()
    const page = await visit()
    let later: () => void = () => {}
    const isLater = new Promise<void>((resolve) => void (later = resolve))
    await page.route(/view.*after=/, async (route) => {
      await isLater
      await route.continue()
    })
    await page.goto(`${path}/call/${id}`)
    await rung(page, "note 0.0").first().waitFor()
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save" }).click().then(later)
    ])
    const saved = JSON.parse(readFileSync(await download.path(), "utf8"))
    assert.isAbove(saved.report.events.length, 10_000)
    assert.isAbove(saved.ladder.items.length, 9_800)
  })

  it("reads of a long call that goes on what is new, and nothing twice", async () => {
    const { id } = await app.run(Calls.start(Busy, { turns: 70 }))
    await app.advance("50 seconds")
    const page = await visit(`/call/${id}`)
    page.setDefaultTimeout(120_000) // The page rests longer where a reading takes longer.
    await page.locator(".badge", { hasText: "Live" }).waitFor()
    await wholly(page)
    const asked: Array<string> = []
    const sizes: Array<Promise<number>> = []
    page.on("response", (response) => {
      const place = new URL(response.url()).pathname.slice(path.length)
      asked.push(place)
      if (place.endsWith("/view")) sizes.push(response.body().then(({ length }) => length))
    })
    const count = async () => (await page.locator(".rungs > *").first().getAttribute("aria-setsize"))!
    for (let turn = 0; turn < 10; turn++) {
      const before = await count()
      await app.advance("1 second")
      await page.locator(`.rungs > :not([aria-setsize="${before}"])`).first().waitFor()
    }
    assert.deepStrictEqual([...new Set(asked)], [`/api/calls/${id}/view`])
    assert.isAtMost(asked.length, 10)
    const all = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    assert.isBelow(all / 10, 60_000, "bytes a turn")
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    const [rows, last] = [await count(), (await rungs(page)).slice(-20)]
    const later = sizes.length
    await page.reload()
    await page.locator(`.rungs > [aria-setsize="${rows}"]`).first().waitFor()
    await wholly(page)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await rung(page, last.at(-1)!).last().waitFor()
    assert.deepStrictEqual((await rungs(page)).slice(-20), last)
    const whole = (await Promise.all(sizes)).slice(later).reduce((sum, size) => sum + size, 0)
    assert.isAbove(whole, 20 * all / 10, "bytes of the whole")
  }, 300_000)

  it("tells apart what the callee did, how that was told, and that it was hung up on for it", async () => {
    const id = await remind(1, Callee.answers("45 seconds"))
    await app.advance("1 minute")
    const page = await visit(`/call/${id}`)
    const names: ReadonlyArray<readonly [string, RegExp]> = [
      ["answers late", /event=\d+-callee$/],
      ["dial completed (answered)", /event=\d+$/],
      ["hangup", /event=\d+-hangup$/]
    ]
    for (const [text, name] of names) {
      await page.locator(".rung").filter({ has: page.getByText(text, { exact: true }) }).locator("button").click()
      await page.waitForURL(name)
      await page.reload()
      await page.locator(".rung").filter({ has: page.locator("[aria-current=true]") }).filter({ hasText: text })
        .waitFor()
      assert.strictEqual(await page.locator(".rung [aria-current=true]").count(), 1)
    }
  })

  it("filters within a call by text and by failures, in the address", async () => {
    const id = await remind(1, Callee.busy, Callee.answers("2 seconds").presses("1"))
    await app.advance("11 minutes")
    const page = await visit(`/call/${id}`)
    await rung(page, "presses •").waitFor()
    await page.getByLabel("Find in this call").fill("presses")
    await page.waitForURL(/find=presses/)
    await rung(page, "start").waitFor({ state: "detached" })
    assert.deepStrictEqual(await rungs(page), ["presses •"])
    await page.getByLabel("Find in this call").fill("")
    await page.getByLabel("Failures only").check()
    await page.waitForURL(/only=failures/)
    await rung(page, "start").waitFor({ state: "detached" })
    assert.deepStrictEqual(await rungs(page), ["dial completed (busy)"])
    await page.getByLabel("Failures only").uncheck()
    await page.getByLabel("Find in this call").fill("no such words")
    await page.getByText("Nothing in this call is like that").waitFor()
  })

  it("lays the way of a call over the drawing of its flow, each step of which opens its event", async () => {
    const id = await remind(1, Callee.busy, Callee.answers("2 seconds").presses("1"))
    await app.advance("11 minutes")
    const page = await visit(`/call/${id}`)
    await page.getByRole("radio", { name: "Drawing" }).check()
    await page.waitForURL(/view=drawing/)
    await page.locator("svg .rb-box.rb-taken").first().waitFor()
    assert.isAbove(await page.locator("svg .rb-box:not(.rb-taken)").count(), 0)
    assert.notInclude((await page.locator("svg").textContent())!, "Tuesday")
    assert.deepStrictEqual(await serious(page), [])
    const way = page.getByRole("region", { name: "The way of this call" }).getByRole("button")
    assert.isAbove(await way.count(), 3)
    await way.nth(1).click()
    await page.waitForURL(/event=\d+/)
    await page.getByRole("complementary", { name: "Event" }).waitFor()
  })

  it("makes a drawing anew of what may be in one, whoever wrote the file", async () => {
    expected = [/inline/] // The policy refuses it as it is read, before it is left out.
    const id = await remind(1, Callee.busy)
    const page = await visit(`/call/${id}`)
    const downloading = page.waitForEvent("download")
    await page.getByRole("button", { name: "Save" }).click()
    const saved = JSON.parse(readFileSync(await (await downloading).path(), "utf8"))
    saved.context.drawing.svg =
      `<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran=1"><script>window.ran=1</script>` +
      `<foreignObject><b xmlns="http://www.w3.org/1999/xhtml">x</b></foreignObject><a href="javascript:window.ran=1"><text>y</text></a>` +
      `<rect width="9" height="9" style="fill:url(https://example.com/x)" onclick="window.ran=1"/></svg>`
    await page.locator("input[type=file]").setInputFiles({
      name: "evil.call.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify(saved))
    })
    await page.getByText("From a file").waitFor()
    await page.getByRole("radio", { name: "Drawing" }).check()
    await page.locator(".drawing rect").click()
    assert.strictEqual(
      await page.locator(".drawing div").innerHTML(),
      `<svg><rect width="9" height="9"></rect></svg>`
    )
    assert.isUndefined(await page.evaluate("window.ran"))
  })

  it("tells times by my clock, UTC, the callee's and since the start", async () => {
    const id = await remind(1, Callee.answers("2 seconds").presses("1"))
    await app.advance("1 minute")
    const page = await visit(`/call/${id}`)
    const first = () => page.locator(".rung .at").first().textContent()
    await rung(page, "start").waitFor()
    const times: Array<string> = []
    for (const name of ["My time", "UTC", "Callee’s (New York)", "Since start"]) {
      await page.getByRole("radio", { name }).check()
      times.push((await first())!)
    }
    assert.deepStrictEqual(times, ["22:26:40", "20:26:40", "16:26:40", "+0.0 s"])
    await page.waitForURL(/clock=since/)
  })

  it("says where the clock of the callee was set, for then an hour comes twice", async () => {
    const autumn = await application(path, Date.UTC(2026, 10, 1, 5, 50))
    await autumn.run(callee(number(1), Callee.busy, Callee.answers("2 seconds").presses("1")))
    const input = { to: number(1), from, when: "Tuesday at ten" }
    const { id } = await autumn.run(Calls.start(Reminder, input))
    await autumn.advance("20 minutes")
    const window = await Chromium.open(browser, autumn.url, {
      now: await autumn.now(),
      timezoneId: "America/New_York",
      cookies: [{ name: "visitor", value: "ann", url: autumn.url }]
    })
    windows.push(window)
    const { page } = window
    for (const clock of ["callee", "mine", "utc", "since"]) {
      await page.goto(`${path}/call/${id}?clock=${clock}`)
      await rung(page, "ended with its output").waitFor()
      const times = await page.locator(".rung .at").allTextContents()
      const [start, end] = [times[0], times.at(-1)]
      const set = page.getByText(/^Sun.* 1 Nov 2026, the clock was set: GMT-4 to GMT-5$/)
      if (clock === "utc") assert.deepStrictEqual([start, end?.slice(0, 5)], ["05:50:00", "06:00"])
      else if (clock === "since") assert.strictEqual(start, "+0.0 s")
      else assert.deepStrictEqual([start, end?.slice(0, 5)], ["01:50:00", "01:00"])
      assert.strictEqual(await set.count(), clock === "callee" || clock === "mine" ? 1 : 0)
    }
    await autumn.close()
  })

  it("counts down by the clock of the visitor, also when that jumps", async () => {
    const id = await hold(1)
    const page = await visit(`/call/${id}`)
    const now = await app.now()
    const left = page.getByRole("timer")
    await left.waitFor()
    const before = await left.textContent()
    await page.clock.setSystemTime(now + 3_600_000)
    await left.filter({ hasText: /^now$/ }).waitFor()
    await page.clock.setSystemTime(now - 86_400_000)
    await left.filter({ hasText: /^1 d/ }).waitFor()
    await page.clock.setSystemTime(now)
    await left.filter({ hasText: /^\d{1,2}:\d\d$/ }).waitFor()
    assert.match(before!, /^\d{1,2}:\d\d$/)
  })

  it("tells how long a call took, of no time at all and of hours", async () => {
    const none = await app.run(Calls.start(Busy, { turns: 0 }))
    const long = await app.run(Calls.start(Busy, { turns: 1, pause: 4 * 3_600_000 }))
    await app.advance("4 hours")
    await app.advance("1 second")
    for (const [{ id }, took, end] of [[none, "0.0 s", "+0.0 s"], [long, "4 h", "+4:00:00"]] as const) {
      const page = await visit(`/call/${id}?clock=since`)
      await page.locator(".rung").first().waitFor()
      await page.evaluate("scrollTo(0, document.body.scrollHeight)")
      await rung(page, "ended with its output").waitFor()
      const facts = await page.locator(".facts div").filter({ hasText: "Took" }).textContent()
      assert.strictEqual(facts, `Took${took}`)
      assert.strictEqual(await page.locator(".rung .at").last().textContent(), end)
      assert.strictEqual(await page.locator("section.waiting time").textContent(), took)
    }
  })

  const styleOf = (page: Page, selector: string, name: string): Promise<string> =>
    page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)}))[${JSON.stringify(name)}]`)

  for (const [Named, direction] of [[Wide, "ltr"], [RightToLeft, "rtl"]] as const) {
    it(`shows ${Named.name} in its own direction, and everything around it as it is`, async () => {
      await app.run(callee(number(1), Callee.answers("1 second")))
      const { id } = await app.run(Calls.start(Named as typeof Wide, { to: number(1), from }))
      await app.advance("10 seconds")
      const page = await visit(`/call/${id}`)
      await page.getByRole("heading", { name: Named.name, level: 1 }).waitFor()
      await rung(page, `waits for the signal ${Named.name}`).waitFor()
      assert.strictEqual(await styleOf(page, "h1 bdi", "direction"), direction)
      assert.strictEqual(await styleOf(page, ".ladder", "direction"), "ltr")
      assert.strictEqual(await styleOf(page, ".rung bdi", "unicodeBidi"), "isolate")
      await page.getByRole("button", { name: "Reveal" }).click()
      await rung(page, `“${Named.name}”`).waitFor()
      assert.deepStrictEqual(await overflowing(page), [])
      await page.setViewportSize({ width: 390, height: 844 })
      assert.deepStrictEqual(await overflowing(page), [])
      assert.deepStrictEqual(await serious(page), [])
      // An engine ends when whoever waits for a reply has it.
      await app.run(Calls.Calls.use((calls) => calls.cancel(id)))
      await app.advance("1 minute")
    })
  }

  it("says at an address that is none of its own that there is nothing, with a way to the list", async () => {
    for (const place of ["/call/%zz", "/nothing", "/call/a/b", "/call/%E0%A4%A"]) {
      const page = await visit(place)
      await page.getByRole("heading", { name: "There is nothing at this address" }).waitFor()
      await page.getByRole("link", { name: "All calls" }).click()
      await page.getByRole("heading", { name: "Calls", exact: true }).waitFor()
      assert.strictEqual(new URL(page.url()).pathname, path)
    }
  })

  it("is copied as the text that the server draws", async () => {
    const id = await remind(1, Callee.answers("2 seconds").presses("1"))
    await app.advance("1 minute")
    const page = await visit(`/call/${id}`, { permissions: ["clipboard-read", "clipboard-write"] })
    await page.getByRole("button", { name: "Copy as text" }).click()
    await page.getByText("The ladder is in the clipboard").waitFor()
    const copied = await page.evaluate<string>("navigator.clipboard.readText()")
    assert.match(copied, /application\s+Ringback\s+carrier\s+callee/)
    assert.match(copied, /presses •/)
  })

  it("is saved as a file that opens in another inspector, without a server", async () => {
    const id = await remind(1, Callee.answers("2 seconds").presses("1"))
    await app.advance("1 minute")
    const page = await visit(`/call/${id}`)
    await rung(page, "presses •").waitFor()
    const before = await rungs(page)
    const downloading = page.waitForEvent("download")
    await page.getByRole("button", { name: "Save" }).click()
    const download = await downloading
    assert.strictEqual(download.suggestedFilename(), `${id}.call.json`)
    const file = await download.path()
    assert.notMatch(readFileSync(file, "utf8"), /Tuesday|5550170001|key-1/)

    const other = await visit()
    await other.getByRole("heading", { name: "Calls" }).waitFor()
    await other.route("**/api/**", (route) => route.abort())
    await other.route("**/context/**", (route) => route.abort())
    await other.locator("input[type=file]").setInputFiles(file)
    await other.getByText("From a file").waitFor()
    assert.deepStrictEqual(await rungs(other), before)
    await other.getByRole("button", { name: "Copy as text" }).waitFor()
    assert.strictEqual(await other.getByRole("button", { name: /Cancel the call|Reveal|Signal/ }).count(), 0)

    await other.locator("input[type=file]").setInputFiles({
      name: "x.json",
      mimeType: "application/json",
      buffer: Buffer.from("{}")
    })
    await other.getByText("This file is no call that an inspector has saved").waitFor()

    // Who has opened a file that somebody has changed can go on with another one.
    const changed = { ...JSON.parse(readFileSync(file, "utf8")), ladder: { items: [null] } }
    await other.locator("input[type=file]").setInputFiles({
      name: "y.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify(changed))
    })
    await other.getByText("This file is damaged").waitFor()
    await other.locator("input[type=file]").setInputFiles(file)
    await rung(other, "presses •").waitFor()
    assert.deepStrictEqual(await rungs(other), before)
  })

  it("lies behind a proxy that puts something in front of its path", async () => {
    const id = await remind(1, Callee.busy)
    const proxy = createServer((request, response) => {
      const to = new URL(request.url!.replace("/behind", ""), app.url)
      const { headers, method } = request
      request.pipe(ask(to, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(response)
      }))
    })
    await once(proxy.listen(0, "127.0.0.1"), "listening")
    const { port } = proxy.address() as { readonly port: number }
    const page = await visit()
    await page.goto(`http://127.0.0.1:${port}/behind${path}`)
    await page.getByRole("link", { name: "appointment-reminder" }).click()
    await page.waitForURL(`http://127.0.0.1:${port}/behind${path}/call/${id}`)
    await page.reload()
    await rung(page, "start appointment-reminder").waitFor()
    await page.getByRole("link", { name: "← Calls" }).click()
    await page.waitForURL(`http://127.0.0.1:${port}/behind${path}`)
    proxy.close()
    proxy.closeAllConnections()
    expected = [/^foreign: http:\/\/127\.0\.0\.1:\d+\/behind/]
  })

  it("is opened by dropping a file", async () => {
    const id = await remind(1, Callee.busy)
    const page = await visit(`/call/${id}`)
    const downloading = page.waitForEvent("download")
    await page.getByRole("button", { name: "Save" }).click()
    const text = readFileSync(await (await downloading).path(), "utf8")
    const other = await visit()
    const data = await other.evaluateHandle(`(() => {
      const data = new DataTransfer()
      data.items.add(new File([${JSON.stringify(text)}], "a.call.json", { type: "application/json" }))
      return data
    })()`)
    await other.dispatchEvent("main", "dragover", { dataTransfer: data })
    await other.getByText("Drop a saved call to open it").waitFor()
    await other.dispatchEvent("main", "drop", { dataTransfer: data })
    await other.getByText("From a file").waitFor()
  })

  // Steering

  it("tells a call what it waits for by a form that the schema makes, with who and why on record", async () => {
    const id = await hold(1)
    const page = await visit(`/call/${id}`)
    await page.getByRole("button", { name: "Signal table-free…" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByLabel("table", { exact: false }).first().fill("7")
    await dialog.getByLabel("where").selectOption("garden")
    await dialog.getByLabel("Why, for the record").fill("they left early")
    await dialog.getByRole("button", { name: "Send the signal" }).click()
    await dialog.waitFor({ state: "detached" })
    await rung(page, "signal table-free").first().waitFor()
    const events = await app.run(Calls.Calls.use((calls) => calls.events(id)))
    const received = events.find(({ _tag }) => _tag === "SignalReceived")
    assert.deepInclude(received, {
      name: "table-free",
      value: { table: 7, where: "garden" },
      by: { who: "ann@clinic.example", why: "they left early" }
    })
  })

  it("says in words that a signal does not fit, and keeps what was filled in", async () => {
    const id = await hold(1)
    const page = await visit(`/call/${id}`)
    await page.getByRole("button", { name: "Signal table-free…" }).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByLabel("table", { exact: false }).first().fill("7")
    await page.route(
      "**/signals",
      (route) => route.continue({ postData: JSON.stringify({ name: "table-free", value: { table: "seven" } }) })
    )
    await dialog.getByLabel("where").selectOption("garden")
    await dialog.getByRole("button", { name: "Send the signal" }).click()
    await dialog.getByRole("alert").waitFor()
    assert.strictEqual(await dialog.getByLabel("table", { exact: false }).first().inputValue(), "7")
  })

  it("cancels a call, with who and why on record", async () => {
    const id = await hold(1)
    const page = await visit(`/call/${id}`)
    await page.getByRole("button", { name: "Cancel the call…" }).click()
    await page.getByLabel("Why, for the record").fill("wrong number")
    await page.getByRole("dialog").getByRole("button", { name: "Cancel the call" }).click()
    await page.locator(".heading .state", { hasText: "Stopped" }).waitFor()
    const events = await app.run(Calls.Calls.use((calls) => calls.events(id)))
    assert.deepInclude(events.find(({ _tag }) => _tag === "Cancelled"), {
      by: { who: "ann@clinic.example", why: "wrong number" }
    })
  })

  it("offers nobody what they may not do", async () => {
    const id = await hold(1)
    const page = await visit(`/call/${id}`, { visitor: "bob" })
    await rung(page, "start").waitFor()
    assert.strictEqual(await page.getByRole("button", { name: /Cancel the call|Reveal|Signal/ }).count(), 0)
    const statuses = await page.evaluate(async (base) => {
      const post = await fetch(`${base}/cancel`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}"
      })
      const get = await fetch(`${base}/ladder?reveal=true`)
      return [post.status, get.status]
    }, `${path}/api/calls/${id}`)
    assert.deepStrictEqual(statuses, [403, 403])
  })

  it("reveals what was said and pressed to who may see it, when it is asked for", async () => {
    const id = await remind(1, Callee.answers("2 seconds").presses("1"))
    await app.advance("1 minute")
    const page = await visit(`/call/${id}`)
    await rung(page, "presses •").waitFor()
    await page.getByRole("button", { name: "Reveal" }).click()
    await rung(page, "presses 1").waitFor()
    await rung(page, /Tuesday at ten/).first().waitFor()
    await page.getByText("it is on record that you looked").waitFor()
    await page.getByRole("button", { name: "Mask" }).click()
    await rung(page, "presses •").waitFor()
  })

  // Who, and from where

  it("is only for those whom the application lets in", async () => {
    const page = await visit("", { visitor: "nobody" })
    await page.getByText("Please log in").waitFor()
    // Not from the page: the browser would ask for a name and a password, as it is told to.
    const { status } = await fetch(`${app.url}${path}/api/calls`, { headers: { cookie: "visitor=nobody" } })
    assert.strictEqual(status, 401)
  })

  it("takes nothing from another site", async () => {
    const id = await hold(1)
    const answer = await fetch(`${app.url}${path}/api/calls/${id}/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json", cookie: "visitor=ann", "sec-fetch-site": "cross-site" },
      body: "{}"
    })
    assert.strictEqual(answer.status, 401)
    assert.match(await answer.text(), /another site/)
  })

  it("runs nothing of what others have written", async () => {
    await app.run(callee(number(1), Callee.answers("1 second")))
    const { id } = await app.run(Calls.start(Evil, { to: number(1), from, words: evil }))
    await app.advance("10 seconds")
    const page = await visit()
    await page.getByRole("link", { name: evil }).click()
    await rung(page, "start").waitFor()
    await page.getByRole("button", { name: "Reveal" }).click()
    await rung(page, "Hello").waitFor()
    await app.run(Calls.Calls.use((calls) => calls.signal(id, EvilSignal, evil)))
    await app.advance("10 seconds")
    await page.locator(".heading .state", { hasText: "Failed" }).waitFor()
    for (const button of await page.locator(".rung button").all()) {
      await button.click()
      await page.getByRole("complementary", { name: "Event" }).waitFor()
    }
    await page.goto(`${path}?flow=${encodeURIComponent(evil)}&status=${encodeURIComponent(evil)}`)
    await page.getByRole("heading", { name: "Calls", exact: true }).waitFor()
    assert.isUndefined(await page.evaluate("window.ran"))
    assert.strictEqual(
      await page.locator("main img, main script, main b:not(.count b):not(.waits b):not(li b)").count(),
      0
    )
  })

  // For everybody

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      it(`has nothing serious that axe finds, ${colorScheme}, ${width} pixels wide`, async () => {
        const ended = await remind(1, Callee.busy, Callee.answers("2 seconds").presses("1"))
        await app.advance("11 minutes")
        const id = await hold(2)
        const page = await visit("", { colorScheme, viewport: { width, height: 844 }, reducedMotion: "reduce" })
        await page.locator(".calls tbody tr").first().waitFor()
        assert.deepStrictEqual(await serious(page), [])
        assert.deepStrictEqual(await overflowing(page), [])
        await page.goto(`${path}/call/${ended}?event=5`)
        await page.getByRole("complementary", { name: "Event" }).waitFor()
        assert.deepStrictEqual(await serious(page), [])
        await page.goto(`${path}/call/${id}`)
        await page.getByRole("button", { name: "Signal table-free…" }).click()
        await page.getByRole("dialog").waitFor()
        assert.deepStrictEqual(await serious(page), [])
        assert.deepStrictEqual(await overflowing(page), [])
      })
    }
  }

  it("is used by keyboard alone", async () => {
    const id = await hold(1)
    const page = await visit()
    await page.locator(".calls tbody tr").first().waitFor()
    const focused = () => page.evaluate<string>("document.activeElement?.textContent ?? ''")
    const tab = async (words: RegExp) => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press("Tab")
        if (words.test(await focused())) return
      }
      assert.fail(`The tab key does not reach ${words}`)
    }
    await tab(/^table-free$/)
    await page.keyboard.press("Enter")
    await page.waitForURL(`**/call/${id}`)
    await rung(page, "start").waitFor()
    await tab(/start table-free/)
    await page.keyboard.press("ArrowDown")
    await page.locator(":focus", { hasText: "POST dial" }).waitFor()
    await page.keyboard.press("Enter")
    await page.getByRole("complementary", { name: "Event" }).waitFor()
    await page.keyboard.press("Escape")
    await page.getByRole("complementary", { name: "Event" }).waitFor({ state: "detached" })
    await page.keyboard.press("Home")
    await page.locator(":focus", { hasText: "start table-free" }).waitFor()
  })
})
