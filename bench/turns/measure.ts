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

/** A server that is measured, on a database. */
interface Measurable {
  readonly name: string
  readonly place: string
  readonly environment: Readonly<Record<string, string>>
  /** How many of it run on that database. */
  readonly processes: number
}

/** Loads a server by a program of this folder, and gives what that prints. */
const load = async (
  loader: string,
  { environment, name, place, processes }: Measurable,
  numbers: ReadonlyArray<number>
): Promise<unknown> => {
  const servers: Array<Server> = []
  try {
    while (servers.length < processes) servers.push(await start(name, place, environment))
    const ports = servers.map(({ port }) => port).join(",")
    const env = { ...process.env, ...environment }
    const { stdout } = await run(process.execPath, [file(loader), ports, ...numbers.map(String)], { env })
    return JSON.parse(stdout)
  } finally {
    await Promise.all(servers.map((server) => server.kill()))
  }
}

/** Loads a server on a database, and measures what it does; or what several of it do together. */
export const measure = (
  name: string,
  place: string,
  { calls, seconds }: Load,
  environment: Readonly<Record<string, string>> = {},
  processes = 1
): Promise<Measured> =>
  load("generator", { name, place, environment, processes }, [calls, seconds]) as Promise<Measured>

/** Starts many calls that wait before they dial. */
export const measureStarts = (
  name: string,
  place: string,
  { calls, count }: { readonly calls: number; readonly count: number }
): Promise<Started> =>
  load("bulk", { name, place, environment: { HELD: "1", NODE_OPTIONS: "--expose-gc" }, processes: 1 }, [
    calls,
    count
  ]) as Promise<Started>

/** The middle one. */
export const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
