/**
 * Types a command of a page and holds what it prints to what the page quotes:
 *
 *     node --conditions=source scripts/quoted.ts README.md "npm run demo"
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as Quotes from "./quotes.ts"

const [path = "", command = ""] = process.argv.slice(2)
const steps = Quotes.read(path, readFileSync(path, "utf8")).steps.filter((step) => step.command === command)
const quotes = steps.flatMap((step) => step.quotes)
if (quotes.length === 0) throw new Error(`${path} quotes nothing of ${command}`)

const { status, stdout } = spawnSync(command, {
  shell: true,
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, NO_COLOR: "1" }
})
process.stdout.write(stdout)

const problems = quotes.flatMap(({ at, text }) => {
  const problem = Quotes.differs(text, stdout)
  return problem === undefined ? [] : [`${at} was not printed\n${problem}\n`]
})
process.stderr.write(problems.join(""))
process.exit(problems.length > 0 ? 1 : status ?? 1)
