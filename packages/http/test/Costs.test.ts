import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Calls, CallTelemetry, EventStore, Flow, Line, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Fiber, Latch, Layer, Option, Schema, Stream, Tracer } from "effect"
import { HttpRouter } from "effect/http"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync, StatementSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { tracing } from "../../../scripts/testTelling.ts"
import { TelesignNode, TelesignWebhook } from "../src/index.ts"

// What an input costs, counted where it is paid: statements as they enter SQLite, commits as they stand in its log, fibers as
// Effect numbers them.

const tempFile = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-costs-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
).pipe(Effect.map((folder) => join(folder, "calls.db")))

/** Notes every statement that any database of this process runs, until the scope closes. */
const statements = Effect.acquireRelease(
  Effect.sync(() => {
    const noted: Array<string> = []
    const { all, get, iterate, run } = StatementSync.prototype
    const { exec } = DatabaseSync.prototype
    const noting = <F extends (...parameters: Array<never>) => unknown>(method: F) =>
      function(this: StatementSync, ...parameters: Parameters<F>) {
        noted.push(this.sourceSQL)
        return method.apply(this, parameters)
      } as unknown as F
    Object.assign(StatementSync.prototype, {
      all: noting(all),
      get: noting(get),
      iterate: noting(iterate),
      run: noting(run)
    })
    DatabaseSync.prototype.exec = function(text) {
      noted.push(text)
      return exec.call(this, text)
    }
    const restore = () => {
      Object.assign(StatementSync.prototype, { all, get, iterate, run })
      DatabaseSync.prototype.exec = exec
    }
    return { noted, restore }
  }),
  ({ restore }) => Effect.sync(restore)
).pipe(Effect.map(({ noted }) => noted))

/** The commits in the write-ahead log: the last frame of each tells how long the database is then, others say 0. */
const commitsIn = (filename: string): number => {
  const log = readFileSync(`${filename}-wal`)
  const frame = 24 + log.readUInt32BE(8)
  assert.isBelow(log.length, 1000 * frame, "the log has begun anew, so its commits cannot be counted")
  let commits = 0
  for (let at = 32; at < log.length; at += frame) if (log.readUInt32BE(at + 4) > 0) commits++
  return commits
}

/** What one of several inputs cost on the average. */
interface Cost {
  readonly commits: number
  readonly statements: number
  readonly reads: ReadonlyArray<string>
  readonly fibers: number
}

/** The number of a new fiber: one more than that of the fiber before, whoever started it. */
const fiberNumber = () => Effect.runFork(Effect.void).id

/** A database in a file, and the way to count what work on it costs. */
const meter = Effect.gen(function*() {
  const filename = yield* tempFile
  const noted = yield* statements
  const costOf = Effect.fnUntraced(function*<A, E, R>(inputs: number, work: Effect.Effect<A, E, R>) {
    const before = { commits: commitsIn(filename), fiber: fiberNumber() }
    noted.length = 0
    const result = yield* work
    const cost: Cost = {
      commits: (commitsIn(filename) - before.commits) / inputs,
      statements: noted.length / inputs,
      reads: noted.filter((text) => /^\s*(select|pragma)/i.test(text)),
      fibers: (fiberNumber() - before.fiber - 1) / inputs
    }
    return { result, cost }
  })
  return { filename, costOf }
})

const questions = ["One.", "Two.", "Three.", "Four.", "Five.", "Six.", "Seven.", "Eight."]

const parties = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const Conversation = Flow.make("conversation", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.gen(function*() {
      let pressed = ""
      for (const question of questions) pressed += yield* Line.collect(question, { max: 1, attempts: 1 })
      return pressed
    }).pipe(Flow.dial(parties))
})

/** Waits for a moment, and is over then. */
const Later = Flow.make("later", { version: 1, input: {}, output: Schema.Void, run: () => Flow.sleep("10 millis") })

const referenceId = (externalId: string) => `session of ${externalId}`

const carrier = Layer.succeed(
  Transport.Transport,
  Transport.Transport.of({
    send: (action) =>
      Effect.succeed({ referenceId: referenceId(action._tag === "Dial" ? action.externalId ?? "" : "") })
  })
)

/** What the carrier posts in one call, in order. */
const turnsOf = (externalId: string) => {
  const post = (event: string, data: object) =>
    JSON.stringify({ event, reference_id: referenceId(externalId), external_id: externalId, data })
  return [
    post("dial_completed", { status: "answered" }),
    ...questions.map((_, i) => post("speak_completed", { status: "ok", collected_digits: String(i) })),
    post("call_completed", { status: "hangup" })
  ]
}

/**
 * The carrier, with an event loop of its own: posts the bodies of each call one after the other on one connection, all calls
 * at the same time, and tells the bodies of the answers.
 */
