import { assert, describe, it } from "@effect/vitest"
import { Calls, Prompt, Settings } from "@ringback/core"
import { DateTime } from "effect"

const problemsOf = (make: () => unknown): ReadonlyArray<string> => {
  try {
    make()
  } catch (error) {
    assert.instanceOf(error, Settings.InvalidSettings)
    return error.problems.map(({ setting }) => setting)
  }
  return []
}

const numbers = Object.entries(Settings.defaults).flatMap(([setting, value]) =>
  typeof value === "number" ? [setting] : []
)

describe("settings", () => {
  it("are the defaults where nothing is said, also if that is said", () => {
    const changes = Object.fromEntries(Object.keys(Settings.defaults).map((setting) => [setting, undefined]))
    assert.deepStrictEqual(Settings.make(changes), Settings.defaults)
    assert.deepStrictEqual(Settings.make({ settle: 0, keep: Infinity }), {
      ...Settings.defaults,
      settle: 0,
      keep: Infinity
    })
  })

  for (const setting of numbers) {
    it(`are refused by name if they are no such number: ${setting}`, () => {
      for (const value of [NaN, -1, "5000", null, 1n, {}]) {
        assert.deepStrictEqual(problemsOf(() => Settings.make({ [setting]: value })), [setting], String(value))
      }
    })
  }

  it("are refused where nothing would ever go on", () => {
    const never = {
      lookEvery: 0,
      sendLimit: 0,
      speed: 0,
      dialsPerSecond: 0,
      linesAtMost: 0,
      dialWaitAtMost: 0,
      maxWaiting: 0,
      maxAttempts: 0,
      settle: Infinity
    }
    assert.sameMembers(problemsOf(() => Settings.make(never)) as Array<string>, Object.keys(never))
  })

  it("are refused if they are no such words", () => {
    const wrong = { hold: "One moment.", busy: "busy", ignored: [1], marks: "no", eventKey: 5 }
    assert.sameMembers(problemsOf(() => Settings.make(wrong as never)) as Array<string>, Object.keys(wrong))
    Settings.make({ hold: Prompt.speech("One moment."), busy: ["busy"], eventKey: "id" })
  })

  it("are refused at the line that makes the engine, as is what else it cannot be set up with", () => {
    const layer = (options: object) => () => Calls.layer({ flows: [], ...options })
    assert.deepStrictEqual(problemsOf(layer({ settings: { replyDeadline: "2 seconds" } })), ["replyDeadline"])
    for (const namespace of ["", "a.b", "a b", "é", "x".repeat(11), 5]) {
      assert.deepStrictEqual(problemsOf(layer({ namespace })), ["namespace"])
    }
    const before = DateTime.makeUnsafe("2026-01-01")
    assert.deepStrictEqual(problemsOf(layer({ restored: { before, dials: "Give up" } })), ["restored.dials"])
    for (const dials of ["hold", "dial", "give up"]) {
      assert.deepStrictEqual(problemsOf(layer({ namespace: "a-Z_0", restored: { before, dials } })), [])
    }
  })

  it("say what is expected, and not what was given", () => {
    assert.throws(
      () => Settings.make({ replyDeadline: -42, marks: "15550170001" as never }),
      /^The engine cannot be set up so\.\n- replyDeadline: Expected milliseconds, from 0 to 10 years\n- marks: Expected true or false$/
    )
  })
})
