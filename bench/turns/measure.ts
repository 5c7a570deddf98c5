/** Measures one server in one round: a process of its own for the server, and one for the generator. */
import { execFile, spawn } from "node:child_process"
import { isAbsolute } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { Started } from "./bulk.ts"
import type { Measured } from "./generator.ts"

const file = (name: string) => isAbsolute(name) ? name : fileURLToPath(new URL(`${name}.ts`, import.meta.url))
const run = promisify(execFile)

/** A server that runs, and the way to its end. */
export interface Server {
  readonly port: number
  readonly kill: () => Promise<void>
}

/** Starts a program of this folder, or one whose path is given, on a database. */
export const start = async (
  name: string,
  place: string,
  environment: Readonly<Record<string, string>> = {}
): Promise<Server> => {
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

/** Loads a server on a database by a program of this folder, and gives what that prints. */
const load = async (
  loader: string,
  name: string,
  place: string,
  numbers: ReadonlyArray<number>,
  environment: Readonly<Record<string, string>>
): Promise<unknown> => {
  const server = await start(name, place, environment)
  try {
    const env = { ...process.env, ...environment }
    const { stdout } = await run(process.execPath, [file(loader), String(server.port), ...numbers.map(String)], { env })
    return JSON.parse(stdout)
  } finally {
    await server.kill()
  }
}

/** Loads a server on a database, and measures what it does. */
export const measure = (
  name: string,
  place: string,
  { calls, seconds }: Load,
  environment: Readonly<Record<string, string>> = {}
): Promise<Measured> => load("generator", name, place, [calls, seconds], environment) as Promise<Measured>

/** Starts many calls that wait before they dial. */
export const measureStarts = (
  name: string,
  place: string,
  { calls, count }: { readonly calls: number; readonly count: number }
): Promise<Started> =>
  load("bulk", name, place, [calls, count], { HELD: "1", NODE_OPTIONS: "--expose-gc" }) as Promise<Started>

/** The middle one. */
export const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
