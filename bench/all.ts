/**
 * `npm run bench -- all`: every measurement, one after another, with the commands that make them. It takes about an hour and
 * wants the machine for itself. `--rounds 4 --seconds 3 --minutes 5` are handed on.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    minutes: { type: "string", default: "5" }
  }
})
const rounds = `--rounds ${values.rounds} --seconds ${values.seconds}`

const measurements = [
  `turns ${rounds}`,
  `turns --store postgres --calls 32,256 ${rounds}`,
  `turns --slow-disk 2 --calls 256 ${rounds}`,
  `turns --servers ringback,xstate,workflow,bare --calls 32 ${rounds}`,
  `turns --store postgres --servers ringback,emmett,bare --calls 32 ${rounds}`,
  `calls ${rounds}`,
  `processes ${rounds}`,
  `processes --of calls ${rounds}`,
  "cluster",
  `growth ${rounds}`,
  "startup",
  "waiting",
  "retention",
  "retention --store postgres",
  "transitions",
  "store",
  "page",
  "traces",
  `soak --minutes ${values.minutes}`
]

const main = fileURLToPath(new URL("main.ts", import.meta.url))
for (const measurement of measurements) {
  console.log(`\n# npm run bench -- ${measurement}\n`)
  const { status } = spawnSync(process.execPath, ["--conditions=source", main, ...measurement.split(" ")], {
    stdio: "inherit"
  })
  if (status !== 0) process.exitCode = 1
}
