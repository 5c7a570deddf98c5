import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Call, Calls, EventStore, Flow, Line, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Fiber, Layer, Schema, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { SqlClient } from "effect/sql"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync, StatementSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { TelesignWebhook } from "../src/index.ts"

// What a turn costs, counted where it is paid: statements as they enter SQLite, commits as they stand in its log.

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

/** How webhooks come in. */
const ways = {
  "a route": () => HttpRouter.serve(TelesignWebhook.layer({ path: "/events" }), served),
  "Node's server": (server: Server) =>
    Layer.merge(TelesignWebhook.layerNode(server, { path: "/events" }), HttpRouter.serve(Layer.empty, served))
}

type Way = keyof typeof ways

/** Holds calls at the same time, each on a connection of its own, and counts what their turns cost. */
const costOf = Effect.fnUntraced(function*(count: number, way: Way) {
  const filename = yield* tempFile
  const noted = yield* statements
  const server = createServer()
  const services = yield* Layer.build(
    ways[way](server).pipe(
      Layer.provideMerge(Calls.layer({
        flows: [Conversation],
        settings: { shortestKeyPress: 0, fastestSpeech: Infinity } // these callees answer at once, and are no copies
      })),
      Layer.provide(carrier),
      Layer.provideMerge(SqlEventStore.layer),
      Layer.provideMerge(SqliteClient.layer({ filename })),
      Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
    )
  )
  return yield* Effect.gen(function*() {
    const store = yield* EventStore.EventStore
    const accepted = yield* store.changes.pipe(
      Stream.filter((turn) => turn.events.some((event) => event._tag === "DialAccepted")),
      Stream.take(count),
      Stream.runDrain,
      Effect.forkChild({ startImmediately: true })
    )
    const calls = yield* Effect.replicateEffect(Calls.start(Conversation, {}), count, { concurrency: "unbounded" })
    yield* Fiber.join(accepted)

    const commitsBefore = commitsIn(filename)
    noted.length = 0
    const { port } = server.address() as AddressInfo
    const posts = calls.map(({ id }) => turnsOf(Call.externalId(store.namespace, id, 1)))
    const answers = yield* Effect.promise(() => holdAll(port, posts))
    for (const ofCall of answers) {
      assert.isTrue(ofCall.every(([head]) => head.startsWith("HTTP/1.1 200")))
      assert.deepStrictEqual(ofCall.map(([, body]) => JSON.parse(body).method), [
        ...questions.map(() => "speak"),
        "hangup",
        undefined
      ])
    }
    const turns = answers.flat().length
    const cost = {
      commits: (commitsIn(filename) - commitsBefore) / turns,
      statements: noted.length / turns,
      reads: noted.filter((text) => /^\s*(select|pragma)/i.test(text))
    }
    const sql = yield* SqlClient.SqlClient
    const named = yield* sql`SELECT call_id FROM ringback_turns WHERE reference_id IS NOT NULL`
    return { ...cost, namesOfSession: named.length / count }
  }).pipe(Effect.provideContext(services))
})

for (const way of ["a route", "Node's server"] as const) {
  describe(`a turn of a call that is live in memory, by ${way}`, () => {
    it.effect("of a lone call is one commit, by one statement", () =>
      Effect.gen(function*() {
        const cost = yield* costOf(1, way)
        assert.strictEqual(cost.commits, 1)
        assert.isAtMost(cost.statements, 1.1)
        assert.deepStrictEqual(cost.reads, [])
      }))

    it.effect("among 32 calls shares its commit with four others at least", () =>
      Effect.gen(function*() {
        const cost = yield* costOf(32, way)
        assert.isAtMost(cost.commits, 0.2)
        assert.isAtMost(cost.statements, 0.3)
        assert.deepStrictEqual(cost.reads, [])
      }))

    it.effect("names its session in the store only if that is new", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* costOf(2, way)).namesOfSession, 1)
      }))
  })
}
