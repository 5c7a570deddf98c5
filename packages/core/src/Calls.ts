/**
 * The engine that an application talks to: starts calls, answers webhooks, waits for outcomes. Durable: what it has
 * promised is in the `EventStore`, and a restart goes on from there.
 *
 * @since 0.1.0
 */
import { Context, DateTime, Effect, Layer, Option, Result, Schema } from "effect"
import type { Exit } from "effect"
import type { Action } from "./Action.ts"
import * as ActionModule from "./Action.ts"
import type { Call } from "./Call.ts"
import { type By, type CallEvent, CallId, type Exit as FlowExit, type Obstacle, StopReason } from "./CallEvent.ts"
import type { Standing } from "./CallInput.ts"
import { EventStore, type StoreError, type Summary } from "./EventStore.ts"
import type * as Flow from "./Flow.ts"
import * as bounds from "./internal/bounds.ts"
import { CallNotFound, isCallId, notFound } from "./internal/callNotFound.ts"
import * as Activities from "./internal/engine/activities.ts"
import * as ChanceOf from "./internal/engine/chance.ts"
import * as engine from "./internal/engine/engine.ts"
import type * as Figures from "./internal/engine/figures.ts"
import * as Neighbours from "./internal/engine/neighbours.ts"
import * as Time from "./internal/engine/time.ts"
import { recordable } from "./internal/json.ts"
import * as Masked from "./internal/masked.ts"
import type * as LiveCall from "./LiveCall.ts"
import * as PhoneNumber from "./PhoneNumber.ts"
import type { Reply } from "./Reply.ts"
import * as Settings from "./Settings.ts"
import type { Transport } from "./Transport.ts"
import type { OutOfBounds, Webhook } from "./Webhook.ts"

/**
 * The call ended without its flow's consent: it was cancelled, an activity was overdue, the flow died of a defect, or it
 * disagrees with what the call recorded.
 *
 * @since 0.1.0
 */
export class CallStopped extends Schema.TaggedError<CallStopped>()("CallStopped", {
  callId: CallId,
  reason: StopReason
}) {
  override get message() {
    const { reason } = this
    switch (reason._tag) {
      case "Cancelled":
        return `Call ${this.callId} was cancelled`
      case "Defect":
        return `Call ${this.callId} was stopped by a defect of its flow: ${reason.message}`
      case "Overdue":
        return `Call ${this.callId} was stopped because its activity ${reason.activity} took too long`
      case "FlowDiverged":
        return `Call ${this.callId} cannot go on: its flow disagrees with its log at event ${reason.at} ` +
          `(recorded ${reason.recorded}, now ${reason.now}). Register the version that it began with`
      case "FlowMissing":
        return `Call ${this.callId} was ended without its flow ${reason.flow}, version ${reason.version}: ` +
          `no process had registered that for too long`
    }
  }
}

/**
 * A call cannot be started so: its input does not fit its flow's schema or has no form in JSON that reads back, it is over
 * `Flow.maxValueBytes`, or its key is empty or over 255 characters. `problem` names the place, never the value.
 *
 * @since 0.1.0
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  flow: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The flow ${this.flow} cannot be started so. ${this.problem}`
  }
}

/**
 * A flow was started that `Calls.layer` was not told of.
 *
 * @since 0.1.0
 */
export class FlowNotRegistered extends Schema.TaggedError<FlowNotRegistered>()("FlowNotRegistered", {
  flow: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    return `The flow ${this.flow} (version ${this.version}) is not registered: add it to the flows of Calls.layer`
  }
}

/**
 * The flows given to `Calls.layer` cannot be told apart: two have one name and one version.
 *
 * @since 0.1.0
 */
export class DuplicateFlow extends Schema.TaggedError<DuplicateFlow>()("DuplicateFlow", {
  flow: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    return `Two flows are named ${this.flow} in version ${this.version}: rename one, or give the changed one a new version`
  }
}

/**
 * Calls are running whose flow, in the version that they began with, is not registered. Register it too, until they are
 * over.
 *
 * @since 0.1.0
 */
