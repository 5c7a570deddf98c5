/** What goes every path of a flow, and what runs it, say the same. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Arbitraries, FlowExplorer } from "@ringback/testing"
import { Arbitrary, Effect, Exit, Schema } from "effect"
import { existsSync, readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { read } from "../src/internal/exploreCommand.ts"
import { answering, talks } from "./fixtures/talks.ts"

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url))
const written = readdirSync(examples).filter((name) => existsSync(`${examples}${name}/flow.ts`))
/** It bounds what hangs, and not a machine that is busy. */
const patience = 300_000

const numbers = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

/** Where a conversation goes otherwise in the engine. */
const differences = Effect.fnUntraced(function*(conversations: ReadonlyArray<FlowExplorer.Conversation>) {
  const found: Array<string> = []
  for (const { run } of conversations.filter(({ leftOut }) => leftOut === undefined)) {
    const exit = yield* Effect.exit(run)
    if (Exit.isFailure(exit)) found.push(String(exit.cause))
  }
  return found
})

describe("each outcome and each thing that may happen goes alike in the engine", () => {
  for (const name of written) {
    it.effect(`in the example ${name}`, () =>
      Effect.gen(function*() {
        const { flow, input, samples } = yield* read(`${examples}${name}`)
        const { accept: _, ...tried } = samples
        const conversations = FlowExplorer.scenarios(flow, input, { cancel: name !== "transfer", ...tried })
        assert.isAtLeast(conversations.length, 10)
        assert.deepStrictEqual(yield* differences(conversations), [])
      }).pipe(Effect.provide(NodeServices.layer)), patience)
  }

  const signals = { ready: [{ at: 7 }] }
  for (const flow of talks) {
    it.effect(`in the flow ${flow.name}`, () =>
      Effect.gen(function*() {
        const conversations = FlowExplorer.scenarios(flow, numbers, {
          cancel: true,
          ...flow.name === "waits" ? { signals } : {}
        })
        assert.isAtLeast(conversations.length, 5)
        assert.deepStrictEqual(yield* differences(conversations), [])
      }))
  }
  for (const flow of answering) {
    it.effect(`in the flow ${flow.name}`, () =>
      Effect.map(
        differences(FlowExplorer.scenarios(flow, {}, { cancel: true })),
        (found) => assert.deepStrictEqual(found, [])
      ))
  }
})

it.effect("a thousand random conversations go alike", () =>
  Effect.gen(function*() {
    let lived = 0
    for (let seed = 0; lived < 1000; seed++) {
      const [conversation = []] = yield* Arbitrary.sampleEffect(Arbitraries.conversation, { count: 1, seed, size: 30 })
      const flow = Flow.make("random", {
        version: 1,
        input: {},
        output: Schema.Unknown,
        error: Schema.Unknown,
        run: () => Flow.map(Flow.dial(Arbitraries.talk(conversation), numbers), () => null)
      })
      const conversations = FlowExplorer.scenarios(flow, {}, { keys: ["1", "9"], max: 20_000 })
      lived += conversations.filter(({ leftOut }) => leftOut === undefined).length
      assert.deepStrictEqual(yield* differences(conversations), [], `seed ${seed}: ${JSON.stringify(conversation)}`)
    }
  }), patience)

it.effect("a conversation that goes otherwise says where", () =>
  Effect.gen(function*() {
    let runs = 0
    const flow = Flow.make("fickle", {
      version: 1,
      input: {},
      output: Schema.Unknown,
      run: () => {
        runs++
        return Flow.catch(Flow.dial(Line.speak(runs > 1_000 ? "Good night." : "Good day."), numbers), () =>
          Flow.succeed(0))
      }
    })
    const conversations = FlowExplorer.scenarios(flow, {})
    runs = 1_000
    const [heard] = yield* differences(conversations.filter(({ name }) =>
      name.includes("hears it")
    ))
    assert.match(heard!, /“Good day.” → hears it went otherwise in the engine/)
    assert.match(heard!, /by every path: Speak Good day\./)
    assert.match(heard!, /by the engine: Speak Good night\./)
  }))

it.effect("what cannot be made to happen at will is named with the reason, and fails where it is not skipped", () =>
  Effect.gen(function*() {
    const flow = Flow.make("timed", {
      version: 1,
      input: {},
      output: Schema.String,
      error: Schema.Unknown,
      run: () => Flow.as(Flow.timeout(Flow.dial(Line.collect("Your PIN?", { max: 1 }), numbers), "1 minute"), "told")
    })
    const left = FlowExplorer.scenarios(flow, {}).filter(({ leftOut }) => leftOut !== undefined)
    assert.include(
      left.map(({ leftOut, name }) => `${name}: ${leftOut}`),
      "“Your PIN?” → time is up: a deadline that passes at one moment and not at another"
    )
    assert.match(
      String(yield* Effect.flip(left[0]!.run)),
      /cannot be made to happen at will.*skipIf\(leftOut !== undefined\)/s
    )
  }))
