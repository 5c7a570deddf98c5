import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Defect from "../src/internal/defect.ts"

/** Digits with what may stand between them, at most so much between two. */
const Digits = Schema.Array(Schema.Tuple([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  Schema.Literals([
    "",
    " ",
    ",",
    ", ",
    "-",
    " - ",
    "\u2013",
    "\u00a0",
    ".",
    ";",
    "/",
    "_",
    "\", \"",
    "', '",
    ") ",
    "\n"
  ])
])).check(Schema.isMinLength(4), Schema.isMaxLength(20))

/** What was thrown, where, and why. */
const thrown = () =>
  new TypeError("15550170001 pressed 4021\n    at least twice", { cause: new Error("for +1 (555) 017-0009") })

describe("what foreign code threw", () => {
  it("keeps its words without the digits of numbers, grouped ones too", () => {
    assert.strictEqual(Defect.message(thrown()), "••••••••••• pressed ••••\n    at least twice")
    assert.strictEqual(Defect.message("+1 (555) 017-0009"), "+••••••••••••••••")
    assert.strictEqual(Defect.message("value out of range (SQLSTATE 22003)."), "value out of range (SQLSTATE 22003).")
    assert.strictEqual(Defect.message("Query failed (SQLSTATE P0001)."), "Query failed (SQLSTATE P0001).")
    assert.strictEqual(Defect.message("SQLSTATE 2200315550170001"), `SQLSTATE ${"•".repeat(16)}`)
    assert.strictEqual(Defect.message("room 101, try 3 of 12"), "room 101, try 3 of 12")
  })

  it.prop("keeps no digit of four or more, whatever stands between them", [Digits], ([digits]) => {
    const said = digits.map(([digit, between]) => `${digit}${between}`).join("")
    assert.notMatch(Defect.message(`pressed ${said} in all`), /[0-9]/)
    assert.match(Defect.message(`pressed ${said} in all`), /^pressed •+[^•]* in all$/)
  })

  it("keeps digits that words stand between, and those of other scripts no more than ours", () => {
    for (const kept of ["500 ms, 3 of 5", "2 of 3: 12 rows", "at 10:24:31"]) {
      assert.strictEqual(Defect.message(kept), kept)
    }
    assert.strictEqual(Defect.message("pressed \u0664\u0660\u0662\u0661"), "pressed ••••")
  })

  it("is cut, however much it says", () => {
    assert.strictEqual(Defect.message("a".repeat(10_000)).length, 500)
    assert.strictEqual(Defect.message(new Error("1".repeat(100_000))).length, 500)
  })

  it("is told with what led to it, each said once, and without those digits", () => {
    const root = new Error("order 4711 is paid already")
    const query = new Error("Query failed", { cause: root })
    assert.strictEqual(
      Defect.story(new Error("Query failed", { cause: query })),
      "Query failed: order •••• is paid already"
    )
    assert.strictEqual(
      Defect.story(new Error("No: Query failed", { cause: query })),
      "No: Query failed: order •••• is paid already"
    )
    assert.strictEqual(Defect.story(thrown()), "••••••••••• pressed ••••\n    at least twice: for +••••••••••••••••")
    assert.strictEqual(Defect.story("words alone"), "words alone")
    assert.strictEqual(Defect.story(new Error("odd", { cause: { holds: "things" } })), "odd")
  })

  it("is told although its causes have no end, or throw", () => {
    const [round, shy] = [new Error("round"), new Error("shy")]
    round.cause = round
    Object.defineProperty(shy, "cause", {
      get: () => {
        throw new Error("ask me not")
      }
    })
    assert.strictEqual(Defect.story(round), "round")
    assert.strictEqual(Defect.story(shy), "shy")
    assert.strictEqual(Defect.story(new Error("a".repeat(400), { cause: new Error("b".repeat(400)) })).length, 500)
  })

  it("is logged with its name, its stack and its causes, and without those digits", () => {
    const error = Defect.error(thrown())
    assert.match(error.stack ?? "", /^TypeError: •+ pressed ••••\n {4}at least twice\n {4}at thrown \(/)
    assert.strictEqual((error.cause as Error).message, "for +••••••••••••••••")
    assert.notMatch(error.stack ?? "", /15550170001|4021/)
  })

  it("cannot throw again, whatever it is", () => {
    const hostile = {
      toString: () => {
        throw new Error("no")
      }
    }
    assert.strictEqual(Defect.message(hostile), "something that cannot be shown")
    assert.strictEqual(Defect.error(hostile).message, "something that cannot be shown")
    assert.strictEqual(Defect.error(Object.create(null)).message, "something that cannot be shown")
    const around: Error = new Error("around")
    around.cause = around
    assert.strictEqual(Defect.error(around).message, "around")
    assert.strictEqual(Defect.message(undefined), "undefined")
  })
})
