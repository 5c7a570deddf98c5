import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Sabotage from "./nemesis/sabotage.ts"
import * as Trial from "./nemesis/trial.ts"

/** How long calls are waited for, in seconds: longer than work may be left undone. */
const settle = 30

/**
 * Each takes about a minute, so two of them stand for all: one breaks what keeps the promises, one does nothing. The others are
 * tried by `npm run nemesis -- --sabotage NAME`.
 */
const broken: ReadonlyArray<Sabotage.Name> = ["version", "idle"]

const checkersThatFind = (sabotage: Sabotage.Name) =>
  Trial.run({ seed: "1", runners: 2, minutes: 0.3, settle, mode: "postgres", kinds: [], sabotage }).pipe(
    Effect.map((breaches) => [...new Set(breaches.map(({ checker }) => checker))]),
    Effect.scoped
  )

describe("npm run nemesis", () => {
  it.each(broken)("finds an engine that is broken by %s", { timeout: 300_000 }, async (sabotage) => {
    const checkers = await Effect.runPromise(checkersThatFind(sabotage))
    const { foundBy } = Sabotage.of(sabotage)
    assert.isTrue(foundBy.some((checker) => checkers.includes(checker)), `found by ${checkers.join(", ")}`)
  })
})
