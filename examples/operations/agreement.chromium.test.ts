/**
 * 200 calls with faults, and who asks about one of them gets one answer, whether by the API, on the page or in a terminal: how it
 * stands, why, and what is next. The log is what all three are held to.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import {
  type CallEvent,
  CallIndex,
  Calls,
  EventStore,
  Explain,
  Flow,
  Line,
  PhoneNumber,
  Transport
} from "@ringback/core"
import { CallsApiClient, TelesignAuth, TelesignNode } from "@ringback/http"
import { Arbitraries, Callee, FakeClock, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Arbitrary, ConfigProvider, Context, Effect, Layer, ManagedRuntime, Random, Redacted, Schema } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, it } from "vitest"
import * as Chromium from "../../scripts/chromium.ts"
import { run } from "../../scripts/terminal.ts"
import { Appointment } from "../appointment/flow.ts"
import { flows, Routes } from "./application.ts"
import { Released, Results } from "./flow.ts"

const count = 200

/** It bounds what hangs. */
const patience = 300_000
const seed = Number(process.env["SEED"] ?? 20_261_130)

const from = PhoneNumber.make("15550170009")
const numberOf = (n: number) => PhoneNumber.make(`1555018${String(n).padStart(4, "0")}`)

const password = "a password of the desk"
const token = "a token of a program that may read"

const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({
  TELESIGN_CALLER_ID: from,
  OPERATOR_PASSWORD: password,
  RINGBACK_API_TOKENS: JSON.stringify([{ token, actor: "agreement", scopes: ["read"] }])
}))

const Wait = Schema.Literals([
  "a held signal",
  "a signal",
  "a held activity",
  "an activity",
  "a held sleep",
  "a timeout"
])

const Nurse = Flow.Signal("nurse", Schema.Void)
const nurse = Flow.signal(Nurse, { within: "3 hours" })
const lookUp = Flow.activity("look up", { success: Schema.Void, within: "3 hours" }, Effect.never)
const held = Line.hold("One moment, please.")

const waits: Readonly<Record<typeof Wait.Type, Flow.Flow<unknown, Flow.Failure, Flow.Line | typeof Nurse>>> = {
  "a held signal": nurse.pipe(held),
  "a signal": nurse,
  "a held activity": lookUp.pipe(held),
  "an activity": lookUp,
  "a held sleep": Flow.sleep("2 hours").pipe(held),
  "a timeout": nurse.pipe(Flow.timeout("2 hours"))
}

/** Waits while somebody is on the line: what ends that, only the flow knows. */
const OnTheLine = Flow.make("on-the-line", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, wait: Wait },
  output: Schema.String,
  signals: [Nurse],
  run: ({ from, to, wait }) =>
    Line.speak("Hello.").pipe(
      Flow.andThen(waits[wait]),
      Flow.as("done"),
      Flow.dial({ to, from }),
      Flow.catchTag(["NotAnswered", "HungUp", "TimedOut", "NoInput"], ({ _tag }) => Flow.succeed(_tag))
    )
})

/** From this call on the carrier does not accept the credentials. */
const refusedFrom = count - 6

/** A carrier that can refuse the credentials of all dials. */
class Refusing extends Context.Service<Refusing, { isRefusing: boolean }>()("test/Refusing") {}

const carrier = Layer.effect(
  Transport.Transport,
  Effect.gen(function*() {
    const [company, state] = [yield* PhoneCompany.PhoneCompany, yield* Refusing]
    const problem = "The carrier does not know these credentials"
    const refused = new Transport.NotSent({ problem, obstacle: "credentials" })
    return Transport.Transport.of({
      send: (action) =>
        Effect.suspend(() =>
          state.isRefusing ? Effect.fail(new Transport.TransportError({ reason: refused })) : company.dial(action)
        )
    })
  })
)

/** All chance of the test, each by the seed and what it is for alone: nothing beside that, and no order, moves it. */
const chanceOf = (...what: ReadonlyArray<string | number>) => Random.withSeed(Random.next, [seed, ...what].join(" "))

/** Of the webhooks one in ten comes twice, and one in twenty-five never. */
const faultyConnection = Layer.effectDiscard(Effect.gen(function*() {
  const calls = yield* Calls.Calls
  const callees = new Map<string, string | undefined>()
  const posted = new Map<string, number>()
  yield* PhoneCompany.connect(Effect.fnUntraced(function*(webhook) {
    if (!callees.has(webhook.referenceId)) callees.set(webhook.referenceId, webhook.to)
    const callee = callees.get(webhook.referenceId) ?? ""
    const n = (posted.get(callee) ?? 0) + 1
    posted.set(callee, n)
    const chance = yield* chanceOf("webhook", callee, n)
    if (chance < 0.04) return undefined
    const reply = yield* calls.receive(webhook)
    yield* reply.sent(true)
    if (chance > 0.9) yield* calls.receive(webhook)
    return reply.action
  }))
}))

