// Installs the workspace before a script runs. Needs only Node 20 and npm: pnpm comes by `npx`, and the Node that the
// scripts themselves run on is a development dependency, first on PATH as `node_modules/.bin/node`.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const at = (path) => new URL(path, root)
const pnpm = "pnpm@" + JSON.parse(readFileSync(at("package.json"), "utf8")).config.pnpm

const manifests = ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml"].filter((file) => existsSync(at(file)))
const fingerprint = createHash("sha256").update(process.platform + process.arch)
for (const file of manifests) fingerprint.update(readFileSync(at(file)))
const wanted = fingerprint.digest("hex")

const stamp = at("node_modules/.bootstrap")
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  const frozen = existsSync(at("pnpm-lock.yaml")) ? ["--frozen-lockfile"] : []
  const install = spawnSync("npx", ["-y", pnpm, "install", ...frozen], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
    env: { ...process.env, CI: process.env.CI ?? "true" }
  })
  if (install.status !== 0) process.exit(install.status ?? 1)
  if (frozen.length > 0) writeFileSync(stamp, wanted)
}
