import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Option, Schema } from "effect"
import type { Scope } from "effect"
import { createServer } from "node:net"
import { freePort } from "../../../scripts/freePort.ts"
import * as PgBouncer from "../../../scripts/pgbouncer.ts"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Flow, Line, PhoneNumber, Webhook } from "../src/index.ts"
import * as Machines from "./fixtures/machines.ts"

const server = await Postgres.start()

const test = (rule: string, body: (url: string) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it(rule, () => Effect.runPromise(Effect.scoped(Effect.flatMap(Postgres.database(server!), body))))

const IsSet = Flow.Signal("set", Schema.Boolean)

/** Is set by a signal. */
const Alarm = Flow.make("alarm", {
  version: 1,
  input: {},
  output: Schema.Boolean,
  signals: [IsSet],
  run: () =>
    Flow.signal(IsSet, { within: "1 hour" }).pipe(
      Flow.catchTag("TimedOut", () => Flow.succeed(false))
    )
})

/** Rings somebody, who may be busy. */
const Ring = Flow.make("ring", {
  version: 1,
  input: {},
  output: Schema.Literals(["heard", "missed"]),
  run: () =>
    Line.speak("The library closes at six today.").pipe(
      Flow.as("heard" as const),
      Flow.dial({ to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("missed" as const))
    )
})

/** Rings after a nap. Only who has registered its version can wake it. */
const nap = (version: number) =>
  Flow.make("nap", {
    version,
    input: {},
    output: Schema.Int,
    run: () => Flow.sleep("3 seconds").pipe(Flow.as(version))
  })

const [old, next] = [nap(1), nap(2)]

/** Nobody looks at the log for an outcome in so long. */
const settings = { store: { lookEvery: "1 hour" } } as const
const deadline = 2_000

const timed = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.tap(effect, () =>
      Effect.sync(() => {
        const took = performance.now() - began
        process.stdout.write(`${what}: ${took.toFixed(0)} ms\n`)
        assert.isBelow(took, deadline)
      }))
  })

