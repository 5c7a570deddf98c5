import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { rows } from "./fixtures/callStates.ts"
import { render } from "./fixtures/callStatesPage.ts"

const page = readFileSync(new URL("../../../docs/call-states.md", import.meta.url), "utf8")

describe("docs/call-states.md", () => {
  it("shows the decision table as it is tested: npm run docs writes it", () => assert.strictEqual(page, render(page)))

  it("is made anew where it differs", () => {
    const changed = page.replace("`DialRefused`", "`DialForgotten`")
    assert.notStrictEqual(changed, page)
    assert.strictEqual(render(changed), page)
  })

  it("explains every input", () => {
    for (const { words } of rows) assert.include(page, words)
  })
})
