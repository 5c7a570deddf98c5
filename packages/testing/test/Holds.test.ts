/** A line whose flow takes its time is held, and what it is told is what is owed to it at that very moment. */
import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Predictable from "./fixtures/Predictable.ts"

const session = "7A10C4E2B95D4F0E8C3311AA90FE6D21"

const who = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const Word = Flow.Signal("verdict", Schema.String)

const Verdict = Flow.make("verdict", {
  version: 1,
  input: {},
  output: Schema.String,
  signals: [Word],
  run: () =>
    Flow.signal(Word, { within: "1 hour" }).pipe(
      Flow.tap((words) => Line.speak(words)),
      Flow.dial(who),
      Flow.catchTag(["NotAnswered", "HungUp", "TimedOut"], ({ _tag }) => Flow.succeed(_tag))
    )
})

/** What happens when an event of a kind is stored, before anybody hears of it. */
class Moment
  extends Context.Service<Moment, { at: CallEvent.CallEvent["_tag"] | undefined; afterwards: Effect.Effect<void> }>()(
    "test/Moment"
  )
{
  static readonly layer = Layer.sync(Moment, () => ({ at: undefined, afterwards: Effect.void }))
}

const store = Layer.effect(
  EventStore.EventStore,
  Effect.gen(function*() {
    const store = yield* EventStore.EventStore
    const moment = yield* Moment
    return EventStore.EventStore.of({
      ...store,
      append: (turn, ...known) =>
        Effect.tap(
          store.append(turn, ...known),
          () => turn.events.some(({ _tag }) => _tag === moment.at) ? moment.afterwards : Effect.void
        )
    })
  })
).pipe(Layer.provide(EventStore.layerMemory))

const world = Predictable.layer({ flows: [Verdict] }).pipe(
  Layer.provide(Layer.succeed(Transport.Transport, { send: () => Effect.succeed({ referenceId: session }) })),
  Layer.provideMerge(store),
  Layer.provideMerge(Moment.layer)
)

/** What whoever answers is told. */
const answered = Effect.map(
  Calls.receive(TelesignWire.named({ event: "dial_completed", referenceId: session, status: "answered" })),
  ({ action }) => action?._tag === "Speak" ? action.text : action?._tag ?? "{}"
)

/** A callee has answered, and waits for a flow that waits itself. */
const waiting = Effect.gen(function*() {
  const call = yield* Calls.start(Verdict, {})
  yield* TestClock.adjust("1 second")
  const told = yield* Effect.forkChild(answered, { startImmediately: true })
  return { call, told: Fiber.join(told) }
})

/** The call is cancelled in the moment in which that is stored. */
const cancelledAt = (at: CallEvent.CallEvent["_tag"], { cancel }: Calls.Handle<string, never>) =>
  Moment.use((moment) =>
    Effect.sync(() => {
      moment.at = at
      moment.afterwards = Effect.asVoid(Effect.forkDetach(Effect.ignore(cancel), { startImmediately: true }))
    })
  )

const lastOf = ({ id }: Calls.Handle<string, never>) =>
  Effect.map(Calls.events(id), (events) => events.slice(-4).map(({ _tag }) => _tag))

describe("whoever waits for a flow", () => {
  it.effect("hears a hold at the reply deadline", () =>
    Effect.gen(function*() {
      const { call, told } = yield* waiting
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* told, "One moment, please.")
      assert.strictEqual((yield* lastOf(call)).at(-1), "HoldAnswered")
    }).pipe(Effect.provide(world)))

  it.effect("hears what it decides before", () =>
    Effect.gen(function*() {
      const { call, told } = yield* waiting
      yield* call.signal(Word, "Not guilty.")
      assert.strictEqual(yield* told, "Not guilty.")
    }).pipe(Effect.provide(world)))

  it.effect("is hung up on if the call is cancelled in that moment", () =>
    Effect.gen(function*() {
      const { call, told } = yield* waiting
      yield* cancelledAt("HoldAnswered", call)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* told, "Hangup")
      assert.deepStrictEqual(yield* lastOf(call), ["HoldAnswered", "Cancelled", "LineLeft", "FlowEnded"])
    }).pipe(Effect.provide(world)))
})
