/**
 * The load: as many connections as there are calls at a time, each of which holds one call after another, on bare sockets
 * and with requests that were written down before, so that the server is busy before its caller is.
 *
 * `node generator.ts <port> <calls at a time> <seconds>` prints one line of JSON. Calls are started, by `POST /start`,
 * before the clock runs: starts are no turns. The clock stops with the first connection that finds no call left, so that
 * all connections are busy as long as it runs.
 */
import { connect, type Socket } from "node:net"
import { turnsOf, type Usage } from "./conversation.ts"

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

interface Request {
  readonly bytes: Buffer
  readonly expected: string
}

const [port = 0, connections = 1, seconds = 1] = process.argv.slice(2).map(Number)

const url = (path: string) => `http://127.0.0.1:${port}${path}`

const toRequest = (turn: { readonly body: string; readonly expected: string }): Request => ({
  bytes: Buffer.from(
    `POST /events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(turn.body)}\r\n\r\n${turn.body}`
  ),
  expected: turn.expected
})

/** Starts calls and writes down their requests, call after call. */
const startCalls = async (count: number): Promise<Array<ReadonlyArray<Request>>> => {
  const response = await fetch(url(`/start?count=${count}`), { method: "POST" })
  return (await response.json() as Array<string>).map((id) => turnsOf(id).map(toRequest))
}

const usage = async (): Promise<Usage> => await (await fetch(url("/usage"))).json() as Usage

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket)).setNoDelay(true).once("error", reject)
  })

/** Sends a request and reads the answer to it, which has a `Content-Length`. */
const exchange = (socket: Socket, { bytes, expected }: Request): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = ""
    const read = (chunk: Buffer) => {
      text += chunk.toString("latin1")
      const head = text.indexOf("\r\n\r\n")
      if (head === -1 || text.length < head + 4 + lengthOf(text)) return
      socket.off("data", read)
      if (text.startsWith("HTTP/1.1 200") && text.includes(expected, head)) resolve()
      else reject(new Error(`Expected ${expected}, got ${text}`))
    }
    socket.on("data", read)
    socket.write(bytes)
  })

const lengthOf = (text: string): number => Number(/\ncontent-length: *(\d+)/i.exec(text)?.[1])

/** Holds all of the calls and tells how long each turn took until the first connection had nothing to do. */
const run = async (sockets: ReadonlyArray<Socket>, calls: Array<ReadonlyArray<Request>>) => {
  const took: Array<number> = []
  const before = { server: await usage(), own: process.cpuUsage() }
  const began = performance.now()
  let elapsed = 0
  let turns = 0
  await Promise.all(sockets.map(async (socket) => {
    for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
      for (const request of call) {
        const sent = performance.now()
        await exchange(socket, request)
        took.push(performance.now() - sent)
      }
    }
    if (elapsed > 0) return
    elapsed = performance.now() - began
    turns = took.length
  }))
  const { system, user } = process.cpuUsage(before.own)
  const server = await usage()
  const sorted = Float64Array.from(took).toSorted()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    turns,
    perSecond: turns / elapsed * 1000,
    p50: at(0.5),
    p99: at(0.99),
    serverMicros: (server.cpuMicros - before.server.cpuMicros) / took.length,
    generatorMicros: (user + system) / took.length,
    turnsPerCommit: took.length / (server.commits - before.server.commits)
  } satisfies Measured
}

const sockets = await Promise.all(Array.from({ length: connections }, open))
// Servers are compiled while they run, so they are measured when they have run for a while.
const turnsPerCall = turnsOf("").length
const callsIn = (rate: number, time: number) => Math.max(connections * 2, Math.ceil(rate * time / turnsPerCall))
let warm = await run(sockets, await startCalls(connections * 4))
for (const end = performance.now() + 1000 * seconds; performance.now() < end;) {
  warm = await run(sockets, await startCalls(callsIn(warm.perSecond, 0.5)))
}
const measured = await run(sockets, await startCalls(callsIn(warm.perSecond, seconds)))
console.log(JSON.stringify(measured))
for (const socket of sockets) socket.destroy()
