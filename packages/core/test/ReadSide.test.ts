import { assert, describe, it } from "@effect/vitest"
import { CallEvent, CallIndex, EventLog, EventStore, PhoneNumber, Retention } from "@ringback/core"
import { DateTime, Effect, Fiber, Layer, Option, Redacted, Stream } from "effect"

const callId = (n: number) => CallEvent.CallId.make(`c${String(n).padStart(19, "0")}`)

const append = Effect.fnUntraced(function*(
  n: number,
  version: number,
  at: number,
  event: CallEvent.CallEvent,
  status: "running" | "over" = "running",
  referenceId?: string
) {
  const store = yield* EventStore.EventStore
  yield* store.append({ id: `${n}/${version}`, callId: callId(n), version, at, events: [event] }, {
    callId: callId(n),
    version,
    flow: "reminder",
    flowVersion: 1,
    status,
    waitingFor: "",
    due: 5000,
    process: null,
    at
  }, { referenceId })
})

const dial = (to: string): CallEvent.CallEvent => ({
  _tag: "DialPlanned",
  at: 1,
  n: 1,
  line: 1,
  to: PhoneNumber.make(to),
  from: PhoneNumber.make("15550170009"),
  ringForMillis: 1,
  maxCallDurationSeconds: 1
})
const ended: CallEvent.CallEvent = { _tag: "FlowEnded", at: 2, exit: { _tag: "Success", value: null } }

const layer = EventStore.layerMemory.pipe(
  Layer.provide(CallIndex.layerNumbersKey(Redacted.make("0123456789abcdef0123")))
)

describe("the read side of a store in memory", () => {
  it.effect("lists, follows and prunes", () =>
    Effect.gen(function*() {
      const index = yield* CallIndex.CallIndex
      const log = yield* EventLog.EventLog
      const store = yield* EventStore.EventStore
      const retention = yield* Retention.Retention
      const heard = yield* Effect.forkChild(Stream.runCollect(Stream.take(log.tail(), 4)), { startImmediately: true })
      const followed = yield* Effect.forkChild(Stream.runCollect(log.follow(callId(1))))
      for (const n of [1, 2, 3]) yield* append(n, 1, n, dial(`1555017000${n}`), "running", `session ${n}`)
      yield* append(1, 2, 10, ended, "over")
      assert.deepStrictEqual((yield* Fiber.join(heard)).map(({ turn }) => turn.id), ["1/1", "2/1", "3/1", "1/2"])
      assert.deepStrictEqual((yield* Fiber.join(followed)).map(({ id }) => id), ["1/1", "1/2"])
      const page = yield* index.list({}, { limit: 2 })
      assert.deepStrictEqual(page.calls.map((call) => call.callId), [3, 2].map(callId))
      const rest = yield* index.list({}, { limit: 2, after: page.next })
      assert.deepStrictEqual(rest.calls.map((call) => [call.callId, call.outcome, call.endedAt]), [[
        callId(1),
        "Success",
        10
      ]])
      const found = yield* index.list({ number: PhoneNumber.make("15550170002") })
      assert.deepStrictEqual(found.calls.map((call) => call.callId), [callId(2)])
      assert.deepStrictEqual(yield* index.counts(), { running: 2, over: { Success: 1, Failure: 0, Stopped: 0 } })
      const pruned = yield* retention.prune({ endedBefore: DateTime.makeUnsafe(11) })
      assert.deepStrictEqual(pruned, { calls: 1, turns: 2, forgotten: 0 })
      assert.deepStrictEqual(yield* store.read(callId(1)), [])
      assert.deepStrictEqual(yield* store.find("session 1"), Option.some(callId(1)))
      assert.strictEqual(Option.getOrThrow(yield* store.summary(callId(1))).status, "pruned")
      assert.strictEqual((yield* Effect.flip(append(1, 1, 1, dial("15550170001"))))._tag, "VersionConflict")
    }).pipe(Effect.provide(layer)))
})
