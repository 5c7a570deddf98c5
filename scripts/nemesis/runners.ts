/** The runners from outside: places in which processes of the application follow each other, and the wires around each. */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Command, Said } from "./runner.ts"
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
  /** When it was told to end. */
  ending: number
  died: number
  readonly frozen: Array<Stretch>
  readonly set: Array<number>
  readonly lags: Array<Stretch>
}

export type Version = "old" | "next"

/** Where one process after another runs. The wires stay. */
export interface Place {
  readonly number: number
  readonly database: Wire.Wire
  readonly carrier: Wire.Wire
  readonly webhooks: Wire.Wire
  life: Life
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
  readonly environment: Readonly<Record<string, string>>
  readonly heard: (place: number, message: Message) => void
}

const worker = fileURLToPath(new URL("runner.ts", import.meta.url))

const longestStart = 60_000

/** A place without a process yet. Its processes and wires end with the scope. */
export const make = Effect.fnUntraced(function*(number: number, lives: Array<Life>, options: Options) {
  const database = yield* Wire.make(options.databasePort)
  const carrier = yield* Wire.make(options.carrierPort)
  const webhooks = yield* Wire.make(9)
  const environment = {
    ...process.env,
    NODE_NO_WARNINGS: "1",
    ...options.environment,
    DATABASE_URL: options.databaseUrl(database.port),
    TELESIGN_BASE_URL: `http://127.0.0.1:${carrier.port}`
  }
  let child: ChildProcess | undefined
  const signal = (name: NodeJS.Signals) => Effect.sync(() => void child?.kill(name))
  const gone = Effect.promise(async () => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child!.once("exit", resolve))
    }
  })

  const hear = (life: Life, message: Message): void => {
    if (message.says === "process") life.name = message.name
    if (message.says === "lag") life.lags.push({ from: message.at - message.millis - 1_000, to: message.at })
    options.heard(number, message)
  }

  const spawned = (life: Life) =>
    Effect.callback<number>((resume) => {
      const own = spawn(process.execPath, ["--conditions=source", worker], {
        env: { ...environment, VERSION: life.version },
        stdio: ["pipe", "pipe", "pipe"]
      })
      child = own
      own.stdin.on("error", () => undefined) // told to one that has just been killed
      createInterface(own.stdout).on("line", (line) => {
        if (!line.startsWith("{\"says\"")) return // a line of its log
        const message = JSON.parse(line) as Message
        hear(life, message)
        if (message.says === "ready") resume(Effect.succeed(message.port))
      })
      own.stderr.on("data", (text: Buffer) => void process.stderr.write(text))
      own.once("exit", () => {
        life.died = Math.min(life.died, Date.now())
        for (const stretch of life.frozen) stretch.to = Math.min(stretch.to, life.died)
      })
    })

  const place: Place = {
    number,
    database,
    carrier,
    webhooks,
    life: undefined!,
    isUp: () => place.life.ready < Infinity && place.life.died === Infinity && place.life.ending === Infinity,
    tell: (command) => void child?.stdin?.write(`${JSON.stringify(command)}\n`),
    kill: Effect.gen(function*() {
      yield* webhooks.shut
      yield* signal("SIGKILL")
      yield* gone
    }),
    stop: Effect.gen(function*() {
      place.life.ending = Date.now()
      yield* signal("SIGTERM")
      yield* gone
      yield* webhooks.shut
    }),
    start: Effect.fnUntraced(function*(version) {
      place.life = newLife(number, lives, version)
      const port = yield* Effect.timeout(spawned(place.life), longestStart).pipe(Effect.orDie)
      webhooks.lead(port)
      if (lives.some((life) => life.place === number && life !== place.life)) yield* webhooks.open
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
  yield* Effect.addFinalizer(() => Effect.andThen(signal("SIGKILL"), gone))
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
    died: Infinity,
    frozen: [],
    set: [],
    lags: []
  }
  lives.push(life)
  return life
}
