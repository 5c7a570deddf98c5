/** The examples of the doc comments: what somebody pastes compiles. */
import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../", import.meta.url))
const place = `${root}node_modules/.cache/ringback-examples/`

/** What the examples speak of. */
const around = `
import { assert, it } from "@effect/vitest"
import { Action, Call, CallEvent, CallIndex, CallInput, CallLine, Calls, Decider, EventStore, Explain, Flow, FlowDrawing, Ladder, Line, LiveCall, PhoneNumber, Prompt, Replay, Settings, SqlEventStore, Transport, Webhook, Witness } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { CallsApiClient, CallsApiServer, Health, Inspector, Telesign, TelesignAuth, TelesignNode, TelesignWebhook, TelesignWire } from "@ringback/http"
import { Arbitraries, Callee, CompanyLadder, EmulatorApi, EmulatorClock, FakeClock, FlowExplorer, StormHistory, Law, People, PhoneCompany, PhoneLine, Scenario, Storm, StormLaws, TelesignEmulator, TestCalls } from "@ringback/testing"
import * as StoreContract from "@ringback/testing/StoreContract"
import { Config, Context, Effect, Layer, type Redacted, Result, Schema } from "effect"
import { HttpRouter, type HttpServer, HttpServerResponse } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { PgClient } from "@effect/sql-pg"
import * as fc from "fast-check"
import * as ClusterCalls from "@ringback/core/ClusterCalls"

declare const to: PhoneNumber.PhoneNumber
declare const from: PhoneNumber.PhoneNumber
declare const account: string
declare const urls: ReadonlyArray<string>
declare const form: { readonly phone: unknown }
declare const call: (to: PhoneNumber.PhoneNumber) => void
declare const reply: (words: string) => void
declare const lookUp: (account: string) => Flow.Flow<string>
declare const id: CallEvent.CallId
declare const token: Redacted.Redacted
declare const flow: string
declare const api: CallsApiClient.Client
declare const Routes: Layer.Layer<never, never, HttpRouter.HttpRouter>
declare const Server: Layer.Layer<HttpServer.HttpServer>
declare const CallsLive: Layer.Layer<Calls.Calls>
const Database = PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })
class Sessions extends Context.Service<Sessions, {
  readonly find: (cookie: string | undefined) => Effect.Effect<{ readonly email: string }, Error>
}>()("Sessions") {}
declare const tryAgain: Flow.Flow<void>
declare const charge: Effect.Effect<void>
class Pins extends Context.Service<Pins, { readonly verify: (pin: string) => Effect.Effect<boolean> }>()("Pins") {}
const Reminder = Flow.make("reminder", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, when: Schema.String },
  output: Schema.Void,
  run: ({ from, to, when }) => Line.speak(when).pipe(Flow.dial({ to, from }))
})
const flows = [Reminder] as const
declare const callee: Arbitraries.People
const TableReady = Reminder
const input = { to, from, when: "Tuesday at ten" }
const Support = Flow.make("support", {
  version: 1,
  input: {},
  output: Schema.String,
  run: () => Flow.inbound(() => Flow.as(Line.speak("Hello."), "connected"))
})
`

interface Example {
  readonly at: string
  readonly text: string
}

const examplesIn = (path: string): ReadonlyArray<Example> => {
  const lines = readFileSync(root + path, "utf8").split("\n")
  return lines.flatMap((line, number) => {
    if (line.trim() !== "* @example") return []
    const rest = lines.slice(number + 1)
    const end = rest.findIndex((line) => /^\s*\*(\/| @)/.test(line))
    return [{
      at: `${path}:${number + 2}`,
      text: rest.slice(0, end).map((line) => line.replace(/^\s*\* ?/, "")).join("\n")
    }]
  })
}

const isOfEffect = ({ text }: Example): boolean => /^(const (\w+|\{.*\}) = )?yield\*/m.test(text)

const asFunction = (example: Example, n: number): string =>
  isOfEffect(example)
    ? `export const example${n} = Effect.gen(function*() {\n${example.text}\n})`
    : `export const example${n} = () => {\n${example.text}\n}`

it("the examples of the doc comments compile", () => {
  const examples = globSync("packages/*/src/**/*.ts", { cwd: root }).flatMap(examplesIn)
  assert.isAtLeast(examples.length, 20)
  mkdirSync(place, { recursive: true })
  const options = { noEmit: true, plugins: [], noUnusedLocals: false, noUnusedParameters: false }
  const config = {
    extends: "../../../tsconfig.base.json",
    compilerOptions: options,
    files: examples.map((_, n) => `${n}.ts`)
  }
  writeFileSync(`${place}tsconfig.json`, JSON.stringify(config))
  examples.forEach((example, n) => writeFileSync(`${place}${n}.ts`, `${around}\n${asFunction(example, n)}\n`))
  const compiler = `${root}node_modules/typescript/bin/tsc`
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", `${place}tsconfig.json`, "--pretty", "false"], {
    encoding: "utf8",
    cwd: place
  })
  const said = stdout.split(/\n(?=\S)/).filter((line) => line.includes("error")).map((line) =>
    line.replace(/^(\d+)\.ts\(\d+,\d+\)/, (_, n) => examples[Number(n)]?.at ?? "")
  )
  assert.deepStrictEqual(said, [])
})
