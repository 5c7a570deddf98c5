// Builds what is published: `dist` of each package with JavaScript, declarations and source maps, in the order in which
// the packages depend on each other, so that each is checked against what the ones before it really publish.
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../", import.meta.url))

const packages = readdirSync(join(root, "packages")).map((folder) => {
  const manifest = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"))
  return { folder, name: manifest.name, needs: Object.keys(manifest.dependencies ?? {}) }
})

/** The packages, each after those that it needs. */
const inOrder = (waiting) => {
  if (waiting.length === 0) return []
  const names = waiting.map((candidate) => candidate.name)
  const ready = waiting.filter((candidate) => !candidate.needs.some((need) => names.includes(need)))
  if (ready.length === 0) throw new Error(`These packages depend on each other in a circle: ${names.join(", ")}`)
  return [...ready, ...inOrder(waiting.filter((candidate) => !ready.includes(candidate)))]
}

/** The compiler rewrites `./X.ts` in JavaScript only. The new name is as long as the old one, so source maps stay true. */
const rewriteDeclarations = (dist) => {
  const files = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(".d.ts"))
  for (const file of files) {
    const text = readFileSync(join(dist, file), "utf8")
    writeFileSync(join(dist, file), text.replaceAll(/(\b(?:from|import)\s*\(?\s*"\.{1,2}\/[^"\n]+)\.ts"/g, "$1.js\""))
  }
  return files.length
}

const build = ({ folder, name }) => {
  const home = join(root, "packages", folder)
  rmSync(join(home, "dist"), { recursive: true, force: true })
  const tsc = spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", join(home, "tsconfig.build.json")],
    { cwd: root, stdio: "inherit" }
  )
  if (tsc.status !== 0) {
    console.error(`${name} does not build`)
    process.exit(1)
  }
  console.log(`${name}: ${rewriteDeclarations(join(home, "dist"))} modules`)
}

for (const each of inOrder(packages)) build(each)
