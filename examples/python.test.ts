/** The program in Python and its test, which `docs/emulator.md` quotes, against an emulator. */
import { assert, describe, it } from "@effect/vitest"
import { Callee, CompanyRecord, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Effect, Fiber, Stream } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { freePort } from "../scripts/freePort.ts"

const folder = fileURLToPath(new URL("python/", import.meta.url))

/** `match` came with Python 3.10. */
const isThere = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]).status === 0
if (!isThere) process.stderr.write("The program in Python is not tested: there is no Python 3.10 or later\n")

/** Python with these arguments, ended with the scope. */
const python = Effect.fnUntraced(function*(args: ReadonlyArray<string>, settings: object = {}) {
  const url = yield* TelesignEmulator.url
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", TELESIGN_BASE_URL: url, ...settings }
  return yield* Effect.acquireRelease(
    Effect.sync(() => spawn("python3", args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
})

/** A busy machine may take its time to reply. */
const replies = { timeout: "60 seconds" } as const

describe.skipIf(!isThere)("the program in Python", { timeout: 240_000 }, () => {
  it("passes its own test", () =>
    Effect.gen(function*() {
      const child = yield* python(["-m", "unittest"])
      const [said, [code]] = yield* Effect.promise(() => Promise.all([text(child.stderr), once(child, "close")]))
      assert.strictEqual(code, 0, said)
      assert.match(said, /Ran [1-9]\d* tests/)
      assert.match(said, /^OK$/m)
    }).pipe(Effect.scoped, Effect.provide(TelesignEmulator.layer({ replies })), Effect.runPromise))

  it("dials, asks, hears a key and hangs up", () =>
    Effect.gen(function*() {
      const port = yield* Effect.promise(freePort)
      yield* TelesignEmulator.reportTo(`http://127.0.0.1:${port}/telesign/events`)
      const over = yield* Effect.forkChild(
        Stream.runHead(Stream.filter(PhoneCompany.changes, (entry) =>
          entry._tag === "Replied" && entry.webhook.event === "call_completed")),
        { startImmediately: true }
      )
      const child = yield* python(["call.py", "15550170001"], { PORT: String(port) })
      const [printed] = yield* Effect.promise(() =>
        once(child.stdout, "data")
      )
      assert.match(String(printed), /'status': 'dial_accepted'/)
      yield* Fiber.join(over)
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
      const log = yield* PhoneCompany.log
      assert.deepStrictEqual(
        log.filter(({ _tag }) => _tag === "Rejected" || _tag === "Unanswered").map(CompanyRecord.describe),
        []
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(TelesignEmulator.layer({
        callee: Callee.answers().hears("table").presses("1").hears("See you in a minute"),
        line: { speed: 1000 },
        replies
      })),
      Effect.runPromise
    ))
})
