// Packs the built packages into the folder archives, to be installed elsewhere: `npm run ringback -- init ../my-app --packages archives`.
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../", import.meta.url))
const { config } = JSON.parse(readFileSync(`${root}package.json`, "utf8"))

rmSync(`${root}archives`, { recursive: true, force: true })
const { status } = spawnSync(
  "npx",
  ["-y", `pnpm@${config.pnpm}`, "--filter", "./packages/*", "pack", "--pack-destination", `${root}archives`],
  { cwd: root, stdio: ["ignore", "ignore", "inherit"], shell: process.platform === "win32" }
)
if (status === 0) console.log("They are packed in the folder archives")
process.exit(status ?? 1)
