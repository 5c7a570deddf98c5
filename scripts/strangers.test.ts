/** Each line of `docs/strangers.md` is tried. `npm run stranger` prints them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import * as Strangers from "./strangers.ts"

const page = readFileSync(new URL("../docs/strangers.md", import.meta.url), "utf8")

describe.each(Strangers.cases)("who knows $knows and tries $tries", (each) => {
  it("gets what the page says", async () => {
    const verified = await Effect.runPromise(Strangers.outcome(each, true))
    const open = await Effect.runPromise(Strangers.outcome(each, false))
    assert.include(page, `| ${each.knows} | ${each.tries} | ${verified} | ${open} |`)
  })
})
