/** Machines from outside: each is a child process, which is told to start calls, killed, frozen, and deployed over. */
import { Data, Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** A machine ended by itself before it was ready. */
export class Ended extends Data.TaggedError("Ended")<{ readonly message: string }> {}

/** Where a machine takes webhooks and where the others reach it. A process that is started again has the same ports. */
export interface Place {
  readonly name: string
  readonly port: number
  readonly clusterPort: number
}

/** Below those that systems give to connections that go out: a process that is started again finds its own still free. */
const [first, end] = [10_000, 32_768]

/** A port that nobody listens on. */
export const freePort = async (): Promise<number> => {
  const port = first + Math.floor(Math.random() * (end - first))
  const server = createServer().listen(port, "127.0.0.1")
  if (!(await once(server, "listening").then(() => true, () => false))) return freePort()
  await once(server.close(), "close")
  return port
}

/** A place with ports of its own. */
export const place = (name: string): Effect.Effect<Place> =>
  Effect.promise(async () => ({ name, port: await freePort(), clusterPort: await freePort() }))

/** A process that runs at a place. */
export interface Machine extends Place {
  readonly tell: (command: string) => void
  readonly signal: (signal: NodeJS.Signals) => void
  /** Waits until it has ended. */
  readonly ended: Effect.Effect<void>
}

const file = fileURLToPath(new URL("machine.ts", import.meta.url))

const untilReady = (child: ChildProcess, hear: (started: string, id: string) => void) =>
  Effect.callback<void, Ended>((resume) => {
    child.once("exit", (code) => resume(Effect.fail(new Ended({ message: `A machine ended with code ${code}` }))))
    createInterface(child.stdout!).on("line", (line) => {
      if (!line.startsWith("{\"")) return // What Effect says of the cluster.
      const said: { readonly ready?: boolean; readonly started?: string; readonly id?: string } = JSON.parse(line)
      if (said.ready === true) resume(Effect.void)
      if (said.started !== undefined) hear(said.started, said.id ?? "")
    })
  })

/** Starts a process at a place and waits until it is ready. It is killed with the scope. */
export const start = Effect.fnUntraced(function*(
  place: Place,
  environment: Readonly<Record<string, string>>,
  hear: (started: string, id: string) => void
) {
  const child = spawn(process.execPath, ["--conditions=source", file], {
    env: {
      ...process.env,
      NODE_NO_WARNINGS: "1",
      PORT: String(place.port),
      CLUSTER_PORT: String(place.clusterPort),
      ...environment
    },
    stdio: ["pipe", "pipe", "inherit"]
  })
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.stdin.on("error", () => undefined) // told to one that has just been killed
  yield* Effect.addFinalizer(() => Effect.sync(() => void child.kill("SIGKILL")))
  yield* untilReady(child, hear)
  const machine: Machine = {
    ...place,
    tell: (command) => void child.stdin.write(`${command}\n`),
    signal: (signal) => void child.kill(signal),
    ended: Effect.promise(() => gone)
  }
  return machine
})
