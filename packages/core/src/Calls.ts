/**
 * The engine that an application talks to: starts calls, answers webhooks, waits for outcomes. Durable: what it has
 * promised is in the `EventStore`, and a restart goes on from there.
 *
 * @since 0.1.0
 */
import { Context, DateTime, type Duration, Effect, Layer, Option } from "effect"
import type { Exit } from "effect"
import { type Action, hangup } from "./Action.ts"
import type { Call } from "./Call.ts"
import {
  CallNotFound,
  type CallStopped,
  type DuplicateFlow,
  FlowNotRegistered,
  type FlowsMissing,
  InvalidInput,
  KeyPruned,
  KeyTaken,
  SignalRejected
} from "./CallError.ts"
import type { By, CallEvent, CallId, Exit as FlowExit, Obstacle } from "./CallEvent.ts"
import type { Standing } from "./CallInput.ts"
import { EventStore, type StoreError, type Summary } from "./EventStore.ts"
import type * as Explain from "./Explain.ts"
import type * as Flow from "./Flow.ts"
import { isCallId } from "./internal/callId.ts"
import * as Answers from "./internal/cluster/answers.ts"
import * as Joined from "./internal/cluster/joined.ts"
import * as Activities from "./internal/engine/activities.ts"
import { Cluster } from "./internal/engine/asked.ts"
import * as ChanceOf from "./internal/engine/chance.ts"
import * as CopiesOfCore from "./internal/engine/copiesOfCore.ts"
import * as engine from "./internal/engine/engine.ts"
import type * as Figures from "./internal/engine/figures.ts"
import type * as Leftover from "./internal/engine/leftover.ts"
import * as Neighbours from "./internal/engine/neighbours.ts"
import * as Registry from "./internal/engine/registry.ts"
import * as Setup from "./internal/engine/setup.ts"
import * as Time from "./internal/engine/time.ts"
import * as Values from "./internal/engine/values.ts"
import * as Masked from "./internal/masked.ts"
import type { AnyDefinition } from "./LiveCall.ts"
import * as PhoneNumber from "./PhoneNumber.ts"
import type { Reply } from "./Reply.ts"
import type * as Settings from "./Settings.ts"
import type { Transport } from "./Transport.ts"
import type { OutOfBounds, Webhook } from "./Webhook.ts"

/**
 * No signal: what the compiler prints where a call is told one that its flow does not declare.
 *
 * @since 0.1.0
 */
export interface Undeclared extends Flow.AnySignal {
  readonly "The flow of this call does not declare this signal: add it to `signals` of Flow.make": never
}

/**
 * A call that was started. `Signals` are those that it may be told.
 *
 * @since 0.1.0
 */
export interface Handle<out A, out E, in Signals extends Flow.AnySignal = never> {
  readonly id: CallId
  /** The flow's output. Fails with the flow's errors, with `CallStopped`, or with `CallNotFound` if there is no such call. */
  readonly outcome: Effect.Effect<A, E | CallStopped | CallNotFound | StoreError>
  /** Stops the flow. Before the dial is recorded nothing rings; a live line is hung up on at the next chance. */
  readonly cancel: Effect.Effect<void, CallNotFound | StoreError>
  /**
   * Tells the running flow a signal that it declares, and waits for by `Flow.signal` now or later. Stored, `value` is JSON of
   * `Flow.maxValueBytes` at most. With a `key`, telling it twice is telling it once.
   */
  readonly signal: <Signal extends Signals | Undeclared>(
    signal: Signal,
    value: NoInfer<Signal["schema"]["Type"]>,
    options?: { readonly key?: string; readonly by?: By }
  ) => Effect.Effect<void, SignalRejected | CallNotFound | StoreError>
}

/**
 * The handle of a call that was started just now, or before under the same key.
 *
 * @since 0.1.0
 */
export interface Started<out A, out E, in Signals extends Flow.AnySignal = never> extends Handle<A, E, Signals> {
  /** `false` if there was a call of this key already. */
  readonly isNew: boolean
}

/**
 * A flow that an engine knows.
 *
 * @since 0.1.0
 */
export interface Registered {
  readonly flow: AnyDefinition
  /** Whether it was registered under `flows`, and not only under `inbound`. */
  readonly startable: boolean
}