const engine = faultyConnection.pipe(
  Layer.provideMerge(Calls.layer({ flows: [...flows, OnTheLine] })),
  Layer.provide(carrier),
  Layer.provideMerge(Layer.sync(Refusing, () => ({ isRefusing: false }))),
  Layer.provideMerge(PhoneCompany.layer),
  Layer.provideMerge(EventStore.layerMemory),
  Layer.provide(CallIndex.layerNumbersKey(Redacted.make("a key for numbers, for a test")))
)

const server = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(
    NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port: 0, host: "127.0.0.1" })
  ),
  Layer.provide(Layer.succeed(TelesignAuth.Account, TelesignEmulator.credentials))
)

const clock = FakeClock.layerWith({ auto: false, start: 1_780_000_000_000, patience: "brief" })

const application = server.pipe(
  Layer.provideMerge(engine),
  Layer.provideMerge(clock),
  Layer.provideMerge(FetchHttpClient.layer),
  Layer.provide(environment)
)

const scripts = Effect.runSync(Arbitrary.sampleEffect(Arbitraries.callee, { count, seed }))

/** Begins one of the calls. Some are refused by the carrier, some wait for their release or on the line, some are cancelled. */
const begin = Effect.fnUntraced(function*(n: number, script: Callee.Script) {
  const to = numberOf(n)
  yield* PhoneCompany.callee(to, [n % 8 === 2 ? Callee.answers("2 seconds") : script])
  if (n % 17 === 0) yield* PhoneCompany.block(to)
  if (n >= refusedFrom) yield* Refusing.use((state) => Effect.sync(() => void (state.isRefusing = true)))
  const wait = Wait.literals[Math.floor(n / 4) % Wait.literals.length]!
  if (n % 4 === 2) return (yield* Calls.start(OnTheLine, { to, from, wait })).id
  if (n % 2 === 0) return (yield* Calls.start(Appointment, { to, from, when: "Tuesday at ten" })).id
  const call = yield* Calls.start(Results, { to, from })
  if (n % 3 !== 0) yield* call.signal(Released, { words: "All is well." })
  if (n % 11 === 0) yield* call.cancel
  return call.id
})

const beginAll = Effect.gen(function*() {
  const ids: Array<CallEvent.CallId> = []
  for (const [n, script] of scripts.entries()) {
    ids.push(yield* begin(n, script))
    yield* FakeClock.advance(Math.floor((yield* chanceOf("gap", n)) * 9) * 1000)
  }
  return ids
})

/** What the test knows: the carrier does not accept the credentials. */
const known: Explain.Known = { obstacles: [{ obstacle: "credentials", from: undefined, since: 0, mayProbe: false }] }

/** What the log says, told by nothing that a server has in memory. */
const reportOf = Effect.fnUntraced(function*(id: CallEvent.CallId) {
  const turns = yield* (yield* EventStore.EventStore).read(id)
  const events = turns.flatMap(({ events }) => events)
  const [first] = events
  const flow = [...flows, OnTheLine].find(({ name }) => first?._tag === "CallStarted" && name === first.flow)
  const whole = { turns: turns.map(({ events }) => events.length), flow, known }
  return {
    report: Explain.report(id, events, whole),
    withoutFlow: Explain.report(id, events, { ...whole, flow: undefined }),
    withoutKnown: Explain.report(id, events, { ...whole, known: {} })
  }
})

const text = (value: string | null | undefined): string => (value ?? "").replaceAll(/\s+/g, " ").trim()

const capital = (words: string): string => words.slice(0, 1).toUpperCase() + words.slice(1)

