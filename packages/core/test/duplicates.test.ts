/** Who comes second with a turn, and what that shows of the owners of its call. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { CallEvent, CallId } from "../src/CallEvent.ts"
import { Down, type EventStore, StoreError, type Turn } from "../src/EventStore.ts"
import * as Background from "../src/internal/background.ts"
import * as Duplicates from "../src/internal/engine/duplicates.ts"
import * as Entity from "../src/internal/engine/entity.ts"
import type { Figures } from "../src/internal/engine/figures.ts"
import type { Pending } from "../src/internal/engine/pending.ts"
import * as Settings from "../src/Settings.ts"

const callId = "0123456789abcdefghjk" as CallId
const at = 0
const slept: CallEvent = { _tag: "SleepElapsed", at, n: 1 }
const noted: CallEvent = { _tag: "Noted", at, n: 2, name: "slept", data: true }

const turn = (process: string, version: number, event: CallEvent): Turn => ({
  id: `${process}-${version}`,
  callId,
  version,
  at,
  events: [event]
})

/** How many duplicates are counted when process `a` comes second with its timer, behind `b`, which had never had the call. */
const counted = Effect.fnUntraced(function*(trying?: StoreError) {
  let count = 0
  const figures = { conflicted: () => {}, duplicated: () => void count++ } as unknown as Figures
  const store = {
    read: () => Effect.succeed([turn("a", 1, noted), turn("b", 2, slept)])
  } as unknown as EventStore["Service"]
  const duplicates = Duplicates.make({
    figures,
    process: "a",
    run: yield* Background.make,
    settings: Settings.make(),
    store
  })
  const entity = Object.assign(Entity.make(callId), { trying })
  duplicates.lost({ entity, turn: turn("a", 2, slept), message: { isOwn: true } } as unknown as Pending)
  yield* Effect.yieldNow
  return count
})

describe("a timer that comes second", () => {
  it.effect("shows two owners", () => Effect.map(counted(), (count) => assert.strictEqual(count, 1)))

  it.effect("shows nothing if it is late because the store had failed: it may have failed for all", () => {
    const failed = new StoreError({ operation: "write", reason: new Down({ problem: "The disk was full" }) })
    return Effect.map(counted(failed), (count) => assert.strictEqual(count, 0))
  })
})
