import { assert, describe, it } from "@effect/vitest"
import { CallEvent, Calls } from "@ringback/core"
import { Effect, Fiber, Latch, Layer } from "effect"
import { TestClock } from "effect/testing"
import { to } from "../../../scripts/testApplication.ts"
import { CallsApiClient, CallsApiProblem } from "../src/index.ts"
import { client, layer, request, stepSignals, whileTimePasses } from "./fixtures/callsApi.ts"

const start = (
  api: CallsApiClient.Client,
  key?: string,
  payload: { flow: string; input: {}; version?: number } = { flow: "approval", input: { order: "17" } }
) => api.calls.start({ headers: key === undefined ? {} : { "idempotency-key": key }, payload })

const problem = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => (error as unknown as CallsApiProblem.Problem).type)

const approve = (callId: string, amount = 12) => ({
  params: { callId },
  headers: {},
  payload: { name: "approved", value: { amount }, reason: "they asked" }
})

const one = (callId: string) => ({ params: { callId }, query: {} })

describe("CallsApi", () => {
  it.effect("starts a call, tells it something, and waits for its outcome", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const started = yield* start(api)
      const { callId } = started
      assert.deepStrictEqual(started, { callId, flow: "approval", flowVersion: 1, status: "running", replayed: false })
      const none = yield* whileTimePasses(api.calls.outcome({ params: { callId }, query: { wait: 5 } }))
      assert.strictEqual(none.outcome, "NotYet")
      const waiting = yield* Effect.forkChild(
        api.calls.outcome({ params: { callId }, query: { wait: 60, reveal: true } })
      )
      yield* api.calls.signal(approve(callId))
      assert.deepStrictEqual(yield* Fiber.join(waiting), { callId, outcome: "Success", value: 12 })
      assert.deepStrictEqual(yield* api.calls.outcome(one(callId)), { callId, outcome: "Success" })
    }).pipe(Effect.provide(layer())))

  it.effect("tells an outcome that is on record at once, also where the engine would have to read the call first", () => {
    const slow = Layer.effect(
      Calls.Calls,
      Effect.map(Calls.Calls, (calls) => Calls.Calls.of({ ...calls, outcome: () => Effect.never }))
    )
    return Effect.gen(function*() {
      const api = yield* client()
      const { callId } = yield* start(api)
      assert.strictEqual((yield* whileTimePasses(api.calls.outcome(one(callId)))).outcome, "NotYet")
      yield* api.calls.signal(approve(callId))
      assert.deepStrictEqual(yield* api.calls.outcome(one(callId)), { callId, outcome: "Success" })
    }).pipe(Effect.provide(layer({}, slow)))
  })

  it.effect("tells a new call, the one of its key, another input and what cannot be started apart", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const first = yield* start(api, "order-17")
      const again = yield* start(api, "order-17")
      assert.deepStrictEqual(again, { ...first, replayed: true })
      yield* api.calls.cancel({ params: { callId: first.callId }, payload: {} })
      assert.strictEqual((yield* start(api, "order-17")).status, "over")
      const other = { flow: "approval", input: { order: "18" } }
      const taken = yield* Effect.flip(start(api, "order-17", other))
      assert.instanceOf(taken, CallsApiProblem.KeyTaken)
      assert.strictEqual(taken.callId, first.callId)
      const misfit = { flow: "approval", input: { order: 17 } }
      assert.strictEqual(yield* problem(start(api, "order-18", misfit)), "urn:ringback:problem:invalid-input")
      for (const payload of [{ flow: "no-such-flow", input: {} }, { ...other, version: 7 }]) {
        assert.strictEqual(yield* problem(start(api, undefined, payload)), "urn:ringback:problem:flow-not-registered")
      }
    }).pipe(Effect.provide(layer())))

  it.effect("gives a long call as a page shows it piece by piece, and the client reads all of it", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const steps = 600
      const { callId } = yield* api.calls.start({ headers: {}, payload: { flow: "steps", input: { steps } } })
      const { signal } = yield* Calls.Calls
      for (let i = 0; i < steps; i++) yield* signal(callId, stepSignals[i % 3]!, null)
      const first = yield* api.calls.view(one(callId))
      assert.isBelow(first.report.events.length, first.total.events)
      const whole = yield* CallsApiClient.view(api, callId)
      assert.isAbove(whole.total.events, steps * 2)
      assert.lengthOf(whole.report.events, whole.total.events)
      assert.deepStrictEqual(whole.report, yield* api.calls.explain({ params: { callId } }))
      assert.deepStrictEqual(whole.ladder, yield* api.calls.ladder(one(callId)))
      let pieces = yield* api.calls.view({ params: { callId }, query: { limit: 200 } })
      while (pieces.next !== undefined) {
        const piece = yield* api.calls.view({ params: { callId }, query: { limit: 200, after: pieces.next } })
        assert.isAtMost(piece.report.events.length, 201)
        pieces = CallsApiClient.joined(pieces, piece)
      }
      assert.deepStrictEqual(pieces.report, whole.report)
      assert.deepStrictEqual(pieces.ladder, whole.ladder)
    }).pipe(Effect.provide(layer())))

  it.effect("says 201 to a new call and 200 to the one of its key", () =>
    Effect.gen(function*() {
      const ask = request("/calls", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "k" },
        body: JSON.stringify({ flow: "approval", input: { order: "17" } })
      })
      assert.deepStrictEqual([(yield* ask).status, (yield* ask).status], [201, 200])
    }).pipe(Effect.provide(layer())))

  it.effect("tells who asks again while a start is in progress", () => {
    const [begun, goOn] = [Latch.makeUnsafe(), Latch.makeUnsafe()]
    const held = Layer.effect(
      Calls.Calls,
      Effect.map(Calls.Calls, (calls) =>
        Calls.Calls.of({
          ...calls,
          start: (...given) =>
            begun.open.pipe(Effect.andThen(goOn.await), Effect.andThen(calls.start(...given))) as never
        }))
    )
    return Effect.gen(function*() {
      const api = yield* client()
      const first = yield* Effect.forkChild(start(api, "k"))
      yield* begun.await
      const told = yield* Effect.flip(start(api, "k"))
      assert.instanceOf(told, CallsApiProblem.StartInProgress)
      assert.strictEqual(told.retryAfterSeconds, 1)
      yield* goOn.open
      assert.strictEqual((yield* Fiber.join(first)).replayed, false)
      assert.strictEqual((yield* start(api, "k")).replayed, true)
    }).pipe(Effect.provide(layer({}, held)))
  })

  it.effect("lists, counts and searches calls, by pages", () =>
    Effect.gen(function*() {
      const api = yield* client("reader")
      const steerer = yield* client("steerer")
      const ids: Array<string> = []
      for (const key of ["a", "b", "c"]) {
        ids.unshift((yield* start(steerer, key)).callId)
        yield* TestClock.adjust("1 second")
      }
      yield* steerer.calls.signal(approve(ids[0]!))
      const first = yield* api.calls.list({ query: { limit: 2 } })
      assert.deepStrictEqual(first.calls.map(({ callId }) => callId), ids.slice(0, 2))
      const second = yield* api.calls.list({ query: { limit: 2, after: first.next! } })
      assert.deepStrictEqual(second.calls.map(({ callId }) => callId), ids.slice(2))
      assert.isUndefined(second.next)
      assert.deepStrictEqual(yield* api.calls.counts({ query: { flow: "approval" } }), {
        running: 2,
        over: { Success: 1, Failure: 0, Stopped: 0 }
      })
      const running = yield* api.calls.list({ query: { status: "running" } })
      assert.strictEqual(running.calls.length, 2)
      const found = yield* api.calls.search({ payload: { key: "b", flow: "approval" } })
      assert.deepStrictEqual(found.calls.map(({ callId }) => callId), [ids[1]])
      assert.strictEqual(
        yield* problem(api.calls.search({ payload: { number: to } })),
        "urn:ringback:problem:numbers-not-searchable"
      )
    }).pipe(Effect.provide(layer())))

  it.effect("shows a call, its events, why, and its ladder", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const { callId } = yield* start(api)
      const detail = yield* api.calls.get({ params: { callId } })
      assert.strictEqual(detail.state, "running")
      assert.strictEqual(detail.signal?.name, "approved")
      assert.deepInclude(detail.signal?.schema, { type: "object", required: ["amount"] })
      assert.isTrue(detail.waiting.enders.some(({ how, name }) => how === "signal" && name === "approved"))
      yield* api.calls.signal(approve(callId))
      const { next, turns } = yield* api.calls.events({ params: { callId }, query: { limit: 1 } })
      assert.deepStrictEqual([turns.length, next], [1, 1])
      const rest = yield* api.calls.events({ params: { callId }, query: { after: next!, reveal: true } })
      const events = [...turns, ...rest.turns].flatMap(({ events }) => events)
      assert.deepStrictEqual(events.map(({ number }) => number), events.map((_, i) => i + 1))
      const calls = yield* Calls.Calls
      const stored = CallEvent.encode(yield* calls.events(callId))
      assert.deepStrictEqual(
        rest.turns.flatMap(({ events }) => events.map(({ data }) => data)),
        JSON.parse(stored).slice(-rest.turns[0]!.events.length)
      )
      assert.isTrue(events.some(({ text }) => text === "SignalReceived: approved by ann (they asked)"))
      const report = yield* api.calls.explain({ params: { callId } })
      assert.strictEqual(report.state, "over")
      assert.strictEqual(report.events.length, events.length)
      const ladder = yield* api.calls.ladder(one(callId))
      assert.isNotEmpty(ladder.items)
      assert.include(yield* api.calls.ladderText(one(callId)), "Ringback")
      assert.include(yield* api.calls.ladderHtml(one(callId)), "<!doctype html>")
    }).pipe(Effect.provide(layer())))

  it.effect("puts on record who cancelled a call, and why", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const { callId } = yield* start(api)
      yield* api.calls.cancel({ params: { callId }, payload: { reason: "the order is gone" } })
      yield* api.calls.cancel({ params: { callId }, payload: { reason: "again" } })
      const calls = yield* Calls.Calls
      const cancelled = (yield* calls.events(callId)).filter(({ _tag }) => _tag === "Cancelled")
      assert.deepStrictEqual(cancelled.map((each) => "by" in each && each.by), [{
        who: "ann",
        why: "the order is gone"
      }])
      assert.deepInclude(yield* api.calls.outcome(one(callId)), { outcome: "Stopped", stopped: { _tag: "Cancelled" } })
    }).pipe(Effect.provide(layer())))

  it.effect("takes a signal once under its key, and refuses one that does not fit or that the flow does not declare", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const { callId } = yield* start(api, undefined, { flow: "steps", input: { steps: 2 } })
      const tell = api.calls.signal({
        params: { callId },
        headers: { "idempotency-key": "once" },
        payload: { name: "step 0", value: null }
      })
      yield* tell
      yield* tell
      const calls = yield* Calls.Calls
      const told = (yield* calls.events(callId)).filter(({ _tag }) => _tag === "SignalReceived")
      assert.strictEqual(told.length, 1)
      const misfit = api.calls.signal({ params: { callId }, headers: {}, payload: { name: "step 1", value: "text" } })
      assert.strictEqual(yield* problem(misfit), "urn:ringback:problem:signal-rejected")
      const refused = (name: string) =>
        Effect.map(
          Effect.flip(api.calls.signal({ params: { callId }, headers: {}, payload: { name, value: null } })),
          (error) => "detail" in error ? error.detail : error
        )
      assert.strictEqual(
        yield* refused("stp 1"),
        "The flow steps, version 2, declares no signal of this name, but step 0, step 1, step 2, later"
      )
      assert.strictEqual(yield* refused(""), "Expected a name of 1 to 255 characters")
    }).pipe(Effect.provide(layer())))

  it.effect("refuses another signal under the key of one, and any to a flow that has ended", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const { callId } = yield* start(api, undefined, { flow: "steps", input: { steps: 2 } })
      const tell = (key: string | undefined, name: string, value: null | {} = null) =>
        api.calls.signal({
          params: { callId },
          headers: key === undefined ? {} : { "idempotency-key": key },
          payload: { name, value }
        })
      const rejected = "urn:ringback:problem:signal-rejected"
      yield* tell("first", "step 0")
      assert.strictEqual(yield* problem(tell("first", "step 1")), rejected)
      yield* tell("later", "later", { a: [1, null], b: "x" })
      yield* tell("later", "later", { b: "x", a: [1, null] })
      assert.strictEqual(yield* problem(tell("later", "later", { a: [1, null], b: "y" })), rejected)
      yield* tell("second", "step 1")
      yield* tell("second", "step 1") // as one whose answer was lost
      for (const key of [undefined, "third"]) assert.strictEqual(yield* problem(tell(key, "step 1")), rejected)
      const calls = yield* Calls.Calls
      const told = (yield* calls.events(callId as never)).filter(({ _tag }) => _tag === "SignalReceived")
      assert.deepStrictEqual(told.map((each) => "name" in each && each.name), ["step 0", "later", "step 1"])
    }).pipe(Effect.provide(layer())))

  it.effect("tells the flows with their schemas, and their drawings", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const flows = yield* api.flows.list()
      assert.deepStrictEqual(
        flows.map(({ drawing, flow, startable, version }) => [flow, version, startable, drawing]),
        [
          ["approval", 1, true, true],
          ["pin", 1, true, false],
          ["steps", 2, true, false]
        ]
      )
      assert.deepInclude(flows[0]!.input, { type: "object", required: ["order"] })
      assert.deepInclude(flows[0]!.signals["approved"], { required: ["amount"] })
      const drawing = yield* api.flows.drawing({ params: { flow: "approval" }, query: {} })
      assert.strictEqual(drawing.text, "flowchart TD")
      const none = api.flows.drawing({ params: { flow: "pin" }, query: {} })
      assert.strictEqual(yield* problem(none), "urn:ringback:problem:no-drawing")
    }).pipe(
      Effect.provide(layer({ drawings: { "approval@1": { mediaType: "text/vnd.mermaid", text: "flowchart TD" } } }))
    ))

  it.effect("tells who asks, what is in the way, and prunes", () =>
    Effect.gen(function*() {
      const api = yield* client()
      assert.deepStrictEqual(yield* api.engine.me(), { actor: "ann", scopes: ["read", "steer", "reveal", "admin"] })
      assert.deepStrictEqual(yield* api.engine.obstacles(), [])
      const { callId } = yield* start(api, "order-17")
      yield* api.calls.cancel({ params: { callId }, payload: {} })
      const pruned = yield* api.engine.prune({ payload: { keepAtMost: 0 } })
      assert.strictEqual(pruned.calls, 1)
      assert.strictEqual(yield* problem(api.calls.get({ params: { callId } })), "urn:ringback:problem:call-not-found")
      const again = yield* Effect.flip(start(api, "order-17"))
      assert.instanceOf(again, CallsApiProblem.KeyPruned)
      assert.strictEqual(again.callId, callId)
    }).pipe(Effect.provide(layer())))

  it.effect("says that there is no such call", () =>
    Effect.gen(function*() {
      const api = yield* client()
      for (const callId of ["0".repeat(20), "x", "%2e%2e"]) {
        const all = [
          api.calls.get({ params: { callId } }),
          api.calls.events(one(callId)),
          api.calls.outcome(one(callId)),
          api.calls.explain({ params: { callId } }),
          api.calls.ladder(one(callId)),
          api.calls.signal(approve(callId)),
          api.calls.cancel({ params: { callId }, payload: {} }),
          api.calls.live({ ...one(callId), headers: {} })
        ]
        for (const each of all) {
          assert.strictEqual(yield* problem<unknown, unknown, never>(each), "urn:ringback:problem:call-not-found")
        }
      }
    }).pipe(Effect.provide(layer())))
})
