/** What the emulator's page copies as a test: pasted beside a flow of that name it compiles, and does again what was done by hand. */
import { assert, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany, type PhoneLine, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as asTest from "../src/internal/emulator/asTest.ts"
import { Support, Table } from "./fixtures/saved.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const flows = readFileSync(new URL("fixtures/saved.ts", import.meta.url), "utf8")

const [customer, number] = ["+15550170001", "+15550170009"]

type Deed = (referenceId: string) => Effect.Effect<unknown, never, PhoneCompany.PhoneCompany>

const steer = (deed: PhoneCompany.Deed, whose?: PhoneLine.Whose): Deed =>
  Effect.fnUntraced(function*(referenceId) {
    assert.isTrue(yield* PhoneCompany.steer(referenceId, deed, whose), deed._tag)
  })

const answer = steer({ _tag: "Answer" })
const busy = steer({ _tag: "Decline" })
const machine = steer({ _tag: "LetMachineAnswer" })
const hangUp: Deed = PhoneCompany.hangUp
const press = (keys: string) => steer({ _tag: "Press", keys })
const [agentAnswers, agentIsBusy] = [steer({ _tag: "Answer" }, "second"), steer({ _tag: "Decline" }, "second")]
const agentHangsUp: Deed = (referenceId) =>
  PhoneCompany.PhoneCompany.use((company) => company.hangUp(referenceId, "second"))

/** Each a second after what was before; then whatever comes by itself. */
const doing = Effect.fnUntraced(function*(deeds: ReadonlyArray<Deed>) {
  const { referenceId } = (yield* PhoneCompany.lines)[0]!
  for (const deed of deeds) yield* Effect.andThen(Effect.sleep("1 second"), deed(referenceId))
  yield* Effect.sleep("10 minutes")
  const line = (yield* PhoneCompany.lines).find((line) => line.referenceId === referenceId)!
  return asTest.code(line)
})

const dialled = (...deeds: ReadonlyArray<Deed>) =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee(customer, Callee.byHand)
    yield* Calls.start(Table, { to: PhoneNumber.make(customer), from: PhoneNumber.make(number) })
    yield* FakeClock.settle
    return yield* doing(deeds)
  }).pipe(Effect.provide(TestCalls.layer({ flows: [Table] })))

const called = (...deeds: ReadonlyArray<Deed>) =>
  Effect.gen(function*() {
    for (const agent of ["+15550170077", "+15550170078"]) yield* PhoneCompany.callee(agent, Callee.byHand)
    yield* TestCalls.incoming(Support, { to: number, from: customer, callee: Callee.byHand })
    return yield* doing(deeds)
  }).pipe(Effect.provide(TestCalls.layer({ flows: [], inbound: { [number]: Support } })))

const conversations = {
  "presses a key": dialled(answer, press("2")),
  "hangs up in a prompt": dialled(answer, hangUp),
  "is busy": dialled(busy),
  "does not answer": dialled(),
  "is a machine": dialled(machine),
  "hangs up while an agent is rung": called(hangUp),
  "hangs up while the second agent is rung": called(agentIsBusy, press("2"), hangUp),
  "hangs up after a talk": called(agentAnswers, agentHangsUp, hangUp),
  "talks, and presses a key": called(agentAnswers, agentHangsUp, press("1")),
  "talks to the second agent, and hangs up in the talk": called(agentIsBusy, press("2"), agentAnswers, hangUp)
}

const beside = (folder: string, saved: string) => {
  const flow = saved.includes("Calls.start") ? "Table" : "Support"
  mkdirSync(folder)
  writeFileSync(join(folder, "flow.ts"), `${flows}\nexport { ${flow} as YourFlow }\n`)
  writeFileSync(join(folder, "saved.test.ts"), saved)
}

const run = (cwd: string, ...args: ReadonlyArray<string>) => {
  const { output, status } = spawnSync(process.execPath, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" }
  })
  assert.strictEqual(status, 0, output.join("\n"))
}

it("compiles as a whole, and passes, beside a flow of that name", { timeout: 240_000 }, () =>
  Effect.gen(function*() {
    const home = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-saved-"))),
      (home) => Effect.sync(() => rmSync(home, { recursive: true, force: true }))
    )
    writeFileSync(join(home, "package.json"), `{ "type": "module" }`)
    symlinkSync(`${root}node_modules`, join(home, "node_modules"))
    for (const [name, conversation] of Object.entries(conversations)) {
      beside(join(home, name.replaceAll(/\W+/g, "-")), yield* conversation)
    }
    const options = { noEmit: true, plugins: [] }
    const config = { extends: `${root}tsconfig.base.json`, compilerOptions: options, include: ["*/*.ts"] }
    writeFileSync(join(home, "tsconfig.json"), JSON.stringify(config))
    run(home, `${root}node_modules/typescript/bin/tsc`, "-p", ".")
    writeFileSync(
      join(home, "vitest.config.ts"),
      `export default { ssr: { resolve: { conditions: ["source"] } }, test: { isolate: false } }\n`
    )
    run(home, `${root}node_modules/vitest/vitest.mjs`, "run")
  }).pipe(Effect.scoped, Effect.runPromise))
