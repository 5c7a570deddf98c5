/**
 * `npm run bench -- soak`: five minutes at half of the rate that Ringback can do, on one process and one file. Prints the
 * server's memory, without garbage, each half minute; ends with the first answer that is not the right one.
 *
 * `--minutes 5 --calls 32`
 */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import type { Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"
import * as Carrier from "./turns/carrier.ts"
import { measure, start } from "./turns/measure.ts"

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, calls: { type: "string", default: "32" } }
})
const atOnce = positive("calls", values.calls)
const millis = positive("minutes", values.minutes) * 60_000
const folder = mkdtempSync(join(tmpdir(), "ringback-soak-"))
const file = join(folder, "soak.db")

/** Holds one call after the other, and begins each when it is due, or at once if that was before. */
const hold = async (
  socket: Socket,
  next: () => Promise<ReadonlyArray<Carrier.Request>>,
  every: number,
  until: number,
  count: () => void
) => {
  for (let due = performance.now() + Math.random() * every; due < until; due += every) {
    await setTimeout(Math.max(0, due - performance.now()))
    for (const request of await next()) {
      await Carrier.exchange(socket, request)
      count()
    }
  }
}

/** Gives one started call after the other, and starts more in time. */
const supply = (carrier: ReturnType<typeof Carrier.make>) => {
  let started: Promise<Array<ReadonlyArray<Carrier.Request>>> = Promise.resolve([])
  return async () => {
    for (;;) {
      const from = started
      const call = (await from).pop()
      if (call !== undefined) return call
      if (started === from) started = carrier.start(atOnce * 8)
    }
  }
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(10)

const soak = async (rate: number) => {
  const server = await start("ringback", file, { NODE_OPTIONS: "--expose-gc" })
  try {
    const carrier = Carrier.make(server.port)
    const sockets = await Promise.all(Array.from({ length: atOnce }, carrier.connect))
    const next = supply(carrier)
    let turns = 0
    const turnsPerCall = (await next()).length
    const began = performance.now()
    const until = began + millis
    const work = Promise.all(
      sockets.map((socket) => hold(socket, next, 1000 * turnsPerCall * atOnce / rate, until, () => void turns++))
    )
    for (let at = began; at <= until; at += 30_000) {
      await Promise.race([setTimeout(Math.max(0, at - performance.now())), work.then(() => undefined)])
      const { heapBytes, residentBytes } = await carrier.usage()
      console.log(
        `${((at - began) / 1000).toFixed(0).padStart(4)} s  ${turns.toString().padStart(8)} turns  ` +
          `heap ${mebibytes(heapBytes)}  resident ${mebibytes(residentBytes)}  database ${
            mebibytes(statSync(file).size)
          }`
      )
    }
    await work
    const perSecond = turns / (performance.now() - began) * 1000
    console.log(`\n${turns} turns, ${perSecond.toFixed(0)} a second, no error`)
  } finally {
    await server.kill()
  }
}

try {
  printMachine()
  const { perSecond } = await measure("ringback", join(folder, "rate.db"), { calls: atOnce, seconds: 3 })
  console.log(`${perSecond.toFixed(0)} turns a second are possible; half of that for ${values.minutes} minutes:\n`)
  await soak(perSecond / 2)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
