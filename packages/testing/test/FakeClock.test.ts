import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { FakeClock } from "@ringback/testing"
import { Clock, Context, Deferred, Effect, Fiber, Layer, Queue, Schedule } from "effect"
import { FetchHttpClient, HttpClient, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { promisify } from "node:util"

const start = Date.UTC(2026, 0, 1)
const elapsed = Effect.map(FakeClock.now, (now) => now - start)

describe("FakeClock", () => {
  it.effect("a sleep in the body of a test returns, and the time has passed", () =>
    Effect.gen(function*() {
      yield* Effect.sleep("10 minutes")
      assert.strictEqual(yield* elapsed, 600_000)
      assert.strictEqual(yield* Clock.currentTimeMillis, start + 600_000)
      assert.strictEqual(yield* Clock.monotonicTimeNanos, 600_000_000_000n)
      assert.strictEqual(yield* Clock.currentTimeNanos, BigInt(start + 600_000) * 1_000_000n)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("time starts where it is told to", () =>
    Effect.gen(function*() {
      yield* Effect.sleep(1)
      assert.strictEqual(yield* Clock.currentTimeMillis, 1001)
    }).pipe(Effect.provide(FakeClock.layerWith({ start: 1000 }))))

  it.effect("time stands still while fibers run, however long", () =>
    Effect.gen(function*() {
      const sleeper = yield* Effect.forkChild(Effect.sleep("1 second"))
      for (let turn = 0; turn < 10_000; turn++) yield* Effect.yieldNow
      assert.strictEqual(yield* elapsed, 0)
      yield* Fiber.join(sleeper)
      assert.strictEqual(yield* elapsed, 1000)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("sleepers of one time wake in the order of going to sleep, each running until all is idle", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const sleeper = (name: string, millis: number) =>
        Effect.gen(function*() {
          yield* Effect.sleep(millis)
          seen.push(`${name} wakes`)
          for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow
          yield* Effect.promise(() => readFile(import.meta.filename))
          seen.push(`${name} is done`)
        })
      yield* Effect.all([sleeper("b", 20), sleeper("c", 20), sleeper("a", 10)], { concurrency: "unbounded" })
      assert.deepStrictEqual(seen, ["a wakes", "a is done", "b wakes", "b is done", "c wakes", "c is done"])
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("a timeout that is not needed leaves nothing behind", () =>
    Effect.gen(function*() {
      yield* Effect.timeout(Effect.sleep("1 second"), "1 hour")
      yield* Effect.sleep("1 second")
      assert.strictEqual(yield* elapsed, 2000)
      assert.isFalse(yield* FakeClock.jump)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("schedules and timeouts live by it", () =>
    Effect.gen(function*() {
      let runs = 0
      yield* Effect.repeat(Effect.sync(() => runs++), Schedule.spaced("1 minute").pipe(Schedule.upTo({ times: 60 })))
      assert.strictEqual(runs, 61)
      assert.strictEqual(yield* elapsed, 3_600_000)
      const late = yield* Effect.flip(Effect.timeout(Effect.never, "5 seconds"))
      assert.strictEqual(late._tag, "TimeoutError")
      assert.strictEqual(yield* elapsed, 3_605_000)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("fibers in the background of other layers live by it", () => {
    class Ticks extends Context.Service<Ticks, Queue.Dequeue<number>>()("test/Ticks") {
      static readonly layer = Layer.effect(
        Ticks,
        Effect.gen(function*() {
          const queue = yield* Queue.unbounded<number>()
          const tick = Effect.andThen(
            Effect.sleep("1 hour"),
            Effect.flatMap(Clock.currentTimeMillis, (now) => Queue.offer(queue, now))
          )
          yield* Effect.forkScoped(Effect.forever(tick))
          return queue
        })
      )
    }
    return Effect.gen(function*() {
      const ticks = yield* Ticks
      assert.strictEqual(yield* Queue.take(ticks), start + 3_600_000)
      assert.strictEqual(yield* Queue.take(ticks), start + 7_200_000)
    }).pipe(Effect.provide(Ticks.layer.pipe(Layer.provideMerge(FakeClock.layer))))
  })

  it.effect("waits for promises, files and the thread pool before time passes", () =>
    Effect.gen(function*() {
      const work = Effect.promise(async () => {
        await Promise.resolve()
        for (let round = 0; round < 20; round++) {
          await readFile(import.meta.filename)
          await crypto.subtle.digest("SHA-256", new Uint8Array(100))
        }
      })
      yield* Effect.timeout(work, "1 millis")
      assert.strictEqual(yield* elapsed, 0)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("waits for a request to a server in the same process, which may sleep as well", () => {
    const Server = HttpRouter.serve(
      HttpRouter.add("GET", "/slow", Effect.as(Effect.sleep("30 seconds"), HttpServerResponse.text("done"))),
      { disableLogger: true, disableListenLog: true }
    ).pipe(Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })))
    return Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      assert(address._tag === "InetAddressV4")
      const get = HttpClient.get(`http://127.0.0.1:${address.port}/slow`).pipe(
        Effect.flatMap((response) => response.text)
      )
      assert.strictEqual(yield* Effect.timeout(get, "31 seconds"), "done")
      assert.strictEqual(yield* elapsed, 30_000)
    }).pipe(Effect.provide([Server, FetchHttpClient.layer]), Effect.provide(FakeClock.layer))
  })

  it.effect("time stands still while something is under way outside", () =>
    Effect.gen(function*() {
      const process = Effect.promise(() => promisify(execFile)(globalThis.process.execPath, ["--eval", ""]))
      yield* Effect.timeout(FakeClock.outside(process), "1 millis")
      assert.strictEqual(yield* elapsed, 0)
      yield* Effect.sleep(5)
      assert.strictEqual(yield* elapsed, 5)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("an interrupted sleeper is forgotten", () =>
    Effect.gen(function*() {
      const sleeper = yield* Effect.forkChild(Effect.sleep("1 hour"))
      yield* FakeClock.settle
      yield* Fiber.interrupt(sleeper)
      assert.isFalse(yield* FakeClock.jump)
      assert.strictEqual(yield* elapsed, 0)
    }).pipe(Effect.provide(FakeClock.layerWith({ auto: false }))))

  describe("without auto", () => {
    const manual = Effect.provide(FakeClock.layerWith({ auto: false }))

    it.effect("time passes only by hand", () =>
      Effect.gen(function*() {
        const sleeper = yield* Effect.forkChild(Effect.sleep(10))
        yield* FakeClock.settle
        assert.strictEqual(yield* elapsed, 0)
        assert.isUndefined(sleeper.pollUnsafe())
        yield* FakeClock.advance(9)
        assert.isUndefined(sleeper.pollUnsafe())
        yield* FakeClock.advance(1)
        assert.isDefined(sleeper.pollUnsafe())
      }).pipe(manual))

    it.effect("advance wakes everybody who is due on the way, those included who go to sleep meanwhile", () =>
      Effect.gen(function*() {
        const seen: Array<number> = []
        const tick = Effect.andThen(Effect.sleep(10), Effect.map(elapsed, (at) => void seen.push(at)))
        yield* Effect.forkChild(Effect.forever(tick))
        yield* FakeClock.advance(35)
        assert.deepStrictEqual(seen, [10, 20, 30])
        assert.strictEqual(yield* elapsed, 35)
        yield* FakeClock.advance(5)
        assert.deepStrictEqual(seen, [10, 20, 30, 40])
      }).pipe(manual))

    it.effect("jump goes to the next time that somebody sleeps until", () =>
      Effect.gen(function*() {
        const all = yield* Effect.forkChild(
          Effect.all([Effect.sleep(7), Effect.sleep(7), Effect.sleep(30)], { concurrency: 3 })
        )
        assert.isTrue(yield* FakeClock.jump)
        assert.strictEqual(yield* elapsed, 7)
        assert.isTrue(yield* FakeClock.jump)
        assert.strictEqual(yield* elapsed, 30)
        assert.isDefined(all.pollUnsafe())
        assert.isFalse(yield* FakeClock.jump)
      }).pipe(manual))

    it.effect("an advance that is interrupted lets no more time pass", () =>
      Effect.gen(function*() {
        const ticks = Effect.forever(Effect.andThen(Effect.sleep(10), Deferred.make<void>()))
        yield* Effect.forkChild(ticks)
        const advance = yield* Effect.forkChild(FakeClock.advance("1000 days"))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(advance)
        yield* FakeClock.settle
        const at = yield* elapsed
        yield* FakeClock.settle
        assert.strictEqual(yield* elapsed, at)
      }).pipe(manual))
  })

  it.effect("the wall clock can be set, and nobody sleeps longer or shorter by that", () =>
    Effect.gen(function*() {
      const sleeper = yield* Effect.forkChild(Effect.andThen(Effect.sleep("10 seconds"), Clock.monotonicTimeNanos))
      const began = yield* Clock.monotonicTimeNanos
      yield* FakeClock.setForward("1 hour")
      assert.strictEqual(yield* elapsed, 3_600_000)
      yield* FakeClock.setForward("-2 hours")
      assert.strictEqual(yield* elapsed, -3_600_000)
      assert.strictEqual((yield* Fiber.join(sleeper)) - began, 10_000_000_000n)
      assert.strictEqual(yield* FakeClock.now, start - 3_590_000)
    }).pipe(Effect.provide(FakeClock.layer)))

  it.effect("says so when nothing runs and nobody sleeps", () =>
    Effect.gen(function*() {
      const warning = yield* Effect.callback<Error>((resume) => {
        const listener = (warning: Error) => {
          if (warning.name === "FakeClock") resume(Effect.succeed(warning))
        }
        process.on("warning", listener)
        return Effect.sync(() => process.off("warning", listener))
      }).pipe(Effect.raceFirst(Effect.andThen(Effect.sleep(1), Effect.never)))
      assert.match(warning.message, /virtual time stands still/)
    }).pipe(Effect.provide(FakeClock.layerWith({ warnAfterMillis: 1 }))))

  it.effect("two clocks do not disturb each other", () =>
    Effect.gen(function*() {
      const one = Effect.andThen(Effect.sleep("1 hour"), elapsed).pipe(Effect.provide(FakeClock.layerWith({})))
      const two = Effect.andThen(Effect.sleep("2 hours"), elapsed).pipe(Effect.provide(FakeClock.layerWith({})))
      assert.deepStrictEqual(yield* Effect.all([one, two], { concurrency: 2 }), [3_600_000, 7_200_000])
    }))
})
