/**
 * `npm run demo`: real HTTP on 127.0.0.1 between an application and an emulated Telesign, a real SQLite file, and a real
 * `kill -9`. It shows each call as a ladder and exits non-zero if anything ends otherwise than it should.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Calls, Explain, type Flow, Ladder, PhoneNumber, SqlEventStore } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Telesign, TelesignNode, TelesignWebhook } from "@ringback/http"
import { Callee, CompanyLadder, TelesignEmulator } from "@ringback/testing"
import { Clock, Console, Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CalleeHangsUp } from "../callee-hangs-up/flow.ts"
import { HangUp } from "../hang-up/flow.ts"
import { Passcode } from "../passcode/flow.ts"
import { PlayAMessage } from "../play-a-message/flow.ts"
import * as Process from "./process.ts"

/** How much faster than life the emulator rings, speaks and listens. */
const speed = 20

const from = PhoneNumber.make("+15550170009")
const to = {
  listener: PhoneNumber.make("+15550170001"),
  impatient: PhoneNumber.make("+15550170002"),
  writer: PhoneNumber.make("+15550170003"),
  patient: PhoneNumber.make("+15550170004")
}

const emulator = TelesignEmulator.layer({
  line: { speed },
  callees: {
    [to.listener]: Callee.answers("4 seconds"),
    [to.impatient]: Callee.answers("3 seconds").hangsUpDuring(1),
    [to.writer]: Callee.answers("5 seconds").hears(/press 1/i).presses("1").staysSilent(),
    [to.patient]: Callee.answers("3 seconds").presses("2")
  },
  // The last ones are for a machine on which a process takes seconds to start.
  replies: { askAgainAfter: ["300 millis", "700 millis", "1500 millis", "3 seconds", "6 seconds"] }
})

/** The application: an `HttpRouter` with one more route, a SQLite file, Telesign. */
const application = (filename: string) =>
  Layer.unwrap(Effect.map(TelesignEmulator.url, (baseUrl) => {
    const calls = Calls.layer({ flows: [PlayAMessage, HangUp, CalleeHangsUp, Passcode], settings: { speed } }).pipe(
      Layer.provide(SqlEventStore.layer),
      Layer.provide(SqliteClient.layer({ filename })),
      Layer.provideMerge(Telesign.layer({ ...TelesignEmulator.credentials, baseUrl })),
      Layer.provide(NodeHttpClient.layerNodeHttp)
    )
    return HttpRouter.serve(TelesignWebhook.layer({ path: "/telesign/events" }), {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.provideMerge(
        NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port: 0, host: "127.0.0.1" })
      ),
      Layer.provideMerge(calls)
    )
  }))

class Unexpected extends Schema.TaggedError<Unexpected>()("Unexpected", {
  call: Schema.String,
  expected: Schema.String,
  found: Schema.String
}) {
  override get message() {
    return `${this.call}: expected ${this.expected}, found ${this.found}`
  }
}

const bold = (text: string) => process.stdout.isTTY ? `\u001b[1m${text}\u001b[22m` : text
const heading = (text: string) => Console.log(`\n${bold(text)}\n`)

const expect = (call: string, found: unknown, expected: unknown) =>
  JSON.stringify(found) === JSON.stringify(expected)
    ? Effect.void
    : Effect.fail(new Unexpected({ call, expected: JSON.stringify(expected), found: JSON.stringify(found) }))

/** Something that the application does, on the ladder beside what the emulator saw. */
const step = (sender: Ladder.Actor, receiver: Ladder.Actor, text: string) =>
  Effect.map(Clock.currentTimeMillis, (at) => Ladder.rung(at, sender, receiver, text))

/** Waits until the carrier has reported the end of the last line to this number. */
const ended = Effect.fnUntraced(function*(number: string) {
  const telesign = yield* TelesignEmulator.TelesignEmulator
  for (let tries = 0; tries < 200; tries++) {
    const referenceId = (yield* telesign.rings).findLast((ring) => ring.number === number)?.referenceId
    const log = (yield* telesign.log).filter((entry) => "referenceId" in entry && entry.referenceId === referenceId)
    if (log.some((entry) => entry._tag === "Replied" && entry.webhook.event === "call_completed")) return log
    yield* Effect.sleep("20 millis")
  }
  return yield* new Unexpected({ call: "a line", expected: "call_completed", found: "nothing" })
})

