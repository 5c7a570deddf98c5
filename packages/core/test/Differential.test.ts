/**
 * The language against a reference of a different make, over random flows in random worlds: what is asked for, when, and how
 * it ends. More of them: `FLOWS=100000 npm run test:all -- packages/core/test/Differential.test.ts`; one again: `SEED=... FLOWS=1`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Step } from "../src/index.ts"
import type { Request } from "../src/index.ts"
import { compareMany } from "./fixtures/differential.ts"
import { Dice, draw, toFlow } from "./fixtures/expressions.ts"
import { inOrder } from "./fixtures/reference.ts"

const flows = Number(process.env["FLOWS"] ?? "1500")
const given = process.env["SEED"]
const fresh = Math.floor(Math.random() * 1_000_000_000)
const seeds: ReadonlyArray<readonly [string, number]> = given === undefined
  ? [["fixed", 1], ["fresh", fresh]]
  : [["given", Number(given)]]

/** What may be answered to a request. */
const responses = (request: Request.Request): ReadonlyArray<unknown> => {
  switch (request._tag) {
    case "Dial":
      return [{ _tag: "Answered" }, { _tag: "NotAnswered", reason: "busy" }]
    case "Prompt":
      return [{ _tag: "Heard", digits: "" }, { _tag: "Heard", digits: "1" }, { _tag: "Heard", digits: "3" }, {
        _tag: "HungUp"
      }]
    case "Activity":
      return [{ ok: true, value: 0 }, { ok: true, value: 2 }, {
        ok: false,
        value: { _tag: "NoInput", last: "silence", attempts: 1 }
      }]
    case "Signal":
      return [{ _tag: "Received", value: 0 }, { _tag: "Received", value: 2 }, { _tag: "Expired" }]
    case "SetDeadline":
      return [{ n: 1 }]
    case "Now":
      return [0, 1]
    default:
      return [null]
  }
}

const keyOf = (step: Step.Step<unknown, unknown>): string => step._tag === "Done" ? inOrder(step.exit) : Step.key(step)

const stops = (step: Step.Waiting<unknown, unknown>): ReadonlyArray<Step.Stop> => [
  { _tag: "Cancelled" },
  { _tag: "Overdue", activity: "a" },
  ...Step.scopes(step).map(({ depth }): Step.Stop => ({ _tag: "Expired", scope: depth }))
]

/** All steps that can come next. */
const after = (step: Step.Waiting<unknown, unknown>): ReadonlyArray<Step.Step<unknown, unknown>> => [
  ...responses(step.request).map((response) =>
    Step.next(step as never, response as never) as Step.Step<unknown, unknown>
  ),
  ...stops(step).map((why) => Step.stop(step, why))
]

/** A step goes on in the same way without its run, and what changes nothing gives it back. */
const isWithoutRun = (
  step: Step.Waiting<unknown, unknown>,
  next: ReadonlyArray<Step.Step<unknown, unknown>>
): void => {
  const rest = Step.withoutRun(step)
  assert.strictEqual(Step.key(rest), Step.key(step))
  assert.deepStrictEqual(Step.scopes(rest), Step.scopes(step))
  const same = (steps: ReadonlyArray<Step.Step<unknown, unknown>>, self: Step.Step<unknown, unknown>) =>
    steps.map((other) => other === self ? "itself" : keyOf(other))
  assert.deepStrictEqual(same(after(rest), rest), same(next, step))
}

/** Explores some places of a flow, and looks twice at those that have one key: gives how many that were. */
const explore = (seed: number): number => {
  const dice = new Dice(seed)
  const first = Step.start(toFlow(draw(dice, dice.between(2, 4))), { keyed: true }) as Step.Step<unknown, unknown>
  const futures = new Map<string, string>()
  const queue: Array<Step.Step<unknown, unknown>> = [first]
  let met = 0
  for (let i = 0; i < queue.length && i < 150; i++) {
    const step = queue[i]!
    if (step._tag === "Done") continue
    const next = after(step)
    const future = inOrder([step.request, next.map(keyOf)])
    isWithoutRun(step, next)
    const known = futures.get(Step.key(step))
    if (known === undefined) queue.push(...next)
    else met++
    assert.strictEqual(known ?? future, future, `two futures for one key, seed ${seed}`)
    futures.set(Step.key(step), future)
  }
  return met
}

describe("the language", () => {
  for (const [name, seed] of seeds) {
    it(`does what the reference does, in random worlds (${name} seeds from ${seed})`, { timeout: 600_000 }, () => {
      const { ambiguous, compared, difference } = compareMany(seed, flows)
      if (difference !== undefined) {
        assert.fail(`SEED=${difference.seed} FLOWS=1\n${JSON.stringify(difference, null, 1)}`)
      }
      assert.isAtMost(ambiguous, Math.max(1, flows / 5))
      assert.strictEqual(compared + ambiguous, flows)
    })

    it(`has one future for each key (${name} seeds from ${seed})`, () => {
      let met = 0
      for (let i = 0; i < 60; i++) met += explore(seed + i)
      assert.isAbove(met, 500)
    })
  }
})
