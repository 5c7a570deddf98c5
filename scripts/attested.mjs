// Looks whether the registry has the attestation of where each package comes from, for the versions that stand in the manifests.
// A registry may take a while. `--list` prints what is looked for, as an installer takes it. `--tries 1` looks once.
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"

const { values: { list, tries } } = parseArgs({
  options: { list: { type: "boolean", default: false }, tries: { type: "string", default: "20" } }
})

const folder = new URL("../packages/", import.meta.url)
const packages = readdirSync(folder).map((name) => {
  const manifest = JSON.parse(readFileSync(new URL(`${name}/package.json`, folder), "utf8"))
  return `${manifest.name}@${manifest.version}`
})

/** The kind of the attestation that a registry has; `undefined` if it has none, or not the version. */
const attestation = (each) => {
  try {
    const dist = execFileSync("npm", ["view", each, "dist", "--json", "--prefer-online"], {
      stdio: ["ignore", "pipe", "ignore"]
    })
    return JSON.parse(dist.toString()).attestations?.provenance?.predicateType
  } catch {
    return undefined
  }
}

const look = async (missing, left) => {
  const still = missing.filter((each) => attestation(each) === undefined)
  if (still.length === 0 || left <= 1) return still
  console.log(`not there yet: ${still.join(", ")}`)
  await setTimeout(15_000)
  return look(still, left - 1)
}

if (list) {
  console.log(packages.join(" "))
} else {
  const missing = await look(packages, Number(tries))
  for (const each of packages) console.log(`${each}: ${missing.includes(each) ? "NOT attested" : "attested"}`)
  if (missing.length > 0) {
    console.error(
      "Whoever verifies provenance refuses these. Do not publish again: see \"A release\" in CONTRIBUTING.md"
    )
    process.exitCode = 1
  }
}
