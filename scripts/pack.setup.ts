// Packs the built packages once for a run, publishes them with the commands that a release is made with to a registry that ends with
// the run, and installs them from there.
import { globSync } from "node:fs"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import * as Packed from "./packed.ts"
import * as Registry from "./registry.ts"

const { workspace } = Packed

/** `changeset`, which calls the pnpm that it finds. What it publishes can go to no other registry. */
const changeset = ({ home, registry }: Packed.Folder, ...args: ReadonlyArray<string>) => {
  const userconfig = join(home, ".npmrc")
  return Packed.run("npx", ["-y", "-p", `pnpm@${workspace.config.pnpm}`, "changeset", ...args], {
    cwd: Packed.root,
    env: { NPM_CONFIG_USERCONFIG: userconfig, npm_config_userconfig: userconfig, pnpm_config_registry: registry }
  })
}

const archivesIn = (folder: Packed.Folder) =>
  Packed.manifests.map(({ name, version }) => {
    const [archive] = globSync(`packages/*${name.split("/")[1]}-${version}.tgz`, { cwd: folder.home })
    if (archive === undefined) throw new Error(`${name} was not packed`)
    return [name, join(folder.home, archive)] as const
  })

/** What tests use the packages with. */
const beside = {
  ...Packed.peers,
  ...Packed.tools("@types/node", "typescript", "vitest"),
  "typescript-oldest": `npm:typescript@${workspace.config.oldestTypeScript}`
}

export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  const registry = await Registry.start()
  const work = Packed.folder("packed", registry.url)
  const end = async () => {
    work.remove()
    await registry.stop()
  }
  try {
    await changeset(work, "pack", "--out-dir", work.home)
    await changeset(work, "publish", "--from-pack-dir", work.home, "--no-git-tag")
    await Packed.install(work, { ...Packed.packages, ...beside })
    const archives = Object.fromEntries(archivesIn(work))
    provide("packed", { registry: registry.url, archives, home: work.home })
  } catch (error) {
    await end()
    throw error
  }
  return end
}
