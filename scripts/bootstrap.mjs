// Installs the workspace before a script runs, and says a line about it; all of the words if it fails. Needs only Node 20 and npm: pnpm
// comes by `npx`, and the Node that the scripts themselves run on is a development dependency, first on PATH as `node_modules/.bin/node`.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const at = (path) => new URL(path, root)
const pnpm = "pnpm@" + JSON.parse(readFileSync(at("package.json"), "utf8")).config.pnpm

const manifests = ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml"].filter((file) => existsSync(at(file)))
const fingerprint = createHash("sha256").update(process.platform + process.arch)
for (const file of manifests) fingerprint.update(readFileSync(at(file)))
const wanted = fingerprint.digest("hex")

/** Runs a command without a word, and gives its exit code and what it said. */
const quietly = (command, args) =>
  new Promise((resolve, reject) => {
    const said = []
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
      env: { ...process.env, CI: process.env.CI ?? "true" }
    })
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said.push(chunk))
    child.once("error", reject)
    child.once("close", (code) => resolve({ code: code ?? 1, said: Buffer.concat(said) }))
  })

/** That it lives, for whoever looks on: a dot every second. */
const dots = () => {
  process.stderr.write("Installing what this needs, once")
  const timer = setInterval(() => process.stderr.write("."), 1000)
  return () => {
    clearInterval(timer)
    process.stderr.write("\n")
  }
}

const stamp = at("node_modules/.bootstrap")
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  const frozen = existsSync(at("pnpm-lock.yaml")) ? ["--frozen-lockfile"] : []
  const done = dots()
  const { code, said } = await quietly("npx", ["-y", pnpm, "install", ...frozen]).finally(done)
  if (code !== 0) {
    process.stderr.write(said)
    process.exit(code)
  }
  if (frozen.length > 0) writeFileSync(stamp, wanted)
}