describe.skipIf(server === undefined)("a cluster of two machines", () => {
  test("tells a signal and an outcome by the owner of the call", (url) =>
    Effect.gen(function*() {
      const one = yield* Machines.start({ url, flows: [Alarm], settings })
      const other = yield* Machines.start({ url, flows: [Alarm], settings })
      yield* Machines.settled(one, other)
      const call = yield* one.calls.start(Alarm, {})
      const heard = yield* Effect.forkChild(other.calls.handle(Alarm, call.id).outcome)
      yield* other.calls.signal(call.id, IsSet, true)
      assert.isTrue(yield* Fiber.join(heard))
      const [first, ...rest] = yield* Machines.writers(one, call.id)
      assert.deepStrictEqual([...new Set(rest)], [first], "one machine has decided all of it")
    }))

  test("hears of an outcome at the owner when the call ends at another machine, which it never left", (url) =>
    Effect.gen(function*() {
      const other = yield* Machines.start({ url, flows: [Ring], settings })
      const calls = yield* Effect.forEach(Array.from({ length: 12 }), () => other.calls.start(Ring, {}))
      const owner = yield* Machines.start({ url, flows: [Ring], settings })
      yield* Machines.settled(other, owner)
      const { id } = calls.find(({ id }) => Machines.isOwn(owner, id))!
      const heard = yield* Effect.forkChild(owner.calls.handle(Ring, id).outcome)
      const session = yield* Machines.session(other, id)
      const busy = {
        kind: "DialCompleted",
        event: "dial_completed",
        referenceId: session,
        externalId: session
      } as const
      yield* other.calls.receive(Webhook.make({ ...busy, status: "busy" }))
      assert.strictEqual(yield* Fiber.join(heard), "missed")
      assert.strictEqual(new Set(yield* Machines.writers(owner, id)).size, 1)
    }))

  test("starts a call under a key at its owner, and once", (url) =>
    Effect.gen(function*() {
      const one = yield* Machines.start({ url, flows: [Alarm], settings })
      const other = yield* Machines.start({ url, flows: [Alarm], settings })
      yield* Machines.settled(one, other)
      const key = Machines.keyElsewhere(one, "alarm")
      const begun = yield* one.calls.start(Alarm, {}, { key })
      const again = yield* other.calls.start(Alarm, {}, { key })
      assert.deepStrictEqual([begun.isNew, again.isNew, again.id === begun.id], [true, false, true])
      const own = yield* other.calls.start(Alarm, {})
      assert.deepStrictEqual(yield* Machines.writers(one, begun.id), (yield* Machines.writers(one, own.id)).slice(0, 1))
    }))

  /** A machine beside another that the cluster takes for healthy, whatever is behind its port. */
  const beside = Effect.fnUntraced(function*(url: string, port: number) {
    yield* Machines.pretend(url, port)
    const one = yield* Machines.start({
      url,
      flows: [Alarm],
      settings,
      config: { runnerHealthCheckInterval: "1 hour" }
    })
    yield* Machines.shared(one)
    return one
  })

  const passedBy = Effect.fnUntraced(function*(what: string, one: Machines.Machine) {
    const key = Machines.keyElsewhere(one, "alarm")
    const call = yield* timed(`a start by a key whose owner ${what}`, one.calls.start(Alarm, {}, { key }))
    yield* timed(`a signal whose owner ${what}`, one.calls.signal(call.id, IsSet, true))
    assert.isTrue(yield* call.outcome)
  })

  test("passes by an owner that hangs", (url) =>
    Effect.gen(function*() {
      const port = yield* Effect.promise(() => freePort())
      const sockets = createServer(() => undefined).listen(port, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => sockets.close()))
      yield* passedBy("hangs", yield* beside(url, port))
    }))

  test("passes by an owner that is dead", (url) =>
    Effect.gen(function*() {
      yield* passedBy("is dead", yield* beside(url, yield* Effect.promise(() => freePort())))
    }))

  /** Owners that do not know a version have looked twice by then, and whoever is chosen after them has. */
  const often = { store: { lookEvery: "300 millis" } } as const

  /** Two machines whose owner of a call under a key does not know the version of its flow, while the other one does. */
  const rolling = Effect.fnUntraced(function*(url: string) {
    const before = yield* Machines.start({ url, flows: [old], settings: often })
    const after = yield* Machines.start({ url, flows: [old, next], settings: often })
    yield* Machines.settled(before, after)
    const key = Machines.keyElsewhere(after, "nap")
    return { before, after, key }
  })

  test("starts, tells and wakes a call whose owner does not know its version", (url) =>
    Effect.gen(function*() {
      const { after, key } = yield* rolling(url)
      const call = yield* after.calls.start(next, {}, { key })
      assert.strictEqual(yield* call.outcome, 2)
      const [knows] = yield* Machines.writers(after, call.id)
      assert.deepStrictEqual([...new Set(yield* Machines.writers(after, call.id))], [knows], "who knows it decides")
    }))

  test("passes what is due to a machine that knows the version", (url) =>
    Effect.gen(function*() {
      const begun = yield* Machines.start({ url, flows: [next], settings: often })
      const calls = yield* Effect.forEach(Array.from({ length: 12 }), () => begun.calls.start(next, {}))
      const before = yield* Machines.start({ url, flows: [old], settings: often })
      yield* Machines.settled(begun, before)
      yield* begun.stop
      // It has no look in which it could find them by itself.
      const after = yield* Machines.start({ url, flows: [old, next], settings })
      const outcomes = yield* Effect.forEach(calls, ({ id }) => after.calls.handle(next, id).outcome, {
        concurrency: 12
      })
      assert.deepStrictEqual([...new Set(outcomes)], [2])
    }))

  test("holds a call whose version no machine knows, in words, until one does", (url) =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const before = yield* Effect.provide(
        Machines.start({ url, flows: [old], settings: often }),
        Logger.layer([logger])
      )
      const after = yield* Machines.start({ url, flows: [next], settings: often })
      const call = yield* after.calls.start(next, {})
      yield* after.stop
      const said = yield* Machines.until(() => lines.find((line) => line.includes("nap in version 2")))
      assert.match(said, /^1 running call needs the flow nap in version 2, which no living process has registered/)
      assert.isUndefined(Option.getOrThrow(yield* before.calls.get(call.id)).exit)
      const again = yield* Machines.start({ url, flows: [next], settings: often })
      assert.strictEqual(yield* again.calls.handle(next, call.id).outcome, 2)
    }))
})

describe.skipIf(server === undefined || PgBouncer.executable === undefined)("a cluster behind a pooler", () => {
  test("asks the owner of a call, and takes over what a machine had that has gone", (past) =>
    Effect.gen(function*() {
      const { url } = yield* Effect.acquireRelease(
        Effect.promise(() => PgBouncer.start(past, "session")),
        ({ stop }) => Effect.promise(stop)
      )
      const one = yield* Machines.start({ url, flows: [old] })
      const other = yield* Machines.start({ url, flows: [old] })
      yield* Machines.settled(one, other)
      const call = yield* one.calls.start(old, {}, { key: Machines.keyElsewhere(one, "nap") })
      assert.strictEqual(yield* call.outcome, 1)
      const own = yield* other.calls.start(old, {})
      const theirs = (yield* Machines.writers(other, own.id)).slice(0, 1)
      assert.deepStrictEqual(
        [...new Set(yield* Machines.writers(one, call.id))],
        theirs,
        "its owner has decided all of it"
      )
      yield* other.stop
      yield* Machines.settled(one)
      assert.strictEqual(yield* one.calls.handle(old, own.id).outcome, 1)
    }))
})
