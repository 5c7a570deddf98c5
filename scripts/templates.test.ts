import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as templates from "./templates.ts"

it("what init writes is what examples/starter says: `npm run templates` writes it", () =>
  assert.strictEqual(readFileSync(templates.path, "utf8") === templates.text(), true))
