import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { TelesignEmulator } from "@ringback/testing"
import { Effect, Exit, Redacted } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { command } from "../src/internal/emulatorCommand.ts"
import * as EventsServer from "./fixtures/EventsServer.ts"

const program = fileURLToPath(new URL("../src/bin/testing.ts", import.meta.url))

/** Starts the emulator as a program; `line` waits for the next line that matches. */
const start = (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--conditions=source", program, "emulator", ...args], {
          env: { ...process.env, NO_COLOR: "1" }
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const printed: Array<string> = []
    const problems: Array<string> = []
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    child.stderr.on("data", (chunk) => problems.push(String(chunk)))
    const closed = once(child, "close")
    const line = (pattern: RegExp) =>
      Effect.promise(async () => {
        for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
          printed.push(next.value)
          if (pattern.test(next.value)) return next.value
        }
        throw new Error(`The emulator ended without printing ${pattern}: ${problems.join("")}`)
      })
    return {
      line,
      printed,
      problems: () => problems.join(""),
      type: (text: string) => Effect.sync(() => child.stdin.write(text)),
      stop: (signal: NodeJS.Signals) => Effect.sync(() => child.kill(signal)),
      exit: Effect.map(Effect.promise(() => closed), ([code]): number => code)
    }
  })

/** What a command line of the program came to. */
const ended = async (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--conditions=source", program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", NODE_NO_WARNINGS: "1" }
  })
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
  return { status, stdout, stderr }
}

const dial = (url: string, params: object) =>
  Effect.promise(async () => {
    const { apiKey, customerId } = TelesignEmulator.credentials
    const given = Buffer.from(`${Redacted.value(customerId)}:${Redacted.value(apiKey)}`).toString("base64")
    const response = await fetch(`${url}/v2/voice`, {
      method: "POST",
      headers: { authorization: `Basic ${given}`, "content-type": "application/json" },
      body: JSON.stringify({ method: "dial", params })
    })
    return response.status
  })