describe(`200 calls with faults (SEED=${seed})`, () => {
  const runtime = ManagedRuntime.make(application)
  let url = ""
  let ids: ReadonlyArray<CallEvent.CallId> = []
  let time = Context.empty() as Context.Context<FakeClock.FakeClock>
  let reports: ReadonlyArray<Explain.Report> = []
  let told: ReadonlyArray<Effect.Success<ReturnType<typeof reportOf>>> = []

  beforeAll(async () => {
    url = await runtime.runPromise(HttpServer.addressFormattedWith(Effect.succeed))
    ids = await runtime.runPromise(beginAll)
    told = await runtime.runPromise(Effect.forEach(ids, reportOf))
    time = await runtime.runPromise(Effect.context<FakeClock.FakeClock>())
    reports = told.map(({ report }) => report)
  }, patience)
  afterAll(async () => {
    // The engine ends when replies that wait for a flow have met their deadline, and the clock ends behind it.
    const ended = runtime.dispose()
    void Effect.runPromise(Effect.provide(FakeClock.advance("1 minute"), time))
    await ended
  })

  it("are in many states", () => {
    assert.lengthOf(ids, count)
    // Which line it is that a few of them wait for differs from seed to seed.
    const waits = reports.map(({ outcome, waitingFor }) =>
      (outcome?.words ?? waitingFor.what).replace(/ on line \d$/, "")
    )
    assert.includeMembers(waits, [
      "ended with its output",
      "failed: HungUp",
      "stopped: the application has cancelled it",
      "the signal released",
      "the signal nurse",
      "the activity look up",
      "the carrier to accept the credentials",
      "the end of a sleep",
      "an answer to its dial",
      "the end of what it says"
    ])
    const kinds = new Set(reports.flatMap(({ events }) => events.map(({ kind }) => kind)))
    assert.includeMembers([...kinds], ["DialRefused", "Cancelled", "SignalReceived", "CallAnswered", "SleepStarted"])
  })

  it("are in states of which the log says less without its flow, and without what is known around it", () => {
    const less = (which: "withoutFlow" | "withoutKnown") =>
      told.filter((each) => JSON.stringify(each[which]) !== JSON.stringify(each.report)).map(({ report }) =>
        report.waitingFor.what
      )
    assert.includeMembers(less("withoutFlow"), ["the signal nurse", "the activity look up", "the end of a sleep"])
    assert.deepStrictEqual([...new Set(less("withoutKnown"))], ["the carrier to accept the credentials"])
  })

  it("are told by the API as by the log", async () => {
    const api = await runtime.runPromise(CallsApiClient.make({ url: `${url}/ringback`, token: Redacted.make(token) }))
    for (const [n, callId] of ids.entries()) {
      const report = await runtime.runPromise(api.calls.explain({ params: { callId } }))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(report)), JSON.parse(JSON.stringify(reports[n])))
    }
  }, patience)

  it("are listed as they are told, but for what has come in the way of a dial since", async () => {
    const api = await runtime.runPromise(CallsApiClient.make({ url: `${url}/ringback`, token: Redacted.make(token) }))
    const { calls } = await runtime.runPromise(api.calls.list({ query: { limit: count } }))
    const listed = new Map(calls.map((each) => [each.callId, each.waitingFor]))
    for (const { report: { callId, waitingFor }, withoutKnown } of told) {
      assert.include([waitingFor.what, withoutKnown.waitingFor.what], listed.get(callId))
    }
  })

  it("are told in a terminal as by the log", async () => {
    const asked = { RINGBACK_URL: `${url}/ringback`, RINGBACK_TOKEN: token }
    for (const [n, callId] of ids.entries()) {
      const report = reports[n]!
      const whole = await Effect.runPromise(run(["--json", "why", callId], asked))
      assert.deepStrictEqual(JSON.parse(whole.out), JSON.parse(JSON.stringify(report)))
      const { err, out } = await Effect.runPromise(run(["why", callId], asked))
      assert.strictEqual(err, "")
      for (const { words } of report.events) assert.include(out, words)
      assert.include(out, report.words)
      if (report.state === "over") continue
      const { enders, otherwise, what } = report.waitingFor
      for (const words of [what, otherwise, ...enders.map(({ words }) => words)]) assert.include(out, words)
    }
  }, patience)

  describe.skipIf(Chromium.executable === undefined)("on the page", () => {
    let browser: Browser
    let window: Chromium.Window

    beforeAll(async () => {
      browser = await Chromium.launch()
      window = await Chromium.open(browser, url, {
        now: await runtime.runPromise(FakeClock.now),
        httpCredentials: { username: "ann", password }
      })
    })
    afterAll(async () => {
      await window.close()
      await browser.close()
    })

    /** Goes there as a link on the page does. */
    const visit = (page: Page, place: string) =>
      page.evaluate(`history.pushState(null, "", "${place}"); dispatchEvent(new PopStateEvent("popstate"))`)

    it("are told as by the log", async () => {
      const { page, problems } = window
      await page.goto("/ops/calls")
      await page.getByText("Dials wait: the carrier does not accept the credentials, since").waitFor()
      for (const [n, callId] of ids.entries()) {
        const report = reports[n]!
        const last = report.events.findLast(({ isDecision }) => isDecision)
        await visit(page, `/ops/calls/call/${callId}${last === undefined ? "" : `?event=${last.number}`}`)
        await page.getByText(callId, { exact: true }).first().waitFor()
        const stands = text(await page.locator("section.waiting").textContent())
        const { enders, otherwise, until, what } = report.waitingFor
        if (report.state === "over") assert.include(stands, capital(report.outcome?.words ?? report.words))
        else {
          assert.include(stands, capital(what))
          for (const { words } of enders) assert.include(stands, words)
          if (until !== undefined) assert.include(stands, otherwise)
        }
        if (last === undefined) continue
        const why = text(await page.locator("aside.panel").textContent())
        assert.include(why, text(last.words))
        assert.include(why, last.rule ?? "")
      }
      assert.deepStrictEqual(problems, [])
    }, patience)
  })
})