export class FlowsMissing extends Schema.TaggedError<FlowsMissing>()("FlowsMissing", {
  missing: Schema.Array(Schema.Struct({ flow: Schema.String, version: Schema.Int, calls: Schema.Int }))
}) {
  override get message() {
    const list = this.missing.map(({ calls, flow, version }) => `${flow} version ${version} (${calls} running)`)
    return `Running calls need flows that are not registered: ${list.join(", ")}. ` +
      "Register them until these calls are over, or leave the calls to wait with Calls.layer({ missingFlows: \"leave\" })"
  }
}

/**
 * The key is that of a call which began with another input, so this is not the same call, and nothing was started. Take
 * another key, or ask for the call that there is by `Calls.handle(flow, callId)`.
 *
 * Inputs are compared in their stored form; the order of keys in JSON does not count.
 *
 * @since 0.1.0
 */
export class KeyTaken extends Schema.TaggedError<KeyTaken>()("KeyTaken", {
  flow: Schema.String,
  key: Schema.String,
  callId: CallId,
  /** The version of the flow that the call began in, if that is another one. */
  version: Schema.optionalKey(Schema.Int)
}) {
  /** Printed, it has no key: that may be somebody's number. */
  override toJSON(): unknown {
    const { _tag, callId, flow } = this
    return { _tag, callId, flow }
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.stack ?? this.message
  }
  override get message() {
    const began = this.version === undefined ? "" : `in version ${this.version} and `
    return `This key of the flow ${this.flow} is that of call ${this.callId}, which began ${began}with another input. ` +
      "Take another key, or the handle of that call"
  }
}

/**
 * The key is that of a call that was over and has been pruned, and it is remembered that there was one. Nothing was started, and
 * nobody is rung: what was done once under this key is not done again.
 *
 * @since 0.1.0
 */
export class KeyPruned extends Schema.TaggedError<KeyPruned>()("KeyPruned", {
  flow: Schema.String,
  callId: CallId,
  /** When the call was over, in milliseconds since 1970. */
  endedAt: Schema.Finite
}) {
  override get message() {
    return `This key of the flow ${this.flow} is that of call ${this.callId}, which was over at ` +
      `${new Date(this.endedAt).toISOString()} and has been pruned. To call again, take another key`
  }
}

export {
  /**
   * There is no call of this id.
   *
   * @since 0.1.0
   */
  CallNotFound
}

/**
 * A signal was refused and not recorded: the flow waits for it and the value does not fit its schema, too many wait that the
 * flow does not wait for, or it cannot be recorded. `problem` says which, never the value.
 *
 * @since 0.1.0
 */
export class SignalRejected extends Schema.TaggedError<SignalRejected>()("SignalRejected", {
  callId: CallId,
  signal: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `Call ${this.callId} does not take the signal ${this.signal}. ${this.problem}`
  }
}

/**
 * A call that was started.
 *
 * @since 0.1.0
 */
export interface Handle<out A, out E> {
  readonly id: CallId
  /** The flow's output. Fails with the flow's errors, with `CallStopped`, or with `CallNotFound` if there is no such call. */
  readonly outcome: Effect.Effect<A, E | CallStopped | CallNotFound | StoreError>
  /** Stops the flow. Before the dial is recorded nothing rings; a live line is hung up on at the next chance. */
  readonly cancel: Effect.Effect<void, CallNotFound | StoreError>
  /**
   * Tells the running flow something that it waits for by `Flow.signal`, now or later. `value` is in its stored form, JSON
   * of `Flow.maxValueBytes` at most. With a `key`, telling it twice is telling it once.
   */
  readonly signal: (
    name: string,
    value: Schema.Json,
    options?: { readonly key?: string; readonly by?: By }
  ) => Effect.Effect<void, SignalRejected | CallNotFound | StoreError>
}

/**
 * The handle of a call that was started just now, or before under the same key.
 *
 * @since 0.1.0
 */
export interface Started<out A, out E> extends Handle<A, E> {
  /** `false` if there was a call of this key already. */
  readonly isNew: boolean
}

/**
 * A flow that an engine knows.
 *
 * @since 0.1.0
 */
export interface Registered {
  readonly flow: LiveCall.AnyDefinition
  /** Whether it was registered under `flows`, and not only under `inbound`. */
  readonly startable: boolean
}

type Startable<R> = Flow.Incoming extends R
  ? "This flow answers a call: register it under Calls.layer({ inbound }) instead of starting it"
  : unknown

