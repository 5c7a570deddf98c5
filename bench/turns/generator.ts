/**
 * The load: as many connections as there are calls at a time, each of which holds one call after another.
 *
 * `node generator.ts <port> <calls at a time> <seconds>` prints one line of JSON. Calls are started, by `POST /start`,
 * while the clock stands still: starts are no turns. It stops with the first connection that finds no call left, so that all
 * connections are busy as long as it runs.
 */
import type { Socket } from "node:net"
import * as Carrier from "./carrier.ts"

/** What was measured while the clock ran. */
export interface Measured {
  readonly turns: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Processor time of the server and of the generator, in microseconds a turn. */
  readonly serverMicros: number
  readonly generatorMicros: number
  readonly turnsPerCommit: number
}

const [port = 0, connections = 1, seconds = 1] = process.argv.slice(2).map(Number)

const carrier = Carrier.make(port)

/** What a run of calls took. */
interface Run {
  readonly took: ReadonlyArray<number>
  /** While all connections were busy: how long that was, in milliseconds, and the turns in it. */
  readonly elapsed: number
  readonly turns: number
  readonly cpuMicros: number
  readonly ownMicros: number
  readonly commits: number
}

/** Starts calls, holds all of them, and tells how long each turn took. */
const run = async (sockets: ReadonlyArray<Socket>, count: number): Promise<Run> => {
  const calls = await carrier.start(count)
  const took: Array<number> = []
  const before = { server: await carrier.usage(), own: process.cpuUsage() }
  const began = performance.now()
  let elapsed = 0
  let turns = 0
  await Promise.all(sockets.map(async (socket) => {
    for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
      for (const request of call) {
        const sent = performance.now()
        await Carrier.exchange(socket, request)
        took.push(performance.now() - sent)
      }
    }
    if (elapsed > 0) return
    elapsed = performance.now() - began
    turns = took.length
  }))
  const { system, user } = process.cpuUsage(before.own)
  const server = await carrier.usage()
  return {
    took,
    elapsed,
    turns,
    cpuMicros: server.cpuMicros - before.server.cpuMicros,
    ownMicros: user + system,
    commits: server.commits - before.server.commits
  }
}

/** Runs until the clock has run for so many milliseconds. The server holds no more calls than it has to. */
const runFor = async (sockets: ReadonlyArray<Socket>, millis: number): Promise<ReadonlyArray<Run>> => {
  const runs: Array<Run> = []
  for (let clock = 0; clock < millis; clock += runs.at(-1)!.elapsed) runs.push(await run(sockets, sockets.length * 8))
  return runs
}

/** A server is compiled while it runs, so it is measured when it has run for a while: 30,000 turns, or twenty seconds. */
const warmUp = async (sockets: ReadonlyArray<Socket>) => {
  const end = performance.now() + 20_000
  for (let turns = 0; turns < 30_000 && performance.now() < end;) {
    turns += (await run(sockets, sockets.length * 8)).took.length
  }
}

const summary = (runs: ReadonlyArray<Run>): Measured => {
  const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0)
  const sorted = Float64Array.from(runs.flatMap((run) => run.took)).toSorted()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    turns: sorted.length,
    perSecond: sum((run) => run.turns) / sum((run) => run.elapsed) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    serverMicros: sum((run) => run.cpuMicros) / sorted.length,
    generatorMicros: sum((run) => run.ownMicros) / sorted.length,
    turnsPerCommit: sorted.length / sum((run) => run.commits)
  }
}

const sockets = await Promise.all(Array.from({ length: Math.max(connections, 32) }, carrier.connect))
await warmUp(sockets)
console.log(JSON.stringify(summary(await runFor(sockets.slice(0, connections), seconds * 1000))))
for (const socket of sockets) socket.destroy()
