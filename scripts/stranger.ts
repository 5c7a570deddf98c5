/** `npm run stranger`: what a stranger can do, tried and printed as a table. Fails if that is not what `docs/strangers.md` says. */
import { Effect, Logger } from "effect"
import { readFileSync } from "node:fs"
import * as Strangers from "./strangers.ts"

const table = await Effect.runPromise(Effect.provide(Strangers.table, Logger.layer([])))
process.stdout.write(`${table}\n`)

const page = readFileSync(new URL("../docs/strangers.md", import.meta.url), "utf8")
if (!page.includes(table)) {
  process.stderr.write("This is not what docs/strangers.md says.\n")
  process.exitCode = 1
}
