/**
 * The first call of the README, as somebody pastes it: two files and the settings that the emulator prints. Real processes, real
 * HTTP, real time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Callee, TelesignEmulator } from "@ringback/testing"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePort } from "./freePort.ts"

const root = fileURLToPath(new URL("../", import.meta.url))
const readme = readFileSync(`${root}README.md`, "utf8")
const blocks = Array.from(readme.matchAll(/```ts\n([^]*?)```/g), (match) => match[1] ?? "")
const blockWith = (text: string) => blocks.find((block) => block.includes(text)) ?? assert.fail(`no code with ${text}`)

const guest = "+15550170001"
const callerId = "15550170009"

/** The two files in a folder of their own, in which the packages are installed. */
const pasted = Effect.fnUntraced(function*(port: number) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-first-call-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  symlinkSync(`${root}node_modules`, join(folder, "node_modules"))
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
  const main = blockWith("NodeRuntime.runMain")
  assert.include(main, "port: 4020")
  writeFileSync(join(folder, "flow.ts"), blockWith("Flow.make(\"table-ready\""))
  writeFileSync(join(folder, "main.ts"), main.replace("port: 4020", `port: ${port}`))
  return folder
})

const run = Effect.fnUntraced(function*(folder: string, baseUrl: string, reservation: string) {
  const { apiKey, customerId } = TelesignEmulator.credentials
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=source", "main.ts", guest, reservation], {
        cwd: folder,
        env: {
          ...process.env,
          TELESIGN_BASE_URL: baseUrl,
          TELESIGN_CALLER_ID: callerId,
          TELESIGN_CUSTOMER_ID: Redacted.value(customerId),
          TELESIGN_API_KEY: Redacted.value(apiKey)
        }
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  let text = ""
  child.stdout.on("data", (data) => text += data)
  child.stderr.on("data", (data) => text += data)
  const closed = once(child, "close")
  const ended = Effect.map(Effect.promise(() => closed), () => text)
  return { child, ended }
})

/** Waits until a phone rings, or the program has ended without. */
const ringing = Effect.fnUntraced(function*(program: Effect.Success<ReturnType<typeof run>>) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const rung = Effect.repeat(Effect.delay(telesign.rings, "50 millis"), { until: (rings) => rings.length > 0 })
  const rings = yield* Effect.raceFirst(rung, Effect.map(program.ended, (said) => assert.fail(said)))
  return rings[0]!
})

const world = Effect.gen(function*() {
  const port = yield* Effect.promise(freePort)
  const folder = yield* pasted(port)
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const eventsUrl = `http://127.0.0.1:${port}/telesign/events`
  yield* telesign.reportTo(eventsUrl)
  return { telesign, eventsUrl, run: (reservation: string) => run(folder, telesign.url, reservation) }
})

/** It asks again for as long as a busy machine may take to start the program, and waits for a reply as long. */
const emulator = (answersAfter: `${number} seconds`) =>
  TelesignEmulator.layer({
    callee: Callee.answers(answersAfter).presses("1"),
    replies: { timeout: "60 seconds", askAgainAfter: Array.from({ length: 120 }, () => "500 millis" as const) }
  })

describe.concurrent("the first call of the README, pasted", { timeout: 240_000 }, () => {
  it("is verified end to end: each event is signed and answered, and a forged one is refused", () =>
    Effect.gen(function*() {
      const { eventsUrl, run, telesign } = yield* world
      const program = yield* run("reservation-1")
      const { referenceId } = yield* ringing(program)
      const body = JSON.stringify({ event: "call_completed", reference_id: referenceId, data: { status: "hangup" } })
      const forged = yield* Effect.promise(() =>
        fetch(eventsUrl, { method: "POST", headers: { connection: "close" }, body })
      )
      assert.strictEqual(forged.status, 401)
      const said = yield* program.ended
      assert.include(said, "The guest is coming.")
      assert.include(said, "1 webhook was refused: no signature")
      assert.notMatch(said, /not verified|are taken/)
      assert.isAtLeast((yield* telesign.log).filter(({ _tag }) => _tag === "Replied").length, 3)

      // The same command again: the same call, and nobody is rung.
      const again = yield* run("reservation-1")
      assert.include(yield* again.ended, "The guest is coming.")
      assert.lengthOf(yield* telesign.rings, 1)
    }).pipe(Effect.scoped, Effect.provide(emulator("2 seconds")), Effect.runPromise))

  it("rings once, though it is killed while the phone rings and started again", () =>
    Effect.gen(function*() {
      const { run, telesign } = yield* world
      const program = yield* run("reservation-2")
      yield* ringing(program)
      program.child.kill("SIGKILL")
      yield* program.ended
      const next = yield* run("reservation-2")
      assert.include(yield* next.ended, "The guest is coming.")
      assert.lengthOf(yield* telesign.rings, 1)
    }).pipe(Effect.scoped, Effect.provide(emulator("5 seconds")), Effect.runPromise))

  it("is refused in words if it is started a second time, and the first goes on", () =>
    Effect.gen(function*() {
      const { run } = yield* world
      const program = yield* run("reservation-3")
      yield* ringing(program)
      const second = yield* run("reservation-3") // nobody answers, so the first one waits for minutes
      const refused = `The SQLite database "calls.db" cannot be opened: another process has it open.`
      assert.include(yield* second.ended, refused)
      assert.strictEqual(second.child.exitCode, 1)
      assert.isNull(program.child.exitCode)
    }).pipe(Effect.scoped, Effect.provide(TelesignEmulator.layer({ callee: Callee.noAnswer })), Effect.runPromise))
})
