/**
 * Starts many calls at a server whose calls wait before they dial.
 *
 * `node bulk.ts <port> <starts at a time> <starts>` prints one line of JSON.
 */
import * as Carrier from "./carrier.ts"

/** What was measured. */
export interface Started {
  readonly perSecond: number
  /** The memory of the server for each call that waits, without garbage. */
  readonly bytesEach: number
}

const [port = 0, connections = 1, count = 1] = process.argv.slice(2).map(Number)

const carrier = Carrier.make(port)
const sockets = await Promise.all(Array.from({ length: connections }, carrier.connect))

const start = async (count: number): Promise<void> => {
  let left = count
  await Promise.all(sockets.map(async (socket) => {
    while (left-- > 0) await Carrier.exchange(socket, carrier.startOne)
  }))
}

await start(10_000) // what is kept in any case, and code that is warm
const before = await carrier.usage()
const began = performance.now()
await start(count)
const elapsed = performance.now() - began
const after = await carrier.usage()

const started: Started = {
  perSecond: count / elapsed * 1000,
  bytesEach: (after.heapBytes - before.heapBytes) / count
}
console.log(JSON.stringify(started))
for (const socket of sockets) socket.destroy()
