import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as page from "./page.ts"

it.each(page.pages)(
  "the page of the $name is what its sources say: `npm run page` writes it",
  async (each) => assert.strictEqual(readFileSync(each.path, "utf8") === await page.text(each), true)
)
