/**
 * The whole engine in a test: memory for a store, the `PhoneCompany` for a carrier, virtual time for a clock. A test of a
 * flow needs no phone, no network, and waits for nothing.
 *
 * ```ts
 * it.effect("a second try reaches a callee who was busy", () =>
 *   Effect.gen(function* () {
 *     yield* PhoneCompany.callee("15550170001", [Callee.busy, Callee.answers("3 seconds").presses("1")])
 *     const call = yield* Calls.start(Reminder, input)
 *     assert.strictEqual(yield* call.outcome, "kept") // virtual time: the minutes between the tries pass at once
 *   }).pipe(Effect.provide(TestCalls.layer({ flows: [Reminder] }))))
 * ```
 *
 * @since 0.1.0
 */
import {
  type Action,
  type CallError,
  type CallEvent,
  type CallIndex,
  Calls,
  type EventLog,
  EventStore,
  type Flow,
  Ladder,
  type LiveCall,
  type Retention,
  Settings,
  type Webhook
} from "@ringback/core"
import { Effect, Layer, Option, Schema } from "effect"
import * as CompanyLadder from "./CompanyLadder.ts"
import * as FakeClock from "./FakeClock.ts"
import * as FakeTransport from "./FakeTransport.ts"
import * as engineInHand from "./internal/engineInHand.ts"
import * as failing from "./internal/failing.ts"
import { located } from "./internal/located.ts"
import * as realRun from "./internal/realRun.ts"
import * as usersCode from "./internal/usersCode.ts"
import * as PhoneCompany from "./PhoneCompany.ts"
import * as PhoneLine from "./PhoneLine.ts"

/**
 * What the engine has to know of the `PhoneCompany` with these settings: its words for a dial that failed, and its speed.
 *
 * @since 0.1.0
 */
export const engineSettings = (company: PhoneLine.Settings): Settings.Options => ({
  speed: company.speed,
  dial: { busy: [company.statuses.busy], noAnswer: [company.statuses.noAnswer] }
})

/**
 * Connects the engine to the `PhoneCompany` that its `Transport` dials through: events go to `Calls.receive`, and its
 * replies back.
 *
 * @since 0.1.0
 */
export const connection: Layer.Layer<never, never, Calls.Calls | PhoneCompany.PhoneCompany> = Layer.effectDiscard(
  Effect.gen(function*() {
    const calls = yield* Calls.Calls
    yield* PhoneCompany.connect(Effect.fnUntraced(function*(webhook) {
      const reply = yield* calls.receive(webhook)
      yield* reply.sent(true)
      return reply.action
    }))
  })
)

/**
 * Somebody calls one of our numbers, as by `PhoneCompany.incoming`, and the flow that answers there is in your hands: its
 * `outcome` fails and succeeds like that of a call that was started.
 *
 * Dies if no flow answers at that number, or another one than `flow`.
 *
 * @example
 * const call = yield* TestCalls.incoming(Support, { to: "15550170009", from: "15550170044", callee: Callee.answers() })
 * assert.strictEqual(yield* call.outcome, "connected")
 * @since 0.1.0
 */
export const incoming: <Name extends string, A, E, R, Signals extends Flow.AnySignal>(
  flow: Flow.Definition<Name, Record<never, never>, A, E, R, Signals>,
  call: Parameters<typeof PhoneCompany.incoming>[0]
) => Effect.Effect<
  Calls.Handle<A, E, Signals>,
  EventStore.StoreError,
  Calls.Calls | EventStore.EventStore | FakeClock.FakeClock | PhoneCompany.PhoneCompany
> = Effect.fnUntraced(function*(flow, call) {
  const [calls, store] = [yield* Calls.Calls, yield* EventStore.EventStore]
  const referenceId = yield* PhoneCompany.incoming(call)
  yield* FakeClock.settle
  const id = Option.getOrUndefined(yield* store.find(referenceId))
  const found = id === undefined ? undefined : Option.getOrUndefined(yield* store.summary(id))
  if (id === undefined || found?.flow !== flow.name || found.flowVersion !== flow.version) {
    const answering = found === undefined ? "no flow answers" : `the flow ${found.flow} answers`
    return yield* Effect.die(
      new Error(`Expected the flow ${flow.name} at the number that was called, but ${answering}`)
    )
  }
  return calls.handle(flow, id)
})

/**
 * Scripts of callees were not followed to their end: a prompt that they wait for never came, a key that they press was never
 * asked for, or a prompt came that they did not expect (`hearsNoMore`). The message shows which steps are left, and the calls as ladders.
 *
 * @since 0.1.0
 */
export class NotFollowed extends Schema.TaggedError<NotFollowed>()("NotFollowed", {
  left: Schema.Array(Schema.Struct({ number: Schema.String, steps: Schema.Array(Schema.String) })),
  ladder: Schema.String
}) {
  override get message() {
    const left = this.left.map(({ number, steps }) => `  ${number}: ${steps.join(", then ")}`)
    return ["Not every callee could follow the script. Left over:", ...left, "", this.ladder].join("\n")
  }
}