/**
 * What a flow has to be beside a flow so that it can be started: it answers no caller. A function that hands its caller's flow to
 * `Calls.start` asks for it.
 *
 * @since 0.1.0
 */
export type Startable<R> = unknown extends R ? "Expected a flow that Flow.make has made, in its own type"
  : Flow.Incoming extends R ?
    "This flow answers a call: register it under Calls.layer({ inbound }) instead of starting it"
  : unknown

/**
 * What the flows under `inbound` have to be beside what their types say: each answers its caller somewhere.
 *
 * @since 0.1.0
 */
export type AnswersAll<Inbound> = {
  readonly [Number in keyof Inbound]: Inbound[Number] extends
    Flow.Definition<string, infer Input, unknown, unknown, infer R>
    ? Record<never, never> extends Input ? Flow.Incoming extends R ? unknown
      : "This flow answers nobody: wrap the conversation with the caller in Flow.inbound"
    : "This flow takes an input, and a caller brings none: make it `input: {}` and ask on the line, or look it up in an activity"
    : unknown
}

/**
 * The service of the engine.
 *
 * @since 0.1.0
 */
export class Calls extends Context.Service<Calls, {
  /**
   * Starts a call and returns when the intent is durable. With a `key`, the same key and input of the same flow are the
   * same call, however often it is started, and in whichever version it began. Fails with `KeyTaken` if the call of that
   * key began with another input, and with `KeyPruned` if that call was pruned, for as long as that is remembered.
   *
   * Fails with `StoreError` at once while the store is late with the webhooks of live calls, and after
   * `settings.store.patience` if it gives no answer. Then the call may begin all the same: start it again under its key.
   */
  readonly start: <Name extends string, Input, A, E, R, Signals extends Flow.AnySignal>(
    flow: Flow.Definition<Name, Input, A, E, R, Signals> & Startable<R>,
    input: NoInfer<Input>,
    options?: { readonly key?: string }
  ) => Effect.Effect<Started<A, E, Signals>, InvalidInput | FlowNotRegistered | KeyTaken | KeyPruned | StoreError>
  /**
   * Records a webhook and answers it. The answer comes after the record is durable, with one exception: if the store has
   * not done its work by `settings.reply.deadline`, and somebody waits on the line, the answer is a hold that decides
   * nothing, and after `settings.reply.unrecordedHolds` in a row a hang-up. The webhook stays where it is and is recorded as
   * soon as the store can.
   *
   * What is out of bounds is left out of the record, whoever decoded it (`Webhook.bounded`). Fails with `OutOfBounds` if
   * nothing is left that could be recorded, and with `StoreError` if the store is late and no hold would help, or
   * `settings.store.waiting` webhooks wait for it.
   */
  readonly receive: (webhook: Webhook) => Effect.Effect<Reply, OutOfBounds | StoreError>
  /** `receive` for what has no fiber: a server that gives its answers by callbacks. `answer` is called once. */
  readonly receiveUnsafe: (
    webhook: Webhook,
    answer: (reply: Exit.Exit<Reply, OutOfBounds | StoreError>) => void
  ) => void
  /** The call as its events tell it, if there is one that was not pruned. Printed as a whole, or as JSON, it is masked; its fields are not. */
  readonly get: (id: CallId) => Effect.Effect<Option.Option<Call>, StoreError>
  /**
   * The events of a call, oldest first. They hold numbers, digits and words, by their fields: printed as a whole they are masked,
   * as JSON too. `CallEvent.encode` writes them whole, `Explain.event` tells them in words.
   */
  readonly events: (id: CallId) => Effect.Effect<ReadonlyArray<CallEvent>, StoreError>
  /** The handle of a call that was started before, perhaps by an earlier process. */
  readonly handle: <Name extends string, Input, A, E, R, Signals extends Flow.AnySignal>(
    flow: Flow.Definition<Name, Input, A, E, R, Signals>,
    id: CallId
  ) => Handle<A, E, Signals>
  /**
   * Stops a call. Stopping it twice, or after its end, is not an error; `CallNotFound` says that there is no such call. `by` goes on
   * record with the first cancel that counts; what is longer than 255 or 500 characters is cut.
   */
  readonly cancel: (id: CallId, options?: { readonly by?: By }) => Effect.Effect<void, CallNotFound | StoreError>
  /**
   * `signal` of the handle, for who knows no more of a call than its id. The flow that the call began with says whether it declares
   * the signal, by its name, and whether the value fits; a process that has not registered that flow leaves it to one that has. Who has
   * no more than a name and JSON tells `Flow.Signal(name, Schema.Json)`.
   */
  readonly signal: <Name extends string, Value>(
    id: CallId,
    signal: Flow.Signal<Name, Value>,
    value: NoInfer<Value>,
    options?: { readonly key?: string; readonly by?: By }
  ) => Effect.Effect<void, SignalRejected | CallNotFound | StoreError>
  /** `outcome` of the handle, for who knows no more of a call than its id: values are in their stored form. */
  readonly outcome: (id: CallId) => Effect.Effect<FlowExit, CallNotFound | StoreError>
  /** The flows that this engine knows: those of `flows` and those of `inbound`. */
  readonly flows: ReadonlyArray<Registered>
  /** What this engine goes by. */
  readonly settings: Settings.Settings
  /** What stands in the way of this process's dials now, whoever is to be rung. They wait, while one at a time probes. */
  readonly obstacles: Effect.Effect<ReadonlyArray<Hindrance>>
  /**
   * What this process knows around a call now, for `Explain.report`: what stands in the way of dials, and whether the store was
   * restored. It prints masked. `process` is that of the call's `EventStore.Summary`: another one may know more of its own dials.
   */
  readonly known: (of: Pick<Summary, "process">) => Effect.Effect<Explain.Known>
  /** What this process has in hand now. Costs as much as there are calls in memory. */
  readonly load: Effect.Effect<Load>
  /**
   * Makes ready to end, while webhooks, signals and cancels are still answered. From the moment on that it begins, `load` says
   * `isDraining` and `Health` is not ready, a start fails in words, and no dial begins. What is in hand is brought to its end,
   * activities too. Where other processes share the store, each call goes to one that knows its flow as soon as nothing of it is in
   * hand, and not when this one is seen to be gone; so does what comes in meanwhile. Gives what is left after `within` at the latest, and says so in
   * one line of the log. Close the engine then: that ends what is left within `settings.closing.within`.
   */
  readonly drain: (options: DrainOptions) => Effect.Effect<Drained>
}>()("@ringback/core/Calls") {}

