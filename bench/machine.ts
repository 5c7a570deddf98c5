/** What a measurement was made on, and how busy that was. */
import { availableParallelism, cpus, loadavg } from "node:os"

/** Prints the machine in a line, for the figures mean little without it. */
export const printMachine = (): void => {
  const [load = 0] = loadavg()
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${availableParallelism()} cores, ` +
      `load of the last minute ${load.toFixed(1)}\n`
  )
}
