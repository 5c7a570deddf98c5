/** Calls whose flow was removed, on a store that no other process can share. */
import { assert, describe, it } from "@effect/vitest"
import { Call, type CallEvent, Calls, Flow, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Exit, Layer, Logger, Option, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"
import { Announcement, parties } from "./fixtures/flows.ts"

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.sleep("10 minutes").pipe(Flow.as("rested" as const), Flow.ensuring(Flow.note("over")))
})

const database = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "calls.db")
)

/** One life of an engine on the file that has registered these flows, and leaves alone what it has not. */
const life = (filename: string, flows: Parameters<typeof Calls.layer>[0]["flows"]) =>
  TestCalls.connection.pipe(
    Layer.provideMerge(Calls.layer({ flows, missingFlows: "leave" }) as Layer.Layer<Calls.Calls, never, never>),
    Layer.provide(FakeTransport.layer),
    Layer.provide(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename }))
  )

const world = PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer))

const outcomeOf = (id: CallEvent.CallId) =>
  Effect.flatMap(Calls.Calls, (calls) => Effect.exit(calls.handle(Nap, id).outcome)).pipe(
    Effect.map((exit) => Exit.isSuccess(exit) ? exit.value : Option.getOrThrow(Exit.findErrorOption(exit)).message)
  )

const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn" || logLevel === "Error") lines.push(String(message))
    })
    return Effect.as(Effect.provide(effect, Logger.layer([logger])), lines)
  })

describe("an engine that leaves flows that are missing", () => {
  const begun = Effect.fnUntraced(function*(filename: string) {
    return (yield* Effect.provide(Calls.start(Nap, {}), life(filename, [Nap]))).id
  })

  it.effect("names them, and ends a call an hour after its flow should have gone on", () =>
    Effect.gen(function*() {
      const filename = yield* database
      const id = yield* begun(filename)
      const lines = yield* logged(Effect.provide(
        Effect.gen(function*() {
          assert.include(yield* outcomeOf(id), "was ended without its flow nap, version 1")
          assert.isTrue(Option.exists(yield* Calls.get(id), Call.isOver))
        }),
        life(filename, [])
      ))
      assert.deepStrictEqual(lines, [
        `1 running call needs the flow nap in version 1, which no living process has registered (${id}). ` +
        "Register it again, or cancel them: they end without it when they are overdue",
        `Call ${id} was overdue and has ended without its flow nap in version 1, which no living process has ` +
        "registered: nothing of the flow ran, its finalizers neither"
      ])
    }).pipe(Effect.provide(world)))

  it.effect("cancels a call at once", () =>
    Effect.gen(function*() {
      const filename = yield* database
      const id = yield* begun(filename)
      const told = Effect.andThen(Calls.cancel(id), outcomeOf(id))
      assert.strictEqual(yield* Effect.provide(told, life(filename, [])), `Call ${id} was cancelled`)
      assert.strictEqual(yield* Effect.provide(outcomeOf(id), life(filename, [Nap])), `Call ${id} was cancelled`)
    }).pipe(Effect.provide(world)))

  it.effect("goes on with a call that fell due meanwhile, where the flow is registered again", () =>
    Effect.gen(function*() {
      const filename = yield* database
      const id = yield* begun(filename)
      yield* Effect.provide(Effect.sleep("30 minutes"), life(filename, []))
      assert.strictEqual(yield* Effect.provide(outcomeOf(id), life(filename, [Nap])), "rested")
    }).pipe(Effect.provide(world)))

  it.effect("holds a callee who answers, and hangs up in the end", () =>
    Effect.gen(function*() {
      const filename = yield* database
      yield* PhoneCompany.callee("15550170001", Callee.answers("10 seconds"))
      const who = { to: parties.to.make("15550170001"), from: parties.from.make("15550170009") }
      const { id } = yield* Effect.provide(
        Effect.tap(Calls.start(Announcement, who), Effect.sleep("3 seconds")),
        life(filename, [Announcement])
      )
      yield* Effect.provide(outcomeOf(id), life(filename, []))
      const spoken = (yield* PhoneCompany.log).flatMap((each) =>
        each._tag === "Replied" && each.action !== undefined ? [each.action] : []
      )
      assert.deepInclude(spoken[0], { _tag: "Speak", text: "One moment, please." })
      assert.strictEqual(spoken.at(-1)?._tag, "Hangup")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
      assert.isEmpty((yield* PhoneCompany.log).filter(({ _tag }) => _tag === "Unanswered"))
    }).pipe(Effect.provide(world)))
})
