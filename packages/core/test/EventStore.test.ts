import { assert, describe, it } from "@effect/vitest"
import { CallEvent, EventStore } from "@ringback/core"
import * as StoreContract from "@ringback/testing/StoreContract"
import { Effect, Random } from "effect"

StoreContract.suite("EventStore.layerMemory", EventStore.layerMemory)

const callId = CallEvent.CallId.make("c0000000000000000001")

describe("EventStore.layerMemory", () => {
  const namespace = Effect.map(EventStore.EventStore, (store) => store.namespace).pipe(
    Effect.provide(EventStore.layerMemory)
  )

  it.effect("draws its namespace from the chance that it is given", () =>
    Effect.gen(function*() {
      const drawn = yield* Random.withSeed(namespace, "a seed")
      assert.strictEqual(yield* Random.withSeed(namespace, "a seed"), drawn)
      assert.notStrictEqual(yield* Random.withSeed(namespace, "another seed"), drawn)
    }))

  it.effect("starts empty each time it is built", () =>
    Effect.gen(function*() {
      const stored = Effect.gen(function*() {
        const store = yield* EventStore.EventStore
        const before = yield* store.read(callId)
        yield* store.append({ id: "1", callId, version: 1, at: 0, events: [] }, {
          callId,
          version: 1,
          flow: "f",
          flowVersion: 1,
          status: "running",
          waitingFor: "",
          due: 1,
          process: null,
          at: 0
        })
        return before.length
      }).pipe(Effect.provide(EventStore.layerMemory))
      assert.deepStrictEqual([yield* stored, yield* stored], [0, 0])
    }))
})

describe("EventStore.fromStored", () => {
  const problem = (fields: Partial<EventStore.StoredTurn>) =>
    EventStore.fromStored(callId, [{ id: "1", version: 3, at: 0, format: 1, events: "[]", ...fields }]).pipe(
      Effect.flip,
      Effect.map((error) => {
        assert.strictEqual(error.reason._tag, "Unreadable")
        assert.notProperty(error, "cause")
        return error.reason.problem
      })
    )

  it.effect("reads back what toStored gives", () =>
    Effect.gen(function*() {
      const turn: EventStore.Turn = { id: "1", callId, version: 1, at: 1.5, events: [{ _tag: "Cancelled", at: 1.5 }] }
      assert.deepStrictEqual(yield* EventStore.fromStored(callId, [EventStore.toStored(turn)]), [turn])
    }))

  it.effect("names the call, the turn and the place of what it cannot read", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* problem({ events: `[{"_tag":"Cancelled","at":1},{"_tag":"Cancelled","at":"1"}]` }),
        "Turn 3 of call c0000000000000000001: Expected number at [1][\"at\"]."
      )
    }))

  it.effect("never tells what it cannot read", () =>
    Effect.gen(function*() {
      const secret = "15550170001"
      const broken = [
        `[{"_tag":"SignalReceived","at":1,"n":"${secret}","value":1}]`,
        `[{"_tag":"${secret}"}]`,
        `["${secret}"]`,
        `{"${secret}":1}`,
        `["${secret}`,
        `[x${secret}]`,
        ""
      ]
      for (const events of broken) {
        const told = yield* problem({ events })
        assert.notInclude(told, secret)
        assert.isBelow(told.length, 250)
      }
    }))

  it.effect("refuses the format of a later version", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* problem({ format: 2 }),
        "Turn 3 of call c0000000000000000001: format 2 is of a later version of Ringback."
      )
    }))
})

describe("the errors of a store", () => {
  it("say in a sentence what happened", () => {
    assert.strictEqual(
      new EventStore.VersionConflict({ callId, version: 2 }).message,
      "Turn 2 of call c0000000000000000001 does not come next"
    )
    assert.strictEqual(
      new EventStore.StoreError({ operation: "open", reason: new EventStore.Down({ problem: "The disk is full." }) })
        .message,
      "The event store failed to open. The disk is full."
    )
    assert.strictEqual(
      new EventStore.StoreError({ operation: "write", reason: new EventStore.Closed({ problem: "It is closing." }) })
        .message,
      "The event store is waited for no more. It is closing."
    )
  })
})
