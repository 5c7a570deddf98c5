/** What a process that drains makes of what others say of its calls. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { CallId } from "../src/CallEvent.ts"
import * as Draining from "../src/internal/engine/draining.ts"

const id = "0000000000000000000a" as CallId

const summary = { callId: id, flow: "nap", flowVersion: 1, status: "running" }

/** A process with one call that sleeps, and the only process that it can give that to. */
const room = () => {
  const state = { other: "processb", gave: [] as Array<string>, now: 0 }
  const others = () => new Map([[state.other, new Set(["nap@1"])]])
  const surroundings = {
    alarm: { armed: () => [id], clear: () => undefined },
    closing: { isDraining: () => true, isBegun: () => false, isIdle: () => true },
    elapsed: () => state.now,
    now: () => state.now,
    neighbours: {
      others,
      living: () => new Set(others().keys()),
      look: Effect.succeed(true),
      leave: Effect.void,
      give: (to: string) => Effect.sync(() => void state.gave.push(to))
    },
    pacing: { waitingCalls: () => [], leave: () => undefined },
    process: "processa",
    settings: { reply: { lateAfter: 4_000 } },
    store: { summaries: () => Effect.succeed([summary]) }
  }
  const parts = { entities: { underWay: () => [], find: () => undefined } }
  return { state, draining: Draining.make(surroundings as never, parts as never) }
}

describe("a call that was given to another process", () => {
  it.effect("is not taken by one that was asked before something happened to it", () =>
    Effect.gen(function*() {
      const { draining, state } = room()
      yield* Effect.forkChild(draining.finish(60_000), { startImmediately: true })
      yield* TestClock.adjust("200 millis")
      state.other = "processc"
      draining.follow({ id } as never, [], undefined as never, 0)
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(state.gave, ["processb", "processc"])
      draining.letGo([id], "processb")
      assert.strictEqual(draining.handedOver(), 0)
      draining.letGo([id], "processc")
      assert.strictEqual(draining.handedOver(), 1)
    }))

  it.effect("is taken by whoever says so, if more than one was asked meanwhile", () =>
    Effect.gen(function*() {
      const { draining, state } = room()
      yield* Effect.forkChild(draining.finish(60_000), { startImmediately: true })
      yield* TestClock.adjust("200 millis")
      Object.assign(state, { other: "processc", now: 1_000 })
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(state.gave, ["processb", "processc"])
      draining.letGo([id], "processb")
      assert.strictEqual(draining.handedOver(), 1)
    }))
})
