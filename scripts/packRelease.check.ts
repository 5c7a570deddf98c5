import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import * as Packed from "./packed.ts"
import * as Registry from "./registry.ts"

// A release, as far as it goes without the world: versions and changelogs from changes, and whether attestations arrived.

const read = (folder: Packed.Folder, path: string) => readFileSync(join(folder.home, path), "utf8")
const names = Packed.manifests.map(({ name }) => name.split("/")[1]!)

describe("a change that waits for a release", () => {
  const copy = Packed.folder("release")
  afterAll(() => copy.remove())

  beforeAll(async () => {
    const files = [
      "package.json",
      "pnpm-lock.yaml",
      "pnpm-workspace.yaml",
      ".changeset",
      "scripts/version.mjs",
      ...names.flatMap((name) =>
        ["package.json", "CHANGELOG.md", "src/internal/version.ts"].map((file) => `packages/${name}/${file}`)
      )
    ]
    for (const file of files.filter((each) => existsSync(join(Packed.root, each)))) {
      cpSync(join(Packed.root, file), join(copy.home, file), { recursive: true })
    }
    symlinkSync(join(Packed.root, "node_modules"), join(copy.home, "node_modules"))
    copy.write(".gitignore", "node_modules\n")
    copy.write(".changeset/a-change.md", `---\n"@ringback/http": minor\n---\n\nWebhooks hum.\n`)
    const git = (...args: ReadonlyArray<string>) =>
      copy.run("git", ["-c", "user.name=n", "-c", "user.email=n@example.com", ...args])
    await git("init", "--quiet", "--initial-branch", "main")
    await git("add", ".")
    await git("commit", "--quiet", "--message", "a change")
    await copy.run("npm", ["run", "--silent", "release:version"])
  })

  const next = Packed.packages["@ringback/http"]!.replace(
    /^(\d+)\.(\d+)\.\d+$/,
    (_, major, minor) => `${major}.${+minor + 1}.0`
  )

  it("gives all packages the next version, and the code that says it", () => {
    for (const name of names) {
      assert.strictEqual(JSON.parse(read(copy, `packages/${name}/package.json`)).version, next)
      const source = `packages/${name}/src/internal/version.ts`
      if (existsSync(join(copy.home, source))) assert.include(read(copy, source), `"${next}"`)
    }
  })

  it("stands in the changelog of its package, below the head and above what was before", () => {
    const changelog = read(copy, "packages/http/CHANGELOG.md")
    assert.match(
      changelog,
      new RegExp(`^# Changelog\\n[^#]+\\n## ${next.replaceAll(".", "\\.")}\\n[^]*Webhooks hum\\.[^]*## 0\\.1\\.0`)
    )
    assert.isFalse(existsSync(join(copy.home, ".changeset/a-change.md")))
  })
})

describe("the look for attestations", () => {
  const look = async (provenance: boolean): Promise<string> => {
    const registry = await Registry.start({ provenance })
    const folder = Packed.folder("attested", registry.url)
    try {
      for (const { name, version } of Packed.manifests) {
        folder.write("package/package.json", { name, version })
        await folder.run("npm", ["publish", "./package"])
      }
      const script = join(Packed.root, "scripts/attested.mjs")
      return await folder.run(process.execPath, [script, "--tries", "1"]).catch(String)
    } finally {
      folder.remove()
      await registry.stop()
    }
  }

  it("finds them where they are", async () => {
    const said = await look(true)
    for (const { name, version } of Packed.manifests) assert.include(said, `${name}@${version}: attested`)
  })

  it("fails where they are not, and names what has none", async () => {
    const said = await look(false)
    assert.include(said, "ended with 1")
    for (const { name, version } of Packed.manifests) assert.include(said, `${name}@${version}: NOT attested`)
  })
})

describe("the workflows", () => {
  const workflow = (name: string) => readFileSync(join(Packed.root, ".github/workflows", name), "utf8")

  it("run what there is", () => {
    for (const name of ["ci.yml", "release.yml"]) {
      const scripts = Array.from(workflow(name).matchAll(/npm run (?:--silent )?([\w:]+)/g), (match) => match[1]!)
      const programs = Array.from(
        workflow(name).matchAll(/(?:^|[\s/"])((?:scripts|\.ci)\/[\w.]+)/g),
        (match) => match[1]!
      )
      assert.isAtLeast(scripts.length + programs.length, 1)
      for (const script of scripts) assert.isDefined(Packed.workspace.scripts[script], script)
      for (const program of programs) assert.isTrue(existsSync(join(Packed.root, program)), program)
    }
  })

  it("use actions of one commit each, which nobody can move", () => {
    const used = ["ci.yml", "release.yml"].flatMap((name) =>
      Array.from(workflow(name).matchAll(/uses: (\S+)/g), (match) => match[1]!)
    )
    assert.isAtLeast(used.length, 10)
    assert.deepStrictEqual(used.filter((each) => !/@[0-9a-f]{40}$/.test(each)), [])
  })

  it("give the right to publish to the one job that publishes, and keep no token", () => {
    const jobs = workflow("release.yml").split(/^ {2}(?=\w+:\n)/m)
    const trusted = jobs.filter((job) => job.includes("id-token: write"))
    assert.lengthOf(trusted, 1)
    assert.include(trusted[0]!, "changesets/action/publish@")
    assert.include(trusted[0]!, "environment: npm")
    assert.notMatch(workflow("release.yml"), /secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/)
  })
})
