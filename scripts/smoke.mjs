// Starts a server by a command, waits until it says where it listens, asks it something, and stops it.
//
//     node scripts/smoke.mjs npm run --silent emulator -- --port 0
import { spawn } from "node:child_process"
import { once } from "node:events"

const [command, ...args] = process.argv.slice(2)
const server = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "inherit"] })
const closed = once(server, "close")
const stop = () => {
  try {
    process.kill(-server.pid, "SIGTERM")
  } catch {
    // It has stopped by itself.
  }
}
process.on("exit", stop)

/** The first http address that the server prints. */
const address = new Promise((resolve, reject) => {
  let printed = ""
  server.stdout.on("data", (chunk) => {
    process.stdout.write(chunk)
    printed += chunk
    const found = /http:\/\/[\w.[\]:-]+:\d+/.exec(printed)
    if (found !== null) resolve(found[0])
  })
  closed.then(() => reject(new Error(`"${command}" ended without saying where it listens`)), reject)
})

const url = await address
const { status } = await fetch(url)
console.log(`${url} answers with ${status}`)
stop()
await closed
