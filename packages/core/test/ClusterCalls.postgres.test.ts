import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import type { Scope } from "effect"
import { createServer } from "node:net"
import { freePort } from "../../../scripts/freePort.ts"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { Flow } from "../src/index.ts"
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
})
