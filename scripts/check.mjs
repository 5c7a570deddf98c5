// Looks at the whole tree and changes nothing: types, Effect's own rules, lint, format, and the order of the house.
// All parts run even if one fails; what a failed part said is printed below its line.
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { delimiter } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../", import.meta.url))
const bin = fileURLToPath(new URL("../node_modules/.bin", import.meta.url))

const checks = [
  ["types", "tsc -p tsconfig.json --pretty false"],
  ["page", "tsc -p packages/http/page --pretty false"],
  ["phone", "tsc -p packages/testing/page --pretty false"],
  ["effect", "effect-tsgo diagnostics --project tsconfig.json --format text --severity error,warning --strict"],
  ["order", "vitest run scripts/tidy.test.ts --reporter=dot"],
  ["format", "dprint check"],
  ["lint", "oxlint --deny-warnings"]
]

const run = ([name, command]) =>
  new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(command, {
      cwd: root,
      shell: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", PATH: bin + delimiter + process.env.PATH }
    })
    const output = []
    child.stdout.on("data", (chunk) => output.push(chunk))
    child.stderr.on("data", (chunk) => output.push(chunk))
    child.on("error", (error) => output.push(Buffer.from(String(error))))
    child.on("close", (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(`${name.padEnd(8)}${code === 0 ? "ok" : "FAILED"}  ${seconds} s`)
      if (code !== 0) console.log(Buffer.concat(output).toString().trimEnd().replaceAll(/^/gm, "  "))
      resolve(code === 0)
    })
  })

const queue = checks.values()
const worker = async () => {
  const results = []
  for (const check of queue) results.push(await run(check))
  return results
}

const results = (await Promise.all(Array.from({ length: availableParallelism() }, worker))).flat()
if (results.includes(false)) process.exitCode = 1
