// How many places of a flow the explorer sees in a second on one core: every example that says how to explore its flow, with its
// laws. Time is of the processor. Run: npm run bench -- explorer [example]
import type { Flow } from "@ringback/core"
import { FlowExplorer, Law } from "@ringback/testing"
import { existsSync, readdirSync } from "node:fs"
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

printMachine()
console.log("example             places     steps   seconds   places/s   steps/s")

let [allPlaces, allSeconds] = [0, 0]
for (const name of names) {
  const { flow, input, laws = Law.standard, samples = {} } = await read(name, "explore")
  const found = [flow, ...Object.values(await read(name, "flow"))].find(isDefinition)
  if (found === undefined || input === undefined) continue
  const before = process.cpuUsage()
  const options = { ...samples as FlowExplorer.Options, laws: laws as ReadonlyArray<Law.Law> }
  const { places, transitions } = FlowExplorer.explore(found, input, options)
  const { system, user } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6
  allPlaces += places
  allSeconds += seconds
  const columns = [
    places,
    transitions,
    seconds.toFixed(2),
    Math.round(places / seconds),
    Math.round(transitions / seconds)
  ]
  console.log(name.padEnd(17), ...columns.map((column) => String(column).padStart(9)))
}
console.log(`\nall: ${allPlaces} places in ${allSeconds.toFixed(1)} s, ${Math.round(allPlaces / allSeconds)} a second`)