describe("the emulator as a program", () => {
  it.effect(
    "says where it listens, prints a masked line for all that happens, and stops when it is told to",
    () =>
      Effect.gen(function*() {
        const server = yield* EventsServer.start({
          dial_completed: EventsServer.speak("Your PIN, please.", 4),
          speak_completed: EventsServer.hangup
        })
        const callee = "answers 2s; presses 1234"
        const emulator = yield* start("--port", "0", "--events-url", server.url, "--speed", "100", "--callee", callee)
        const first = yield* emulator.line(/^Telesign emulator at/)
        const { apiKey, customerId } = TelesignEmulator.credentials
        assert.include(first, Redacted.value(customerId))
        assert.include(first, Redacted.value(apiKey))
        const url = /http:\/\/[\d.]+:\d+/.exec(first)![0]
        assert.strictEqual(yield* dial(url, { to: "15550170001", caller_id_number: "15550170009" }), 202)
        yield* emulator.line(/reply to call_completed/)
        assert.strictEqual(yield* dial(url, { to: "15550170001" }), 400)
        yield* emulator.line(/refused/)
        assert.strictEqual(
          emulator.printed[1],
          `Open ${url} and you are the callee: numbers without a --callee ring there while that page is open`
        )
        assert.strictEqual(
          emulator.printed[2],
          `Let it ring, in a second terminal: curl -u ${Redacted.value(customerId)}:${Redacted.value(apiKey)} ` +
            "-H 'content-type: application/json' " +
            `-d '{"method":"dial","params":{"to":"15550170001","caller_id_number":"15550170009"}}' ${url}/v2/voice`
        )
        assert.deepStrictEqual(
          emulator.printed.slice(3).map((line) => line.replace(/^[\d:.]{12} ([0-9A-F]{8} )?/, "")),
          [
            "dial to 1••••••••01: accepted",
            "event dial_completed, answered",
            "reply to dial_completed: speak, collect 4",
            "event speak_completed, speak_successful, ••••",
            "reply to speak_completed: hangup",
            emulator.printed[8]!.replace(/^[\d:.]{12} [0-9A-F]{8} /, ""),
            "reply to call_completed: no action",
            "request refused: caller_id_number_not_provided, " +
            "The parameter caller_id_number of dial has to be a phone number: country code and number, 7 to 15 digits and nothing else"
          ]
        )
        assert.match(emulator.printed[8]!, /event call_completed, hangup, \d+ s$/)
        yield* emulator.stop("SIGTERM")
        assert.strictEqual(yield* emulator.exit, 0)
        assert.strictEqual(emulator.problems(), "")
      })
  )

  it.effect(
    "does what its flags say about numbers, throttling, words, waits, copies and losses",
    () =>
      Effect.gen(function*() {
        const server = yield* EventsServer.start({
          dial_completed: EventsServer.speak("Press 1.", 1),
          speak_completed: EventsServer.hangup
        })
        const calls = ["--port", "0", "--events-url", server.url, "--speed", "100", "--rate", "6"]
        const people = ["15550170001: busy", "15550170001: answers; presses 1", "no answer"]
        const refused = ["--refuse", "15550170002", "--refuse", "15550170003:not_authorized", "--owned", "15550170009"]
        const words = [
          "--status",
          "busy=user_busy",
          "--status",
          "spoken=done",
          "--wait",
          "ring=1s",
          "--silent-failures"
        ]
        const gaps = [
          "--copies",
          "2",
          "--delay",
          "copy=20ms",
          "--delay",
          "event=10ms",
          "--delay",
          "reply=10ms",
          "--lose",
          "speak_completed:1",
          "--ask-again",
          "100ms"
        ]
        const callees = people.flatMap((callee) => ["--callee", callee])
        const emulator = yield* start(...calls, ...callees, ...refused, ...words, ...gaps)
        const url = /http:\/\/[\d.]+:\d+/.exec(yield* emulator.line(/^Telesign emulator at/))![0]
        const dialled = (params: object) => dial(url, { to: "15550170001", caller_id_number: "15550170009", ...params })
        assert.deepStrictEqual(
          [
            yield* dialled({ to: "15550170002" }),
            yield* dialled({ to: "15550170003" }),
            yield* dialled({ caller_id_number: "15550170008" }),
            yield* dialled({})
          ],
          [200, 401, 400, 202]
        )
        assert.match(yield* emulator.line(/event dial_completed/), /user_busy$/)
        assert.strictEqual(yield* dialled({ to: "15550170005" }), 202)
        assert.match(yield* emulator.line(/event dial_completed/), /no_answer$/)
        assert.strictEqual(yield* dialled({}), 202)
        assert.match(yield* emulator.line(/event speak_completed/), /done, •$/)
        yield* emulator.line(/reply to a copy of speak_completed|reply to speak_completed/)
        yield* emulator.line(/event call_completed, hangup/)
        const all = yield* Effect.all(Array.from({ length: 60 }, () => dialled({ to: "15550170002" })), {
          concurrency: "unbounded"
        })
        assert.include(all, 429)
        assert.isAbove(server.told().filter((event) => event === "dial_completed").length, 3)
      })
  )

  it.effect(
    "loses events and replies, so many of each",
    () =>
      Effect.gen(function*() {
        const server = yield* EventsServer.start({ dial_completed: EventsServer.hangup })
        const losses = ["--lose", "call_completed:1", "--lose-reply", "dial_completed:1", "--callee", "answers"]
        const emulator = yield* start("--port", "0", "--events-url", server.url, "--speed", "100", ...losses)
        const url = /http:\/\/[\d.]+:\d+/.exec(yield* emulator.line(/^Telesign emulator at/))![0]
        yield* dial(url, { to: "15550170001", caller_id_number: "15550170009", max_call_duration: "60" })
        assert.match(yield* emulator.line(/no reply to dial_completed/), /lost on the way/)
        assert.match(yield* emulator.line(/no reply to call_completed/), /lost on the way/)
        assert.deepStrictEqual(server.told(), ["dial_completed"])
        yield* dial(url, { to: "15550170001", caller_id_number: "15550170009", max_call_duration: "60" })
        yield* emulator.line(/reply to dial_completed: hangup/)
        yield* emulator.line(/reply to call_completed/)
        assert.deepStrictEqual(server.told(), ["dial_completed", "dial_completed", "call_completed"])
      })
  )

  it.effect(
    "skips a wait whenever that is asked for",
    () =>
      Effect.gen(function*() {
        const emulator = yield* start("--port", "0", "--skip", "--callee", "answers 1m")
        const url = /http:\/\/[\d.]+:\d+/.exec(yield* emulator.line(/^Telesign emulator at/))![0]
        yield* emulator.line(/^Type s and Enter to skip a wait/)
        yield* dial(url, { to: "15550170001", caller_id_number: "15550170009" })
        yield* emulator.line(/accepted/)
        yield* emulator.type("s soon\n")
        yield* emulator.line(/^Type s, or s and a time/)
        yield* emulator.type("s 2s\n")
        assert.strictEqual(yield* emulator.line(/^Skipped/), "Skipped 2 s")
        yield* emulator.type("s\n")
        assert.match(yield* emulator.line(/^Skipped/), /^Skipped 5\d\.?\d* s$/)
        yield* emulator.line(/event dial_completed, answered/)
      })
  )

  it.effect(
    "lets somebody call whenever Enter is pressed",
    () =>
      Effect.gen(function*() {
        const server = yield* EventsServer.start({
          incoming_call: EventsServer.speak("Your PIN, please.", 4),
          speak_completed: EventsServer.hangup
        })
        const incoming = ["--incoming", "15550170044:15550170009", "--callee", "answers; presses 1234"]
        const emulator = yield* start("--port", "0", "--events-url", server.url, "--speed", "100", ...incoming)
        yield* emulator.line(/^Press Enter to call/)
        for (const _ of ["first", "second"]) {
          yield* emulator.type("\n")
          assert.notInclude(yield* emulator.line(/incoming_call$/), "15550170044")
          yield* emulator.line(/event speak_completed, speak_successful, ••••$/)
          yield* emulator.line(/reply to call_completed/)
        }
      })
  )

  it.effect(
    "stops at Ctrl-C in the middle of a call, and prints no key that it was given",
    () =>
      Effect.gen(function*() {
        const { apiKey, customerId } = TelesignEmulator.credentials
        const emulator = yield* start("--port", "0", "--api-key", Redacted.value(apiKey))
        const first = yield* emulator.line(/^Telesign emulator at/)
        assert.include(first, Redacted.value(customerId))
        assert.notInclude(first, Redacted.value(apiKey))
        yield* dial(/http:\/\/[\d.]+:\d+/.exec(first)![0], { to: "15550170001", caller_id_number: "15550170009" })
        yield* emulator.line(/accepted/)
        yield* emulator.stop("SIGINT")
        assert.strictEqual(yield* emulator.exit, 0)
      })
  )
})

