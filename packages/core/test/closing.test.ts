/** How an engine lets go of its store. What that means to calls is in `Closing.test.ts` of the testing package. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { EventStore } from "../src/index.ts"
import * as Background from "../src/internal/background.ts"
import * as Closing from "../src/internal/engine/closing.ts"
import * as Unforked from "../src/internal/unforked.ts"
import { collect } from "./fixtures/collect.ts"
import { id } from "./fixtures/Trial.ts"

type Store = EventStore.EventStore["Service"]

const turn: EventStore.Turn = { id: "t", callId: id, version: 1, at: 0, events: [] }
const summary: EventStore.Summary = {
  callId: id,
  version: 1,
  flow: "f",
  flowVersion: 1,
  status: "running",
  waitingFor: "",
  due: null,
  process: null,
  at: 0
}

/** Whatever may be asked of a store. */
const asks: Readonly<Record<string, (store: Store) => Effect.Effect<unknown, unknown>>> = {
  append: (store) => store.append(turn, summary),
  read: (store) => store.read(id),
  find: (store) => store.find("session"),
  due: (store) => store.due({ before: 0 }),
  orphans: (store) => store.orphans(new Set()),
  summary: (store) => store.summary(id),
  summaries: (store) => store.summaries([id])
}

/** A store that gives `answer` to all, and tells what it was asked. */
const storeOf = (answer: Effect.Effect<never>, append?: Store["append"]) => {
  const asked: Array<string> = []
  const ask = (name: string) => () => Effect.andThen(Effect.sync(() => asked.push(name)), answer)
  const store: Store = {
    namespace: "00000000",
    append: append ?? ask("append"),
    read: ask("read"),
    find: ask("find"),
    due: ask("due"),
    orphans: ask("orphans"),
    summary: ask("summary"),
    summaries: ask("summaries"),
    processes: undefined,
    changes: Stream.empty
  }
  return { asked, store }
}

const end = ({ close }: Closing.Making, ends: Partial<Closing.Ends> = {}) =>
  Effect.flatMap(
    Scope.make(),
    (scope) => close(scope, 10_000, { onBegin: () => undefined, handOver: Effect.void, onOver: Effect.void, ...ends })
  )

describe("the store of an engine that ends", () => {
  for (const [name, ask] of Object.entries(asks)) {
    it.effect(`lets go of whoever waits for it, and is asked nothing after that: ${name}`, () =>
      Effect.gen(function*() {
        const making = Closing.make()
        const { asked, store } = storeOf(Effect.never)
        const bounded = making.bounded(store)
        const waiting = yield* Effect.forkChild(ask(bounded), { startImmediately: true })
        yield* end(making)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(waiting)))
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(ask(bounded))))
        assert.deepStrictEqual(asked, [name])
      }))
  }

  it.effect("lets go of an append that was begun without a fiber, once, and begins none after that", () =>
    Effect.gen(function*() {
      const making = Closing.make()
      const run = yield* Background.make
      const begun: Array<(exit: Exit.Exit<void>) => void> = []
      const start: EventStore.Begin<void, never> = (answer) => void begun.push(answer)
      const { store } = storeOf(Effect.never, () => EventStore.unforked(Effect.never, start))
      const bounded = making.bounded(store)
      const exits: Array<Exit.Exit<void, unknown>> = []
      const append = () => Unforked.begin(bounded.append(turn, summary), run, (exit) => void exits.push(exit))
      append()
      append()
      begun[1]!(Exit.void)
      assert.deepStrictEqual(exits, [Exit.void])
      yield* end(making)
      append()
      begun[0]!(Exit.void)
      assert.deepStrictEqual(exits, [Exit.void, Exit.interrupt(), Exit.interrupt()])
      assert.lengthOf(begun, 2)
    }))

  it.effect("holds who waits for an append, and nobody else", () =>
    Effect.gen(function*() {
      const run = yield* Background.make
      const begun: Array<(exit: Exit.Exit<void>) => void> = []
      const start: EventStore.Begin<void, never> = (answer) => void begun.push(answer)
      const bounded = Closing.make().bounded(
        storeOf(Effect.never, () => EventStore.unforked(Effect.never, start)).store
      )
      const waiting = [1, 2].map(() => {
        const whoever = {}
        Unforked.begin(bounded.append(turn, summary), run, () => void whoever)
        return new WeakRef(whoever)
      })
      begun.splice(0)[0]!(Exit.void)
      yield* collect
      assert.deepStrictEqual(waiting.map((each) => each.deref()), [undefined, {}])
    }))

  it.effect("holds nobody who has called off, and tells them nothing", () =>
    Effect.gen(function*() {
      const making = Closing.make()
      const start: EventStore.Begin<void, never> = () => Effect.void
      const bounded = making.bounded(storeOf(Effect.never, () => EventStore.unforked(Effect.never, start)).store)
      const exits: Array<Exit.Exit<void, unknown>> = []
      const callOff = EventStore.beginOf(bounded.append(turn, summary))?.((exit) => void exits.push(exit))
      if (callOff !== undefined) yield* callOff
      yield* end(making)
      assert.deepStrictEqual(exits, [])
    }))

  it.effect("gives what it is asked until then", () =>
    Effect.gen(function*() {
      const { store } = storeOf(Effect.never)
      const bounded = Closing.make().bounded({ ...store, find: () => Effect.succeed(Option.some(id)) })
      assert.deepStrictEqual(yield* bounded.find("session"), Option.some(id))
    }))
})

