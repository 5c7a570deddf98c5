/** Measures one server in one round: a process of its own for the server, and one for the generator. */
import { execFile, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { Measured } from "./generator.ts"

const file = (name: string) => fileURLToPath(new URL(`${name}.ts`, import.meta.url))
const run = promisify(execFile)

/** A server that runs, and the way to its end. */
export interface Server {
  readonly port: number
  readonly kill: () => Promise<void>
}

/** Starts a program of this folder on a database. */
export const start = async (name: string, place: string, environment: Record<string, string> = {}): Promise<Server> => {
  const child = spawn(process.execPath, ["--conditions=source", file(name), place], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_NO_WARNINGS: "1", ...environment }
  })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const port = await Promise.race([
    new Promise<number>((resolve) => child.stdout.once("data", (data) => resolve(Number(data)))),
    ended.then(() => Promise.reject(new Error(`The server ${name} has ended`)))
  ])
  return {
    port,
    kill: () => {
      child.kill("SIGKILL")
      return ended
    }
  }
}

/** How a server is loaded. */
export interface Load {
  readonly calls: number
  readonly seconds: number
}

/** Loads a server on a database, and measures what it does. */
export const measure = async (
  name: string,
  place: string,
  { calls, seconds }: Load,
  environment?: Record<string, string>
): Promise<Measured> => {
  const server = await start(name, place, environment)
  try {
    const { stdout } = await run(process.execPath, [
      file("generator"),
      String(server.port),
      String(calls),
      String(seconds)
    ])
    return JSON.parse(stdout) as Measured
  } finally {
    await server.kill()
  }
}

/** The middle one. */
export const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