/**
 * Fails with `NotFollowed` unless every callee has followed the script to its end. For the end of a test.
 *
 * @since 0.1.0
 */
export const followed: Effect.Effect<void, NotFollowed, FakeClock.FakeClock | PhoneCompany.PhoneCompany> = located(
  Effect.fnUntraced(function*(at) {
    yield* FakeClock.settle
    const left = yield* PhoneCompany.leftover
    if (left.length === 0) return
    const ladder = Ladder.text(CompanyLadder.fromLog(yield* PhoneCompany.log, { reveal: true }))
    return yield* usersCode.from(new NotFollowed({ left, ladder }), at)
  })
)

/**
 * The calls of a test so far, each as a ladder with all that was said and pressed. A test that fails under `layer` shows them by itself; where
 * a layer is shared by several tests, print this.
 *
 * @example
 * const drawn = yield* TestCalls.ladders
 * @since 0.1.0
 */
export const ladders: Effect.Effect<
  string,
  EventStore.StoreError | CallIndex.NumbersNotSearchable,
  CallIndex.CallIndex | EventStore.EventStore
> = Effect.map(failing.ladders, (drawn) => drawn.join("\n\n"))

/**
 * Waits until a call has recorded an event of this kind, or `times` of them: `SignalAwaited` when its flow waits for a signal,
 * `DialPlanned` when it dials, `ActionDecided` when it speaks. It ends, too, when the flow does, or when nothing is to happen any more. No
 * time passes before the next step of the test.
 *
 * @example
 * const reminder = yield* Calls.start(Reminder, input)
 * yield* TestCalls.untilRecorded(reminder, "ActionDecided")
 * @since 0.1.0
 */
export const untilRecorded: (
  call: { readonly id: CallEvent.CallId },
  event: CallEvent.CallEvent["_tag"],
  options?: { readonly times?: number }
) => Effect.Effect<void, EventStore.StoreError, EventStore.EventStore | FakeClock.FakeClock> = Effect.fnUntraced(
  function*({ id }, event, { times = 1 } = {}) {
    const store = yield* EventStore.EventStore
    for (let isWaiting = true; isWaiting; isWaiting = yield* FakeClock.jump) {
      yield* FakeClock.settle
      const events = (yield* store.read(id)).flatMap(({ events }) => events)
      if (events.some(({ _tag }) => _tag === "FlowEnded")) return
      if (events.filter(({ _tag }) => _tag === event).length >= times) return
    }
  }
)

/**
 * What comes of activities in a test, by name: one effect for each time that the activity runs, the last one for all further times. They
 * come to values and errors as the flow gets them.
 *
 * @since 0.1.0
 */
export interface Activities {
  readonly [name: string]: Effect.Effect<unknown, unknown> | ReadonlyArray<Effect.Effect<unknown, unknown>>
}

/** Plays activities; one of which nothing is said dies, and says so. */
const playing = (activities: Activities) => {
  const ran = new Map<string, number>()
  return (name: string): Effect.Effect<unknown, unknown> =>
    Effect.suspend(() => {
      const given = activities[name]
      const all = given === undefined || Effect.isEffect(given) ? [given] : given
      const times = ran.get(name) ?? 0
      ran.set(name, times + 1)
      return all[Math.min(times, all.length - 1)] ??
        Effect.die(new Error(`The test does not say what comes of the activity ${name}: give it under "activities"`))
    })
}

/**
 * An engine that can be begun again. `layer` provides it.
 *
 * @since 0.1.0
 */
export type Restart = engineInHand.Restart

/**
 * Ends the engine and begins the next over the same store, as a process that is deployed anew: webhooks that come in between are not answered.
 * Handles of calls are those of the next engine from then on.
 *
 * @example
 * yield* TestCalls.restart
 * @since 0.1.0
 */
export const restart: Effect.Effect<void, never, Restart> = Effect.flatten(engineInHand.Restart)

/**
 * Delivers the newest webhook that was answered once more, as carriers do. Gives the action that the copy is answered with, which nobody carries
 * out.
 *
 * @example
 * const again = yield* TestCalls.deliverAgain
 * @since 0.1.0
 */
export const deliverAgain: Effect.Effect<
  Action.Action | undefined,
  EventStore.StoreError | Webhook.OutOfBounds,
  Calls.Calls | PhoneCompany.PhoneCompany | FakeClock.FakeClock