/** Places a call, waits for its outcome and draws what happened. */
const show = Effect.fnUntraced(function*<Name extends string, Input, A, E extends { readonly _tag: string }>(
  title: string,
  flow: Flow.Definition<Name, Input, A, E, never>,
  input: NoInfer<Input> & { readonly to: PhoneNumber.PhoneNumber },
  expected: A
) {
  yield* heading(title)
  const started = yield* step("application", "Ringback", `start ${flow.name}`)
  const call = yield* Calls.start(flow, input)
  const outcome = yield* Effect.result(call.outcome)
  const found = outcome._tag === "Success" ? outcome.success : outcome.failure._tag
  const told = yield* step("Ringback", "application", JSON.stringify(found))
  const log = yield* ended(input.to)
  yield* Console.log(Ladder.text([started, ...CompanyLadder.fromLog(log), told], { speed }))
  yield* expect(title, found, expected)
  return call.id
})

const guide = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  yield* TelesignEmulator.reportTo(`${HttpServer.formatAddress(address)}/telesign/events`)

  yield* show(
    "A  answered, then a message plays to its end",
    PlayAMessage,
    { to: to.listener, from, message: "https://media.example.net/closing-time.wav" },
    "heard"
  )
  yield* show("B  answered, then you hang up", HangUp, { to: to.listener, from }, "reachable")
  yield* show(
    "C  answered, the message starts, the callee hangs up during it",
    CalleeHangsUp,
    { to: to.impatient, from, message: "The library closes at six today. Please return your books before then." },
    "hung up"
  )
  const id = yield* show(
    "A one-time passcode, heard twice",
    Passcode,
    { to: to.writer, from, code: "4021" },
    { hearings: 2 }
  )

  yield* heading("What the store holds of the passcode call (shown masked)")
  const { events } = yield* Calls.Calls
  const stored = yield* events(id)
  const start = stored[0]?.at ?? 0
  for (const event of stored) {
    const seconds = ((event.at - start) * speed / 1000).toFixed(1).padStart(7)
    yield* Console.log(`${seconds}  ${Explain.event(event)}`)
  }
})

/** Kills the application's process in the middle of a call, starts it again on the same file, and lets the call go on. */
const killed = Effect.fnUntraced(function*(folder: string) {
  yield* heading("The application is killed (kill -9) in the middle of a call, and started again")
  const telesign = yield* TelesignEmulator.TelesignEmulator
  const environment = {
    DATABASE_FILE: join(folder, "killed.db"),
    SPEED: String(speed),
    TELESIGN_BASE_URL: telesign.url,
    TELESIGN_CALLER_ID: from,
    TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
    TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey)
  }
  const first = yield* Process.start({ ...environment, PORT: "0" })
  yield* telesign.reportTo(`http://127.0.0.1:${first.port}/telesign/events`)
  const next = yield* Process.prepare({ ...environment, PORT: String(first.port) })

  const begun = yield* step("application", "Ringback", "start delivery")
  yield* first.tell(`start parcel-7 ${to.patient}`)
  while (
    !(yield* telesign.log).some((entry) =>
      entry._tag === "Replied" && entry.action?._tag === "Speak" && isPatient(entry)
    )
  ) {
    yield* Effect.sleep("5 millis")
  }
  const kill = yield* step("application", "Ringback", "kill -9")
  yield* first.kill
  const second = yield* next.open
  const restart = yield* step("application", "Ringback", "started again")
  yield* second.tell(`start parcel-7 ${to.patient}`)
  const { what } = yield* second.hear("outcome", "parcel-7")
  const told = yield* step("Ringback", "application", JSON.stringify(what))
  const log = yield* ended(to.patient)
  yield* Console.log(Ladder.text([begun, kill, restart, ...CompanyLadder.fromLog(log), told], { speed }))
  yield* expect("the killed call", what, "evening")
  yield* expect(
    "the rings of the killed call",
    (yield* telesign.rings).filter((ring) => ring.number === to.patient).length,
    1
  )
})

const isPatient = (entry: { readonly webhook: { readonly to?: string } }) => entry.webhook.to === to.patient

const next = `What to type next:
  npm run emulator                           a phone in your browser: open the address that it prints
  npm run example -- --env-file=examples/emulator.env examples/appointment/main.ts +15550170001
                                             in a second terminal: it rings, and you are the callee
  npm run archives && npm run ringback -- init ../my-app --packages archives
                                             an application of your own, with a flow, its test and its wiring`

const program = Effect.gen(function*() {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-demo-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  yield* Console.log(
    `Calls over real HTTP on 127.0.0.1, events in a SQLite file, a Telesign that is emulated ${speed} times faster than life.\n` +
      "The seconds on the left are those that the callee would live through."
  )
  yield* Effect.provide(guide, application(join(folder, "calls.db")))
  yield* killed(folder)
  yield* Console.log(`\nAll calls ended as they should.\n\n${next}`)
})

NodeRuntime.runMain(Effect.scoped(Effect.provide(program, emulator)))
