/**
 * `npm run rolling -- --calls 1000 --kill`: a rolling deployment on a real PostgreSQL, in real time. One process knows the
 * old version of a flow and one the new version; half of the calls run each, and the carrier sends its events to both in
 * turns. With `--kill` a third process knows both versions, and the one that knows the new version alone dies when half of the
 * phones have rung. All calls are started at once, and ring at the pace of the engines.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Calls, Flow, Line, PhoneNumber, SqlEventStore } from "@ringback/core"
import { Callee, type CompanyRecord, FakeTransport, PhoneCompany } from "@ringback/testing"
import { Console, Context, Data, Effect, Exit, Layer, Redacted, Schedule, Schema, Scope } from "effect"
import { Command, Flag } from "effect/cli"
import * as Postgres from "./postgres.ts"

class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

const from = PhoneNumber.make("15550170009")

const survey = (version: number) =>
  Flow.make("survey", {
    version,
    input: { to: PhoneNumber.PhoneNumber },
    output: Schema.String,
    run: ({ to }) =>
      Flow.gen(function*() {
        const choice = yield* Line.menu(`Version ${version}. Press 1 or 2.`, { choices: { "1": "one", "2": "two" } })
        yield* Line.speak("Thank you.")
        return choice
      }).pipe(
        Flow.dial({ to, from, ringFor: "40 seconds" }),
        Flow.catchTag(["NotAnswered", "HungUp", "NoInput"], (error) => Flow.succeed(error._tag))
      )
  })
const [old, next] = [survey(1), survey(2)]

interface Process {
  readonly calls: Calls.Calls["Service"]
  readonly scope: Scope.Closeable
}

/** An engine as a process of its own, with connections of its own. */
const start = Effect.fnUntraced(function*(url: string, flows: ReadonlyArray<typeof old>) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const store = SqlEventStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
  const engine = Calls.layer({ flows }).pipe(Layer.provide(store), Layer.provide(FakeTransport.layer), Layer.fresh)
  const process: Process = { calls: Context.get(yield* Layer.buildWithScope(engine, scope), Calls.Calls), scope }
  return process
})

/** Each event goes to the next of the processes that live. */
const carrier = (processes: Array<Process>) => {
  let turn = 0
  return PhoneCompany.connect(Effect.fnUntraced(function*(webhook) {
    const reply = yield* processes[turn++ % processes.length]!.calls.receive(webhook)
    yield* reply.sent(true)
    return reply.action
  }))
}

const counted = (each: ReadonlyArray<string>): string => {
  const counts = new Map<string, number>()
  for (const one of each) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ")
}

/** Nobody is on the line any more at the end of a call, so its event needs no answer, and is recorded all the same. */
const replyTo = (entry: CompanyRecord.Entry): ReadonlyArray<string> => {
  if (entry._tag === "Unanswered") {
    return [`${entry.webhook.event === "call_completed" ? "end without an answer" : "unanswered"}: ${entry.problem}`]
  }
  if (entry._tag !== "Replied") return []
  if (entry.action === undefined) return entry.webhook.event === "call_completed" ? [] : ["silence"]
  return ["text" in entry.action ? entry.action.text : entry.action._tag]
}

/** A start that is refused while the store is late with webhooks is asked again. */
const again = Schedule.spaced("500 millis")

/** Waits until so many phones have rung: the engine starts at once and dials at its own pace. */
const rung = (count: number) =>
  Effect.repeat(PhoneCompany.rings, {
    until: (rings) => rings.length >= count,
    schedule: Schedule.spaced("100 millis")
  })

interface Options {
  readonly calls: number
  readonly kill: boolean
  readonly same: boolean
}

const run = Effect.fnUntraced(
  function*({ calls, kill, same }: Options) {
    const url = yield* Postgres.schema(yield* Postgres.server({ fsync: "off" }))
    yield* PhoneCompany.everyone([Callee.answers("5 seconds").hears(/press 1/i).presses("1")])
    const both = [old, next]
    const [one, two] = [yield* start(url, same ? both : [old]), yield* start(url, same ? both : [next])]
    const all = kill ? [one, two, yield* start(url, both)] : [one, two]
    yield* carrier(all)
    const numbers = Array.from({ length: calls }, (_, n) => PhoneNumber.make(`1555${String(1_000_000 + n)}`))
    const begin = (to: PhoneNumber.PhoneNumber, n: number) => {
      const flow = n % 2 === 0 ? old : next
      const begun = (n % 2 === 0 ? one : two).calls.start(flow, { to }, { key: String(n) })
      return Effect.map(Effect.retry(begun, again), ({ id }) => ({ flow, id }))
    }
    const begun = yield* Effect.forEach(numbers, begin, { concurrency: 10 })
    yield* Console.log(`${begun.length} calls began`)
    if (kill) {
      yield* rung(calls / 2)
      all.splice(1, 1)
      yield* Scope.close(two.scope, Exit.void)
      yield* Console.log("the process of the new version is gone")
    }
    const asked = all.at(-1)!
    const outcomes = yield* Effect.forEach(
      begun,
      ({ flow, id }) =>
        Effect.map(
          Effect.exit(asked.calls.handle(flow, id).outcome),
          (exit) => Exit.isSuccess(exit) ? `version ${flow.version}: ${exit.value}` : "failed"
        ),
      { concurrency: "unbounded" }
    )
    const replies = (yield* PhoneCompany.log).flatMap(replyTo)
    yield* Console.log(`outcomes: ${counted(outcomes)}`)
    yield* Console.log(`replies: ${counted(replies)}`)
    const wrong = outcomes.filter((outcome) => !outcome.endsWith(": one")).length
    const unanswered = replies.filter((reply) => reply === "silence" || reply.startsWith("unanswered")).length
    yield* Console.log(`${calls} calls, ${wrong} with another outcome, ${unanswered} events without an answer`)
    if (wrong + unanswered > 0) return yield* new Failed({ message: "a call failed" })
  },
  Effect.scoped,
  Effect.provide(PhoneCompany.layer)
)

Command.make("rolling", {
  calls: Flag.Int("calls").pipe(Flag.withDefault(1000), Flag.withDescription("How many calls")),
  kill: Flag.Boolean("kill").pipe(
    Flag.withDefault(false),
    Flag.withDescription("End the process that knows the new version when half of the phones have rung")
  ),
  same: Flag.Boolean("same").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Both processes know both versions, to compare with")
  )
}, run).pipe(
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
