/** What the explorer prints as a test: pasted beside its flow it compiles, is red before the repair, and green after it. */
import { assert, it } from "@effect/vitest"
import { FlowExplorer } from "@ringback/testing"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Delivery, input, laws, samples } from "./fixtures/delivery.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const repaired = readFileSync(new URL("fixtures/delivery.ts", import.meta.url), "utf8")
const broken = repaired.replace("Flow.ensuring(release)", "Flow.tap(() => release)")

const imports = `import { it } from "@effect/vitest"
import { Calls } from "@ringback/core"
import { Callee, FlowExplorer, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { Delivery, input, laws, Ready } from "./flow.ts"
`

const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-pasted-"))),
  (home) => Effect.sync(() => rmSync(home, { recursive: true, force: true }))
)

const run = (cwd: string, ...args: ReadonlyArray<string>) => {
  const env = { ...process.env, NO_COLOR: "1" }
  const { output, status } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env })
  return { status, text: output.join("\n") }
}

it("compiles, and is red until the flow is repaired", { timeout: 240_000 }, () =>
  Effect.gen(function*() {
    assert.notStrictEqual(broken, repaired)
    assert.deepStrictEqual(FlowExplorer.check(Delivery, input, laws, samples).broken, [])
    const home = yield* scratch
    symlinkSync(`${root}node_modules`, join(home, "node_modules"))
    writeFileSync(join(home, "package.json"), `{ "type": "module" }`)
    writeFileSync(
      join(home, "vitest.config.ts"),
      `export default { ssr: { resolve: { conditions: ["source"] } }, test: { isolate: false } }\n`
    )
    const beside = (flow: string, test: string) => {
      mkdirSync(join(home, "it"), { recursive: true })
      writeFileSync(join(home, "it/flow.ts"), flow)
      writeFileSync(join(home, "it/pasted.test.ts"), `${imports}\n${test}\n`)
    }
    const vitest = () => run(home, `${root}node_modules/vitest/vitest.mjs`, "run")

    beside(broken, "")
    const found = `${home}/it/flow.ts`
    const explored = (yield* Effect.promise(() => import(found))) as { readonly Delivery: typeof Delivery }
    const [breach] = FlowExplorer.explore(explored.Delivery, input, { ...samples, laws }).broken
    const { scenario } = breach!
    assert.include(scenario, `yield* call.signal(Ready, { at: 7 })`)
    assert.include(scenario, `yield* call.cancel`)
    assert.include(scenario, `"book": Effect.succeed("van 1")`)

    beside(broken, scenario)
    const config = {
      extends: `${root}tsconfig.base.json`,
      compilerOptions: { noEmit: true, plugins: [] },
      include: ["it/*.ts"]
    }
    writeFileSync(join(home, "tsconfig.json"), JSON.stringify(config))
    const compiled = run(home, `${root}node_modules/typescript/bin/tsc`, "-p", ".")
    assert.strictEqual(compiled.status, 0, compiled.text)
    const red = vitest()
    assert.strictEqual(red.status, 1, red.text)
    assert.include(red.text, "breaks the law “a van that is booked is given back”: it stays booked")
    assert.include(red.text, "The van 1 comes at 7.")

    beside(repaired, scenario)
    const green = vitest()
    assert.strictEqual(green.status, 0, green.text)
  }).pipe(Effect.scoped, Effect.runPromise))
