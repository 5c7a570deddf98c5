/**
 * Ends a process by SIGTERM that is wired as the README does, while something that it needs is away. Real processes, in real
 * time, side by side: for each the bound is 25 seconds, and all that is measured is whether it is kept. On two cores
 * that others use too, six of them at once have 20 more; what waits for something that is away would wait longer still.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { type AddressInfo, connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import * as Gate from "./gate.ts"
import * as Postgres from "./postgres.ts"

const bound = 45_000
const program = fileURLToPath(new URL("closing.process.ts", import.meta.url))

const folder = mkdtempSync(join(tmpdir(), "ringback-closing-"))

const scope = Scope.makeUnsafe()

/** `undefined` where none can be started; the reason is printed. */
const server = await Effect.runPromise(
  Effect.catchCause(
    Scope.provide(Postgres.server({ fsync: "off" }), scope),
    (cause) => Effect.as(Effect.logWarning("The tests on PostgreSQL are skipped", cause), undefined)
  )
)

/** A carrier that takes connections and says nothing. */
let silent: Server
beforeAll(() => new Promise<void>((resolve) => void (silent = createServer().listen(0, "127.0.0.1", resolve))))
afterAll(async () => {
  silent.close()
  rmSync(folder, { recursive: true, force: true })
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

/** Starts the application and waits until its calls are recorded. */
const start = async (calls: string, store: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, ["--conditions=source", program], {
    env: {
      ...process.env,
      NODE_NO_WARNINGS: "1",
      TELESIGN_CUSTOMER_ID: "customer",
      TELESIGN_API_KEY: "QW4gQVBJIGtleQ==",
      TELESIGN_CALLER_ID: "15550170009",
      TELESIGN_BASE_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      CALLS: calls,
      ...store
    },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let said = ""
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`The process ended early:\n${said}`)))
    child.stdout.on("data", (data) => {
      said += String(data)
      const ready = /^ready (\d+)$/m.exec(said)
      if (ready !== null) resolve(Number(ready[1]))
    })
  })
  return {
    port,
    /** Tells it to end, and gives what it said if it does so in time. */
    end: async () => {
      const ended = once(child, "exit", { signal: AbortSignal.timeout(bound) })
      child.kill("SIGTERM")
      await ended.catch(() => {
        child.kill("SIGKILL")
        throw new Error(`The process did not end within ${bound} ms:\n${said}`)
      })
      return said
    }
  }
}

let files = 0
const file = () => join(folder, `${++files}.db`)

/** A database of which nobody knows anything, behind a gate. */
const behindGate = async () => {
  const url = new URL(await Effect.runPromise(Scope.provide(Postgres.schema(server!), scope)))
  const gate = await Gate.open(Number(url.port))
  url.port = String(gate.port)
  return { gate, url: url.href }
}

const left = (said: string) => said.match(/leaves to the next process: (.*)/)?.[1] ?? ""

describe.concurrent("a process that is told to end", { timeout: 120_000 }, () => {
  it("ends though the carrier never answers", async () => {
    const application = await start("greeting", { FILE: file() })
    assert.include(left(await application.end()), "1 call under way")
  })

  it("ends though an activity never does, which runs again", async () => {
    const application = await start("endless", { FILE: file() })
    assert.include(left(await application.end()), "1 activity that runs again")
  })

  it("ends though a client keeps a connection and never finishes its request", async () => {
    const application = await start("greeting", { FILE: file() })
    const slow = connect(application.port, "127.0.0.1").on("error", () => undefined)
    slow.write("POST /telesign/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf")
    const mute = connect(application.port, "127.0.0.1").on("error", () => undefined)
    await Promise.all([slow, mute].map((socket) => new Promise((resolve) => socket.once("connect", resolve))))
    assert.include(left(await application.end()), "1 call under way")
    slow.destroy()
    mute.destroy()
  })

  it("ends though another process holds the lock of its SQLite file", async () => {
    const filename = file()
    const application = await start("greeting short", { FILE: filename })
    const other = new DatabaseSync(filename)
    other.exec("BEGIN IMMEDIATE")
    assert.include(left(await application.end()), "1 activity that runs again")
    other.close()
  })

  it.skipIf(server === undefined)("ends though PostgreSQL is frozen", async () => {
    const { gate, url } = await behindGate()
    const application = await start("greeting short", { DATABASE_URL: url })
    gate.freeze()
    assert.include(left(await application.end()), "1 dial without a response")
    gate.shut()
  })

  it.skipIf(server === undefined)("ends though PostgreSQL is away", async () => {
    const { gate, url } = await behindGate()
    const application = await start("greeting short", { DATABASE_URL: url })
    gate.shut()
    assert.include(left(await application.end()), "1 dial without a response")
  })
})
