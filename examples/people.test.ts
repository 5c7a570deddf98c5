/** Random people meet the flows of the examples. They get past the questions, and a property of them takes three lines. */
import { assert, describe, it } from "@effect/vitest"
import { type Flow, PhoneNumber } from "@ringback/core"
import { Arbitraries, FlowExplorer, Law, People } from "@ringback/testing"
import { Arbitrary, Effect, Exit } from "effect"
import * as fc from "fast-check"
import { Passcode } from "./passcode/flow.ts"
import { PhoneTree } from "./phone-tree/flow.ts"
import { flow as Survey } from "./survey/explore.ts"
import { flow as Transfer, samples as transferred } from "./transfer/explore.ts"

const input = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }
const passcode = { ...input, code: "1234" }
const isCode = (words: string) => words.includes("Your code")

/** What a call came to, in the words of the explorer. */
const outcomeOf = ({ outcome }: People.Lived<unknown, unknown>): string => {
  if (Exit.isSuccess(outcome)) return JSON.stringify(outcome.value)
  const error = outcome.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? [reason.error] : [])[0] as {
    readonly _tag: string
    readonly reason?: string
  }
  return `fails: ${error._tag}${typeof error.reason === "string" ? ` (${error.reason})` : ""}`
}

/** How often each outcome comes in 100 draws. */
const shares = <Input, A, E>(
  flow: Flow.Definition<string, Input, A, E, never> | Flow.Definition<string, Input, A, E, Flow.Incoming>,
  input: Input,
  seed: number,
  samples?: Arbitraries.Samples
) =>
  Effect.gen(function*() {
    const definition = flow as Flow.Definition<string, Input, A, E, never>
    const people = yield* Arbitrary.sampleEffect(Arbitraries.calleeOf(definition, input, samples), { count: 100, seed })
    const found: Record<string, number> = {}
    for (const met of people) {
      const outcome = outcomeOf(yield* People.meet(definition, input, met))
      found[outcome] = (found[outcome] ?? 0) + 1
    }
    return found
  })

/** What people cannot bring about is a matter of the network. */
const isTheirs = (outcome: string) => !/refused|not authorized|not sent|unknown/.test(outcome)

const patience = 120_000

describe("in a hundred draws each outcome that people can bring about comes", () => {
  const flows = [
    ["passcode", Passcode, passcode, {}],
    ["survey", Survey, {}, {}],
    ["transfer", Transfer, {}, { ...transferred, max: 5_000 }],
    ["phone-tree", PhoneTree, input, {}]
  ] as const
  for (const [name, flow, given, samples] of flows) {
    it.effect(`of ${name}`, () =>
      Effect.gen(function*() {
        const expected = FlowExplorer.explore(flow as never, given as never, samples).outcomes.filter(isTheirs)
        const found = yield* shares(flow as never, given as never, 1, samples)
        assert.deepStrictEqual(expected.filter((outcome) => found[outcome] === undefined), [])
      }), patience)
  }
})

const laws = [...Law.standard, Law.promptAtMost(3, "Your code")]

it("keeps its laws on every path", () => void FlowExplorer.check(Passcode, passcode, laws))

describe("a property takes three lines", () => {
  it.effect.prop(
    "with it.effect.prop",
    [Arbitraries.calleeOf(Passcode, passcode)],
    ([callee]) => Effect.map(People.meet(Passcode, passcode, callee), ({ heard }) => heard.filter(isCode).length <= 3),
    { timeout: patience }
  )

  it("with fast-check", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat()).map(Arbitraries.calleeFrom(Passcode, passcode)), (callee) =>
        Effect.runPromise(
          Effect.map(People.meet(Passcode, passcode, callee), ({ heard }) => heard.filter(isCode).length <= 3)
        ))
    ), patience)

  it(
    "with plain vitest",
    () => People.always(Passcode, passcode, ({ heard }) => heard.filter(isCode).length <= 3),
    patience
  )
})