/**
 * How long a process drains.
 *
 * @since 0.1.0
 */
export interface DrainOptions {
  /** So long at most, whatever is left. */
  readonly within: Duration.Input
  /**
   * So long at least, within `within`, though nothing is left: what a balancer needs to see that the process is not ready any more,
   * such as two intervals of its probe. Default 0.
   */
  readonly atLeast?: Duration.Input | undefined
}

/**
 * What a process that drained has given to others, and what it has left.
 *
 * @since 0.1.0
 */
export interface Drained extends Leftover.Drained {}

/**
 * What a process has in hand. Of calls that another process on the store went on with, the lines and dials are not counted.
 *
 * @since 0.1.0
 */
export interface Load extends Figures.Load {}

/**
 * Something that stands in the way of all dials, or of those from one number of ours.
 *
 * @since 0.1.0
 */
export interface Hindrance {
  readonly obstacle: Obstacle
  /** The number, masked; absent where it is in the way of all. */
  readonly from?: string
  readonly since: DateTime.Utc
}

/**
 * The key of the activity that is running: the same when it runs again after a crash, so that what it does elsewhere can
 * be made idempotent by it. Empty outside of an activity.
 *
 * @since 0.1.0
 */
export const ActivityKey: Context.Reference<string> = Activities.ActivityKey

/**
 * What runs in the place of an activity of this name: the activity itself, unless a test says otherwise. It comes to values and errors
 * as the flow gets them.
 *
 * @since 0.1.0
 */
