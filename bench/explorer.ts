// How many places of a flow the explorer sees in a second on one core: every example that says how to explore its flow, with its
// laws, and what each takes of the heap. Time is of the processor. Run: npm run bench -- explorer [example]
import type { Flow } from "@ringback/core"
import { FlowExplorer, Law } from "@ringback/testing"
import { existsSync, readdirSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { printMachine } from "./machine.ts"

type Definition = Flow.Definition<string, unknown, unknown, unknown, unknown>

const examples = new URL("../examples/", import.meta.url)
const [only] = process.argv.slice(2)
const names = readdirSync(examples).filter((name) =>
  existsSync(new URL(`${name}/explore.ts`, examples)) && (only === undefined || name === only)
)

const isDefinition = (value: unknown): value is Definition =>
  typeof value === "object" && value !== null && "codec" in value && "run" in value

const read = async (name: string, file: string) =>
  await import(new URL(`${name}/${file}.ts`, examples).href) as Record<string, unknown>

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const heap = (): number => {
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** The least that the heap holds: what a `WeakRef` gave, or what is being compiled, is held for a while. */
const rest = async (): Promise<number> => {
  let least = Infinity
  for (let i = 0; i < 10; i++) {
    await setTimeout(50)
    least = Math.min(least, heap())
  }
  return least
}

/** How much more the heap holds at the last moment of a search than before it. */
const growth = async (explore: (law: Law.Law) => void): Promise<number> => {
  const search = (moment: (n: number) => void): number => {
    let seen = 0
    explore(Law.make("each moment is counted", {
      initial: null,
      next: () => {
        moment(++seen)
        return null
      }
    }))
    return seen
  }
  const last = search(() => {})
  const before = await rest()
  let grown = 0
  search((n) => {
    if (n === last) grown = heap() - before
  })
  return grown
}

/** Below that the heap grows by other things than places. */
const fewest = 1_000

printMachine()
console.log("example             places     steps   seconds   places/s   steps/s  bytes/place")

let [allPlaces, allSeconds] = [0, 0]
for (const name of names) {
  const { flow, input, laws = Law.standard, samples = {} } = await read(name, "explore")
  const found = [flow, ...Object.values(await read(name, "flow"))].find(isDefinition)
  if (found === undefined || input === undefined) continue
  const before = process.cpuUsage()
  const explore = (...more: ReadonlyArray<Law.Law>) =>
    FlowExplorer.explore(found, input, {
      ...samples as FlowExplorer.Options,
      laws: [...laws as ReadonlyArray<Law.Law>, ...more]
    })
  const { places, transitions } = explore()
  const { system, user } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6
  allPlaces += places
  allSeconds += seconds
  const columns = [
    places,
    transitions,
    seconds.toFixed(2),
    Math.round(places / seconds),
    Math.round(transitions / seconds),
    ...places < fewest ? [] : [Math.round(await growth(explore) / places)]
  ]
  console.log(name.padEnd(17), ...columns.map((column) => String(column).padStart(9)))
}
console.log(`\nall: ${allPlaces} places in ${allSeconds.toFixed(1)} s, ${Math.round(allPlaces / allSeconds)} a second`)