/**
 * What the flows under `inbound` have to be beside what their types say: each answers its caller somewhere.
 *
 * @since 0.1.0
 */
export type AnswersAll<Inbound> = {
  readonly [Number in keyof Inbound]: Inbound[Number] extends
    Flow.Definition<string, never, unknown, unknown, infer R> ? Flow.Incoming extends R ? unknown
    : "This flow answers nobody: wrap the conversation with the caller in Flow.inbound"
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
  readonly start: <Name extends string, Input, A, E, R>(
    flow: Flow.Definition<Name, Input, A, E, R> & Startable<R>,
    input: NoInfer<Input>,
    options?: { readonly key?: string }
  ) => Effect.Effect<Started<A, E>, InvalidInput | FlowNotRegistered | KeyTaken | KeyPruned | StoreError>
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
  readonly handle: <Name extends string, Input, A, E, R>(
    flow: Flow.Definition<Name, Input, A, E, R>,
    id: CallId
  ) => Handle<A, E>
  /**
   * Stops a call. Stopping it twice, or after its end, is not an error; `CallNotFound` says that there is no such call. `by` goes on
   * record with the first cancel that counts; what is longer than 255 or 500 characters is cut.
   */
  readonly cancel: (id: CallId, options?: { readonly by?: By }) => Effect.Effect<void, CallNotFound | StoreError>
  /** `signal` of the handle, for who knows no more of a call than its id. */
  readonly signal: (
    id: CallId,
    name: string,
    value: Schema.Json,
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
  /** What this process has in hand now. Costs as much as there are calls in memory. */
  readonly load: Effect.Effect<Load>
}>()("@ringback/core/Calls") {}

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

type AnyDefinition = Flow.Definition<string, never, unknown, unknown, unknown>
type Answering = Flow.Definition<string, Record<never, never>, unknown, unknown, unknown>
type NeedsOf<D> = D extends Flow.Definition<string, never, unknown, unknown, infer R> ? R : never

/**
 * How the engine is set up.
 *
 * @since 0.1.0
 */
export interface Options<
  Flows extends ReadonlyArray<AnyDefinition>,
  Inbound extends { readonly [number: string]: Answering }
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

const registry = (
  definitions: ReadonlyArray<Flow.Definition<string, never, unknown, unknown, unknown>>
): Effect.Effect<ReadonlyMap<string, AnyDefinition>, DuplicateFlow> => {
  const found = new Map<string, AnyDefinition>()
  for (const definition of definitions) {
    const name = Neighbours.nameOf(definition.name, definition.version)
    const other = found.get(name)
    if (other !== undefined && other !== definition) {
      return Effect.fail(new DuplicateFlow({ flow: definition.name, version: definition.version }))
    }
    found.set(name, definition)
  }
  return Effect.succeed(found)
}

/** Running calls are only taken over when all of them can go on. */
const checkRunning = (
  running: ReadonlyArray<Summary>,
  flows: ReadonlyMap<string, AnyDefinition>
): Effect.Effect<void, FlowsMissing> => {
  const missing = new Map<string, { readonly flow: string; readonly version: number; calls: number }>()
  for (const summary of running) {
    const name = Neighbours.nameOf(summary.flow, summary.flowVersion)
    if (flows.has(name)) continue
    const entry = missing.get(name) ?? { flow: summary.flow, version: summary.flowVersion, calls: 0 }
    entry.calls++
    missing.set(name, entry)
  }
  return missing.size === 0 ? Effect.void : Effect.fail(new FlowsMissing({ missing: [...missing.values()] }))
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
  const Inbound extends { readonly [number: string]: Answering } = Record<never, never>
>(
  options: Options<Flows, Inbound> & { readonly inbound?: AnswersAll<Inbound> }
): Layer.Layer<
  Calls,
  DuplicateFlow | FlowsMissing | StoreError,
  EventStore | Transport | Exclude<NeedsOf<Flows[number] | Inbound[keyof Inbound]>, Flow.Incoming>
> =>
  Layer.effect(Calls, make(options, settingsOf(options))) as Layer.Layer<
    Calls,
    DuplicateFlow | FlowsMissing | StoreError,
    EventStore | Transport
  >

type AnyOptions = Options<ReadonlyArray<AnyDefinition>, { readonly [number: string]: Answering }>

/** Throws `Settings.InvalidSettings` for what an engine cannot be set up with. */
const settingsOf = ({ inbound = {}, namespace, refusal, restored, settings = {} }: AnyOptions): Settings.Settings => {
  const problems = [
    ...inboundProblems(Object.keys(inbound)),
    ...refusalProblems(refusal),
    ...(namespace === undefined || isNamespace(namespace)
      ? []
      : [{ setting: "namespace", problem: "Expected 1 to 10 letters, digits, - or _" }]),
    ...(restored === undefined || verdicts.includes(restored.dials)
      ? []
      : [{ setting: "restored.dials", problem: `Expected ${verdicts.map((verdict) => `"${verdict}"`).join(" or ")}` }])
  ]
  if (problems.length > 0) throw new Settings.InvalidSettings({ problems })
  return Settings.make(settings)
}

type Problems = Settings.InvalidSettings["problems"]

/** A number that is not written as the carrier writes it is never found, and whoever calls it is hung up on. */
const inboundProblems = (numbers: ReadonlyArray<string>): Problems => {
  const known = new Set<string>()
  return numbers.flatMap((number) => {
    const read = PhoneNumber.from(number)
    const isTwice = Result.isSuccess(read) && known.has(read.success)
    known.add(PhoneNumber.digits(number))
    if (Result.isSuccess(read) && !isTwice) return []
    const problem = Result.isFailure(read) ? read.failure.message : "This number is there twice, with and without a +"
    return [{ setting: `inbound.${PhoneNumber.mask(number)}`, problem }]
  })
}

const refusalProblems = (refusal: Action | undefined): Problems => {
  try {
    if (refusal !== undefined) ActionModule.checked(refusal)
    return []
  } catch (error) {
    return [{
      setting: "refusal",
      problem: error instanceof ActionModule.InvalidAction ? error.problem : "Expected an action"
    }]
  }
}

const isNamespace = (name: unknown): boolean => typeof name === "string" && /^[0-9A-Za-z_-]{1,10}$/.test(name)

const verdicts: ReadonlyArray<string> = ["hold", "dial", "give up"]

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
  if (store.processes === undefined && options.missingFlows !== "leave") yield* checkRunning(running, flows)
  const made = engine.make({
    context: yield* Effect.context<never>(),
    definition: (name, version) => flows.get(Neighbours.nameOf(name, version)),
    registered: new Set(flows.keys()),
    flows: new Set([...flows.values()].map(({ name }) => name)),
    answering: (number) => answering.get(PhoneNumber.digits(number)),
    refusal: options.refusal ?? ActionModule.hangup,
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
  const flows = yield* registry([...options.flows, ...Object.values(options.inbound ?? {})])
  const calls = yield* engineOf(options, settings, flows)

  const handle = <A, E>(flow: Flow.Definition<string, never, A, E, unknown>, id: CallId): Handle<A, E> =>
    isCallId(id) ? known(flow, id) : unknown(id)

  const known = <A, E>(flow: Flow.Definition<string, never, A, E, unknown>, id: CallId): Handle<A, E> => ({
    id,
    outcome: Effect.flatMap(calls.outcome(id), (exit) => fromExit(flow, id, exit, begunIn(id))),
    cancel: calls.cancel(id, undefined),
    signal: (name, value, signalOptions) => signal(id, name, value, signalOptions)
  })

  const signal: Calls["Service"]["signal"] = (id, name, value, { by, key } = {}) => {
    if (!isCallId(id)) return Effect.fail(notFound(id))
    const rejected = (problem: string) => new SignalRejected({ callId: id, signal: shortened(name), problem })
    const told = signalProblem(name, value, key)
    return told._tag === "Failure"
      ? Effect.fail(rejected(told.failure))
      : Effect.flatMap(
        calls.signal(id, name, told.success, key, bounded(by)),
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
    const stored = startProblem(flow, input, key)
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
    cancel: (id, { by } = {}) => isCallId(id) ? calls.cancel(id, bounded(by)) : Effect.fail(notFound(id)),
    signal,
    outcome: (id) => isCallId(id) ? Effect.map(calls.outcome(id), Masked.copy) : Effect.fail(notFound(id)),
    flows: [...flows.values()].map((flow) => ({ flow, startable: startable.has(flow) })),
    settings,
    obstacles: Effect.map(calls.obstacles, (all) => all.map(hindrance)),
    load: calls.load
  })
})

const hindrance = ({ from, obstacle, since }: Standing): Hindrance => ({
  obstacle,
  since: DateTime.makeUnsafe(since),
  ...(from === undefined ? {} : { from: PhoneNumber.mask(from) })
})

/** The handle of what is no id of a call. */
const unknown = (id: CallId): Handle<never, never> => {
  const fails = Effect.fail(notFound(id))
  return { id, outcome: fails, cancel: fails, signal: () => fails }
}

/** The stored form of an input, or why there is none. */
const startProblem = (
  { codec }: AnyDefinition,
  input: never,
  key: string | undefined
): Result.Result<unknown, string> => {
  const problem = key === undefined ? undefined : bounds.keyProblem(key)
  if (problem !== undefined) return Result.fail(problem)
  const stored = Result.mapError(codec.encodeInput(input), ({ message }) => `The input does not fit: ${message}`)
  return Result.flatMap(stored, (input) =>
    Result.mapBoth(codec.decodeInput(input), {
      onSuccess: () => input,
      onFailure: ({ message }) => `The schema of the input does not read back what it wrote: ${message}`
    }))
}

/** Who and why as they are recorded. */
const bounded = (by: By | undefined): By | undefined =>
  by === undefined
    ? undefined
    : { who: by.who.slice(0, 255), ...(by.why === undefined ? {} : { why: by.why.slice(0, 500) }) }

/** The value of a signal as it is recorded, or why it cannot be. */
const signalProblem = (name: string, value: unknown, key: string | undefined): Result.Result<unknown, string> => {
  const problem = bounds.nameProblem(name) ?? (key === undefined ? undefined : bounds.keyProblem(key))
  return problem === undefined ? recordable(value) : Result.fail(problem)
}

/** A name as it may be shown, whatever was given for one. */
const shortened = (name: unknown): string => typeof name === "string" ? name.slice(0, 255) : typeof name

/** The recorded outcome in the types of its flow. */
const fromExit = <A, E>(
  flow: Flow.Definition<string, never, A, E, unknown>,
  callId: CallId,
  exit: FlowExit,
  begunIn: Effect.Effect<number | undefined>
): Effect.Effect<A, E | CallStopped> => {
  const misfit = (problem: string) =>
    Effect.flatMap(begunIn, (version) => {
      const words = version === undefined || version === flow.version
        ? "The recorded outcome does not fit"
        : `The call began in version ${version}, and its outcome does not fit version ${flow.version}`
      return new CallStopped({ callId, reason: { _tag: "Defect", message: `${words}: ${problem}` } })
    })
  switch (exit._tag) {
    case "Success": {
      const value = flow.codec.decodeOutput(exit.value)
      return value._tag === "Success" ? Effect.succeed(value.success) : misfit(value.failure.message)
    }
    case "Failure": {
      const error = flow.codec.decodeError(exit.error)
      return error._tag === "Success" ? Effect.fail(error.success) : misfit(error.failure.message)
    }
    case "Stopped":
      return Effect.fail(new CallStopped({ callId, reason: exit.reason }))
  }
}

/**
 * Starts a call and returns when the intent is durable; see the service.
 *
 * @example
 * const call = yield* Calls.start(Reminder, { to, from, when: "Tuesday at ten" })
 * const outcome = yield* call.outcome
 * @since 0.1.0
 */
export const start = <Name extends string, Input, A, E, R>(
  flow: Flow.Definition<Name, Input, A, E, R> & Startable<R>,
  input: NoInfer<Input>,
  options?: { readonly key?: string }
): Effect.Effect<Started<A, E>, InvalidInput | FlowNotRegistered | KeyTaken | KeyPruned | StoreError, Calls> =>
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
export const handle = <Name extends string, Input, A, E, R>(
  flow: Flow.Definition<Name, Input, A, E, R>,
  id: CallId
): Effect.Effect<Handle<A, E>, never, Calls> => Effect.map(Calls, (calls) => calls.handle(flow, id))

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