export const ActivityDouble: Context.Reference<
  (name: string, effect: Effect.Effect<unknown, unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
> = Activities.ActivityDouble

/**
 * Draws the 8 digits of an `external_id` that nobody can guess: from the secure source of the platform. Tests may know better.
 *
 * @since 0.1.0
 */
export const Chance: Context.Reference<() => string> = ChanceOf.Chance

/**
 * Who tells when a clock is set.
 *
 * @since 0.1.0
 */
export interface ClockChanges extends Time.ClockChanges {}

/**
 * Who tells when the clock of the engine is set; by default nobody. No machine tells when somebody corrects its clock, so
 * while calls wait the engine compares its clocks every 30 seconds. A clock that only its owner sets, such as the `FakeClock`
 * of `@ringback/testing`, tells it, and a year passes without a look. It counts only for the clock that the engine goes by.
 *
 * @since 0.1.0
 */
export const ClockChanges: Context.Reference<ClockChanges | undefined> = Time.ClockChanges

/**
 * A flow that can answer calls: it takes no input.
 *
 * @since 0.1.0
 */
export type Answering = Flow.Definition<string, Record<never, never>, unknown, unknown, unknown>

/**
 * The services that the activities of a flow need, or of any of several.
 *
 * @since 0.1.0
 */
export type Needs<Definition> = Definition extends Flow.Definition<string, never, unknown, unknown, infer R>
  ? Exclude<R, Flow.Incoming>
  : never

/**
 * How the engine is set up.
 *
 * @since 0.1.0
 */
export interface Options<
  Flows extends ReadonlyArray<AnyDefinition>,
  Inbound extends { readonly [number: string]: AnyDefinition }
> {
  /** The flows that can be started, and all versions that running calls began with. */
  readonly flows: Flows
  /** Which flow answers a call to which of our numbers, written `15550170009` or `+15550170009`. Anything else is refused. */
  readonly inbound?: Inbound
  /** What a caller of a number without a flow gets; default `hangup`. */
  readonly refusal?: Action
  /** The namespace of this installation in `external_id`; default: the store's own. 1 to 10 letters, digits, `-` or `_`; up to
   * 6 of them keep an `external_id` at 36 characters. */
  readonly namespace?: string
  /**
   * What happens at the start if calls are running whose flow, in their version, is not in `flows`, on a store that no other
   * process can share: `"refuse"` (the default) fails with `FlowsMissing`; `"leave"` starts and names them in the log. They
   * can be cancelled, their lines are looked after, and each ends as `FlowMissing` when its flow is overdue by
   * `settings.call.flowPatience`. On PostgreSQL it is always as with `"leave"`, for another process may know the flow.
   */
  readonly missingFlows?: "refuse" | "leave"
  readonly settings?: Settings.Options
  /**
   * The store was restored from a copy, at the time `before`: calls that began before may have rung phones that it knows
   * nothing of. `hold` keeps them from dialling until somebody says more, as an engine with a `Witness` does by itself;
   * `dial` lets them dial as if nothing had happened, so that somebody may be rung twice; `give up` ends their dials as
   * `NotAnswered` with the reason `unknown`, but those that are made `evenIfUnknown`. Leave it until these calls are over.
   */
  readonly restored?: { readonly before: DateTime.DateTime; readonly dials: "hold" | "dial" | "give up" }
}

/**
 * The engine over an `EventStore` and a `Transport`. Also requires the services of the flows' activities.
 *
 * When the layer is built it takes over the running calls of the store. On a store that other processes share it leaves
 * alone what the living have under way, and from then on takes over the calls of those that die. What comes in for a call
 * whose flow only another process has registered is recorded here and left to that one. Fails with `DuplicateFlow`, or with
 * `FlowsMissing` on a store that no other process can share, and with `StoreError`. Throws `Settings.InvalidSettings`.
 *
 * @example
 * const CallsLive = Calls.layer({ flows: [Reminder] }).pipe(
 *   Layer.provide(EventStore.layerMemory),
 *   Layer.provideMerge(Telesign.layerConfig)
 * )
 * @since 0.1.0
 */
export const layer = <
  const Flows extends ReadonlyArray<AnyDefinition>,
  const Inbound extends { readonly [number: string]: AnyDefinition } = Record<never, never>
>(
  options: Options<Flows, Inbound> & { readonly inbound?: AnswersAll<Inbound> }
): Layer.Layer<
  Calls,
  DuplicateFlow | FlowsMissing | StoreError,
  EventStore | Transport | Needs<Flows[number] | Inbound[keyof Inbound]>
> =>
  Layer.effect(Calls, make(options, Setup.settingsOf(options))) as Layer.Layer<
    Calls,
    DuplicateFlow | FlowsMissing | StoreError,
    EventStore | Transport
  >

type AnyOptions = Options<ReadonlyArray<AnyDefinition>, { readonly [number: string]: AnyDefinition }>

/** The engine over the store and the transport that there are. It leaves no spans by itself. */
const engineOf = Effect.fnUntraced(function*(
  options: AnyOptions,
  settings: Settings.Settings,
  flows: ReadonlyMap<string, AnyDefinition>
) {
  const inbound = Object.entries(options.inbound ?? {})
  const answering = new Map(inbound.map(([number, flow]) => [PhoneNumber.digits(number), flow]))
  const store = yield* EventStore
  const running = yield* Effect.withTracerEnabled(store.due({ before: Number.MAX_SAFE_INTEGER }), false)
  // Where several processes share a store, others may have registered what this one has not.
  if (store.processes === undefined && options.missingFlows !== "leave") yield* Registry.check(running, flows)
  const made = engine.make({
    context: yield* Effect.context<never>(),
    definition: (name, version) => flows.get(Neighbours.nameOf(name, version)),
    registered: new Set(flows.keys()),
    flows: new Set([...flows.values()].map(({ name }) => name)),
    answering: (number) => answering.get(PhoneNumber.digits(number)),
    refusal: options.refusal ?? hangup,
    namespace: options.namespace,
    settings,
    running,
    restored: options.restored === undefined
      ? undefined
      : { ...options.restored, before: DateTime.toEpochMillis(options.restored.before) }
  })
  return yield* Effect.withTracerEnabled(made, false)
})

const make = Effect.fnUntraced(function*(options: AnyOptions, settings: Settings.Settings) {
  yield* CopiesOfCore.tell
  const flows = yield* Registry.make([...options.flows, ...Object.values(options.inbound ?? {})])
  const calls = yield* engineOf(options, settings, flows)

  const handle = <A, E>(flow: Flow.Definition<string, never, A, E, unknown>, id: CallId): Handle<A, E> =>
    isCallId(id) ? known(flow, id) : unknown(id)

  const known = <A, E>(flow: Flow.Definition<string, never, A, E, unknown>, id: CallId): Handle<A, E> => ({
    id,
    outcome: Effect.flatMap(calls.outcome(id), (exit) => Values.outcome(flow, id, exit, begunIn(id))),
    cancel: calls.cancel(id, undefined),
    signal: (told, value, signalOptions) => signal(id, told as Flow.Signal<string, unknown>, value, signalOptions)
  })

  const signal: Calls["Service"]["signal"] = (id, given, value, { by, key } = {}) => {
    if (!isCallId(id)) return Effect.fail(notFound(id))
    const rejected = (problem: string) => new SignalRejected({ callId: id, signal: Values.name(given), problem })
    const told = Values.signal(given, value, key)
    return told._tag === "Failure"
      ? Effect.fail(rejected(told.failure))
      : Effect.flatMap(
        calls.signal(id, given.name, told.success, key, Values.by(by)),
        (problem) => problem === undefined ? Effect.void : Effect.fail(rejected(problem))
      )
  }

  /** The version of its flow that a call began in. */
  const begunIn = (id: CallId): Effect.Effect<number | undefined> =>
    Effect.match(calls.get(id), {
      onFailure: () => undefined,
      onSuccess: (call) => Option.getOrUndefined(Option.map(call, ({ flowVersion }) => flowVersion))
    })

  const start = Effect.fn("Calls.start")(function*<A, E>(
    flow: Flow.Definition<string, never, A, E, unknown>,
    input: never,
    startOptions?: { readonly key?: string }
  ) {
    if (flows.get(Neighbours.nameOf(flow.name, flow.version)) !== flow) {
      return yield* new FlowNotRegistered({ flow: flow.name, version: flow.version })
    }
    const key = startOptions?.key
    const stored = Values.input(flow, input, key)
    if (stored._tag === "Failure") return yield* new InvalidInput({ flow: flow.name, problem: stored.failure })
    const { id, isNew, sameInput, version } = yield* Effect.catchTag(
      calls.start(flow, stored.success, key),
      "CallNotFound",
      ({ callId, endedAt }) =>
        endedAt === undefined
          ? Effect.die(new Error(`Call ${callId} was started and is not there`))
          : Effect.fail(new KeyPruned({ flow: flow.name, callId, endedAt }))
    )
    const isOther = version !== flow.version
    if (!sameInput) {
      return yield* new KeyTaken({ flow: flow.name, key: key ?? "", callId: id, ...(isOther ? { version } : {}) })
    }
    return { ...handle(flow, id), isNew }
  })

  const startable = new Set<AnyDefinition>(options.flows)

  return Calls.of({
    start: start as never,
    receive: (webhook) => Effect.callback((resume) => calls.receive(webhook, resume)),
    receiveUnsafe: calls.receive,
    get: (id) => isCallId(id) ? Effect.map(calls.get(id), Option.map(Masked.copy)) : Effect.succeedNone,
    events: (id) => isCallId(id) ? Effect.map(calls.events(id), Masked.copy) : Effect.succeed([]),
    handle: handle as never,
    cancel: (id, { by } = {}) => isCallId(id) ? calls.cancel(id, Values.by(by)) : Effect.fail(notFound(id)),
    signal,
    outcome: (id) => isCallId(id) ? Effect.map(calls.outcome(id), Masked.copy) : Effect.fail(notFound(id)),
    flows: [...flows.values()].map((flow) => ({ flow, startable: startable.has(flow) })),
    settings,
    obstacles: Effect.map(calls.obstacles, (all) => all.map(hindrance)),
    known: (of) => Effect.map(calls.known(of), Masked.copy),
    load: calls.load,
    drain: (options) => calls.drain(Setup.drainTimes(options))
  })
})

const hindrance = ({ from, obstacle, since }: Standing): Hindrance => ({
  obstacle,
  since: DateTime.makeUnsafe(since),
  ...(from === undefined ? {} : { from: PhoneNumber.mask(from) })
})

/** There is no such call, whatever was asked for. */
const notFound = (id: unknown): CallNotFound =>
  new CallNotFound({ callId: (typeof id === "string" ? id : "") as CallId }, { disableChecks: true })

/** The handle of what is no id of a call. */
const unknown = (id: CallId): Handle<never, never> => {
  const fails = Effect.fail(notFound(id))
  return { id, outcome: fails, cancel: fails, signal: () => fails }
}

/**
 * Starts a call and returns when the intent is durable; see the service.
 *
 * @example
 * const call = yield* Calls.start(Reminder, { to, from, when: "Tuesday at ten" })
 * const outcome = yield* call.outcome
 * @since 0.1.0
 */
export const start = <Name extends string, Input, A, E, R, Signals extends Flow.AnySignal>(
  flow: Flow.Definition<Name, Input, A, E, R, Signals> & Startable<R>,
  input: NoInfer<Input>,
  options?: { readonly key?: string }
): Effect.Effect<Started<A, E, Signals>, InvalidInput | FlowNotRegistered | KeyTaken | KeyPruned | StoreError, Calls> =>
  Effect.flatMap(Calls, (calls) => calls.start(flow, input, options))

/**
 * Records a webhook and answers it; see the service.
 *
 * @since 0.1.0
 */
export const receive = (webhook: Webhook): Effect.Effect<Reply, OutOfBounds | StoreError, Calls> =>
  Effect.flatMap(Calls, (calls) => calls.receive(webhook))

/**
 * The handle of a call that was started before, perhaps by an earlier process; see the service.
 *
 * @since 0.1.0
 */
export const handle = <Name extends string, Input, A, E, R, Signals extends Flow.AnySignal>(
  flow: Flow.Definition<Name, Input, A, E, R, Signals>,
  id: CallId
): Effect.Effect<Handle<A, E, Signals>, never, Calls> => Effect.map(Calls, (calls) => calls.handle(flow, id))

/**
 * The call as its events tell it, if there is one.
 *
 * @since 0.1.0
 */
export const get = (id: CallId): Effect.Effect<Option.Option<Call>, StoreError, Calls> =>
  Effect.flatMap(Calls, (calls) => calls.get(id))

/**
 * The events of a call, oldest first.
 *
 * @since 0.1.0
 */
export const events = (id: CallId): Effect.Effect<ReadonlyArray<CallEvent>, StoreError, Calls> =>
  Effect.flatMap(Calls, (calls) => calls.events(id))

/**
 * Stops a call. Stopping it twice, or after its end, is not an error; `CallNotFound` says that there is no such call.
 *
 * @since 0.1.0
 */
export const cancel = (
  id: CallId,
  options?: { readonly by?: By }
): Effect.Effect<void, CallNotFound | StoreError, Calls> => Effect.flatMap(Calls, (calls) => calls.cancel(id, options))

/**
 * What stands in the way of this process's dials now; see the service.
 *
 * @since 0.1.0
 */
export const obstacles: Effect.Effect<ReadonlyArray<Hindrance>, never, Calls> = Effect.flatMap(
  Calls,
  (calls) => calls.obstacles
)

/**
 * What this process has in hand now; see the service.
 *
 * @since 0.1.0
 */
export const load: Effect.Effect<Load, never, Calls> = Effect.flatMap(Calls, (calls) => calls.load)

/**
 * Makes ready to end; see the service.
 *
 * @since 0.1.0
 */
export const drain = (options: DrainOptions): Effect.Effect<Drained, never, Calls> =>
  Effect.flatMap(Calls, (calls) => calls.drain(options))

/**
 * Drains when it is closed. Built after the server it is closed before it, so that the process still answers meanwhile: on `SIGTERM`
 * it drains, then the server closes, then the engine. Throws `Settings.InvalidSettings` at once where a time cannot be used.
 *
 * @example
 * const Application = Calls.layerDrain({ within: "10 seconds", atLeast: "4 seconds" }).pipe(
 *   Layer.provide(HttpRouter.serve(Routes)),
 *   Layer.provide(Server),
 *   Layer.provide(CallsLive)
 * )
 * @since 0.1.0
 */
export const layerDrain = (options: DrainOptions): Layer.Layer<never, never, Calls> => {
  Setup.drainTimes(options)
  return Layer.effectDiscard(
    Effect.flatMap(Calls, (calls) => Effect.addFinalizer(() => calls.drain(options)))
  )
}

/**
 * What a machine asks the owner of a call: data, of which `payload` names the call.
 *
 * @since 0.1.0
 */
export interface OwnerMessage {
  readonly tag: "Start" | "Signal" | "Cancel" | "Outcome"
  readonly payload: { readonly id: CallId }
}

/**
 * Which machine owns which call, and how owners are asked. It may err, lose and double as it likes: who decides on a call is who
 * appends to it first.
 *
 * @since 0.1.0
 */
export interface Owners {
  readonly isOwn: (id: CallId) => boolean
  /** Asks the owner of the call. Whatever else than an answer becomes of it is none. */
  readonly send: (message: OwnerMessage) => Effect.Effect<unknown, unknown>
  /** Takes what answers the messages of others, when this machine is built. */
  readonly serve: (answer: (message: OwnerMessage) => Effect.Effect<unknown>) => void
}

/**
 * Machines that share calls by a membership of one's own, in place of Effect Cluster: for tests of what they do whatever it says.
 * `ClusterCalls.layer` is the same over Effect Cluster.
 *
 * @example
 * const nobodyAnswers: Calls.Owners = { isOwn: () => false, send: () => Effect.never, serve: () => {} }
 * const CallsLive = Calls.layer({ flows: [Reminder] }).pipe(Layer.provide(Calls.layerOwners(nobodyAnswers)))
 * @since 0.1.0
 */
export const layerOwners = (owners: Owners): Layer.Layer<never, never, EventStore> =>
  Layer.effect(
    Cluster,
    Effect.gen(function*() {
      const { cluster, engine } = yield* Joined.make(Joined.reachBy(owners.isOwn, owners.send), [])
      const answers = Answers.make(engine)
      owners.serve(({ payload, tag }) => answers[tag](payload as never))
      return cluster
    })
  )
