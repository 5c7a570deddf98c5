import { assert, describe, it } from "@effect/vitest"
import { Calls, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { vi } from "vitest"
import { type Ran, run } from "../../../scripts/terminal.ts"
import { address, Approval, from, Pin, session, to, tokens } from "../../../scripts/testApplication.ts"
import { Cli } from "../src/index.ts"
import { application, ask, engine } from "./fixtures/application.ts"

const { exitCodes } = Cli

const said = ({ code, err, out }: Ran): string => {
  assert.strictEqual(code, 0, err)
  return out
}

const lines = (ran: Ran): ReadonlyArray<Record<string, unknown>> =>
  said(ran).split("\n").map((line) => JSON.parse(line))

const begin = Calls.start(Approval, { order: "17" }, { key: "order-17" })

/** A call that rang, was answered, and heard digits. */
const talked = Effect.gen(function*() {
  const calls = yield* Calls.Calls
  const { id } = yield* Calls.start(Pin, { to, from, word: "tangerine" })
  const report = Effect.fnUntraced(function*(event: string, data: object) {
    const reply = yield* calls.receive(TelesignWire.named({ event, referenceId: session(1), ...data }))
    yield* reply.sent(true)
  })
  while ((yield* calls.events(id)).every(({ _tag }) => _tag !== "DialAccepted")) {
    yield* Effect.promise(() => new Promise(setImmediate))
  }
  yield* report("dial_completed", { status: "answered" })
  yield* report("speak_completed", { digits: "7395184" })
  yield* report("call_completed", { status: "hangup", durationSeconds: 4 })
  return id
})

describe("ringback over a URL", () => {
  it.effect("lists, counts and searches calls", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      const table = said(yield* ask(["calls"]))
      assert.match(table, /^call +flow +started +status +waits for +until\n/)
      assert.include(table, `${id}  approval@1`)
      const [entry] = lines(yield* ask(["calls", "--json", "--status", "running", "--since", "1970-01-01"]))
      assert.strictEqual(entry!["callId"], id)
      assert.deepStrictEqual(lines(yield* ask(["calls", "--count", "--json"])), [
        { running: 1, over: { Success: 0, Failure: 0, Stopped: 0 } }
      ])
      assert.include(said(yield* ask(["calls", "--key", "order-17", "--flow", "approval"])), id)
      assert.notInclude(said(yield* ask(["calls", "--outcome", "Failure"])), id)
      const byNumber = yield* ask(["calls", "--number", to])
      assert.strictEqual(byNumber.code, exitCodes.refused)
      assert.notInclude(byNumber.err, to)
      const other = yield* Calls.start(Approval, { order: "18" })
      const first = yield* ask(["calls", "--limit", "1"])
      const after = /--after (\S+)/.exec(first.err)?.[1]
      const second = yield* ask(["calls", "--limit", "1", "--after", after ?? ""])
      for (const each of [id, other.id]) assert.include(said(first) + said(second), each)
    }).pipe(Effect.provide(application)))

  it.effect("shows a call, tells why, and draws it", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      const shown = said(yield* ask(["show", id]))
      assert.match(shown, /waits +for .*signal/)
      assert.match(shown, /sooner +the application by the signal approved/)
      assert.include(shown, "Ringback")
      assert.strictEqual(lines(yield* ask(["show", id, "--json"]))[0]!["callId"], id)
      assert.include(said(yield* ask(["show", id, "--events"])), "CallStarted: approval, version 1, under a key")
      const why = said(yield* ask(["why", id]))
      assert.match(why, /→ SignalAwaited: approved {2}because of 1: a call begins with its flow/)
      assert.match(why, /\nnext: .*\nsooner: /)
      assert.strictEqual(lines(yield* ask(["why", id, "--json"]))[0]!["state"], "running")
    }).pipe(Effect.provide(application)))

  it.effect("follows a call, tells it something, and waits for its outcome", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      assert.strictEqual((yield* ask(["outcome", id])).code, exitCodes.notYet)
      const watching = yield* Effect.forkChild(ask(["watch", id, "--json"]))
      assert.strictEqual((yield* ask(["signal", id, "approved", `"twelve"`])).code, exitCodes.refused)
      assert.strictEqual((yield* ask(["signal", id, "approved", "{amount:12}"])).code, exitCodes.usage)
      const told = ["signal", id, "approved", `{"amount":12}`, "--reason", "they asked", "--key", "once"]
      assert.strictEqual(said(yield* ask(told)), "")
      const turns = lines(yield* Fiber.join(watching))
      assert.deepStrictEqual(turns.map(({ version }) => version), turns.map((_, i) => i + 1))
      assert.strictEqual(said(yield* ask(["outcome", id, "--wait", "5"])), "Success")
      assert.strictEqual(said(yield* ask(["outcome", id, "--reveal"])), "Success 12")
      assert.include(said(yield* ask(["why", id])), "SignalReceived: approved by ann (they asked)")
    }).pipe(Effect.provide(application)))

  it.effect("cancels a call, and says that its flow did not succeed", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      said(yield* ask(["cancel", id, "--reason", "the order is gone"]))
      const { code, out } = yield* ask(["outcome", id])
      assert.deepStrictEqual([code, out], [exitCodes.failed, "Stopped Cancelled"])
      assert.include(said(yield* ask(["show", id, "--events"])), "by ann (the order is gone)")
    }).pipe(Effect.provide(application)))

  it.effect("cancels several calls, or all that run of a flow if that is said and meant", () =>
    Effect.gen(function*() {
      const ids = yield* Effect.forEach(["1", "2", "3", "4"], (order) =>
        Effect.map(Calls.start(Approval, { order }), ({ id }) => id))
      const running = Effect.map(ask(["calls", "--status", "running", "--json"]), ({ out }) =>
        ids.filter((id) =>
          out.includes(id)
        ))
      assert.strictEqual((yield* ask(["cancel"])).code, exitCodes.usage)
      assert.strictEqual((yield* ask(["cancel", ids[0]!, "--flow", "approval"])).code, exitCodes.usage)
      const two = yield* ask(["cancel", ids[0]!, ids[1]!])
      assert.match(two.err, /^2 calls are cancelled\. /)
      assert.deepStrictEqual(yield* running, ids.slice(2))
      assert.strictEqual((yield* ask(["cancel", "--flow", "approval"])).code, exitCodes.usage) // Nobody is there to be asked.
      assert.strictEqual((yield* ask(["cancel", "--flow", "approval", "--yes"], "reader")).code, exitCodes.notAllowed)
      assert.deepStrictEqual(yield* running, ids.slice(2))
      said(yield* ask(["cancel", "--flow", "approval", "--yes", "--reason", "the wrong list"]))
      assert.deepStrictEqual(yield* running, [])
      assert.include(said(yield* ask(["show", ids[3]!, "--events"])), "by ann (the wrong list)")
      assert.strictEqual((yield* ask(["cancel", "--flow", "approval", "--yes"])).code, exitCodes.notFound)
    }).pipe(Effect.provide(application)))

  it.effect("says which calls it did not find, and how they are found", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      assert.strictEqual((yield* ask(["calls", "--outcome", "Failure"])).err, "No call is like that")
      assert.match((yield* ask(["show", to])).err, /`ringback calls` finds it, by --number/)
      assert.match((yield* ask(["signal", id, "aproved", "1"])).err, /declares no signal of this name, but approved/)
    }).pipe(Effect.provide(application)))

  it.effect("prunes, if that is said and meant", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      said(yield* ask(["cancel", id]))
      assert.strictEqual((yield* ask(["prune"])).code, exitCodes.usage)
      assert.strictEqual((yield* ask(["prune", "--keep", "0"])).code, exitCodes.usage) // Nobody is there to be asked.
      assert.strictEqual((yield* ask(["prune", "--keep", "0", "--yes"], "reader")).code, exitCodes.notAllowed)
      assert.match(said(yield* ask(["prune", "--keep", "0", "--yes"])), /^removed: 1 call, 2 turns$/)
      assert.strictEqual((yield* ask(["show", id])).code, exitCodes.notFound)
    }).pipe(Effect.provide(application)))

  it.effect("takes nothing for a time, a number or a place that is none", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      said(yield* ask(["cancel", id]))
      const times = ["45", "5", "90 days", "foo 1", "1e9", "", "2026-02-30", "2026-03-01T09:00", "2026-03-01 09:00"]
      for (const time of times) {
        const pruned = yield* ask(["prune", "--ended-before", time, "--yes"])
        assert.strictEqual(pruned.code, exitCodes.usage, time)
        assert.strictEqual((yield* ask(["calls", "--since", time])).code, exitCodes.usage, time)
      }
      for (const days of ["-1", "1e9", "NaN", ""]) {
        assert.strictEqual((yield* ask(["prune", "--keep", "0", "--yes", "--remember", days])).code, exitCodes.usage)
      }
      for (const keep of ["", " ", "-1", "1.5", "0x10"]) {
        assert.strictEqual((yield* ask(["prune", "--keep", keep, "--yes"])).code, exitCodes.usage)
      }
      const long = "k".repeat(256)
      const misfits = [
        ["calls", "--after", "garbage"],
        ["calls", "--key", long],
        ["calls", "--count", "--key", "order-17"],
        ["calls", "--count", "--number", to],
        ...[long, "", "a\nb", "ключ"].map((key) => ["signal", id, "x", "1", "--key", key])
      ]
      for (const misfit of misfits) {
        const ran = yield* ask(misfit)
        assert.strictEqual(ran.code, exitCodes.usage, `${misfit.join(" ")}: ${ran.err}`)
      }
      assert.include(said(yield* ask(["calls", "--since", "2026-03-01"])), "call")
      said(yield* ask(["show", id])) // it was not removed
    }).pipe(Effect.provide(application)))

  it.effect("takes what begins with a dash behind a flag for its value, and not for flags of one letter", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      for (const time of ["-2h", "-h2", "-yh", "-2h=-h"]) {
        const ran = yield* ask(["calls", "--since", time, "--json"])
        assert.deepStrictEqual([ran.code, ran.out], [exitCodes.usage, ""], time)
        assert.include(ran.err, `"${time}"`)
        assert.include(ran.err, "a time such as 2h")
      }
      const told = ["signal", id, "approved", `{"amount":12}`, "--reason", "-h - they said --help -", "--key", "-2hv"]
      assert.strictEqual(said(yield* ask(told)), "")
      assert.include(said(yield* ask(["why", id])), "by ann (-h - they said --help -)")
      for (const args of [["show", "-2h"], ["-2h", "calls"], ["calls", "--json", "--count", "-2h"]]) {
        const ran = yield* ask(args)
        assert.deepStrictEqual([ran.code, ran.out], [exitCodes.usage, ""])
        assert.include(ran.err, "-2h")
      }
      assert.match((yield* ask(["show", "--", "-2h"])).err, /Expected the id of a call/)
    }).pipe(Effect.provide(application)))

  it.effect("tells on standard error what it did not understand, and on standard output only what was asked for", () =>
    Effect.gen(function*() {
      const misfits = [
        ["calls", "--nothing"],
        ["calls", "--limit", "x", "--json"],
        ["calls", "--since"],
        ["nothing", "--json"],
        ["show", "--json"],
        ["explore"],
        ["--json", "show", "x"]
      ]
      for (const args of misfits) {
        const ran = yield* run(args)
        assert.deepStrictEqual([ran.code, ran.out], [exitCodes.usage, ""], args.join(" "))
        assert.include(ran.err, "USAGE")
      }
      for (const args of [["--help"], ["calls", "--help"], ["--version"]]) {
        const ran = yield* run(args)
        assert.deepStrictEqual([ran.code, ran.err], [0, ""])
        assert.match(ran.out, /USAGE|0\.1\.0/)
      }
    }))

  it.effect("repeats no password, wherever it stands", () =>
    Effect.gen(function*() {
      const RINGBACK_URL = (yield* address).replace("http://", "http://ann:canary@")
      const places = [
        "postgre://ann:canary@h/db",
        "mysql://ann:canary@h/db",
        "ann:canary@h/db",
        "user=ann password=canary"
      ]
      const environments = [{ RINGBACK_URL }, ...places.map((RINGBACK_DATABASE) => ({ RINGBACK_DATABASE }))]
      for (const environment of environments) {
        for (
          const args of [["calls"], ["prune", "--keep", "0", "--yes"], ["doctor"], ["doctor", "--json"], ["watch"]]
        ) {
          const { code, err, out } = yield* run(args, { ...environment, RINGBACK_TOKEN: tokens.all })
          assert.notStrictEqual(code, 0, args.join(" "))
          assert.notInclude(out + err, "canary")
        }
      }
      const unsendable = yield* run(["calls"], { RINGBACK_URL: yield* address, RINGBACK_TOKEN: "canary\ntoken" })
      assert.strictEqual(unsendable.code, exitCodes.notAllowed)
      assert.notInclude(unsendable.err, "canary")
    }).pipe(Effect.provide(application)))

  it.effect("waits for nothing that is not there", () =>
    Effect.gen(function*() {
      for (const RINGBACK_URL of ["http://127.0.0.1:9/ringback", (yield* address).replace("/ringback", "")]) {
        const watched = yield* run(["watch"], { RINGBACK_URL, RINGBACK_TOKEN: tokens.all })
        assert.include([exitCodes.unavailable, exitCodes.failed], watched.code)
      }
    }).pipe(Effect.provide(application)))

  it.effect("tells by its exit code and in words why it cannot", () =>
    Effect.gen(function*() {
      const { id } = yield* begin
      const is = (ran: Ran, code: keyof typeof exitCodes, words: RegExp) => {
        assert.strictEqual(ran.code, exitCodes[code], ran.err)
        assert.match(ran.err, words)
        assert.strictEqual(ran.out, "")
      }
      const RINGBACK_URL = yield* address
      is(yield* run(["calls"]), "usage", /--url/)
      is(yield* run(["calls"], { RINGBACK_URL }), "notAllowed", /RINGBACK_TOKEN/)
      is(
        yield* run(["calls"], { RINGBACK_URL, RINGBACK_TOKEN: "nobody's token" }),
        "notAllowed",
        /no token that is known/
      )
      is(yield* ask(["show", "0".repeat(20)]), "notFound", /no such call/)
      is(yield* ask(["cancel", id], "reader"), "notAllowed", /scope steer/)
      is(yield* ask(["show", id, "--events", "--reveal"], "reader"), "notAllowed", /scope reveal/)
      is(
        yield* run(["calls", "--url", "http://127.0.0.1:9/x"], { RINGBACK_TOKEN: tokens.all }),
        "unavailable",
        /not reached/
      )
      is(
        yield* run(["calls", "--url", RINGBACK_URL.replace("/ringback", "")], { RINGBACK_TOKEN: tokens.all }),
        "failed",
        /404/
      )
      is(yield* run(["calls", "--url", RINGBACK_URL, "--database", "x.db"]), "usage", /not both/)
    }).pipe(Effect.provide(application)))

  it.effect("shows no number, digit or word, unless it is asked to", () =>
    Effect.gen(function*() {
      const id = yield* talked
      const asked = [["show", id], ["show", id, "--events"], ["why", id], ["outcome", id], ["watch", id], ["calls"]]
      for (const args of [...asked, ...asked.map((args) => [...args, "--json"])]) {
        const { code, err, out } = yield* ask(args)
        assert.strictEqual(code, 0, err)
        for (const canary of ["9130461", "9130472", "7395184", "tangerine", "CANARYREF"]) {
          assert.notInclude(out + err, canary)
        }
      }
      const revealed = said(yield* ask(["show", id, "--events", "--reveal"]))
      for (const canary of [to, from, "7395184", "tangerine"]) {
        assert.include(revealed, canary)
      }
      assert.strictEqual(said(yield* ask(["outcome", id, "--reveal"])), `Success "7395184"`)
    }).pipe(Effect.provide(application)))

  it.effect("looks whether all is well, and says what to do", () =>
    Effect.gen(function*() {
      const status = (code: number) =>
        Effect.acquireRelease(
          Effect.callback<{ readonly close: () => void; readonly at: string }>((resume) => {
            const server = createServer((_, response) => response.writeHead(code).end())
            server.listen(0, "127.0.0.1", () => {
              const { port } = server.address() as { readonly port: number }
              resume(
                Effect.succeed({ close: () => server.close().closeAllConnections(), at: `http://127.0.0.1:${port}/` })
              )
            })
          }),
          ({ close }) => Effect.sync(close)
        )
      const well = yield* ask(["doctor", "--events-url", (yield* status(401)).at])
      assert.match(said(well), /✓ url +127\.0\.0\.1:\d+\/ringback knows you as ann/)
      for (const [code, words] of [[200, /verify/], [404, /path/], [302, /redirects/], [502, /502/]] as const) {
        const ill = yield* ask(["doctor", "--events-url", (yield* status(code)).at])
        assert.strictEqual(ill.code, exitCodes.failed)
        assert.match(ill.out, words)
      }
      const unreached = yield* ask(["doctor", "--json", "--events-url", "http://127.0.0.1:9/"])
      assert.isTrue(unreached.out.split("\n").some((line) => JSON.parse(line).state === "wrong"))
    }).pipe(Effect.provide(application)))
})

