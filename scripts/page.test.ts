import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as page from "./page.ts"

it("the page in the package is what its sources say: `npm run page` writes it", async () =>
  assert.strictEqual(readFileSync(page.path, "utf8") === await page.text(), true))