describe("the emulator's command line", () => {
  const told = (...args: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Command.runWith(command, { version: "0.0.0" })(args))
      assert.isTrue(Exit.isFailure(exit))
      return (yield* TestConsole.errorLines).join("\n")
    }).pipe(Effect.provide(NodeServices.layer))

  it.effect.each<readonly [ReadonlyArray<string>, RegExp]>([
    [["--port", "99999"], /a port from 0 to 65535/],
    [["--incoming", "15550170044"], /two phone numbers with a colon/],
    [["--speed", "0"], /a speed greater than 0/],
    [["--callee", "sings"], /--callee.*Expected: "busy", "no answer"/],
    [["--events-url", "localhost:4020"], /begins with http/],
    [["--customer-id", "a:b"], /without a colon/],
    [["--port", "0", "--api-key", "not base64!"], /not base64 text/],
    [["--callee", "12: busy"], /--callee.*Expected: a phone number/],
    [["--refuse", "15550170001:sung"], /--refuse.*one of premium_to_number_rejected/],
    [["--refuse", "me"], /--refuse.*Expected: a phone number/],
    [["--owned", "me"], /--owned.*Expected: a phone number/],
    [["--rate", "-1"], /a number from 0/],
    [["--ask-again", "soon"], /--ask-again.*a time such as 2s/],
    [["--ask-again", "Infinity"], /--ask-again.*a time such as 2s/],
    [["--copies", "0"], /a number from 1 to 100/],
    [["--delay", "wire=1s"], /--delay.*one of event, reply, copy/],
    [["--lose", "speak_completed:often"], /--lose.*an event, and how many/],
    [["--wait", "silence"], /--wait.*one of ring, fail/],
    [["--wait", "patience=3s"], /--wait.*one of ring, fail/],
    [["--method", "listen"], /--method.*a method, then = and an event/],
    [["--status", "ringing=1"], /--status.*one of busy/],
    [["--shout"], /--shout/]
  ])("refuses %j in words that help", ([args, words]) =>
    Effect.gen(function*() {
      assert.match(yield* told(...args), words)
    }))

  it.effect.each([["emulator", "--shout"], ["explore", "--shout"], ["shout"]])(
    "tells %j on standard error, and exits with 2",
    (args) =>
      Effect.gen(function*() {
        const { status, stderr, stdout } = yield* Effect.promise(() => ended(...args))
        assert.strictEqual(status, 2)
        assert.strictEqual(stdout, "")
        assert.match(stderr, /shout/)
        assert.match(stderr, /USAGE/)
      })
  )

  it.effect("prints the help that is asked for on standard output", () =>
    Effect.gen(function*() {
      const { status, stderr, stdout } = yield* Effect.promise(() => ended("emulator", "--help"))
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.match(stdout, /USAGE/)
    }))

  it.effect("is explained in one screen of 50 lines", () =>
    Effect.gen(function*() {
      yield* Command.runWith(command, { version: "0.0.0" })(["--help"])
      const help = (yield* TestConsole.logLines).join("\n").trim().split("\n")
      assert.isAtMost(help.length, 50)
      const own = help.slice(help.indexOf("FLAGS") + 1, help.indexOf("GLOBAL FLAGS"))
      for (const line of own) assert.isAtMost(line.length, 130, line)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("says so when the port is taken", () =>
    Effect.gen(function*() {
      const { url } = yield* EventsServer.start({})
      assert.match(yield* told("--port", new URL(url).port), /cannot listen on port \d+/)
    }))
})
