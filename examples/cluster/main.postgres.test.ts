import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import * as Postgres from "../../scripts/testPostgres.ts"
import * as Run from "./run.ts"

const server = await Postgres.start()

describe.skipIf(server === undefined)("three machines", () => {
  it("lose no call and ring nobody twice, whatever becomes of them", () =>
    Effect.gen(function*() {
      const url = yield* Postgres.database(server!)
      const { rows } = yield* Effect.provide(Run.run({ url, calls: 40, frozen: 17 }), Run.log(url))
      assert.deepStrictEqual(rows.filter(({ rings }) => rings > 1), [])
      assert.isAtLeast(rows.filter(({ outcome, rings }) => outcome === "welcome" && rings === 1).length, 30)
      assert.isAtLeast(rows.filter(({ turns }) => turns.size > 1).length, 5)
    }).pipe(Effect.scoped, Effect.provide(Run.carrier), Effect.runPromise), 300_000)
})
