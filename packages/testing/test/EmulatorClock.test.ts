import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import { Telesign, TelesignWebhook } from "@ringback/http"
import { Callee, EmulatorApi, EmulatorClock, FakeClock, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Clock, Effect, Fiber, Layer, Schema } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { createServer } from "node:http"

const api = Effect.flatMap(
  TelesignEmulator.url,
  (baseUrl) => Effect.provide(HttpApiClient.make(EmulatorApi.EmulatorApi, { baseUrl }), FetchHttpClient.layer)
)

const FollowingClock = Layer.unwrap(Effect.map(TelesignEmulator.url, EmulatorClock.layer))

/** Time that passes only where it is skipped. */
const standing = FakeClock.layerWith({ auto: false })

describe("EmulatorClock", () => {
  it.effect("lets pass what is skipped at the emulator, in order, and nothing else", () =>
    Effect.gen(function*() {
      const woken: Array<string> = []
      const sleep = (name: string, time: `${number} hours`) =>
        Effect.forkChild(Effect.andThen(Effect.sleep(time), Effect.sync(() => woken.push(name))), {
          startImmediately: true
        })
      const begun = yield* Clock.currentTimeMillis
      const late = yield* sleep("late", "30 hours")
      const never = yield* sleep("never", "31 hours")
      const early = yield* sleep("early", "20 hours")
      const { day } = yield* api
      assert.deepStrictEqual(yield* day.skip({ payload: { seconds: 30 * 3600 } }), { skipped: 30 * 3600 })
      yield* Fiber.join(late)
      yield* Fiber.join(early)
      assert.deepStrictEqual(woken, ["early", "late"])
      assert.isAtLeast((yield* Clock.currentTimeMillis) - begun, 30 * 3600_000)
      yield* Fiber.interrupt(never)
    }).pipe(Effect.provide(FollowingClock.pipe(
      Layer.provideMerge(TelesignEmulator.layer()),
      Layer.provideMerge(standing)
    ))))

  it.effect("is an ordinary clock where no emulator listens", () =>
    Effect.gen(function*() {
      const begun = yield* Clock.currentTimeMillis
      const sleeping = yield* Effect.forkChild(Effect.sleep("10 seconds"), { startImmediately: true })
      yield* FakeClock.advance("10 seconds")
      yield* Fiber.join(sleeping)
      assert.strictEqual((yield* Clock.currentTimeMillis) - begun, 10_000)
    }).pipe(Effect.provide(EmulatorClock.layer("http://127.0.0.1:9").pipe(Layer.provideMerge(standing)))))

  const Again = Flow.make("again", {
    version: 1,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Literals(["kept", "cancelled"]),
    run: (parties) =>
      Line.menu("Press 1 to keep it, 2 to cancel it.", { choices: { "1": "kept", "2": "cancelled" } }).pipe(
        Flow.dial(parties),
        Flow.retry({ times: 1, after: "10 hours" })
      )
  })
  const Twice = Flow.make("twice", {
    version: 1,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Literal("heard"),
    run: (parties) =>
      Line.speak("Please keep this number at hand, you will need it.").pipe(
        Flow.flatMap(() => Line.speak("Please keep that number at hand, you will need it.")),
        Flow.as("heard" as const),
        Flow.dial(parties)
      )
  })
  const Engine = Layer.unwrap(Effect.map(TelesignEmulator.url, (baseUrl) =>
    Calls.layer({ flows: [Again, Twice] }).pipe(
      Layer.provideMerge(Telesign.layer({ ...TelesignEmulator.credentials, baseUrl }))
    )))
  const Web = HttpRouter.serve(TelesignWebhook.layer({ path: "/events" }), {
    disableLogger: true,
    disableListenLog: true
  })
  const Address = Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) => TelesignEmulator.reportTo(`${address}/events`))
  )
  const everything = (...callee: ReadonlyArray<Callee.Script>) =>
    Layer.mergeAll(Web, Address).pipe(
      Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
      Layer.provideMerge(Engine),
      Layer.provide([EventStore.layerMemory, FetchHttpClient.layer]),
      Layer.provideMerge(FollowingClock),
      Layer.provideMerge(TelesignEmulator.layer({ callee })),
      Layer.provideMerge(standing)
    )
  const [to, from] = [PhoneNumber.make("15550170001"), PhoneNumber.make("15550170009")]

  it.effect("lets a flow that sleeps for hours go on at once", () =>
    Effect.gen(function*() {
      const { day, record } = yield* api
      const skipping = Effect.forever(day.skip({ payload: {} }))
      const call = yield* Calls.start(Again, { to, from })
      const over = record.entries({ query: { kind: "replied", event: "call_completed", wait: 60 } })
      yield* Effect.raceFirst(over, skipping)
      yield* day.skip({ payload: { seconds: 10 * 3600 } })
      assert.strictEqual(yield* Effect.raceFirst(call.outcome, skipping), "cancelled")
      assert.lengthOf(yield* PhoneCompany.rings, 2)
    }).pipe(Effect.provide(everything(Callee.busy, Callee.answers().presses("2")))))

  it.effect("lets prompts that are skipped end as if they had been spoken", () =>
    Effect.gen(function*() {
      const { day, record } = yield* api
      const call = yield* Calls.start(Twice, { to, from })
      const outcome = yield* Effect.raceFirst(call.outcome, Effect.forever(day.skip({ payload: {} })))
      assert.strictEqual(outcome, "heard")
      const over = record.entries({ query: { kind: "replied", event: "call_completed", wait: 60 } })
      yield* Effect.raceFirst(over, Effect.forever(day.skip({ payload: {} })))
      const replies = (yield* PhoneCompany.log).flatMap((entry) => entry._tag === "Replied" ? [entry.action?._tag] : [])
      assert.deepStrictEqual(replies.slice(0, 3), ["Speak", "Speak", "Hangup"])
    }).pipe(Effect.provide(everything(Callee.answers("40 seconds")))))
})
