/** The demo's application from outside: starts it as a child process, talks to it by lines, kills it. */
import { Data, Deferred, Effect } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** What the child says, one JSON object a line. */
export type Message = { readonly [field: string]: unknown }

/** The child ended by itself, or did not say what was waited for. */
export class Silent extends Data.TaggedError("Silent")<{ readonly message: string }> {}

/** A process that has loaded the application and has not opened its database. */
export interface Prepared {
  /** Lets it begin, and waits until it listens. */
  readonly open: Effect.Effect<Child, Silent>
  /** `kill -9`, and waits until it is gone. */
  readonly kill: Effect.Effect<void>
}

export interface Child {
  /** The port on which it takes webhooks. */
  readonly port: number
  readonly tell: (command: string) => Effect.Effect<void>
  /** The message that has this field with this value, if it has been said. */
  readonly said: (field: string, value: unknown) => Message | undefined
  /** Waits for that message, a minute at most. */
  readonly hear: (field: string, value: unknown) => Effect.Effect<Message, Silent>
  /** `kill -9`, and waits until it is gone. */
  readonly kill: Effect.Effect<void>
}

const worker = fileURLToPath(new URL("worker.ts", import.meta.url))

/** Starts a process that loads the application, so that it can open a database later at once. */
export const prepare = Effect.fnUntraced(function*(environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ["--conditions=source", worker], {
    env: { ...process.env, NODE_NO_WARNINGS: "1", ...environment },
    stdio: ["pipe", "pipe", "inherit"]
  })
  const messages: Array<Message> = []
  const waiting = new Map<string, Deferred.Deferred<Message, Silent>>()
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()))
  const kill = Effect.promise(() => (child.kill("SIGKILL"), gone))
  yield* Effect.addFinalizer(() => kill)

  const name = (field: string, value: unknown) => JSON.stringify([field, value])
  child.stdin.on("error", () => undefined) // told to one that has just been killed
  createInterface(child.stdout).on("line", (line) => {
    const message: Message = JSON.parse(line)
    messages.push(message)
    for (const [field, value] of Object.entries(message)) {
      const waiter = waiting.get(name(field, value))
      if (waiter !== undefined) Deferred.doneUnsafe(waiter, Effect.succeed(message))
    }
  })
  child.once("exit", (code) => {
    const ended = Effect.fail(new Silent({ message: `The application ended with code ${code}` }))
    for (const waiter of waiting.values()) Deferred.doneUnsafe(waiter, ended)
  })

  const tell = (command: string) => Effect.sync(() => void child.stdin.write(`${command}\n`))
  const said = (field: string, value: unknown) => messages.find((message) => message[field] === value)
  const hear = Effect.fnUntraced(function*(field: string, value: unknown) {
    const before = said(field, value)
    if (before !== undefined) return before
    const waiter = yield* Deferred.make<Message, Silent>()
    waiting.set(name(field, value), waiter)
    return yield* Effect.timeoutOrElse(Deferred.await(waiter), {
      duration: "1 minute",
      orElse: () => Effect.fail(new Silent({ message: `The application did not say ${field}: ${String(value)}` }))
    })
  })

  const prepared: Prepared = {
    open: Effect.gen(function*() {
      yield* tell("open")
      const { port } = yield* hear("ready", true)
      const running: Child = { port: Number(port), tell, said, hear, kill }
      return running
    }),
    kill
  }
  return prepared
})

/** Starts the application on a database and waits until it listens. */
export const start = (environment: Readonly<Record<string, string>>) =>
  Effect.flatMap(prepare(environment), (prepared) => prepared.open)
