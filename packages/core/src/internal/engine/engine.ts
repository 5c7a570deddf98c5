/**
 * The engine behind `Calls`: the calls in memory, what they do in the world, the webhooks that come in, and what an
 * application asks for, over one store and one transport.
 */
import { Clock, Effect, Option, Random, Scope } from "effect"
import type { Exit } from "effect"
import * as Call from "../../Call.ts"
import type { CallEvent, CallId, Exit as FlowExit } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import * as Decider from "../../Decider.ts"
import { EventStore, type StoreError, type Summary } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import type * as Settings from "../../Settings.ts"
import { Transport } from "../../Transport.ts"
import type * as Webhook from "../../Webhook.ts"
import { CallNotFound } from "../callNotFound.ts"
import * as ids from "../ids.ts"
import { Report } from "../report.ts"
import * as Running from "../running.ts"
import * as Startable from "../startable.ts"
import * as Alarm from "./alarm.ts"
import type { Answer } from "./arrival.ts"
import * as Closing from "./closing.ts"
import * as CommonClock from "./commonClock.ts"
import * as Dispatch from "./dispatch.ts"
import * as Elsewhere from "./elsewhere.ts"
import * as Joining from "./joining.ts"
import * as Leftover from "./leftover.ts"
import * as Loading from "./loading.ts"
import { ignore } from "./message.ts"
import * as Neighbours from "./neighbours.ts"
import * as Pacing from "./pacing.ts"
import * as Parts from "./parts.ts"
import * as Recovery from "./recovery.ts"
import * as Requests from "./requests.ts"
import * as Restore from "./restore.ts"
import * as SignalNames from "./signalNames.ts"
import type { Follow, Surroundings } from "./surroundings.ts"
import * as Time from "./time.ts"
import * as Webhooks from "./webhooks.ts"

/** How the engine is set up. */
export interface Options extends Webhooks.Options {
  readonly definition: (name: string, version: number) => LiveCall.AnyDefinition | undefined
  /** The flows of this process, each as `Elsewhere.nameOf` names it. */
  readonly registered: ReadonlySet<string>
  readonly namespace: string | undefined
  readonly settings: Settings.Settings
  /** The calls that are running in the store. */
  readonly running: ReadonlyArray<Summary>
  /** What the application says of a store that was restored from a copy. */
  readonly restored: CallInput.Restored | undefined
}

/** What the engine does for `Calls`. */
export interface Engine {
  /** `sameInput` is `false` if the key is that of a call which began with another input. */
  readonly start: (
    definition: LiveCall.AnyDefinition,
    input: unknown,
    key: string | undefined
  ) => Effect.Effect<{ readonly id: CallId; readonly sameInput: boolean; readonly version: number }, StoreError>
  readonly receive: (webhook: Webhook.Webhook, answer: Answer) => void
  readonly outcome: (id: CallId) => Effect.Effect<FlowExit, StoreError | CallNotFound>
  readonly cancel: (id: CallId) => Effect.Effect<void, StoreError | CallNotFound>
  /** Why it is refused, in words; nothing if it is taken. */
  readonly signal: (
    id: CallId,
    name: string,
    value: unknown,
    key: string | undefined
  ) => Effect.Effect<string | undefined, StoreError | CallNotFound>
  readonly get: (id: CallId) => Effect.Effect<Option.Option<Call.Call>, StoreError>
  readonly events: (id: CallId) => Effect.Effect<ReadonlyArray<CallEvent>, StoreError>
}

/** So many calls a second are woken that fell due while nobody looked, so that live ones find the store free. */
const latePerSecond = 200

