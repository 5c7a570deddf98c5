import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { Call, CallEvent, CallTrace, Flow, Line } from "../src/index.ts"
import { Happening, history } from "./fixtures/histories.ts"
import { from, id, to, Trial } from "./fixtures/Trial.ts"

const anything = Arbitrary.array(Arbitrary.schema(CallEvent.CallEvent))

/** Each event as a turn of its own. */
const turnsOf = (events: ReadonlyArray<CallEvent.CallEvent>): ReadonlyArray<CallTrace.Turn> =>
  events.map((event, i) => ({ version: i + 1, at: event.at, events: [event] }))

const happened = {
  happenings: Schema.Array(Happening),
  direction: Schema.Literals(["outbound", "inbound", "inbound, and dials first"])
}

const idsOf = (spans: ReadonlyArray<CallTrace.Span>) => spans.map(({ spanId }) => spanId)

describe("the trace of a call", () => {
  it.prop("can be made of any log", [anything], ([events]) => {
    for (const { endedAt, startedAt } of CallTrace.spans(id, turnsOf(events))) assert.isAtLeast(endedAt, startedAt)
  })

  it.prop("has each span once, in one trace, below a span that is there when the call is over", happened, (given) => {
    const { call, events } = history(given.happenings, given.direction)
    const spans = CallTrace.spans(id, turnsOf(events))
    assert.deepStrictEqual(new Set(idsOf(spans)).size, spans.length)
    const lines = call.lines.map((line) => CallTrace.ofLine(id, line.id).spanId)
    const known = new Set([...idsOf(spans), ...lines, CallTrace.ofCall(id).spanId])
    for (const { parentId, spanId, traceId } of spans) {
      assert.match(traceId, /^[0-9a-f]{32}$/)
      assert.match(spanId, /^[0-9a-f]{16}$/)
      assert.strictEqual(traceId, CallTrace.traceId(id))
      assert.strictEqual(parentId === undefined, spanId === CallTrace.ofCall(id).spanId)
      if (parentId !== undefined) assert.isTrue(known.has(parentId))
    }
    assert.strictEqual(spans.some(({ parentId }) => parentId === undefined), Call.isOver(call))
  })

  it.prop("is the same in parts as whole, by whoever reads the log", happened, (given) => {
    const turns = turnsOf(history(given.happenings, given.direction).events)
    const half = turns.length >> 1
    const before = turns.slice(0, half).reduce((trace, turn) => CallTrace.next(trace, turn)[0], CallTrace.initial(id))
    const first = CallTrace.spans(id, turns.slice(0, half))
    let trace = before
    const rest = turns.slice(half).flatMap((turn) => {
      const [now, spans] = CallTrace.next(trace, turn)
      trace = now
      return spans
    })
    assert.deepStrictEqual([...first, ...rest], CallTrace.spans(id, turns))
  })

  it.prop("ends nothing by a turn that is told to end nothing", happened, ({ direction, happenings }) => {
    let trace = CallTrace.initial(id)
    for (const turn of turnsOf(history(happenings, direction).events)) {
      const [now, ended] = CallTrace.next(trace, turn, { turns: false })
      if (!CallTrace.mayEnd(turn)) assert.isEmpty(ended, turn.events[0]?._tag)
      trace = now
    }
  })

  it("has a line that closes by an answer which comes after the end of the call", () => {
    const trial = new Trial(Line.collect("Your code?", { max: 4 }).pipe(Flow.dial({ to, from })))
    trial.answered()
    trial.ended()
    trial.spoken("1234")
    assert.isTrue(Call.isOver(trial.call))
    const names = CallTrace.spans(id, turnsOf(trial.events), { turns: false }).map(({ name }) => name)
    assert.deepStrictEqual(names, ["line dialled", "call test"])
  })

  it("tells what was done, for how long, and hides who and what", () => {
    const trial = new Trial(
      Flow.activity("look up", { success: Schema.String }, Effect.succeed("")).pipe(
        Flow.flatMap(() => Line.collect("Your secret word is heron.", { max: 2 })),
        Flow.dial({ to, from })
      )
    )
    trial.answered()
    trial.now += 3000
    trial.take({ _tag: "ActivityEnded", n: trial.call.wait!.n, result: { ok: true, value: "wombat" } })
    trial.now += 5000
    trial.spoken("47")
    const spans = CallTrace.spans(id, turnsOf(trial.events))
    const lookUp = spans.find(({ name }) => name === "activity look up")!
    assert.strictEqual(lookUp.endedAt - lookUp.startedAt, 3000)
    assert.strictEqual(lookUp.spanId, CallTrace.ofWait(id, 2).spanId)
    const prompt = spans.find(({ attributes }) => attributes["ringback.action"] === "Speak")!
    assert.strictEqual(prompt.endedAt - prompt.startedAt, 5000)
    assert.strictEqual(prompt.parentId, CallTrace.ofLine(id, 1).spanId)
    const text = JSON.stringify(spans)
    // One other sign makes a batch of spans a text of two bytes a sign, which costs an exporter much.
    assert.match(text, /^[\x20-\x7e]+$/)
    for (const secret of ["heron", "wombat", "\"47\"", to, from, to.slice(1), from.slice(1)]) {
      assert.notInclude(text, secret)
    }
  })
})

describe("a line of very many turns", () => {
  it("has its last turns as events", () => {
    const at = (n: number) => 1_000_000 + n
    const answered = { referenceId: "a", content: "a" }
    const events: ReadonlyArray<CallEvent.CallEvent> = [
      { _tag: "CallArrived", at: at(0), flow: "desk", version: 1, line: 1, ...answered },
      ...Array.from({ length: 1000 }, (_, n) => ({ _tag: "ReplyBroken", at: at(n + 1), line: 1 }) as const),
      { _tag: "CallEnded", at: at(1001), line: 1, ...answered }
    ]
    const spans = CallTrace.spans(id, turnsOf(events), { turns: false })
    const [line] = spans.filter(({ name }) => name === "line answered")
    assert.deepStrictEqual(line!.events.map((event) => event.at), Array.from({ length: 128 }, (_, n) => at(874 + n)))
  })
})

describe("the ids of a trace", () => {
  it("are another for each call, and another for each part of one", () => {
    const calls = Array.from({ length: 1000 }, (_, n) => `0123456789abcdefg${n.toString().padStart(3, "0")}`)
    const traces = new Set(calls.map((call) => CallTrace.traceId(call as CallEvent.CallId)))
    assert.strictEqual(traces.size, calls.length)
    const numbers = Array.from({ length: 2000 }, (_, n) => n)
    const spans = new Set(
      numbers.flatMap((n) => [CallTrace.ofLine(id, n).spanId, CallTrace.ofWait(id, n).spanId])
    )
    assert.strictEqual(spans.size, 2 * numbers.length)
  })

  it("stay what they are, for a trace outlives a release", () => {
    const traceId = "a75a94849b4c103440d12739bde05a13"
    assert.deepStrictEqual([CallTrace.ofCall(id), CallTrace.ofLine(id, 1), CallTrace.ofWait(id, 2)], [
      { traceId, spanId: "ffae40c319b80bb5" },
      { traceId, spanId: "6f46fb6153f825f9" },
      { traceId, spanId: "4c91c3178e5834b4" }
    ])
  })
})