describe("an engine that ends", () => {
  it.effect("waits for what is in hand for eight tenths of its time, for what is to be recorded for one more, and no longer", () =>
    Effect.gen(function*() {
      const making = Closing.make()
      const { closing } = making
      const told: Array<string> = []
      const tell = (what: string) => Effect.sync(() => void told.push(what))
      yield* Effect.forkChild(closing.inHand(Effect.never), { startImmediately: true })
      closing.onLastCall(() => void told.push("last call"))
      const callOff = closing.onLastCall(() => void told.push("called off"))
      callOff()
      const begins = () => void told.push(`begins ${closing.isBegun()}, is over ${closing.isOver()}`)
      const ending = yield* Effect.forkChild(end(making, { onBegin: begins, onOver: tell("over") }))
      yield* Effect.yieldNow
      assert.deepStrictEqual(told, ["begins true, is over false"])
      yield* TestClock.adjust(7_999)
      assert.lengthOf(told, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(told.slice(1), ["last call"])
      yield* TestClock.adjust(999)
      assert.lengthOf(told, 2)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(told.slice(2), ["over"])
      assert.isTrue(closing.isOver())
      yield* Fiber.join(ending)
    }))

  it.effect("waits for all that is in hand, and no longer", () =>
    Effect.gen(function*() {
      const making = Closing.make()
      const gates = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>(), Deferred.make<void>()])
      for (const gate of gates) {
        yield* Effect.forkChild(making.closing.inHand(Deferred.await(gate)), { startImmediately: true })
      }
      let isLast = false
      making.closing.onLastCall(() => {
        isLast = true
      })
      const ending = yield* Effect.forkChild(end(making), { startImmediately: true })
      for (const gate of gates) {
        assert.isFalse(isLast)
        assert.isFalse(making.closing.isOver())
        yield* Deferred.succeed(gate, undefined)
        yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      }
      yield* Fiber.join(ending)
      assert.isTrue(isLast)
      isLast = false
      making.closing.onLastCall(() => {
        isLast = true
      })
      assert.isTrue(isLast, "who comes after it is told at once")
    }))

  it.effect("does not wait for what cannot be interrupted", () =>
    Effect.gen(function*() {
      const making = Closing.make()
      const scope = yield* Scope.make()
      yield* Scope.addFinalizer(scope, Effect.never)
      const ends = { onBegin: () => undefined, handOver: Effect.void, onOver: Effect.void }
      const ending = yield* Effect.forkChild(making.close(scope, 10_000, ends))
      yield* TestClock.adjust(9_999)
      assert.isUndefined(ending.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(ending)
    }))

  it.effect("tells whoever is interrupted by its end that it is closing, and changes no other answer", () =>
    Effect.gen(function*() {
      const making = Closing.make()
      const answer = (effect: Effect.Effect<number, string>) => Effect.exit(making.closing.answered(effect))
      assert.isTrue(Exit.hasInterrupts(yield* answer(Effect.interrupt)))
      yield* end(making)
      assert.deepStrictEqual(yield* answer(Effect.interrupt), Exit.fail(Closing.closed))
      assert.deepStrictEqual(yield* answer(Effect.succeed(1)), Exit.succeed(1))
      assert.deepStrictEqual(yield* answer(Effect.fail("no")), Exit.fail("no"))
    }))
})
