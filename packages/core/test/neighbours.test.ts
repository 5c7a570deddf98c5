/** Who lives beside a process, as far as it has looked. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Processes } from "../src/EventStore.ts"
import * as Neighbours from "../src/internal/engine/neighbours.ts"

const flows: ReadonlySet<string> = new Set(["nap@1"])

/** The neighbours of `processa`, which looked 10 s after it began, and the time since then. */
const looked = (...alive: ReadonlyArray<readonly [string, ReadonlySet<string>]>) =>
  Effect.gen(function*() {
    let elapsed = 10_000
    const processes: Partial<Processes> = {
      alive: Effect.succeed(new Map([["processa", flows], ...alive])),
      leave: () => Effect.void
    }
    const sharing = { linesUsed: () => undefined, seen: () => undefined }
    const neighbours = Neighbours.make("processa", processes as Processes, () => elapsed, sharing)
    yield* neighbours.look
    elapsed += 2_000
    return neighbours
  })

describe("a process that appended something", () => {
  it.effect("is there if it was at the last look, however long ago it appended", () =>
    Effect.gen(function*() {
      const neighbours = yield* looked(["processb", flows])
      assert.isTrue(neighbours.isThere("processb", 60_000))
    }))

  it.effect("is there if it was not at the last look, and has appended since", () =>
    Effect.gen(function*() {
      const neighbours = yield* looked()
      assert.isTrue(neighbours.isThere("processb", 1_999))
      assert.isFalse(neighbours.isThere("processb", 2_000))
    }))

  it.effect("is not there if it is about to end, whatever it appended meanwhile", () =>
    Effect.gen(function*() {
      const neighbours = yield* looked(["processb", flows])
      neighbours.isLeaving("processb")
      assert.isFalse(neighbours.isThere("processb", 1_000))
    }))

  it.effect("is not there if it is this one, or seems to have appended later than now", () =>
    Effect.gen(function*() {
      const neighbours = yield* looked()
      assert.isFalse(neighbours.isThere("processa", 1_000))
      assert.isFalse(neighbours.isThere("processb", -1))
    }))
})
