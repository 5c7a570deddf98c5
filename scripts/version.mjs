// Writes the versions of the manifests to where the code says them. `npm run release:version` runs it after the changesets.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"

const folder = new URL("../packages/", import.meta.url)
for (const name of readdirSync(folder)) {
  const { version } = JSON.parse(readFileSync(new URL(`${name}/package.json`, folder), "utf8"))
  const file = new URL(`${name}/src/internal/version.ts`, folder)
  let text
  try {
    text = readFileSync(file, "utf8")
  } catch {
    continue // This one does not say its version.
  }
  writeFileSync(file, text.replace(/version = ".*"/, `version = "${version}"`))
}
