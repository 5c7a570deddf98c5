/** `Step.place`: equal keys mean equal data, and what cannot be compared is equal to itself only, and named. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted, Schema } from "effect"
import { Flow, Line, Step } from "../src/index.ts"

/** What the flow has for a result. Keys of one flow are compared. */
let result: unknown
const flow = Flow.suspend(() => Flow.flatMap(Flow.succeed(result), () => Flow.note("here")))

/** The place behind a result. */
const after = (value: unknown): Step.Place => {
  result = value
  const step = Step.start(flow)
  if (step._tag === "Done") throw new Error("the flow ended")
  return Step.place(step)
}

const key = (value: unknown): string => after(value).key

class Secret {
  readonly #pin: string
  readonly name = "pin"
  constructor(pin: string) {
    this.#pin = pin
  }
  opens(pin: string): boolean {
    return this.#pin === pin
  }
}

class Visit extends Schema.Class<Visit>("Visit")({ at: Schema.String }) {}
class Late extends Schema.TaggedError<Late>()("Late", { minutes: Schema.Int }) {}
class Own extends Error {
  readonly #more = Math.PI
  get more(): number {
    return this.#more
  }
}

const spoiled = (value: object, field: PropertyKey, descriptor: PropertyDescriptor): object =>
  Object.defineProperty(value, field, descriptor)

const cyclic = (name: string): object => {
  const node: Record<string, unknown> = { name }
  node["self"] = node
  return node
}

const nested = (depth: number, end: unknown): unknown => {
  let value = end
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { inner: value }
  return value
}

/** Values that differ, each made anew at every call, and whose content can be seen. */
const seen: ReadonlyArray<() => unknown> = [
  () => undefined,
  () => null,
  () => true,
  () => "",
  () => "null",
  () => "undefined",
  () => "1",
  () => 1,
  () => 1n,
  () => 0,
  () => -0,
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => "\ud83d",
  () => Symbol.for("a"),
  () => Symbol.for("b"),
  () => [],
  () => [undefined],
  () => Object.assign([], { length: 1 }),
  () => [1, 2],
  () => [12],
  () => ["a", "b"],
  () => ["a\"b"],
  () => [[1], 2],
  () => [1, [2]],
  () => ({}),
  () => ({ a: undefined }),
  () => ({ a: 1, b: 2 }),
  () => ({ b: 2, a: 1 }),
  () => ({ a: { b: 1 } }),
  () => ({ "~number": "NaN" }),
  () => Object.assign(Object.create(null) as object, { a: 1, b: 2 }),
  () => new Date(0),
  () => new Date(1),
  () => new Date(NaN),
  () => new Map(),
  () => new Map([["a", 1]]),
  () => new Map([["a", "1"]]),
  () => new Map<string, unknown>([["a", [1]], ["b", 2]]),
  () => new Set(),
  () => new Set(["a", 1]),
  () => new Set(["a", "1"]),
  () => new Uint8Array([1, 2]),
  () => new Uint8Array([1, 3]),
  () => new Int8Array([1, 2]),
  () => new Uint16Array([513]),
  () => new Error("a"),
  () => new Error("b"),
  () => new TypeError("a"),
  () => new Error("a", { cause: 1 }),
  () => new Error("a", { cause: undefined }),
  () => new Visit({ at: "noon" }),
  () => new Visit({ at: "night" }),
  () => new Late({ minutes: 1 }),
  () => new Late({ minutes: 2 }),
  () => new Flow.HungUp(),
  () => Redacted.make("1234"),
  () => Redacted.make("4321"),
  () => Option.none(),
  () => Option.some(0),
  () => Option.some(-0),
  () => Option.some(Option.some(1)),
  () => cyclic("a"),
  () => cyclic("b"),
  () => [{ a: 1 }, { a: 1 }],
  () => {
    const one = { a: 1 }
    return [one, one]
  },
  () => nested(20_000, 1),
  () => nested(20_000, 2),
  () => nested(20_001, 1)
]

/** Values of which something may be hidden, and the name under which they are reported. */
const hidden: ReadonlyArray<readonly [string, () => unknown]> = [
  ["Secret", () => new Secret("1234")],
  ["Own", () => new Own("a")],
  ["Map", () => new Map([[{ id: 1 }, "a"]])],
  ["Set", () => new Set([{ id: 1 }])],
  ["WeakMap", () => new WeakMap()],
  ["Promise", () => Promise.resolve(1)],
  ["Array", () => Object.assign([1], { more: 2 })],
  ["Date", () => Object.assign(new Date(0), { more: 2 })],
  ["Uint8Array", () => Object.assign(new Uint8Array([1]), { more: 2 })],
  ["Object", () => ({
    get a() {
      return 1
    }
  })],
  ["Object", () => spoiled({}, "a", { value: 1, enumerable: false })],
  ["object", () => Object.create(Object.create(null) as object)],
  ["Map", () => Object.setPrototypeOf({}, Map.prototype)],
  ["Secret", () => ({ deep: [Option.some(new Secret("1"))] })]
]

describe("the key of a place", () => {
  it("differs for results that differ, and is the same for equal ones that were made apart", () => {
    const keys = seen.map((make) => key(make()))
    keys.forEach((text, i) => {
      const same = keys.findIndex((other) => other === text)
      assert.strictEqual(same, i, `value ${i} has the key of value ${same}`)
    })
    assert.deepStrictEqual(seen.map((make) => key(make())), keys)
    for (const make of seen) assert.deepStrictEqual(after(make()).opaque, [])
  })

  it("differs for objects that may hide something, and names them", () => {
    for (const [name, make] of hidden) {
      const [one, other] = [make(), make()]
      assert.notStrictEqual(key(one), key(other), name)
      assert.strictEqual(key(one), key(one), name)
      assert.deepStrictEqual(after(one).opaque, [name])
    }
  })

  it("names each kind of them once, however many are on the way", () => {
    const sources = [new Secret("1"), new Secret("2"), () => 1, 5, new Secret("1")]
    const way = Flow.gen(function*() {
      for (const value of sources) yield* Flow.succeed(value)
      yield* Flow.note("here")
    })
    const step = Step.start(way)
    if (step._tag === "Done") return assert.fail("ended")
    assert.deepStrictEqual(Step.place(step).opaque, ["Secret", "function"])
  })

  it("sees through `toJSON`", () => {
    const pin = (value: string) => ({ value, toJSON: hide })
    const hide = () => "hidden"
    assert.notStrictEqual(key(pin("1")), key(pin("2")))
    assert.strictEqual(key(pin("1")), key(pin("1")))
  })

  it("tells functions, flows and symbols apart by what they are", () => {
    const things = [() => 1, () => 1, Line.speak("a"), Line.speak("a"), Symbol("a"), Symbol("a")]
    assert.strictEqual(new Set(things.map(key)).size, things.length)
    for (const thing of things) assert.strictEqual(key(thing), key(thing))
  })

  it("of a step with 50,000 frames or finalizers is made without a call stack", () => {
    let flow: Flow.Flow<unknown> = Flow.note("here")
    for (let i = 0; i < 50_000; i++) {
      flow = i % 2 === 0
        ? Flow.map(flow, () => i)
        : Flow.ensuring(flow, Flow.note(`${i}`))
    }
    const step = Step.start(flow)
    if (step._tag === "Done") return assert.fail("ended")
    assert.strictEqual(Step.key(step), Step.key(step))
  })
})