const carrierSide = `
  const { once } = require("node:events")
  const { connect } = require("node:net")
  const { parentPort, workerData: { port, calls } } = require("node:worker_threads")
  const connected = async () => {
    const socket = connect(port, "127.0.0.1")
    await once(socket, "connect")
    return socket
  }
  const hold = async (socket, bodies) => {
    const answers = []
    for (const body of bodies) {
      socket.write("POST /events HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: " + Buffer.byteLength(body) + "\\r\\n\\r\\n" + body)
      const [answer] = await once(socket, "data")
      answers.push(answer.toString().split("\\r\\n\\r\\n"))
    }
    socket.destroy()
    return answers
  }
  const run = async () => {
    const sockets = await Promise.all(calls.map(connected))
    parentPort.postMessage(await Promise.all(calls.map((bodies, i) => hold(sockets[i], bodies))))
  }
  void run()
`

type Answer = readonly [head: string, body: string]

const holdAll = async (port: number, calls: ReadonlyArray<ReadonlyArray<string>>) => {
  const [answers] = await once(new Worker(carrierSide, { eval: true, workerData: { port, calls } }), "message")
  return answers as ReadonlyArray<ReadonlyArray<Answer>>
}

const served = { disableLogger: true, disableListenLog: true }

/** Waits from now on until so many turns with an event of this kind are stored. */
const stored = (count: number, tag: string) =>
  EventStore.EventStore.pipe(
    Effect.flatMap((store) =>
      store.changes.pipe(
        Stream.filter((turn) => turn.events.some((event) => event._tag === tag)),
        Stream.take(count),
        Stream.runDrain
      )
    ),
    Effect.forkChild({ startImmediately: true })
  )

/** How webhooks come in. */
const ways = {
  "a route": () => HttpRouter.serve(TelesignWebhook.layer({ path: "/events", verify: "none" }), served),
  "Node's server": (server: Server) =>
    Layer.merge(
      TelesignNode.layer(server, { path: "/events", verify: "none" }),
      HttpRouter.serve(Layer.empty, served)
    )
}

type Way = keyof typeof ways

/** Holds calls at the same time, each on a connection of its own, and counts what their turns cost. */
const costOfTurns = Effect.fnUntraced(function*(
  count: number,
  way: Way,
  beside: Layer.Layer<never, never, EventStore.EventStore> = Layer.empty
) {
  const { costOf, filename } = yield* meter
  const server = createServer()
  const services = yield* Layer.build(
    ways[way](server).pipe(
      Layer.provideMerge(Calls.layer({
        flows: [Conversation],
        settings: { speech: { shortestKeyPress: 0, fastest: Infinity }, dial: { perSecond: Infinity } } // these callees answer at once, and are no copies
      })),
      Layer.provide(carrier),
      Layer.provideMerge(beside),
      Layer.provideMerge(SqlEventStore.layer),
      Layer.provideMerge(SqliteClient.layer({ filename })),
      Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
    )
  )
  return yield* Effect.gen(function*() {
    const accepted = yield* stored(count, "DialAccepted")
    const calls = yield* Effect.replicateEffect(Calls.start(Conversation, {}), count, { concurrency: "unbounded" })
    yield* Fiber.join(accepted)

    const { port } = server.address() as AddressInfo
    const externalIds = new Map<string, string | undefined>()
    for (const { id } of calls) {
      externalIds.set(id, Option.getOrThrow(yield* Calls.get(id)).lines[0]?.externalId)
    }
    const posts = calls.map(({ id }) => turnsOf(externalIds.get(id) ?? ""))
    const { cost, result: answers } = yield* costOf(
      posts.flat().length,
      Effect.promise(() => holdAll(port, posts))
    )
    for (const ofCall of answers) {
      assert.isTrue(ofCall.every(([head]) => head.startsWith("HTTP/1.1 200")))
      assert.deepStrictEqual(ofCall.map(([, body]) => JSON.parse(body).method), [
        ...questions.map(() => "speak"),
        "hangup",
        undefined
      ])
    }
    const sql = yield* SqlClient.SqlClient
    const named = yield* sql`SELECT call_id FROM ringback_turns WHERE reference_id IS NOT NULL`
    return { ...cost, namesOfSession: named.length / count }
  }).pipe(Effect.provideContext(services))
})

for (const [way, fibers] of [["a route", 1], ["Node's server", 0]] as const) {
  describe(`a turn of a call that is live in memory, by ${way}`, () => {
    it.effect("of a lone call is one commit, by one statement", () =>
      Effect.gen(function*() {
        const cost = yield* costOfTurns(1, way)
        assert.strictEqual(cost.commits, 1)
        assert.isAtMost(cost.statements, 1.1)
        assert.deepStrictEqual(cost.reads, [])
      }))

    it.effect("among 32 calls shares its commit with four others at least", () =>
      Effect.gen(function*() {
        const cost = yield* costOfTurns(32, way)
        assert.isAtMost(cost.commits, 0.2)
        assert.isAtMost(cost.statements, 0.3)
        assert.deepStrictEqual(cost.reads, [])
      }))

    it.effect(`has ${fibers === 0 ? "no fiber" : "one fiber"} of its own`, () =>
      Effect.gen(function*() {
        assert.isAtMost((yield* costOfTurns(32, way)).fibers, fibers)
      }))

    it.effect("names its session in the store only if that is new", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* costOfTurns(2, way)).namesOfSession, 1)
      }))
  })
}

