/** The runners from outside: places in which processes of the application follow each other, and the wires around each. */
import { Effect, type Scope, Semaphore } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { freePort } from "../freePort.ts"
import type { Command, Opening, Said } from "./runner.ts"
import * as Wire from "./wire.ts"

/** What a runner said, and when. */
export type Message = Said & { readonly at: number }

export interface Stretch {
  readonly from: number
  /** `Infinity` while it goes on. */
  to: number
}

/** One process, from its start to its death, and what befell it. Times are in milliseconds since 1970. */
export interface Life {
  readonly place: number
  readonly number: number
  readonly version: Version
  readonly born: number
  /** The name under which it is known to others. */
  name: string | undefined
  ready: number
  /** When it was told to end, and when it had drained and took nothing more. */
  ending: number
  closing: number
  died: number
  readonly frozen: Array<Stretch>
  readonly set: Array<number>
  readonly lags: Array<Stretch>
  /** How long the oldest due work of any shard had waited, in milliseconds, whenever it said so. */
  readonly behind: Array<{ readonly at: number; readonly millis: number }>
  /** What it wrote that was not said to the suite, and when that came. */
  readonly log: Array<{ readonly at: number; readonly text: string }>
}

export type Version = "old" | "next"

/** Where one process after another runs. The wires stay. */
export interface Place {
  readonly number: number
  readonly database: Wire.Wire
  readonly carrier: Wire.Wire
  readonly webhooks: Wire.Wire
  /** From the other runners, in a cluster. */
  readonly cluster: Wire.Wire
  life: Life
  /** One process ends and another begins at a time. */
  readonly alone: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly isUp: () => boolean
  readonly tell: (command: Command) => void
  readonly kill: Effect.Effect<void>
  /** Tells it to end, and waits until it has. */
  readonly stop: Effect.Effect<void>
  /** Begins the next process, and waits until it takes webhooks. */
  readonly start: (version: Version) => Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  readonly setClock: (ahead: number) => void
}

export interface Options {
  readonly databasePort: number
  readonly carrierPort: number
  readonly databaseUrl: (port: number) => string
  readonly spares: Spares
  readonly heard: (life: Life, message: Message) => void
}

const worker = fileURLToPath(new URL("runner.ts", import.meta.url))

const longestStart = 180_000

/** What starts processes ends one that does not end by itself: it is told how long to wait by "In production". */
const longestStop = 40_000

/** Processes that have loaded the application and wait to be told what to open: to load it takes long on a busy machine. */
export interface Spares {
  readonly take: Effect.Effect<ChildProcess>
}

/** Keeps one at hand, until the scope closes. */
export const spares = (environment: Readonly<Record<string, string>>): Effect.Effect<Spares, never, Scope.Scope> => {
  const all: Array<ChildProcess> = []
  const begin = () => {
    const child = spawn(process.execPath, ["--conditions=source", worker], {
      env: { ...process.env, NODE_NO_WARNINGS: "1", ...environment },
      stdio: ["pipe", "pipe", "inherit"]
    })
    child.stdin.on("error", () => undefined) // told to one that has just been killed
    all.push(child)
    return child
  }
  let next = begin()
  const take = Effect.sync(() => {
    const taken = next
    next = begin()
    return taken
  })
  return Effect.acquireRelease(
    Effect.succeed({ take }),
    () => Effect.forEach(all, (child) => Effect.andThen(Effect.sync(() => child.kill("SIGKILL")), gone(child)))
  )
}

const gone = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once("exit", resolve))
    }
  })

