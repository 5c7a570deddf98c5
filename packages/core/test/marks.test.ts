/** What the key of a step costs, counted: as much in a long call as in a short one. */
import { assert, describe, it } from "@effect/vitest"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { vi } from "vitest"
import { Flow, Line, Step } from "../src/index.ts"
import { Marks } from "../src/internal/flow/marks.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

type Asking = Flow.Flow<unknown, Flow.HungUp, Flow.Line>

const asking: Asking = Line.speak("Hello.")

const heard = { _tag: "Heard", digits: "1" } as never

const generator: Asking = Flow.gen(function*() {
  for (;;) yield* asking
})

/** Ways to wait for the next answer in the same place. */
const flows: Readonly<Record<string, Asking>> = {
  "a generator": generator,
  "a generator in a generator": Flow.gen(function*() {
    yield* generator
  }),
  "flows made of results": Flow.suspend(function again(): Asking {
    return Flow.flatMap(asking, () => Flow.flatMap(asking, again))
  })
}

/** What is around it grows with each answer. */
const growing: Asking = Flow.suspend(function around(): Asking {
  return Flow.flatMap(asking, () => Flow.map(around(), (value) => value))
})

/** A step so many answers deep, in a run that was asked for the key of each. */
const at = (flow: Asking, depth: number): Step.Waiting<unknown, unknown> => {
  let step: Step.Step<unknown, unknown> = Step.start(flow, { keyed: true })
  for (let i = 0; i <= depth && step._tag === "Waiting"; i++) {
    Step.key(step)
    if (i < depth) step = Step.next(step as never, heard)
  }
  if (step._tag === "Done") throw new Error("the flow ended")
  return step
}

/** How many parts are compared for the key of the next step, and how many values are looked at. */
const counted = (step: Step.Waiting<unknown, unknown>) => {
  const pairs = vi.spyOn(Marks.prototype, "ofPair")
  const looks = vi.spyOn(Marks.prototype, "ofContent")
  Step.key(Step.next(step as never, heard) as never)
  const found = { pairs: pairs.mock.calls.length, looks: looks.mock.calls.length }
  vi.restoreAllMocks()
  return found
}

describe("the key of a step", () => {
  for (const [name, flow] of Object.entries({ ...flows, "a stack that grows": growing })) {
    it(`costs as much behind 100 answers as behind 10, in ${name}`, () => {
      const [short, long] = [10, 100].map((depth) => counted(at(flow, depth)))
      assert.isAbove(short!.looks, 0)
      assert.deepStrictEqual(long, short)
    })
  }

  for (const [name, flow] of Object.entries(flows)) {
    it(`costs as much where the flow has to run again for it, in ${name}`, () => {
      const [short, long] = [10, 100].map((depth) => {
        const step = at(flow, depth)
        Step.next(step as never, heard)
        return counted(step)
      })
      assert.isAbove(short!.looks, 0)
      assert.deepStrictEqual(long, short)
    })
  }
})

describe("a step without its run", () => {
  it("holds nothing that its flow keeps", async () => {
    const kept: Array<WeakRef<object>> = []
    const flow: Asking = Flow.gen(function*() {
      const list = [1, 2, 3]
      kept.push(new WeakRef(list))
      yield* asking
      return list
    })
    const steps = [at(flow, 0)].map(Step.withoutRun)
    await new Promise(setImmediate)
    collect()
    assert.isUndefined(kept[0]!.deref())
    assert.strictEqual(Step.next(steps[0] as never, heard)._tag, "Done")
  })
})
