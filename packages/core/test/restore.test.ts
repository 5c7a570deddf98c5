/** What an engine makes of a database that has gone back in time while it ran. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import type { CallId } from "../src/CallEvent.ts"
import type { EventStore, Summary } from "../src/EventStore.ts"
import * as Restore from "../src/internal/engine/restore.ts"

const [one, other] = ["0123456789abcdefghj1", "0123456789abcdefghj2"] as ReadonlyArray<string> as [CallId, CallId]

const engine = Effect.fnUntraced(function*() {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  const running = [{ callId: one, at: 5 }, { callId: other, at: 5 }] as unknown as ReadonlyArray<Summary>
  let now = 1_000
  const services = yield* Effect.context<never>()
  const restore = yield* Restore.make({
    store: { due: () => Effect.succeed(running) } as unknown as EventStore["Service"],
    now: () => now,
    run: (effect) =>
      Effect.runForkWith(services)(Effect.provideService(effect, Logger.CurrentLoggers, new Set([logger]))),
    running: [],
    restored: undefined
  })
  return { lines, restore, at: (time: number) => void (now = time) }
})

describe("a database that has lost what was stored", () => {
  it.effect("holds the dials of all calls that began before that was found, and says so once", () =>
    Effect.gen(function*() {
      const { at, lines, restore } = yield* engine()
      assert.deepStrictEqual(restore.verdicts, [])
      at(60_000)
      restore.lost(one, { version: 7, at: 59_000, found: 3 })
      assert.deepStrictEqual(restore.verdicts, [{ before: 60_000, dials: "hold" }])
      assert.match(
        lines[0]!,
        /^Turn 7 of call .*1 was stored, and the database has nothing of it after turn 3: .* goes on from there$/
      )
      assert.include(lines[1], "2 calls that it says are running")
      assert.include(lines[1], "so they dial nobody")
      at(3_600_000)
      restore.lost(other, { version: 2, at: 58_000, found: 0 })
      assert.deepStrictEqual(restore.verdicts, [{ before: 60_000, dials: "hold" }]) // What began since is of this database.
      assert.lengthOf(lines, 3)
      assert.include(lines[2], "The call is lost, and a start under its key begins it anew")
    }))

  it.effect("is found again when it loses what was stored since", () =>
    Effect.gen(function*() {
      const { at, lines, restore } = yield* engine()
      at(60_000)
      restore.lost(one, { version: 7, at: 59_000, found: 3 })
      at(3_600_000)
      restore.lost(other, { version: 9, at: 3_599_000, found: 8 })
      assert.deepStrictEqual(restore.verdicts, [{ before: 3_600_000, dials: "hold" }])
      assert.lengthOf(lines.filter((line) => line.includes("dial nobody")), 2)
    }))
})
