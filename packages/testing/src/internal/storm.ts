/**
 * One run of a storm: the real engine, incarnation after incarnation, between a store and a carrier that fail as the dice
 * say. Every step across the border of the process goes through `cross`, where a process is killed or frozen: it then gets
 * no answer any more, as a killed one does, without anybody asking its fibers.
 */
import {
  type Action,
  Call,
  CallEvent,
  Calls,
  EventStore,
  PhoneNumber,
  Settings,
  Transport,
  type Webhook
} from "@ringback/core"
import {
  Cause,
  Clock,
  Context,
  Deferred,
  Effect,
  Equal,
  Exit,
  Latch,
  Layer,
  Logger,
  Option,
  Random,
  Result,
  Schedule,
  Scope
} from "effect"
import * as Callee from "../Callee.ts"
import type * as Faults from "../Faults.ts"
import type * as History from "../History.ts"
import * as PhoneCompany from "../PhoneCompany.ts"
import type * as PhoneLine from "../PhoneLine.ts"
import * as dice from "./dice.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

export interface Options {
  readonly flow: Call.AnyDefinition
  readonly input: unknown
  readonly seed: number
  readonly faults: Faults.Faults
  readonly callees: { readonly [number: string]: Callee.Script | ReadonlyArray<Callee.Script> } | undefined
  readonly incoming: { readonly to: string; readonly from: string; readonly callee?: Callee.Script } | undefined
  readonly settings: Partial<Settings.Settings>
  readonly company: PhoneLine.Settings
  /** Changes the engine's store or transport, to see whether a law catches it. */
  readonly sabotage: Sabotage | undefined
}

/** Parts of the engine that a test replaces by broken ones. */
export interface Sabotage {
  readonly store?: (store: EventStore.EventStore["Service"]) => EventStore.EventStore["Service"]
  readonly transport?: (transport: Transport.Transport["Service"]) => Transport.Transport["Service"]
  readonly calls?: (calls: Calls.Calls["Service"]) => Calls.Calls["Service"]
}

/** A process between its start and its death. */
interface Incarnation {
  readonly id: number
  readonly born: number
  readonly thawed: Latch.Latch
  readonly died: Deferred.Deferred<void>
  frozen: boolean
  dead: boolean
  /** When faults held it up. */
  readonly heldUp: Array<{ readonly from: number; to: number }>
  readonly storeFailures: Array<number>
  appending: number
  calls: Calls.Calls["Service"] | undefined
  run: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<void>
}

/** The carrier waits this long for a reply; ours, as in the emulator. */
const carrierPatience = 5_000

/** A run that has not come to its end after so long, or so many steps, is given up on. */
const longestRun = 8 * 60 * 60 * 1000
const mostSteps = 20_000

const key = "the-call"

/** The other side of the border has no answer any more. */
const gone: Effect.Effect<never> = Effect.never

