/** What the guides quote of this application, word for word as it prints it: the strange call, and what stands beside it. */
import { assert, describe, it } from "@effect/vitest"
import { Cli } from "@ringback/cli"
import { Calls, PhoneNumber, Transport } from "@ringback/core"
import { Health } from "@ringback/http"
import { FakeClock, FakeTransport } from "@ringback/testing"
import { Effect, ManagedRuntime, Schema } from "effect"
import { HttpServer } from "effect/http"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"
import { afterAll, beforeAll } from "vitest"
import * as Quotes from "../../scripts/quotes.ts"
import { run } from "../../scripts/terminal.ts"
import { Appointment } from "../appointment/flow.ts"
import * as Desk from "./desk.ts"
import { application, token } from "./strangeCall.ts"

const pageOf = (name: string): Quotes.Page =>
  Quotes.read(name, readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8"))

const [seeing, terminal] = [pageOf("seeing-and-steering"), pageOf("in-a-terminal")]

/** A command that stands alone, by how it begins. */
const typed = (begins: string): string => seeing.steps.find(({ command }) => command.startsWith(begins))!.command

/** The commands of which a page quotes what they print. */
const quoted = ({ steps }: Quotes.Page): ReadonlyArray<Quotes.Step> =>
  steps.filter(({ command, quotes }) => command.startsWith("ringback ") && quotes.length > 0)

const isOfWaiting = (command: string): boolean => command.startsWith("ringback show")

/** The words of a command, as a shell takes them. */
const words = (command: string): ReadonlyArray<string> =>
  Array.from(command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), ([, single, double, bare]) => single ?? double ?? bare!)

describe("the guides quote what is printed", () => {
  let app: Awaited<ReturnType<typeof application>>
  let environment: { readonly RINGBACK_URL: string; readonly RINGBACK_TOKEN: string }
  beforeAll(async () => {
    app = await application()
    environment = { RINGBACK_URL: `${app.url}/ringback`, RINGBACK_TOKEN: token }
  })
  afterAll(() => app.close())

  const printed = async (command: string) => {
    const [program, ...args] = words(command)
    assert.strictEqual(program, "ringback")
    return Effect.runPromise(run(args, environment))
  }

  const hold = async ({ command, quotes }: Quotes.Step) => {
    const { code, err, out } = await printed(command)
    assert.strictEqual(err, "", command)
    assert.strictEqual(code, 0, command)
    assert.strictEqual(out.split("\n").map((line) => line.trimEnd()).join("\n").trimEnd(), quotes[0]!.text, command)
  }

  it("of a call that waits", async () => {
    const all = [...quoted(seeing).filter(({ command }) => isOfWaiting(command)), ...quoted(terminal)]
    assert.deepStrictEqual(all.map(({ command }) => words(command)[1]), ["show", "calls", "show", "why"])
    for (const quote of all) await hold(quote)
  })

  it("of the whole of a strange call", async () => {
    await app.release()
    await app.cancel()
    const all = quoted(seeing).filter(({ command }) => !isOfWaiting(command))
    assert.deepStrictEqual(all.map(({ command }) => words(command)[1]), ["calls", "why"])
    for (const quote of all) await hold(quote)
  })

  it("of what a program asks over HTTP", async () => {
    const asked = typed("curl -X POST \"$RINGBACK_URL/calls/search\"")
    const { stdout } = await promisify(execFile)("sh", ["-ec", asked.replaceAll("curl ", "curl -sS -w '\\n' ")], {
      env: { ...process.env, ...environment, NO_PROXY: "127.0.0.1" }
    })
    const [found, explained] = stdout.trim().split("\n").map((line) => JSON.parse(line))
    assert.deepStrictEqual(found.calls.map(({ callId }: { readonly callId: string }) => callId), [app.call])
    const { out } = await printed(`ringback --json why ${app.call}`)
    assert.deepStrictEqual(explained, JSON.parse(out))
  })
})

it("the guide's commands tell a call what it waits for, and cancel all of a flow", async () => {
  const app = await application()
  const environment = { RINGBACK_URL: `${app.url}/ringback`, RINGBACK_TOKEN: token }
  const [signal, cancel] = [typed("ringback signal"), typed("ringback cancel --flow")]
  const ask = (command: string) => Effect.runPromise(run(words(command).slice(1), environment))
  assert.deepStrictEqual(await ask(signal), {
    code: 0,
    out: "",
    err: `Call ${app.call} was told released\nIt waits for an answer to its dial on line 1`
  })
  assert.include(
    (await ask(`ringback why ${app.call}`)).out,
    "SignalReceived: released by desk (the doctor has signed)"
  )
  assert.strictEqual((await ask(cancel)).code, Cli.exitCodes.usage) // Nobody is there to be asked.
  assert.include((await ask(`${cancel} --yes`)).err, `Call ${app.call} is cancelled`)
  assert.include((await ask(`ringback why ${app.call}`)).out, "Cancelled by desk (the wrong list)")
  await app.close()
})

describe("the guide quotes the status while the API key is wrong", () => {
  const refusing = FakeTransport.failing(
    new Transport.NotSent({ problem: "HTTP 401: not_authorized", obstacle: "credentials" })
  )
  const tokens = [{ token, actor: "desk", scopes: ["read" as const] }]
  const runtime = ManagedRuntime.make(Desk.layer({ tokens, start: Date.UTC(2026, 10, 27, 6, 31), carrier: refusing }))
  afterAll(() => runtime.dispose())

  it("in its words", async () => {
    const [status] = seeing.orphans.map(({ text }) => text).filter((text) => text.startsWith("{"))
    const { value } = JSON.parse(status!) as { readonly value: number }
    const input = { to: PhoneNumber.make("15550180001"), from: Desk.from, when: "Tuesday at ten" }
    await runtime.runPromise(Calls.start(Appointment, input))
    await runtime.runPromise(FakeClock.advance(`${value} seconds`))
    const url = await runtime.runPromise(HttpServer.addressFormattedWith(Effect.succeed))
    const { lines } = Schema.decodeUnknownSync(Health.Status)(await (await fetch(`${url}/health/status`)).json())
    assert.include(lines.map((line) => JSON.stringify(line)), status)
  })
})