const file = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-cli-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
).pipe(Effect.map((folder) => join(folder, "calls.db")))

const on = (filename: string) => engine(Layer.provide(SqlEventStore.layer, SqliteClient.layer({ filename })))

describe("ringback over a database of SQLite", () => {
  it.effect("reads it while no process has it, and says what the application would", () =>
    Effect.gen(function*() {
      const database = yield* file
      const id = yield* Effect.provide(
        Effect.gen(function*() {
          const id = yield* talked
          const refused = yield* run(["calls", "--database", database])
          assert.strictEqual(refused.code, exitCodes.unavailable)
          assert.include(refused.err, "--url")
          return id
        }),
        on(database)
      )
      const look = (...args: ReadonlyArray<string>) => run([...args, "--database", database])
      assert.include(said(yield* look("calls")), `${id}  pin@1`)
      assert.include(said(yield* look("show", id)), "call completed (hangup)")
      assert.include(said(yield* look("why", id)), "its flow ended with its output")
      assert.strictEqual(said(yield* look("outcome", id, "--reveal")), `Success "7395184"`)
      assert.include(said(yield* look("watch", id)), "CallEnded")
      assert.strictEqual((yield* look("cancel", id)).code, exitCodes.refused)
      assert.strictEqual((yield* look("signal", id, "x")).code, exitCodes.refused)
      assert.strictEqual((yield* look("watch")).code, exitCodes.refused)
      const logged = vi.spyOn(globalThis.console, "log")
      assert.match(said(yield* look("prune", "--keep", "0", "--yes")), /^removed: 1 call,/)
      assert.deepStrictEqual(logged.mock.calls, [])
      logged.mockRestore()
      assert.strictEqual((yield* look("show", id)).code, exitCodes.notFound)
      assert.match(said(yield* look("doctor")), /✓ database +/)
    }))

  it.effect("makes none, and changes none that is not of this release", () =>
    Effect.gen(function*() {
      const database = yield* file
      assert.strictEqual((yield* run(["calls", "--database", database])).code, exitCodes.notFound)
      yield* Effect.scoped(Layer.build(SqliteClient.layer({ filename: database })))
      const empty = yield* run(["calls", "--database", database])
      assert.strictEqual(empty.code, exitCodes.unavailable)
      assert.include(empty.err, "no tables of Ringback")
    }))

  it.effect("says of one that a later release has used that it is of a later one, and leaves it as it is", () =>
    Effect.gen(function*() {
      const database = yield* file
      const id = yield* Effect.provide(talked, on(database))
      const sql = Layer.build(SqliteClient.layer({ filename: database }))
      const inside = (statements: ReadonlyArray<string>) =>
        Effect.scoped(Effect.flatMap(sql, (context) => {
          const client = Context.get(context, SqlClient.SqlClient)
          return Effect.forEach(statements, (statement) => client.unsafe(statement))
        }))
      yield* inside([
        "ALTER TABLE ringback_turns ADD COLUMN of_a_later_release TEXT",
        "INSERT INTO ringback_migrations (migration_id, name) SELECT max(migration_id) + 1, 'later' FROM ringback_migrations"
      ])
      const before = readFileSync(database)
      for (const verb of [["calls"], ["show", id], ["why", id], ["outcome", id], ["watch", id]]) {
        const ran = yield* run([...verb, "--database", database])
        assert.deepStrictEqual([ran.code, ran.out], [exitCodes.unavailable, ""])
        assert.match(ran.err, /Its tables have version \d+, of a later Ringback; this one knows version \d+/)
      }
      const pruned = yield* run(["prune", "--keep", "0", "--yes", "--database", database])
      assert.strictEqual(pruned.code, exitCodes.unavailable)
      assert.match((yield* run(["doctor", "--database", database])).out, /✗ calls .*of a later Ringback/)
      assert.isTrue(readFileSync(database).equals(before))
    }))
})
