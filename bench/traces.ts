/**
 * `npm run bench -- traces`: what traces of calls cost a turn, in one process that takes turns in doing without them, following them, and
 * sending them to a collector. There is no HTTP of webhooks in it, so the difference means more than the ratio. Of the slices of each
 * kind the cheapest fifth is printed, for others on the machine make a slice dearer and never cheaper. `--blocks 12 --slices 8`
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { Webhook } from "@ringback/core"
import { type CallEvent, Calls, CallTelemetry, EventStore } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Effect, Exit, Layer, ManagedRuntime, Option, Scope, Stream, Tracer } from "effect"
import { Otlp } from "effect/observability"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Contest from "./contest.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import * as Application from "./turns/application.ts"
import { prompts, referenceId } from "./turns/conversation.ts"

const { values } = parseArgs({
  options: { blocks: { type: "string", default: "12" }, slices: { type: "string", default: "8" } }
})
const [blocks, slices] = [positive("blocks", values.blocks), positive("slices", values.slices)]
const atOnce = 64

/** A span that goes nowhere. */
const span = { attribute: () => {}, event: () => {}, end: () => {}, addLinks: () => {} }
const nowhere = Layer.succeed(Tracer.Tracer, Tracer.make({ span: () => Object.create(span) as Tracer.Span }))

const heard = Layer.effectDiscard(Effect.flatMap(
  EventStore.EventStore,
  ({ changes }) => Effect.forkScoped(Stream.runForEachArray(changes, () => Effect.void), { startImmediately: true })
))

const kinds: Readonly<Record<string, Layer.Layer<never, never, EventStore.EventStore>>> = {
  without: Layer.empty,
  heard,
  followed: Layer.provide(CallTelemetry.layer(), nowhere),
  sent: CallTelemetry.layer()
}

/** What the carrier posts in a call, in order. */
const webhooksOf = (externalId: string): ReadonlyArray<Webhook.Webhook> => {
  const webhook = (event: string, fields: Partial<Webhook.Webhook>) =>
    TelesignWire.named({
      event,
      referenceId: referenceId(externalId),
      externalId,
      to: "15550170001",
      from: "15550170009",
      ...fields
    })
  return [
    webhook("dial_completed", { status: "answered" }),
    ...prompts.map((_, i) => webhook("speak_completed", { status: "speak_successful", digits: String(i + 1) })),
    webhook("call_completed", { status: "hangup", durationSeconds: 9 })
  ]
}

const externalIdOf = Effect.fnUntraced(function*(engine: Calls.Calls["Service"], id: CallEvent.CallId) {
  for (;;) {
    const line = Option.getOrUndefined(yield* engine.get(id))?.lines[0]
    if (line?.referenceId !== undefined) return line.externalId ?? ""
    yield* Effect.sleep(2)
  }
})

/** Calls that ring, and then the microseconds that a turn takes until they are over. */
const slice = Effect.gen(function*() {
  const engine = yield* Calls.Calls
  const started = yield* Effect.replicateEffect(engine.start(Application.Conversation, {}), atOnce, { concurrency: 8 })
  const calls = yield* Effect.forEach(started, ({ id }) => Effect.map(externalIdOf(engine, id), webhooksOf))
  const before = process.cpuUsage()
  yield* Effect.forEach(calls, (webhooks) => Effect.forEach(webhooks, engine.receive, { discard: true }), {
    concurrency: atOnce,
    discard: true
  })
  yield* Effect.sleep(20) // what follows has its turn too
  const { system, user } = process.cpuUsage(before)
  return (user + system) / (atOnce * (prompts.length + 2))
})

const block = Effect.fnUntraced(function*(kind: string, count: number) {
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(kinds[kind]!, scope)
  const found = yield* Effect.replicateEffect(slice, count)
  yield* Scope.close(scope, Exit.void)
  return found
})

const fifth = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 5)]!

const program = Effect.gen(function*() {
  const found = new Map<string, Array<number>>(Object.keys(kinds).map((kind) => [kind, []]))
  for (const kind of found.keys()) yield* block(kind, slices) // what is compiled while it runs
  for (let n = 0; n < blocks; n++) {
    for (const [kind, all] of found) all.push(...(yield* block(kind, slices)))
  }
  const without = fifth(found.get("without")!)
  for (const [kind, all] of found) {
    const micros = fifth(all)
    console.log(
      `${kind.padEnd(9)} ${micros.toFixed(1).padStart(6)} us a turn, ${(micros - without).toFixed(1).padStart(5)} more`
    )
  }
})

const collector = spawn(process.execPath, [fileURLToPath(new URL("turns/collector.ts", import.meta.url))], {
  stdio: ["pipe", "pipe", "inherit"]
})
const [port] = await once(collector.stdout, "data")
const { clear, place } = await Contest.emptyFile()
const runtime = ManagedRuntime.make(Layer.provideMerge(
  Application.calls(place),
  Otlp.layerJson({ baseUrl: `http://127.0.0.1:${Number(port)}`, resource: { serviceName: "bench" } }).pipe(
    Layer.provide(NodeHttpClient.layerNodeHttp)
  )
))
printMachine()
await runtime.runPromise(program)
await runtime.dispose()
await clear()
collector.kill()
