/** Takes the pictures of the guide "Seeing and steering", as a part of `npm run pictures`. It needs a Chromium. */
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"
import * as Chromium from "../../scripts/chromium.ts"
import { password } from "./desk.ts"
import { application, mother } from "./strangeCall.ts"

const folder = process.argv[2] ?? fileURLToPath(new URL("../../docs/pictures/", import.meta.url))

const app = await application()
const browser = await Chromium.launch()

const take = async (name: string, place: string, height: number, prepare: (page: Page) => Promise<unknown>) =>
  Chromium.picture(browser, `${folder}/seeing-${name}.png`, `${app.url}/ops/calls${place}`, {
    now: await app.now(),
    httpCredentials: { username: "bob", password },
    viewport: { width: 1120, height },
    prepare
  })

const call = `/call/${app.call}`
const rung = (page: Page, text: string) => page.locator(".rung").filter({ hasText: text }).last()
const listening = (page: Page) => page.locator(".badge[data-standing=Live]").waitFor()

await take("waiting", call, 520, async (page) => {
  await rung(page, "waits for the signal").waitFor()
  await listening(page)
})
await app.release()
await take("cancel", call, 760, async (page) => {
  await rung(page, "POST dial").waitFor()
  await page.getByRole("button", { name: "Cancel the call…" }).click()
  await page.getByLabel("Why, for the record").fill("the sample is of somebody else")
})
await app.cancel()
await take("list", "", 400, async (page) => {
  const search = page.getByRole("searchbox")
  await page.locator(".calls tbody tr").nth(4).waitFor()
  await search.fill(mother)
  await search.press("Enter")
  await page.locator(".calls tbody tr").nth(1).waitFor({ state: "detached" })
  await listening(page)
  await page.evaluate(`document.querySelector("input.search").type = "password"`) // No number stands in a picture.
})
await take("why", call, 900, async (page) => {
  const hangup = page.locator(".rung").filter({ has: page.getByText("hangup", { exact: true }) })
  await hangup.locator("button").click()
  await page.locator(".panel").waitFor()
})

await browser.close()
process.exit(0)
