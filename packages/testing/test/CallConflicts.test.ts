/** The last row of the decision table: an append that meets the append of somebody else. And how an event finds its line. */
import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import type { CallError, CallEvent, Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Effect, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Predictable from "./fixtures/Predictable.ts"

const to = PhoneNumber.make("15550170001")
const other = PhoneNumber.make("15550170002")
const from = PhoneNumber.make("15550170009")
const session = "7A10C4E2B95D4F0E8C3311AA90FE6D21"

const Go = Flow.Signal("go", Schema.Boolean)

const define = (flow: Flow.Flow<unknown, Flow.Failure, unknown>) =>
  Flow.make("test", {
    version: 1,
    input: {},
    output: Schema.Unknown,
    signals: [Go],
    run: () => flow as never
  }) as Flow.Definition<
    "test",
    Record<never, never>,
    unknown,
    unknown,
    never
  >

/** A memory in which somebody else may append right before us. */
class Meeting {
  /** Whether somebody else appends before the next turn of ours. */
  expected = false
  /** How often that was. */
  met = 0

  readonly layer = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        append: (turn, summary, options) => {
          if (!this.expected) return store.append(turn, summary, options)
          this.expected = false
          this.met++
          const theirs = { ...turn, id: `theirs-${this.met}`, events: [signal(turn.at)] }
          return Effect.andThen(store.append(theirs, summary), store.append(turn, summary, options))
        }
      }))
  ).pipe(Layer.provide(EventStore.layerMemory))
}

const signal = (at: number): CallEvent.CallEvent => ({ _tag: "SignalReceived", at, name: "elsewhere", value: true })

const accepts = Layer.succeed(Transport.Transport, { send: () => Effect.succeed({ referenceId: session }) })

const busyLine = Layer.succeed(Transport.Transport, {
  send: () =>
    Effect.fail(
      new Transport.TransportError({ reason: new Transport.NotSent({ problem: "connection refused" }) })
    )
})

/** What somebody does with the one call of a test. */
interface Hands {
  readonly receive: (
    event: string,
    fields?: Partial<Webhook.Webhook>
  ) => Effect.Effect<string, Problem, Calls.Calls>
  readonly cancel: Effect.Effect<string, Problem, Calls.Calls>
}

type Problem = CallError.CallNotFound | Webhook.OutOfBounds | EventStore.StoreError

type Step = (hands: Hands) => Effect.Effect<unknown, Problem, Calls.Calls>

interface Row {
  readonly state: string
  readonly flow: Flow.Flow<unknown, Flow.Failure, unknown>
  readonly transport?: typeof accepts
  readonly incoming?: true
  /** How the line comes into its state. */
  readonly given: ReadonlyArray<Step>
  readonly act: (hands: Hands) => Effect.Effect<string, Problem, Calls.Calls>
  readonly records: ReadonlyArray<CallEvent.CallEvent["_tag"]>
  readonly reply: string
}

const answered: Step = ({ receive }) => receive("dial_completed", { status: "answered" })
const ended: Step = ({ receive }) => receive("call_completed")
const cancelled: Step = ({ cancel }) => cancel

const says = Flow.dial(Flow.andThen(Line.speak("Hello."), Line.speak("Thank you.")), { to, from })
const asks = Flow.dial(Line.collect("Which?", { max: 1, attempts: 1 }), { to, from })
const waits = Flow.dial(Flow.andThen(Flow.signal(Go, { within: "1 hour" }), Line.speak("Hello.")), {
  to,
  from
})
const connects = Flow.inbound(() => Flow.andThen(Line.bridge({ to: other, from }), Line.speak("Goodbye.")))

const rows: ReadonlyArray<Row> = [
  {
    state: "Planned",
    flow: says,
    transport: busyLine,
    given: [],
    act: ({ cancel }) => cancel,
    records: ["Cancelled", "LineLeft", "FlowEnded"],
    reply: "-"
  },
  {
    state: "Dialing",
    flow: says,
    given: [],
    act: ({ receive }) => receive("dial_completed", { status: "answered" }),
    records: ["CallAnswered", "ActionDecided"],
    reply: "Speak"
  },
  {
    state: "Owing",
    flow: waits,
    given: [(hands) => Effect.forkChild(answered(hands)), () => TestClock.adjust("1 second")],
    act: ({ receive }) => receive("call_completed"),
    records: ["CallEnded"],
    reply: "{}"
  },
  {
    state: "Acting",
    flow: says,
    given: [answered],
    act: ({ receive }) => receive("speak_completed", { digits: "" }),
    records: ["PromptCompleted", "ActionDecided"],
    reply: "Speak"
  },
  {
    state: "Bridged",
    flow: connects as Flow.Flow<unknown, Flow.Failure, unknown>,
    incoming: true,
    given: [],
    act: ({ receive }) => receive("call_leg_completed", { to: other, from }),
    records: ["LegEnded", "ActionDecided"],
    reply: "Speak"
  },
  {
    state: "Closing",
    flow: says,
    given: [answered, cancelled],
    act: ({ receive }) => receive("speak_completed", { digits: "" }),
    records: ["Stray"],
    reply: "Hangup"
  },
  {
    state: "Settling",
    flow: asks,
    given: [answered, () => TestClock.adjust("5 seconds"), ended],
    act: ({ receive }) => receive("speak_completed", { digits: "1" }),
    records: ["PromptCompleted", "FlowEnded"],
    reply: "{}"
  },
  {
    state: "Closed",
    flow: says,
    given: [answered, cancelled, ended],
    act: ({ receive }) => receive("weather_changed"),
    records: ["Stray"],
    reply: "{}"
  }
]