/** A place without a process yet. Its wires end with the scope. */
export const make = Effect.fnUntraced(function*(number: number, lives: Array<Life>, options: Options) {
  const database = yield* Wire.make(options.databasePort)
  const carrier = yield* Wire.make(options.carrierPort)
  const webhooks = yield* Wire.make(9)
  const cluster = yield* Wire.make(9)
  const lock = yield* Semaphore.make(1)
  let child: ChildProcess | undefined
  const signal = (name: NodeJS.Signals) => Effect.sync(() => void child?.kill(name))
  const ended = Effect.suspend(() => child === undefined ? Effect.void : gone(child))

  const hear = (life: Life, message: Message): void => {
    if (message.says === "closing") life.closing = message.at
    if (message.says === "process") life.name = message.name
    if (message.says === "lag") life.lags.push({ from: message.at - message.millis, to: message.at })
    if (message.says === "behind") life.behind.push(message)
    options.heard(life, message)
  }

  const open = (life: Life, own: ChildProcess, listens: number) =>
    Effect.callback<number | undefined>((resume) => {
      child = own
      createInterface(own.stdout!).on("line", (line) => {
        if (!line.startsWith("{\"says\"")) return void life.log.push({ at: Date.now(), text: line })
        const message = JSON.parse(line) as Message
        hear(life, message)
        if (message.says === "ready") resume(Effect.succeed(message.port))
      })
      own.once("exit", () => {
        life.died = Math.min(life.died, Date.now())
        for (const stretch of life.frozen) stretch.to = Math.min(stretch.to, life.died)
        resume(Effect.undefined)
      })
      const opening: Opening = {
        DATABASE_URL: options.databaseUrl(database.port),
        TELESIGN_BASE_URL: `http://127.0.0.1:${carrier.port}`,
        VERSION: life.version,
        CLUSTER_PORT: String(cluster.port),
        CLUSTER_LISTENS: String(listens)
      }
      own.stdin!.write(`${JSON.stringify(opening)}\n`)
    })

  const place: Place = {
    number,
    database,
    carrier,
    webhooks,
    cluster,
    life: undefined!,
    alone: lock.withPermit,
    isUp: () => place.life.ready < Infinity && place.life.died === Infinity && place.life.ending === Infinity,
    tell: (command) => void child?.stdin?.write(`${JSON.stringify(command)}\n`),
    kill: Effect.gen(function*() {
      place.life.died = Date.now() // What it has in hand is broken off before its process is seen to end.
      yield* webhooks.shut
      yield* signal("SIGKILL")
      yield* ended
    }),
    stop: Effect.gen(function*() {
      place.life.ending = Date.now()
      yield* signal("SIGTERM")
      yield* Effect.timeoutOrElse(ended, { duration: longestStop, orElse: () => signal("SIGKILL") })
      yield* ended
      yield* webhooks.shut
    }),
    start: Effect.fnUntraced(function*(version) {
      const isFirst = place.life === undefined
      let port: number | undefined
      while (port === undefined) { // One that ends at its start is started again, as everywhere.
        if (place.life?.ready === Infinity) yield* Effect.sleep("1 second")
        place.life = newLife(number, lives, version)
        const listens = yield* Effect.promise(freePort)
        cluster.lead(listens)
        const opened = open(place.life, yield* options.spares.take, listens)
        port = yield* Effect.timeoutOrElse(opened, {
          duration: longestStart,
          orElse: () =>
            Effect.die(
              new Error(`A runner does not start: ${place.life.log.slice(-20).map(({ text }) => text).join("\n")}`)
            )
        })
      }
      webhooks.lead(port)
      if (!isFirst) yield* webhooks.open
      place.life.ready = Date.now()
    }),
    freeze: Effect.suspend(() => {
      place.life.frozen.push({ from: Date.now(), to: Infinity })
      return signal("SIGSTOP")
    }),
    thaw: Effect.andThen(
      signal("SIGCONT"),
      Effect.sync(() => {
        for (const stretch of place.life.frozen) stretch.to = Math.min(stretch.to, Date.now())
      })
    ),
    setClock: (ahead) => {
      place.life.set.push(Date.now())
      place.tell({ tell: "clock", ahead })
    }
  }
  return place
})

const newLife = (place: number, lives: Array<Life>, version: Version): Life => {
  const life: Life = {
    place,
    number: lives.length + 1,
    version,
    born: Date.now(),
    name: undefined,
    ready: Infinity,
    ending: Infinity,
    closing: Infinity,
    died: Infinity,
    frozen: [],
    set: [],
    lags: [],
    behind: [],
    log: []
  }
  lives.push(life)
  return life
}
