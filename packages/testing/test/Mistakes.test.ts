/**
 * Mistakes that people make, seeded into flows: each is found, by a shortest path, and the flow without it is green. The test that is
 * pasted from what was found is red over the mistake, and green without it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Calls, Flow, Line } from "@ringback/core"
import { Callee, FlowExplorer, Law, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Exit, Schema } from "effect"
import { beside, type Mistake, mistakes, numbers } from "./fixtures/mistakes.ts"

const inputOf = ({ sound }: Mistake) => sound.name === "switchboard" ? {} as typeof numbers : numbers

/** Enough for each of these flows, less one loop without an end. */
const max = 2_000

const reportOf = (mistake: Mistake, flow: Mistake["sound"]) =>
  FlowExplorer.explore(flow, inputOf(mistake), { max, ...mistake.samples, laws: mistake.laws })

/** What happens on the path to what a mistake breaks; nothing where it is not seen. */
const pathOf = ({ breaks }: Mistake, { broken, unseen }: FlowExplorer.Report) => {
  if (unseen.some(({ name }) => name === breaks)) return []
  return broken.find(({ law }) => law === breaks)?.path.map(({ happened }) => happened).filter((words) => words !== "")
}

/** Runs a test as it is pasted, over a flow. */
const pasted = (
  scenario: string,
  mistake: Mistake,
  flow: Mistake["sound"]
): Effect.Effect<Exit.Exit<unknown, unknown>> => {
  const [first = ""] = flow.name
  let test: Effect.Effect<unknown, unknown> = Effect.die("no test was registered")
  const it = Object.assign(
    (_: string, run: () => unknown) => void (test = Effect.sync(run)),
    { effect: (_: string, run: () => Effect.Effect<unknown, unknown>) => void (test = Effect.suspend(run)) }
  )
  const names = {
    it,
    Effect,
    Calls,
    Callee,
    FlowExplorer,
    Law,
    PhoneCompany,
    TestCalls,
    ...beside,
    input: inputOf(mistake),
    laws: mistake.laws,
    samples: { max, ...mistake.samples },
    [`${first.toUpperCase()}${flow.name.slice(1)}`]: flow
  }
  const code = scenario.replaceAll(/\)!/g, ")") // types are stripped where it is pasted
  new Function(...Object.keys(names), code)(...Object.values(names))
  return Effect.exit(test)
}

const flows = new Map(mistakes.map((mistake) => [mistake.sound.name, mistake]))

describe("a flow without a mistake", () => {
  assert.isAtLeast(flows.size, 8)
  assert.lengthOf(mistakes, 54) // as the page of the proof says
  for (const [name, mistake] of flows) {
    it(`is green: ${name}`, () => {
      FlowExplorer.check(mistake.sound, inputOf(mistake), mistake.laws, mistake.samples)
    })
  }
})

describe("a mistake is found by a shortest path, and the test to paste shows it", () => {
  for (const mistake of mistakes) {
    it.effect(`${mistake.sound.name}: ${mistake.name}`, () =>
      Effect.gen(function*() {
        const report = reportOf(mistake, mistake.wrong)
        assert.deepStrictEqual(pathOf(mistake, report), mistake.path ?? [])
        assert.throws(
          () => FlowExplorer.check(mistake.wrong, inputOf(mistake), mistake.laws, { max, ...mistake.samples }),
          FlowExplorer.LawBroken
        )
        const found = report.broken.find(({ law }) => law === mistake.breaks)
        if (found === undefined) return
        const red = yield* pasted(found.scenario, mistake, mistake.wrong)
        assert.isTrue(Exit.isFailure(red), `green over the mistake:\n${found.scenario}`)
        assert.include(String(Exit.isFailure(red) && red.cause), "breaks the law", found.scenario)
        const green = yield* pasted(found.scenario, mistake, mistake.sound)
        assert.isTrue(Exit.isSuccess(green), `red without the mistake:\n${found.scenario}\n${String(green)}`)
      }))
  }
})

it("a back door that one code of ten thousand opens is found where a sample names it, and not without", () => {
  const door = Flow.make("back-door", {
    version: 1,
    input: {},
    output: Schema.Literal("closed"),
    run: () =>
      Flow.map(Flow.dial(Line.collect("Your code?", { max: 4 }), numbers), (digits) => {
        if (digits === "7391") throw new Error("the back door")
        return "closed" as const
      })
  })
  const lost = (digits: ReadonlyArray<string>) =>
    FlowExplorer.explore(door, {}, { digits, laws: [Law.noDefect] }).broken.map(({ thrown }) => thrown?.split("\n")[0])
  assert.deepStrictEqual(lost([]), [])
  assert.deepStrictEqual(lost(["7391"]), ["Error: the back door"])
})

it("what a flow threw is shown with the line of its author", () => {
  const mistake = mistakes.find(({ name }) => name === "a throw in what follows a failure")!
  const [breach] = reportOf(mistake, mistake.wrong).broken
  assert.match(breach!.thrown!, /^RangeError: No words for busy\n {4}at .*mistakes\.ts:\d+/)
})