const handsOn = (id: CallEvent.CallId): Hands => ({
  receive: (event, fields = {}) =>
    Effect.gen(function*() {
      const reply = yield* Calls.receive(
        TelesignWire.named({ event, referenceId: session, externalId: `ours.${id}.00000001`, ...fields })
      )
      yield* reply.sent(true)
      return reply.action?._tag ?? "{}"
    }),
  cancel: Effect.as(Calls.cancel(id), "-")
})

const begin = (row: Row, definition: ReturnType<typeof define>) =>
  row.incoming === true
    ? Effect.gen(function*() {
      yield* Calls.receive(
        TelesignWire.named({ event: "incoming_call", referenceId: session, to: from, from: "15550170044" })
      )
      const found = yield* (yield* EventStore.EventStore).find(session)
      return Option.getOrThrow(found)
    })
    : Effect.map(Effect.orDie(Calls.start(definition, {})), (call) => call.id)

const check = (row: Row) => {
  const meeting = new Meeting()
  const definition = define(row.flow)
  const engine = Predictable.layer({
    flows: [definition],
    inbound: { [from]: definition as never },
    namespace: "ours"
  }).pipe(Layer.provide(row.transport ?? accepts), Layer.provideMerge(meeting.layer))
  return Effect.gen(function*() {
    const id = yield* begin(row, definition)
    const hands = handsOn(id)
    yield* TestClock.adjust("10 millis")
    for (const step of row.given) yield* step(hands)
    const before = yield* Calls.events(id)
    meeting.expected = true
    assert.strictEqual(yield* row.act(hands), row.reply)
    assert.strictEqual(meeting.met, 1, "somebody else was met")
    const tags = (yield* Calls.events(id)).slice(before.length).map((event) => event._tag)
    assert.deepStrictEqual(tags, ["SignalReceived", ...row.records])
  }).pipe(Effect.provide(engine), Effect.scoped)
}

describe("an append that meets the append of another process", () => {
  for (const row of rows) {
    it.effect(`${row.state} × append conflict: ${row.records.join(", ")}, behind what was appended first → ${row.reply}`, () =>
      check(row))
  }
})

describe("an event of a call with two lines", () => {
  const twice = define(Flow.retry(says, { times: 1, while: (error) => error._tag === "NotAnswered" }))
  const engine = Predictable.layer({
    flows: [twice],
    namespace: "ours",
    settings: { dial: { busy: ["busy"], perSecond: Infinity }, copies: { marks: true } }
  }).pipe(
    Layer.provideMerge(EventStore.layerMemory),
    Layer.provide(Layer.succeed(Transport.Transport, { send: ({ externalId = "" }) => accepting(externalId) }))
  )

  /** Each dial is accepted as a session of its own, named by its line. */
  const accepting = (externalId: string) => Effect.succeed({ referenceId: `session ${externalId.slice(-1)}` })

  const dialledTwice = Effect.gen(function*() {
    const { id } = yield* Effect.orDie(Calls.start(twice, {}))
    yield* TestClock.adjust("10 millis")
    yield* Calls.receive(TelesignWire.named({ event: "dial_completed", status: "busy", referenceId: "session 1" }))
    yield* TestClock.adjust("10 millis")
    return id
  })

  const linesOf = (id: CallEvent.CallId) =>
    Effect.map(Calls.get(id), (call) => Option.getOrThrow(call).lines.map(({ phase }) => phase))

  /** What is answered to whoever has picked up in a session, if the event names an attempt of the call. */
  const answerTo = (id: CallEvent.CallId, referenceId: string, attempt: string) =>
    Effect.map(
      Calls.receive(
        TelesignWire.named({
          event: "dial_completed",
          status: "answered",
          referenceId,
          externalId: `ours.${id}.${attempt}`
        })
      ),
      ({ action }) => action?._tag
    )

  it.effect("belongs to the line of its reference_id, whatever its external_id says", () =>
    Effect.gen(function*() {
      const id = yield* dialledTwice
      assert.deepStrictEqual(yield* linesOf(id), ["Closed", "Ringing"])
      assert.strictEqual(yield* answerTo(id, "session 1", "00000002"), "Hangup")
      assert.deepStrictEqual(yield* linesOf(id), ["Closed", "Ringing"])
    }).pipe(Effect.provide(engine)))

  it.effect("belongs to the line that its external_id names, if the session is new", () =>
    Effect.gen(function*() {
      const id = yield* dialledTwice
      assert.strictEqual(yield* answerTo(id, "new", "00000002"), "Speak")
      assert.deepStrictEqual(yield* linesOf(id), ["Closed", "Acting"])
    }).pipe(Effect.provide(engine)))

  it.effect("belongs to the line of the prompt whose mark it brings back", () =>
    Effect.gen(function*() {
      const id = yield* dialledTwice
      yield* Calls.receive(
        TelesignWire.named({ event: "call_completed", referenceId: "new", externalId: `ours.${id}.00000002.7` })
      )
      assert.deepStrictEqual(yield* linesOf(id), ["Closed", "Settling"])
    }).pipe(Effect.provide(engine)))

  it.effect("that names a line of which nothing is recorded is hung up on", () =>
    Effect.gen(function*() {
      const id = yield* dialledTwice
      assert.strictEqual(yield* answerTo(id, "new", "00000003"), "Hangup")
      assert.deepStrictEqual(yield* linesOf(id), ["Closed", "Ringing"])
    }).pipe(Effect.provide(engine)))
})