describe("the traces of calls", () => {
  it.effect("are two spans a call, with little in them, and cost no fiber and no read", () =>
    Effect.gen(function*() {
      const count = 32
      const { spans, tracer } = tracing()
      const layer = Layer.succeed(Tracer.Tracer, tracer)
      const cost = yield* costOfTurns(count, "Node's server", Layer.provide(CallTelemetry.layer(), layer))
      assert.isAtMost(cost.fibers, 0)
      assert.deepStrictEqual(cost.reads, [])
      assert.lengthOf(spans, 2 * count)
      const attributes = spans.flatMap((span) => [...span.attributes])
      assert.isAtMost(attributes.length, 7 * count)
      // The start with its dial, the carrier's response, and what the carrier posts.
      const turns = 2 + questions.length + 2
      assert.lengthOf(spans.flatMap((span) => span.events), turns * count)
    }))

  it.effect("are a span a turn and two a call where turns have spans, which have nothing twice", () =>
    Effect.gen(function*() {
      const count = 32
      const { spans, tracer } = tracing()
      const beside = Layer.provide(CallTelemetry.layer({ turns: true }), Layer.succeed(Tracer.Tracer, tracer))
      const cost = yield* costOfTurns(count, "Node's server", beside)
      assert.isAtMost(cost.fibers, 0)
      const turns = 2 + questions.length + 2
      assert.lengthOf(spans, (turns + 2) * count)
      assert.lengthOf(spans.flatMap((span) => span.events), 0)
    }))
})

/** Does something to a number of calls at the same time. */
const all = <A, E, R>(count: number, one: Effect.Effect<A, E, R>): Effect.Effect<unknown, E, R> =>
  count === 1 ? one : Effect.replicateEffect(one, count, { concurrency: "unbounded", discard: true })

/** Starts calls at the same time, lets the carrier answer their dials, and wakes as many that wait. */
const costOfCalls = Effect.fnUntraced(function*(count: number) {
  const { costOf, filename } = yield* meter
  const answers = yield* Latch.make(false)
  const slowCarrier = Layer.effect(
    Transport.Transport,
    Effect.map(
      Transport.Transport,
      ({ send }) => Transport.Transport.of({ send: (dial) => answers.whenOpen(send(dial)) })
    )
  ).pipe(Layer.provide(carrier))
  const services = yield* Layer.build(
    Calls.layer({ flows: [Conversation, Later], settings: { dial: { perSecond: Infinity } } }).pipe(
      Layer.provide(slowCarrier),
      Layer.provideMerge(SqlEventStore.layer),
      Layer.provideMerge(SqliteClient.layer({ filename }))
    )
  )
  return yield* Effect.gen(function*() {
    yield* all(count, Calls.start(Later, {}))
    const ended = yield* stored(count, "FlowEnded")
    const wake = yield* costOf(count, Effect.andThen(TestClock.adjust("10 millis"), Fiber.join(ended)))
    const accepted = yield* stored(count, "DialAccepted")
    const start = yield* costOf(count, all(count, Calls.start(Conversation, {})))
    const response = yield* costOf(count, Effect.andThen(answers.open, Fiber.join(accepted)))
    return { start: start.cost, response: response.cost, wake: wake.cost }
  }).pipe(Effect.provideContext(services))
})

/** One commit and one statement for all that come together, and no read. */
const assertShared = ({ commits, reads, statements }: Cost, count: number) => {
  assert.isAtMost(commits, 2 / count)
  assert.isAtMost(statements, 4 / count)
  assert.deepStrictEqual(reads, [])
}

describe("without HTTP", () => {
  it.effect("a start, the carrier's response and a wake are one commit each, by one statement", () =>
    Effect.gen(function*() {
      for (const { commits, reads, statements } of Object.values(yield* costOfCalls(1))) {
        assert.deepStrictEqual({ commits, reads, statements }, { commits: 1, reads: [], statements: 1 })
      }
    }))

  it.effect("a start and its dial have two fibers, the carrier's response none, and a wake has one", () =>
    Effect.gen(function*() {
      const count = 32
      const { response, start, wake } = yield* costOfCalls(count)
      for (const cost of [start, response, wake]) assertShared(cost, count)
      const ofTest = { start: 1, response: 2 / count, wake: 5 / count }
      assert.isAtMost(start.fibers - ofTest.start, 2)
      assert.isAtMost(response.fibers - ofTest.response, 0)
      assert.isAtMost(wake.fibers - ofTest.wake, 1)
    }))
})