/** Starts an engine that runs until its scope closes, which takes `settings.closing.within` at the most. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const making = Closing.make()
  const scope = yield* Scope.make("parallel")
  const ends = { onBegin: (): void => undefined, onOver: Effect.void }
  yield* Effect.addFinalizer(() => Effect.suspend(() => making.close(scope, options.settings.closing.within, ends)))
  const { engine, ...known } = yield* Scope.provide(build(options, making), scope)
  Object.assign(ends, known)
  return engine
})

const build = Effect.fnUntraced(function*(options: Options, { bounded, closing }: Closing.Making) {
  const unbounded = yield* EventStore
  const store = bounded(unbounded)
  const random = yield* Random.Random
  const run = yield* Running.make
  const own = yield* Clock.Clock
  const changes = yield* Time.ClockChanges
  const clock = CommonClock.make(own, store.processes)
  yield* clock.adjust
  const time = Time.make(clock)
  const alarm = yield* Alarm.make(
    time,
    latePerSecond,
    (id) => Effect.sync(() => closing.isBegun() ? undefined : void surroundings.run(intake.wake(id as CallId))),
    changes?.clock === own ? changes : undefined
  )
  const pacing = yield* Pacing.make({
    time,
    settings: options.settings,
    run,
    isShared: store.processes !== undefined,
    isClosing: closing.isBegun,
    go: (id) => intake.wake(id)
  })
  const restore = yield* Restore.make({
    store,
    now: time.now,
    run,
    running: options.running,
    restored: options.restored
  })
  const process = ids.chance(() => random.nextDoubleUnsafe(), 8)
  const neighbours = Neighbours.make(process, store.processes, time.elapsed, pacing.seen)
  const surroundings: Surroundings = {
    store,
    alarm,
    pacing,
    restore,
    now: time.now,
    elapsed: time.elapsed,
    read: time.read,
    settings: options.settings,
    namespace: options.namespace ?? store.namespace,
    process,
    neighbours,
    definition: options.definition,
    isMissing: (flow, version) =>
      options.definition(flow, version) === undefined &&
      !Array.from(neighbours.others().values()).some((flows) => flows.has(Elsewhere.nameOf(flow, version))),
    closing,
    troubles: {
      store: new Report(
        { fails: "The store fails", next: "and is tried again", over: "The store fails no more" },
        time.elapsed
      ),
      throws: new Report({
        fails: "The store throws where it should fail",
        next: "and is tried again",
        over: "The store throws no more"
      }, time.elapsed)
    },
    run
  }
  const names = SignalNames.make()
  const follow: Follow = (...turn) => {
    names.learn(turn[1], turn[2])
    dispatch.follow(...turn)
    elsewhere.follow(...turn)
  }
  const parts: Parts.Parts = Parts.make(surroundings, follow)
  const { entities, intake } = parts
  const elsewhere = Elsewhere.make(surroundings, () => parts, store.processes)
  const dispatch = yield* Dispatch.make(surroundings, parts, yield* Transport, yield* Effect.context<never>())
  const webhooks = yield* Webhooks.make(surroundings, parts, options)

  const requests = yield* Requests.make(surroundings, webhooks.isLate)

  const start = Effect.fnUntraced(
    function*(definition: LiveCall.AnyDefinition, input: unknown, key: string | undefined) {
      const id = key === undefined
        ? ids.newCallId(time.now(), () => random.nextDoubleUnsafe())
        : ids.namedCallId(definition.name, key)
      const started = {
        _tag: "Start" as const,
        flow: definition.name,
        version: definition.version,
        input,
        ...(key === undefined ? {} : { key })
      }
      const fresh = () => LiveCall.prepare(id, definition, input)
      const begun = { fresh, isNew: key === undefined, canBeRefused: true }
      const transaction = yield* joining.current
      const call = transaction === undefined
        ? yield* Effect.catchTag(
          requests.ask<Call.Call, StoreError | CallNotFound>((taken) =>
            intake.post(entities.of(id), { ...begun, input: started, look: (call) => call, taken })
          ),
          "CallNotFound",
          Effect.die
        )
        : yield* requests.unlessRefused(joining.start(transaction, id, fresh, started))
      if (call.flow !== definition.name || call.key !== key) {
        return yield* Effect.die(new Error(`Two keys of the flow ${definition.name} stand for one id`))
      }
      return { id, sameInput: Call.isSameInput(call, input), version: call.flowVersion }
    }
  )

  /** What cannot be part of a transaction. */
  const asked = <A, E>(begin: (answer: (exit: Exit.Exit<A, E>) => void) => void): Effect.Effect<A, E | StoreError> =>
    joining.outside(
      requests.ask(begin),
      "Inside of a transaction of its database a call can be started, but neither cancelled nor told anything. Do so after " +
        "the commit"
    )

  const signal = Effect.fnUntraced(function*(id: CallId, name: string, value: unknown, key: string | undefined) {
    let problem: string | undefined
    const told = { _tag: "Signalled", name, value, ...(key === undefined ? {} : { key }) } as const
    const input = (live: LiveCall.LiveCall): CallInput.CallInput => {
      problem = Decider.signalProblem(live, told, options.settings)
      return problem === undefined ? told : { _tag: "Wake" }
    }
    const call = yield* asked<Call.Call, StoreError | CallNotFound>((taken) =>
      intake.post(entities.of(id), { input, look: (call) => call, canBeRefused: true, taken })
    )
    if (problem === undefined && names.isNews(call, name)) {
      yield* Effect.logInfo(
        `Call ${id} was told the signal ${name}, which no call of the flow ${call.flow}, version ${call.flowVersion}, ` +
          `has waited for in this process. If none ever does, the name is wrong`
      )
    }
    return problem
  })

  const outcome = (id: CallId): Effect.Effect<FlowExit, StoreError | CallNotFound> =>
    Effect.suspend(() => {
      if (closing.isOver()) return Effect.fail(Closing.closed)
      const known = Effect.flatMap(get(id), (call) =>
        Option.isSome(call)
          ? Effect.succeed(call.value.exit)
          : Effect.fail(new CallNotFound({ callId: id })))
      return joining.outside(
        entities.outcome(id, known),
        "Inside of a transaction of its database no outcome can be waited for: the call begins after the commit"
      )
    })

  const get = (id: CallId) => closing.answered(current(id))

  const events = (id: CallId) =>
    closing.answered(Effect.map(unbounded.read(id), (turns) => turns.flatMap((turn) => turn.events)))

  const current = Effect.fnUntraced(function*(id: CallId) {
    const live = entities.live(id)
    const isNewest = live !== undefined && (store.processes === undefined || !(yield* intake.isBehind(entities.of(id))))
    if (isNewest) return Option.some(live.call)
    const stored = yield* Loading.turnsOf(unbounded, id)
    return stored.length === 0 ? Option.none() : Option.some(Call.fold(id, stored.flatMap((turn) => turn.events)))
  })

  const recovery: Recovery.Recovery = yield* Recovery.make(surroundings, parts, time, elsewhere)
  const joining = Joining.make(
    surroundings,
    parts,
    unbounded,
    store.processes === undefined ? recovery.lookAfterStart : undefined
  )
  yield* store.processes === undefined
    ? recovery.recover(options.running)
    : recovery.watch(store.processes, clock, options.registered)
  if (options.restored !== undefined) {
    for (const id of Restore.waiting(options.running)) alarm.setLatest(id, time.now(), false)
  }

  const cancel = (id: CallId) =>
    Effect.andThen(
      intake.take(entities.of(id), { _tag: "Cancel" }, ignore),
      Effect.suspend(() => elsewhere.endCancelled(id))
    )

  const engine: Engine = {
    start,
    receive: webhooks.receive,
    outcome,
    get,
    events,
    cancel: (id) => asked<void, StoreError | CallNotFound>((answer) => Startable.begin(cancel(id), run, answer)),
    signal
  }
  return {
    engine,
    onBegin: dispatch.stop,
    onOver: Effect.suspend(() => {
      entities.giveUp(Closing.closed)
      const left = {
        ...Leftover.ofCalls(entities.underWay()),
        webhooks: webhooks.waiting(),
        requests: requests.underWay()
      }
      const words = Leftover.describe(left)
      if (words === undefined) return Effect.void
      return Leftover.isUnrecorded(left) ? Effect.logWarning(words) : Effect.logInfo(words)
    })
  }
})