> = located(Effect.fnUntraced(function*(at) {
  yield* FakeClock.settle
  const last = (yield* PhoneCompany.log).findLast((entry) => entry._tag === "Replied")
  if (last === undefined) {
    return yield* Effect.die(usersCode.from(new Error("No webhook was answered yet: let something happen first"), at))
  }
  const calls = yield* Calls.Calls
  const { action, sent } = yield* calls.receive(last.webhook)
  yield* sent(true)
  const { referenceId, webhook } = last
  yield* PhoneCompany.PhoneCompany.use((company) => company.record({ _tag: "Copied", referenceId, webhook, action }))
  return action
}))

/**
 * A flow would go on otherwise than a log has it: `at` numbers the events from 1.
 *
 * @since 0.1.0
 */
export class ReplaysOtherwise extends Schema.TaggedError<ReplaysOtherwise>()("ReplaysOtherwise", {
  flow: Schema.String,
  version: Schema.Int,
  recordedVersion: Schema.Int,
  at: Schema.Int,
  recorded: Schema.String,
  now: Schema.String
}) {
  override get message() {
    const { at, flow, now, recorded, recordedVersion, version } = this
    return [
      `Version ${version} of the flow ${flow} does not replay this call of version ${recordedVersion}, from event ${at} on.`,
      `  the call: ${recorded}`,
      `  now:      ${now}`,
      version === recordedVersion
        ? "Give the changed flow a new version, and keep this one registered until its calls are over."
        : "Keep the old version registered until its calls are over."
    ].join("\n")
  }
}

/**
 * Whether a flow still replays a call, event by event, so that a change of its code needs no new version. Fails with `ReplaysOtherwise`, which says
 * what was recorded and what the flow does now, with all words. `events` are those of `Calls.events`, or of a log that was kept as a file. Dies
 * if there are none, or if they are those of another flow.
 *
 * @example
 * yield* TestCalls.replays(Reminder, yield* Calls.events(id))
 * @since 0.1.0
 */
export const replays = (
  flow: LiveCall.AnyDefinition,
  events: ReadonlyArray<CallEvent.CallEvent>
): Effect.Effect<void, ReplaysOtherwise> => {
  const here = usersCode.here()
  return Effect.suspend(() => {
    const misfit = realRun.foreign(flow, events)
    if (misfit !== undefined) return Effect.die(usersCode.from(misfit, here))
    const found = realRun.difference(flow, events)
    if (found === undefined) return Effect.void
    const [first] = events
    const began = first?._tag === "CallStarted" || first?._tag === "CallArrived" ? first.version : flow.version
    const { name, version } = flow
    return Effect.fail(
      usersCode.from(new ReplaysOtherwise({ flow: name, version, recordedVersion: began, ...found }), here)
    )
  })
}

type Provided =
  | Calls.Calls
  | Restart
  | PhoneCompany.PhoneCompany
  | FakeClock.FakeClock
  | EventStore.EventStore
  | CallIndex.CallIndex
  | EventLog.EventLog
  | Retention.Retention

/**
 * The engine with these flows, and with it the `PhoneCompany` that its calls go to, the `FakeClock` that it lives by and
 * the store that it writes, with what is read beside it. The services of the flows' activities are left to provide.
 *
 * `company` changes how the phone company behaves, `settings` what the engine allows. With `activities` no activity of a flow runs, and none of
 * their services is needed: each comes to what is given there.
 *
 * @since 0.1.0
 */
export const layer = <
  const Flows extends ReadonlyArray<LiveCall.AnyDefinition>,
  const Inbound extends { readonly [number: string]: Calls.Answering } = Record<never, never>,
  Played extends Activities | undefined = undefined
>(
  options: Calls.Options<Flows, Inbound> & {
    readonly inbound?: Calls.AnswersAll<Inbound>
    readonly company?: PhoneLine.Changes
    readonly activities?: Played
  }
): Layer.Layer<
  Provided,
  CallError.DuplicateFlow | CallError.FlowsMissing | EventStore.StoreError,
  [Played] extends [undefined] ? Calls.Needs<Flows[number] | Inbound[keyof Inbound]> : never
> => {
  const { activities, company: changes, settings, ...rest } = options
  const company = PhoneLine.settings(changes ?? {})
  const engine = Calls.layer(
    { ...rest, settings: Settings.merge(engineSettings(company), settings ?? {}) } as typeof options
  )
  const chance = Layer.succeed(Calls.Chance, () => "00000000")
  const doubles = activities === undefined
    ? chance
    : Layer.merge(chance, Layer.succeed(Calls.ActivityDouble, playing(activities)))
  const connected = connection.pipe(
    Layer.provideMerge(Layer.provide(engine, doubles)),
    Layer.provide(FakeTransport.layer)
  )
  return failing.telling.pipe(
    Layer.provideMerge(engineInHand.make(failing.heard(connected))),
    Layer.provideMerge(failing.listening),
    Layer.provideMerge(PhoneCompany.layerWith(changes ?? {})),
    Layer.provideMerge(EventStore.layerMemory),
    Layer.provideMerge(FakeClock.layer)
  ) as never
}
