import { assert, describe, it } from "@effect/vitest"
import { CallMetrics } from "@ringback/core"
import { readFileSync } from "node:fs"
import { TelesignMetrics } from "../src/index.ts"

const page = readFileSync(new URL("../../../docs/figures.md", import.meta.url), "utf8")

const rows = page.split("\n").filter((line) => line.startsWith("| `ringback_")).map((line) =>
  line.slice(1, -1).split("|").map((cell) => cell.trim())
)

const all = [...CallMetrics.figures, ...TelesignMetrics.figures]

describe("docs/figures.md", () => {
  it("lists every metric with its kind, unit and labels, and no other", () =>
    assert.deepStrictEqual(
      rows.map((row) => row.slice(0, 4)).toSorted(),
      all.map(({ kind, labels, name, unit }) => [
        `\`${name}\``,
        kind,
        unit,
        Object.keys(labels).map((label) => `\`${label}\``).join(", ")
      ]).toSorted()
    ))

  it("says what each means to whoever is on duty", () => {
    for (const row of rows) assert.isAbove(row[4]!.length, 10, row[0])
  })

  it("names no value of a label that there is not", () => {
    for (const [name, , , , meaning] of rows) {
      const labels = Object.values(all.find((each) => `\`${each.name}\`` === name)!.labels)
      const values = labels.flatMap((each) => typeof each === "string" ? [] : each)
      const named = Array.from(meaning!.matchAll(/`([^`.]+)`/g), ([, word]) => word!)
      const others = ["NotAnswered", "inbound"]
      assert.deepStrictEqual(named.filter((word) => !values.includes(word) && !others.includes(word)), [], name)
    }
  })

  it("has units in the names, as Prometheus has them", () => {
    for (const { kind, name, unit } of all) {
      assert.match(name, /^ringback_[a-z_]+$/)
      assert.strictEqual(name.endsWith("_total"), kind === "counter", name)
      if (kind !== "counter") assert.strictEqual(name.endsWith("_seconds"), unit === "seconds", name)
    }
  })
})