export const run = Effect.fnUntraced(function*(options: Options) {
  const { faults, flow, seed } = options
  const company = yield* PhoneCompany.PhoneCompany
  const base = yield* EventStore.EventStore
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const worldScope = yield* Effect.scope
  const settings: Settings.Settings = { ...Settings.defaults, ...options.settings }
  const startedAt = clock.currentTimeMillisUnsafe()
  const now = () => clock.currentTimeMillisUnsafe()

  // -------------------------------------------------------------------------------------------------------------------
  // Dice
  // -------------------------------------------------------------------------------------------------------------------

  const diceOf = new Map<Faults.Kind, { readonly dice: dice.Dice; readonly abroad: boolean }>()
  const rolling = (kind: Faults.Kind) => {
    const found = diceOf.get(kind)
    if (found !== undefined) return found
    const own = dice.make(`${seed}/${kind}`)
    const made = { dice: own, abroad: own.hit(0.5) }
    diceOf.set(kind, made)
    return made
  }
  const nature = dice.make(`${seed}/nature`)
  const struck: Array<History.Fault> = []
  let sequence = 0
  const seq = () => ++sequence

  const strikes = (kind: Faults.Kind): dice.Dice | undefined => {
    const { abroad, dice } = rolling(kind)
    if (!dice.hit(faults[kind]) || !abroad) return undefined
    struck.push({ seq: seq(), at: now(), kind })
    return dice
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Records
  // -------------------------------------------------------------------------------------------------------------------

  const turns: Array<History.Appended> = []
  const deliveries: Array<Mutable<History.Delivery>> = []
  const sent: Array<Mutable<History.Sent>> = []
  const strayed: Array<string> = []
  const lines: Array<string> = []
  const started = new Set<CallEvent.CallId>()
  const outcomes: Array<string> = []
  const over = new Map<CallEvent.CallId, boolean>()
  const deaths: Array<number> = []
  let underWay = 0

  const inWorld = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<void> =>
    Effect.suspend(() => {
      underWay++
      return Effect.asVoid(
        Effect.forkIn(
          Effect.ensuring(effect, Effect.sync(() => void underWay--)).pipe(
            Effect.provideService(Clock.Clock, clock),
            Effect.provideService(Random.Random, random)
          ),
          worldScope
        )
      )
    })

  /** Runs where no incarnation can stop it, and waits for it. */
  const outside = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const done = Deferred.makeUnsafe<A, E>()
      return Effect.andThen(
        inWorld(Effect.flatMap(Effect.exit(effect), (exit) => Deferred.done(done, exit))),
        Deferred.await(done)
      )
    })

  // -------------------------------------------------------------------------------------------------------------------
  // The border of a process
  // -------------------------------------------------------------------------------------------------------------------

  let incarnation: Incarnation | undefined
  let incarnations = 0
  let steps = 0
  let crossings = 0
  const moments = (kind: Faults.Kind, most: number): Array<number> => {
    const { abroad, dice } = rolling(kind)
    if (!dice.hit(faults[kind]) || !abroad) return []
    let at = 0
    return Array.from({ length: dice.between(1, most) }, () => (at += dice.between(1, 30)))
  }
  const crashes = moments("crash", 3)
  const freezes = moments("freeze", 2)
  const takeovers = moments("takeover", 1)
  const isDue = (at: Array<number>) => at.length > 0 && at[0]! <= steps && at.shift() !== undefined

  const cross = (inc: Incarnation): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (inc.dead) return gone
      if (++crossings > mostSteps) kill(inc)
      if (inc === incarnation && !inc.frozen && inc.calls !== undefined) {
        steps++
        if (isDue(crashes)) return Effect.andThen(crash(inc), gone)
        if (isDue(freezes)) return Effect.andThen(freeze(inc), pass(inc))
        if (isDue(takeovers)) return Effect.andThen(takeOver(inc), pass(inc))
      }
      return pass(inc)
    })

  const pass = (inc: Incarnation): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (inc.dead) return gone
      return inc.frozen ? Effect.andThen(inc.thawed.await, pass(inc)) : Effect.void
    })

  const crash = (inc: Incarnation): Effect.Effect<void> => {
    const { dice } = rolling("crash")
    const downtime = dice.pick([0, 50, 300, 1_000, 5_000, 30_000, 120_000, 600_000])
    struck.push({ seq: seq(), at: now(), kind: "crash" })
    kill(inc)
    return inWorld(Effect.andThen(Effect.sleep(downtime), boot))
  }

  const kill = (inc: Incarnation): void => {
    inc.dead = true
    deaths[inc.id - 1] = now()
    Deferred.doneUnsafe(inc.died, Exit.void)
  }

  const freeze = (inc: Incarnation): Effect.Effect<void> => {
    struck.push({ seq: seq(), at: now(), kind: "freeze" })
    return stand(inc, rolling("freeze").dice.pick([100, 1_000, 3_000, 9_000, 20_000, 60_000]))
  }

  const stand = (inc: Incarnation, millis: number): Effect.Effect<void> => {
    inc.frozen = true
    const stood = { from: now(), to: now() + millis }
    inc.heldUp.push(stood)
    return Effect.andThen(
      inc.thawed.close,
      inWorld(Effect.andThen(
        Effect.sleep(millis),
        Effect.suspend(() => {
          inc.frozen = false
          return inc.thawed.open
        })
      ))
    )
  }

  /** Another process takes over while this one stands still; this one goes on later, and is shut off after a while. */
  const takeOver = (inc: Incarnation): Effect.Effect<void> => {
    const { dice } = rolling("takeover")
    struck.push({ seq: seq(), at: now(), kind: "takeover" })
    const stands = dice.pick([2_000, 9_000, 15_000, 60_000])
    return Effect.andThen(
      stand(inc, stands),
      inWorld(Effect.gen(function*() {
        yield* Effect.sleep(stands / 2)
        yield* boot
        const successor = incarnation
        yield* Effect.sleep(stands / 2 + 60_000)
        kill(inc)
        // What the first one began beside its successor is found by the next start, and by nothing before.
        const isOrphaned = turns.some((turn) => turn.incarnation === inc.id && turn.seq > (successor?.born ?? 0))
        if (!isOrphaned || incarnation === undefined || incarnation.dead) return
        kill(incarnation)
        yield* boot
      }))
    )
  }

  /** The time of a process: it does not wake while it stands still, or ever after its death. */
  const clockOf = (inc: Incarnation): Clock.Clock =>
    Object.assign(Object.create(clock) as Clock.Clock, {
      sleep: (duration: Parameters<Clock.Clock["sleep"]>[0]) =>
        Effect.andThen(clock.sleep(duration), Effect.suspend(() => pass(inc)))
    })

  // -------------------------------------------------------------------------------------------------------------------
  // The store
  // -------------------------------------------------------------------------------------------------------------------

  const slowly = (inc: Incarnation): Effect.Effect<void> =>
    Effect.suspend(() => {
      const slow = strikes("storeSlow")?.between(1, 1_500) ?? 0
      const stuck = strikes("storeStuck")?.between(1_500, 15_000) ?? 0
      const millis = slow + stuck
      if (millis === 0) return Effect.void
      inc.heldUp.push({ from: now(), to: now() + millis })
      return outside(Effect.sleep(millis))
    })

  const fails = (inc: Incarnation, operation: "write" | "read", kind: Faults.Kind) =>
    Effect.suspend(() => {
      if (strikes(kind) === undefined) return Effect.void
      inc.storeFailures.push(now())
      return Effect.fail(new EventStore.StoreError({ operation, problem: "It was made to fail" }))
    })

  const reading = <A>(inc: Incarnation, read: Effect.Effect<A, EventStore.StoreError>) =>
    Effect.gen(function*() {
      yield* cross(inc)
      yield* slowly(inc)
      yield* fails(inc, "read", "storeFails")
      const found = yield* read
      yield* cross(inc)
      return found
    })

  const storeOf = (inc: Incarnation): EventStore.EventStore["Service"] =>
    EventStore.EventStore.of({
      namespace: base.namespace,
      append: (turn, summary, about) =>
        Effect.gen(function*() {
          inc.appending++
          yield* cross(inc)
          yield* slowly(inc)
          yield* fails(inc, "write", "storeFails")
          if (strikes("storeConflicts") !== undefined) {
            return yield* new EventStore.VersionConflict({ callId: turn.callId, version: turn.version })
          }
          yield* base.append(turn, summary, about)
          const stored = { ...turn, events: CallEvent.decode(CallEvent.encode(turn.events)) }
          turns.push({ seq: seq(), at: now(), incarnation: inc.id, turn: stored, summary })
          over.set(turn.callId, summary.status === "over")
          if (options.incoming !== undefined) started.add(turn.callId)
          yield* slowly(inc)
          yield* cross(inc)
          yield* fails(inc, "write", "storeFailsAfter")
        }).pipe(Effect.ensuring(Effect.sync(() => void inc.appending--))),
      read: (callId) => reading(inc, base.read(callId)),
      find: (referenceId) => reading(inc, base.find(referenceId)),
      due: (due) => reading(inc, base.due(due)),
      orphans: (alive) => reading(inc, base.orphans(alive)),
      summary: (callId) => reading(inc, base.summary(callId)),
      summaries: (callIds) => reading(inc, base.summaries(callIds)),
      processes: undefined,
      changes: base.changes
    })

  // -------------------------------------------------------------------------------------------------------------------
  // The way to the carrier
  // -------------------------------------------------------------------------------------------------------------------

  const latency = Effect.suspend(() => Effect.sleep(nature.between(5, 80)))

  const failed = (action: Action.Dial, reason: Transport.TransportError["reason"]) =>
    Effect.fail(new Transport.TransportError({ externalId: action.externalId ?? "", reason }))

  const postFault = (): Faults.Kind | undefined => {
    const kinds = ["postLost", "postUnconfirmed", "postFailed", "postThrottled", "postNotSent", "postTwice"] as const
    return kinds.find((kind) => strikes(kind) !== undefined)
  }

  const carryOut = (action: Action.Dial, fault: Faults.Kind | undefined) =>
    Effect.gen(function*() {
      const lost = (problem: string) => failed(action, new Transport.Lost({ problem }))
      const dial = company.dial(action)
      yield* latency
      switch (fault) {
        case "postLost":
          yield* Effect.sleep(nature.between(100, 10_000))
          return yield* lost("the connection broke")
        case "postUnconfirmed":
          yield* dial
          yield* Effect.sleep(nature.between(100, 10_000))
          return yield* lost("no answer in time")
        case "postFailed":
          if (rolling("postFailed").dice.hit(0.5)) yield* dial
          return yield* lost("HTTP 500")
        case "postThrottled":
          return yield* failed(
            action,
            new Transport.NotSent({
              problem: "too many requests",
              ...(rolling("postThrottled").dice.hit(0.5) ? { retryAfterMillis: nature.between(500, 20_000) } : {})
            })
          )
        case "postNotSent":
          return yield* failed(action, new Transport.NotSent({ problem: "no connection" }))
        case "postTwice":
          yield* dial
          yield* Effect.sleep(nature.between(0, 2_000))
          return yield* dial
        default:
          return yield* dial
      }
    }).pipe(
      Effect.tap(Effect.suspend(() => Effect.sleep(strikes("postSlow")?.between(500, 8_000) ?? 0))),
      Effect.tap(latency)
    )

  const transportOf = (inc: Incarnation): Transport.Transport["Service"] =>
    Transport.Transport.of({
      send: (action) =>
        Effect.gen(function*() {
          const asked = now()
          yield* cross(inc)
          const fault = postFault()
          sent.push({ seq: seq(), at: now(), incarnation: inc.id, action, heldUpMillis: now() - asked, fault })
          const result = yield* Effect.exit(outside(carryOut(action, fault)))
          yield* cross(inc)
          return yield* result
        })
    })

  // -------------------------------------------------------------------------------------------------------------------
  // Webhooks
  // -------------------------------------------------------------------------------------------------------------------

  const asksAgain = strikes("carrierAsksAgain")
  const asksAfter = asksAgain === undefined
    ? []
    : asksAgain.pick([[5_000, 10_000, 15_000], [1_000, 2_000, 4_000], [300]])
  let postings = 0

  const handler = (webhook: Webhook.Webhook): Effect.Effect<Action.Action | undefined, string> =>
    Effect.suspend(() => {
      const posting = ++postings
      const stamped = { ...webhook, extra: { ...webhook.extra, posting } }
      const counted = { copies: 0 }
      const reply = Deferred.makeUnsafe<Action.Action | undefined, string>()
      const post = (lastOf: ReadonlyArray<number>): Effect.Effect<void> =>
        Effect.flatMap(Effect.result(deliver(stamped, posting, counted, reply)), (arrived) => {
          if (Result.isSuccess(arrived)) return Effect.void
          const [wait, ...waits] = lastOf
          return wait === undefined
            ? Effect.asVoid(Deferred.fail(reply, arrived.failure))
            : Effect.andThen(Effect.sleep(wait), post(waits))
        })
      const copy = (after: number) =>
        inWorld(Effect.andThen(Effect.sleep(after), Effect.ignore(deliver(stamped, posting, counted, reply))))
      const extra = [
        strikes("webhookCopied")?.between(0, 30),
        strikes("webhookCopiedLate")?.between(500, 30_000),
        strikes("webhookCopiedAfterEnd")?.between(120_000, 1_200_000)
      ].filter((after) => after !== undefined)
      const delay = (strikes("webhookOvertaken")?.between(10, 3_000) ?? 0) +
        (strikes("webhookDelayed")?.between(3_000, 60_000) ?? 0)
      const isLost = strikes("webhookLost") !== undefined
      return Effect.gen(function*() {
        yield* Effect.forEach(extra, (after) => copy(delay + after), { discard: true })
        if (isLost) return yield* Effect.fail("it was lost")
        yield* inWorld(Effect.andThen(Effect.sleep(delay), post(asksAfter)))
        return yield* Deferred.await(reply)
      })
    })

  /** One delivery: to the process that is there, if one is. Succeeds when the carrier has a reply in its hands. */
  const deliver = (
    webhook: Webhook.Webhook,
    posting: number,
    counted: { copies: number },
    reply: Deferred.Deferred<Action.Action | undefined, string>
  ): Effect.Effect<void, string> =>
    Effect.gen(function*() {
      yield* latency
      const inc = incarnation
      if (inc === undefined || inc.dead || inc.calls === undefined) return yield* Effect.fail("nobody is there")
      const delivery: Mutable<History.Delivery> = {
        posting,
        copy: ++counted.copies,
        webhook,
        incarnation: inc.id,
        arrived: { seq: seq(), at: now() },
        obeyed: false
      }
      deliveries.push(delivery)
      const connection = { open: true }
      const arrived = Deferred.makeUnsafe<void, string>()
      yield* inc.run(serve(inc, delivery, connection, arrived, reply))
      yield* Effect.raceFirst(
        Deferred.await(arrived),
        Effect.andThen(Deferred.await(inc.died), Effect.fail("the connection broke"))
      ).pipe(
        Effect.timeoutOrElse({ duration: carrierPatience, orElse: () => Effect.fail("none in time") }),
        Effect.ensuring(Effect.sync(() => void (connection.open = false)))
      )
    })

  /** What the process does with a webhook, until it knows what became of its answer. */
  const serve = (
    inc: Incarnation,
    delivery: Mutable<History.Delivery>,
    connection: { readonly open: boolean },
    arrived: Deferred.Deferred<void, string>,
    reply: Deferred.Deferred<Action.Action | undefined, string>
  ): Effect.Effect<void> =>
    Effect.gen(function*() {
      yield* cross(inc)
      delivery.takenAt = now()
      const exit = yield* Effect.exit(inc.calls!.receive(delivery.webhook))
      if (Exit.isFailure(exit)) {
        const from = delivery.arrived.at
        const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
        delivery.failed = {
          at: now(),
          problem: error?.message ?? Cause.pretty(exit.cause),
          excused: error !== undefined && inc.storeFailures.some((at) => at >= from)
        }
        return yield* Deferred.fail(arrived, "HTTP 503")
      }
      const { action, sent } = exit.value
      delivery.answered = { seq: seq(), at: now(), action, heldUpMillis: heldUp(inc, delivery.arrived.at) }
      compare(inc, delivery)
      yield* cross(inc)
      const tell = (whole: boolean) =>
        Effect.suspend(() => {
          delivery.told = { seq: seq(), whole }
          return sent(whole)
        })
      const broken = strikes("replyBroken") !== undefined
      const lost = strikes("replyLost") !== undefined
      const untold = strikes("replyUntold") !== undefined
      if (broken || !connection.open) return yield* tell(false)
      if (!lost && !untold) {
        yield* inWorld(Effect.andThen(
          latency,
          Effect.suspend(() => {
            if (!connection.open) return Effect.void
            const isFirst = Deferred.doneUnsafe(reply, Exit.succeed(action))
            delivery.obeyed = isFirst
            return Deferred.succeed(arrived, undefined)
          })
        ))
      }
      if (!untold) yield* tell(true)
    }).pipe(Effect.catchCause((cause) =>
      Effect.sync(() => {
        delivery.failed = { at: now(), problem: `telling it of its answer: ${Cause.pretty(cause)}`, excused: false }
      })
    ))

  const heldUp = (inc: Incarnation, since: number): number =>
    inc.heldUp.reduce((millis, { from, to }) => millis + Math.max(0, Math.min(to, now()) - Math.max(from, since)), 0)

  /** The state in memory is what the log folds to, whenever nothing is on its way between the two. */
  const compare = (inc: Incarnation, delivery: History.Delivery): void => {
    const calls = inc.calls
    const id = [...started][0]
    if (calls === undefined || id === undefined || inc.appending > 0 || inc !== incarnation) return
    if (turns.some((appended) => appended.incarnation !== inc.id && appended.seq > inc.born)) return
    const live = Effect.runSyncExit(Effect.provideService(calls.get(id), Clock.Clock, clock) as never) as Exit.Exit<
      Option.Option<Call.Call>
    >
    if (Exit.isFailure(live) || Option.isNone(live.value)) return
    const events = turns.filter(({ turn }) => turn.callId === id).flatMap(({ turn }) => turn.events)
    if (!Equal.equals(live.value.value, Call.fold(id, events))) {
      strayed.push(`after the answer to ${delivery.webhook.event}`)
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Processes
  // -------------------------------------------------------------------------------------------------------------------

  const logger = Logger.make(({ message }) => {
    lines.push(Array.isArray(message) ? message.map(String).join(" ") : String(message))
  })

  const boot: Effect.Effect<void> = Effect.suspend(() => {
    const inc: Incarnation = {
      id: ++incarnations,
      born: seq(),
      thawed: Latch.makeUnsafe(true),
      died: Deferred.makeUnsafe(),
      frozen: false,
      dead: false,
      heldUp: [],
      storeFailures: [],
      appending: 0,
      calls: undefined,
      run: () => Effect.void
    }
    incarnation = inc
    const broken = options.sabotage ?? {}
    const store = storeOf(inc)
    const transport = transportOf(inc)
    const { incoming } = options
    const flows = incoming === undefined
      ? { flows: [flow] }
      : { flows: [], inbound: { [PhoneNumber.make(incoming.to)]: flow as never } }
    const layer = Calls.layer({ ...flows, settings: options.settings }).pipe(
      Layer.provide(Layer.succeed(EventStore.EventStore, broken.store?.(store) ?? store)),
      Layer.provide(Layer.succeed(Transport.Transport, broken.transport?.(transport) ?? transport)),
      Layer.fresh
    ) as Layer.Layer<Calls.Calls, unknown>
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const inside = Context.make(Clock.Clock, clockOf(inc)).pipe(
        Context.add(Random.Random, random),
        Context.add(Logger.CurrentLoggers, new Set([logger]))
      )
      inc.run = (effect) => Effect.asVoid(Effect.forkIn(Effect.provideContext(effect, inside), scope))
      const built = yield* Effect.exit(Effect.provideContext(Layer.buildWithScope(layer, scope), inside))
      if (Exit.isFailure(built)) {
        const isOurs = inc.storeFailures.length > 0
        if (!isOurs) lines.push(`The engine did not start: ${Cause.pretty(built.cause)}`)
        kill(inc)
        yield* inWorld(Effect.andThen(Effect.sleep(1_000), boot))
        return
      }
      const calls = Context.get(built.value, Calls.Calls)
      inc.calls = broken.calls?.(calls) ?? calls
      if (incoming === undefined) yield* inc.run(application(inc))
    })
  })

  /** What an application does: it starts the call until that is acknowledged, and waits for the outcome. */
  const application = (inc: Incarnation) =>
    Effect.gen(function*() {
      const calls = inc.calls!
      let handle: Calls.Handle<unknown, unknown> | undefined
      if (started.size > 0 && nature.hit(0.5)) handle = calls.handle(flow, [...started][0]!)
      while (handle === undefined) {
        yield* cross(inc)
        const begun: Result.Result<Calls.Handle<unknown, unknown>, { readonly _tag: string }> = yield* Effect.result(
          calls.start(flow as never, options.input as never, { key })
        )
        if (Result.isSuccess(begun)) handle = begun.success
        else if (begun.failure._tag === "StoreError") yield* Effect.sleep(1_000)
        else return yield* Effect.die(begun.failure)
      }
      yield* cross(inc)
      started.add(handle.id)
      const outcome = yield* Effect.result(
        Effect.retry(handle.outcome, {
          while: (error) => isStoreError(error),
          schedule: Schedule.spaced("1 second")
        })
      )
      outcomes.push(Result.isSuccess(outcome) ? JSON.stringify(outcome.success) : `failed: ${String(outcome.failure)}`)
    }).pipe(
      Effect.catchCause((cause) => Effect.sync(() => void lines.push(`The application died: ${Cause.pretty(cause)}`)))
    )

  const cancelling = (after: number): Effect.Effect<void> =>
    Effect.gen(function*() {
      yield* Effect.sleep(after)
      for (let tries = 0; tries < 600; tries++) {
        const [inc, id] = [incarnation, [...started][0]]
        if (inc?.calls !== undefined && !inc.dead && id !== undefined) {
          const { calls } = inc
          const done = Deferred.makeUnsafe<boolean>()
          yield* inc.run(
            Effect.andThen(cross(inc), Effect.exit(calls.cancel(id))).pipe(
              Effect.flatMap((exit) => Deferred.succeed(done, Exit.isSuccess(exit)))
            )
          )
          if (yield* Effect.raceFirst(Deferred.await(done), Effect.as(Deferred.await(inc.died), false))) return
        }
        yield* Effect.sleep(1_000)
      }
    })

  // -------------------------------------------------------------------------------------------------------------------
  // The run
  // -------------------------------------------------------------------------------------------------------------------

  yield* company.connect(handler)
  yield* options.callees === undefined
    ? company.everyone(strangers(nature))
    : Effect.forEach(Object.entries(options.callees), ([number, scripts]) => company.callee(number, scripts))
  yield* inWorld(boot)
  if (options.incoming !== undefined) {
    const { callee = stranger(nature), ...parties } = options.incoming
    yield* inWorld(Effect.andThen(Effect.sleep(nature.between(0, 1_000)), company.incoming({ ...parties, callee })))
  }
  const cancels = strikes("cancel")
  if (cancels !== undefined) yield* inWorld(cancelling(cancels.between(0, 60_000)))

  const isDone = Effect.gen(function*() {
    if ((started.size === 0 && options.incoming === undefined) || underWay > 0 || [...over.values()].includes(false)) {
      return false
    }
    return (yield* company.lines).every((line) => line.state._tag === "Ended")
  })
  let abandonedAt: number | undefined
  for (let pause = 1_000;; pause = Math.min(pause * 2, 60_000)) {
    yield* Effect.sleep(pause)
    if (yield* isDone) break
    if (crossings > mostSteps || now() - startedAt > longestRun) {
      abandonedAt = now()
      break
    }
  }
  if (incarnation !== undefined) kill(incarnation)

  const history: History.History = {
    flow,
    settings,
    turns,
    deliveries,
    sent,
    rings: yield* company.rings,
    log: yield* company.log,
    faults: struck,
    told: { started, outcomes },
    deaths,
    strayed,
    lines,
    abandonedAt
  }
  return history
})

const isStoreError = (error: unknown): boolean => error instanceof EventStore.StoreError

/** People whom nobody has scripted: reached or not, patient or not, pressing what comes to their minds. */
const strangers = (nature: dice.Dice): ReadonlyArray<Callee.Script> => Array.from({ length: 4 }, () => stranger(nature))

const stranger = (nature: dice.Dice): Callee.Script => {
  const reach = nature.between(1, 10)
  if (reach === 1) return Callee.busy
  if (reach === 2) return Callee.noAnswer
  if (reach === 3) return Callee.voicemail
  let person = Callee.answers(nature.between(0, 30_000))
  for (let step = nature.between(0, 6); step > 0; step--) {
    switch (nature.between(1, 8)) {
      case 1:
        person = person.staysSilent()
        break
      case 2:
        return person.hangsUp()
      default:
        person = person.presses(nature.pick(["1", "1", "1", "2", "2", "9", "1234", "#"]))
    }
  }
  return nature.hit(0.3) ? person.hangsUpAfter(nature.between(0, 3)) : person
}
