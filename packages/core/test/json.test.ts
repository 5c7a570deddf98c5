import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isTooLong, longest, recordable } from "../src/internal/json.ts"

const copyOf = (value: unknown): unknown => {
  const result = recordable(value)
  return result._tag === "Success" ? result.success : assert.fail(result.failure)
}

const problemOf = (value: unknown): string => {
  const result = recordable(value)
  return result._tag === "Failure" ? result.failure : assert.fail("it was taken")
}

const circle: { self?: unknown } = {}
circle.self = circle
const wide: { left?: unknown; right?: unknown } = {}
wide.left = wide.right = wide
const nested = (levels: number): unknown => levels === 0 ? "end" : [nested(levels - 1)]
const holey = [1]
holey.length = 3

const throws = () => {
  throw new Error("secret")
}
/** A proxy that is over: it throws whatever is asked of it, what it is too. */
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe("recordable", () => {
  it.prop("gives a copy of JSON that reads back as it is and shares nothing", [Schema.Json], ([value]) => {
    const result = recordable(value)
    if (result._tag === "Failure") return assert.include(result.failure, "64 KiB")
    assert.deepStrictEqual(result.success, JSON.parse(JSON.stringify(value)))
    const text = JSON.stringify(value)
    change(result.success)
    assert.strictEqual(JSON.stringify(value), text)
  })

  const refused: Record<string, readonly [value: unknown, words: string]> = {
    "undefined": [undefined, "undefined has no form"],
    "undefined in a field": [
      { a: { b: undefined } },
      `undefined has no form in JSON: leave it out, or use null\n  at ["a"]["b"]`
    ],
    "a hole": [holey, `["1"]`],
    "a function": [{ f: () => 1 }, "A function has no form"],
    "a symbol": [[Symbol("s")], "A symbol has no form"],
    "a bigint": [1n, "A bigint has no form"],
    "NaN": [{ n: NaN }, "NaN has no form"],
    "infinity": [-Infinity, "-Infinity has no form"],
    "a date": [new Date(0), "class Date"],
    "a map": [{ m: new Map() }, "class Map"],
    "an error": [new Error("secret"), "class Error"],
    "a circle": [circle, "100 levels deep, or in a circle"],
    "a circle by two ways": [wide, "100 levels deep, or in a circle"],
    "a deep nest": [nested(101), "100 levels deep"],
    "a long text": ["x".repeat(longest), "64 KiB"],
    "a text that JSON makes long": ["\u0000".repeat(longest / 6 + 1), "64 KiB"],
    "a text of many bytes": ["€".repeat(longest / 3), "64 KiB"],
    "many small values": [Array.from({ length: longest / 2 }, () => 0), "64 KiB"],
    "a long key": [{ ["x".repeat(longest)]: 1 }, "64 KiB"],
    "what throws when it is read": [{
      a: {
        get b() {
          return throws()
        }
      }
    }, `reading it throws\n  at ["a"]["b"]`],
    "what throws whatever is asked of it": [[revoked()], `reading it throws\n  at ["0"]`],
    "what throws what throws": [
      new Proxy({}, {
        ownKeys: () => {
          throw revoked()
        }
      }),
      "reading it throws"
    ]
  }
  for (const [name, [value, words]] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      const problem = problemOf(value)
      assert.include(problem, words)
      assert.notInclude(problem, "secret")
    })
  }

  it("names a place by five keys at most, and 40 characters of each", () => {
    const key = "k".repeat(41)
    const place = (keys: number) => `["${key.slice(0, 40)}"]`.repeat(keys)
    const within = (levels: number): unknown => levels === 0 ? undefined : { [key]: within(levels - 1) }
    for (const [levels, named] of [[1, 1], [5, 5], [6, 5]] as const) {
      assert.strictEqual(problemOf(within(levels)).split("\n  at ")[1], place(named))
    }
  })

  const taken: Record<string, unknown> = {
    "the longest text": "x".repeat(longest - 2),
    "the deepest nest": nested(99),
    "a key that is a setter elsewhere": JSON.parse(`{"__proto__":{"a":1}}`),
    "half of a pair": ["\ud800"],
    "an object without a prototype": Object.assign(Object.create(null), { a: 1 })
  }
  for (const [name, value] of Object.entries(taken)) {
    it(`takes ${name}`, () => {
      assert.strictEqual(JSON.stringify(copyOf(value)), JSON.stringify(value))
    })
  }

  it("knows no -0, as JSON does not", () => {
    assert.isTrue(Object.is(copyOf(-0), 0))
    assert.isTrue(Object.is((copyOf([-0]) as ReadonlyArray<number>)[0], 0))
  })
})

describe("isTooLong", () => {
  it("measures a text as JSON holds it", () => {
    const texts = [
      "x".repeat(longest - 2),
      "x".repeat(longest - 1),
      "\n".repeat(longest / 2 - 1),
      "\n".repeat(longest / 2)
    ]
    assert.deepStrictEqual(texts.map(isTooLong), [false, true, false, true])
  })
})

/** Changes everything inside. */
const change = (value: unknown): void => {
  if (typeof value !== "object" || value === null) return
  for (const key of Object.keys(value)) {
    change((value as Record<string, unknown>)[key])
    delete (value as Record<string, unknown>)[key]
  }
}
