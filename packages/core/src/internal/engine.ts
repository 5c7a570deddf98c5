/**
 * The engine behind `Calls`: one cell per live call, whose inputs are taken one after another. An input is decided, its
 * events are appended, and only when they are durable does the state in memory change and the world see anything.
 */
import {
  Cause,
  Clock,
  Context,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Option,
  Random,
  Result,
  Schedule,
  Semaphore
} from "effect"
import type { Scope } from "effect"
import * as Action from "../Action.ts"
import * as Call from "../Call.ts"
import type { CallEvent, CallId, Exit as FlowExit } from "../CallEvent.ts"
import type { Summary, Turn } from "../EventStore.ts"
import { EventStore, StoreError, type VersionConflict } from "../EventStore.ts"
import type * as Flow from "../Flow.ts"
import type * as Settings from "../Settings.ts"
import { Transport, type TransportError } from "../Transport.ts"
import * as Webhook from "../Webhook.ts"
import * as Alarm from "./alarm.ts"
import type * as table from "./callTable.ts"
import * as ids from "./ids.ts"

/** What to answer to a webhook, and how to say what became of the answer. */
export interface Reply {
  readonly action: Action.Action | undefined
  readonly sent: (whole: boolean) => Effect.Effect<void>
}

/** The key under which the activity that is running now runs again after a crash. */
export const ActivityKey = Context.Reference<string>("@ringback/core/Calls/ActivityKey", { defaultValue: () => "" })

/** What is known of the delivery of the action in flight on a line. Not in the log: it is of this process alone. */
interface Delivery {
  readonly action: string
  written: number | undefined
  copies: number
}

interface Cell {
  readonly id: CallId
  readonly lock: Semaphore.Semaphore
  readonly ended: Deferred.Deferred<FlowExit>
  live: Call.Live | undefined
  version: number
  readonly waiters: Map<number, Set<Deferred.Deferred<table.Reply>>>
  readonly deliveries: Map<number, Delivery>
  activity: { readonly n: number; readonly fiber: Fiber.Fiber<void> } | undefined
  /** An append that failed and may be stored all the same. */
  unsure: { readonly turn: string; readonly version: number } | undefined
}

/** How the engine is set up. */
export interface Options {
  readonly definition: (name: string, version: number) => Call.AnyDefinition | undefined
  readonly answering: (number: string) => Call.AnyDefinition | undefined
  readonly refusal: Action.Action
  readonly namespace: string | undefined
  readonly settings: Settings.Settings
}

/** What the engine does for `Calls`. */
export interface Engine {
  readonly start: (
    definition: Call.AnyDefinition,
    input: unknown,
    key: string | undefined
  ) => Effect.Effect<CallId, StoreError>
  readonly receive: (webhook: Webhook.Webhook) => Effect.Effect<Reply, StoreError>
  readonly outcome: (id: CallId) => Effect.Effect<FlowExit, StoreError>
  readonly cancel: (id: CallId) => Effect.Effect<void, StoreError>
  /** `false` if the flow waits for this signal and the value does not fit. */
  readonly signal: (
    id: CallId,
    name: string,
    value: unknown,
    key: string | undefined
  ) => Effect.Effect<boolean, StoreError>
  readonly get: (id: CallId) => Effect.Effect<Option.Option<Call.Call>, StoreError>
}

const silent: Reply = { action: undefined, sent: () => Effect.void }

/** At most so many times is a turn decided again because somebody else appended first. */
const maxConflicts = 20

/** Work that nobody waits for goes on trying while the store is down. */
const whileStoreIsDown = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("5 seconds")])

const inFlightKey = (line: Call.CallLine): string | undefined =>
  (line.phase === "Acting" || line.phase === "Bridged") && line.inFlight !== undefined
    ? `${line.inFlight.n}@${line.inFlight.at}`
    : undefined

const toPosted = (reason: TransportError["reason"]): table.Posted => {
  switch (reason._tag) {
    case "Refused":
      return { _tag: "Refused", status: reason.status }
    case "NotSent":
      return {
        _tag: "NotSent",
        problem: reason.problem,
        ...(reason.retryAfterMillis === undefined ? {} : { retryAfterMillis: reason.retryAfterMillis })
      }
    case "Lost":
      return { _tag: "Lost", problem: reason.problem }
  }
}

/** Starts an engine that runs until its scope closes. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const store = yield* EventStore
  const transport = yield* Transport
  const context = yield* Effect.context<never>()
  const scope: Scope.Scope = yield* Effect.scope
  const { settings } = options
  const namespace = options.namespace ?? store.namespace
  const random = yield* Random.Random
  const process = ids.chance(() => random.nextDoubleUnsafe(), 8)
  const ours = new RegExp(`^${namespace.replaceAll(/[^0-9a-zA-Z]/g, "\\$&")}\\.([0-9a-z]{20})\\.([0-9]+)$`)

  const cells = new Map<CallId, Cell>()
  const sessions = new Map<string, CallId>()
  let turns = 0
  let stamps = 0

  const fork = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Fiber.Fiber<A, E>> => Effect.forkIn(effect, scope)

  // -------------------------------------------------------------------------------------------------------------------
  // Cells
  // -------------------------------------------------------------------------------------------------------------------

  const cellOf = (id: CallId): Cell => {
    const found = cells.get(id)
    if (found !== undefined) return found
    const cell: Cell = {
      id,
      lock: Semaphore.makeUnsafe(1),
      ended: Deferred.makeUnsafe(),
      live: undefined,
      version: 0,
      waiters: new Map(),
      deliveries: new Map(),
      activity: undefined,
      unsure: undefined
    }
    cells.set(id, cell)
    return cell
  }

  const forget = (cell: Cell, call: Call.Call): void => {
    cells.delete(cell.id)
    alarm.clear(cell.id)
    for (const line of call.lines) {
      if (line.referenceId !== undefined) sessions.delete(line.referenceId)
      for (const other of line.otherReferenceIds) sessions.delete(other)
    }
  }

  const definitionOf = (call: Call.Call): Effect.Effect<Call.AnyDefinition, StoreError> => {
    const definition = options.definition(call.flow, call.flowVersion)
    return definition === undefined
      ? Effect.fail(
        new StoreError({
          operation: "decode",
          problem: `Call ${call.id} runs the flow ${call.flow} in version ${call.flowVersion}, which is not registered`
        })
      )
      : Effect.succeed(definition)
  }

  /** Brings a call into memory from its events, if it has any. Ends it if its flow disagrees with them. */
  const load: (cell: Cell) => Effect.Effect<Call.Live | undefined, StoreError | VersionConflict> = Effect.fnUntraced(
    function*(cell) {
      const stored = yield* store.read(cell.id)
      const events = stored.flatMap((turn) => turn.events)
      cell.version = stored.at(-1)?.version ?? 0
      if (events.length === 0) return undefined
      const folded = Call.fold(cell.id, events)
      learnSessions(cell, folded)
      const definition = yield* definitionOf(folded)
      if (folded.exit !== undefined) {
        Deferred.doneUnsafe(cell.ended, Exit.succeed(folded.exit))
        cell.live = Call.settled(folded, definition)
        yield* showUnsure(cell, stored)
        return cell.live
      }
      const { divergence, live } = Call.rebuild(cell.id, definition, events)
      cell.live = live
      for (const line of live.call.lines) track(cell, line, 0)
      if (divergence !== undefined) {
        yield* Effect.logError(
          `Call ${cell.id} cannot go on: its flow ${folded.flow} disagrees with its log at event ${divergence.at} ` +
            `(recorded ${divergence.recorded}, now ${divergence.now})`
        )
        const now = yield* Clock.currentTimeMillis
        yield* commit(cell, Call.diverge(live, divergence, now))
      }
      yield* showUnsure(cell, stored)
      return cell.live
    }
  )

  /** If the append of which nobody knew is stored, what follows from it still has to happen. */
  const showUnsure = Effect.fnUntraced(function*(cell: Cell, stored: ReadonlyArray<Turn>) {
    const { live, unsure } = cell
    const found = unsure === undefined ? undefined : stored[unsure.version - 1]
    if (found === undefined || unsure === undefined) return
    cell.unsure = undefined
    if (found.id !== unsure.turn || live === undefined) return
    cell.deliveries.clear() // nobody has heard what it decided
    yield* show(cell, found.events, live.call)
    rest(cell, live.call, Call.waitingFor(live.call, settings).until)
  })

  /** Finds out what became of an append that failed, as soon as the store can be read. */
  const findOut = (cell: Cell): Effect.Effect<void> =>
    Effect.ignore(Effect.retry(Effect.uninterruptible(cell.lock.withPermit(loaded(cell))), whileStoreIsDown))

  /** Brings a call into memory, if it has any events. The lock of its cell must be held. */
  const loaded = (cell: Cell): Effect.Effect<Call.Live | undefined, StoreError> =>
    cell.live !== undefined
      ? Effect.succeed(cell.live)
      : Effect.catchTag(load(cell), "VersionConflict", () => loaded(cell))

  const learnSessions = (cell: Cell, call: Call.Call): void => {
    for (const line of call.lines) if (line.referenceId !== undefined) sessions.set(line.referenceId, cell.id)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Turns
  // -------------------------------------------------------------------------------------------------------------------

  const summaryOf = (call: Call.Call, version: number): Summary => {
    const over = Call.isOver(call)
    const waiting = Call.waitingFor(call, settings)
    return {
      callId: call.id,
      version,
      flow: call.flow,
      flowVersion: call.flowVersion,
      status: over ? "over" : "running",
      waitingFor: waiting.what,
      due: over ? null : waiting.until ?? call.at,
      urgent: Call.isUrgent(call)
    }
  }

  /** Appends what was decided and, when it is durable, changes the state and lets the world see it. */
  const commit = Effect.fnUntraced(function*(cell: Cell, decided: Call.Decided) {
    const { call } = decided.live
    const version = cell.version + 1
    const reference = decided.events.find((event) => "referenceId" in event)
    const turn = `${process}-${++turns}`
    const summary = summaryOf(call, version)
    yield* store.append(
      { id: turn, callId: cell.id, version, at: call.at, events: decided.events },
      summary,
      reference === undefined || !("referenceId" in reference) ? {} : { referenceId: reference.referenceId }
    ).pipe(
      Effect.onError(() => Effect.sync(() => void (cell.live = undefined))),
      Effect.tapErrorTag("StoreError", () => {
        cell.unsure = { turn, version }
        return fork(findOut(cell))
      })
    )
    cell.live = decided.live
    cell.version = version
    yield* show(cell, decided.events, call)
    rest(cell, call, summary.due)
  })

  /** Everything that follows from a turn that is durable. */
  const show = Effect.fnUntraced(function*(cell: Cell, events: ReadonlyArray<CallEvent>, call: Call.Call) {
    learnSessions(cell, call)
    for (const line of call.lines) track(cell, line)
    if (cell.activity !== undefined && !(call.wait?._tag === "Activity" && call.wait.n === cell.activity.n)) {
      const { fiber } = cell.activity
      cell.activity = undefined
      yield* fork(Fiber.interrupt(fiber))
    }
    for (const event of events) {
      switch (event._tag) {
        case "DialAttempted":
          yield* fork(sendDial(cell, event))
          break
        case "ActivityStarted":
          yield* runActivity(cell)
          break
        case "FlowEnded":
          Deferred.doneUnsafe(cell.ended, Exit.succeed(event.exit))
          break
        default:
          break
      }
    }
    answerWaiters(cell, call)
  })

  /** Sets the alarm for the time at which the call is due, or lets go of a call that is over. */
  const rest = (cell: Cell, call: Call.Call, due: number | null | undefined): void => {
    if (Call.isOver(call)) return forget(cell, call)
    if (due !== null && due !== undefined) alarm.set(cell.id, due)
  }

  /** Keeps an eye on the delivery of the action in flight. One that is found in the log was written before, if at all. */
  const track = (cell: Cell, line: Call.CallLine, written?: number): void => {
    const action = inFlightKey(line)
    if (action === undefined) cell.deliveries.delete(line.id)
    else if (cell.deliveries.get(line.id)?.action !== action) {
      cell.deliveries.set(line.id, { action, written, copies: 0 })
    }
  }

  /**
   * Takes one input: decides, appends, and looks at the result before anybody else can. Not to be interrupted, so that a
   * webhook whose sender has gone away is recorded all the same.
   *
   * With `asks`, an input that changes nothing is answered from the newest state: no append of its own would tell that
   * another process went on with the call. If the store fails, the state in memory has to do.
   */
  const take = <A>(
    cell: Cell,
    input: Call.Input | ((live: Call.Live) => Call.Input),
    look: (call: Call.Call, decided: Call.Decided) => A,
    { asks = false, fresh }: { readonly asks?: boolean; readonly fresh?: () => Call.Live } = {}
  ): Effect.Effect<A, StoreError> =>
    Effect.uninterruptible(cell.lock.withPermit(Effect.gen(function*() {
      for (let conflicts = 0;; conflicts++) {
        const live = cell.live ?? (yield* loaded(cell)) ?? fresh?.()
        if (live === undefined) {
          cells.delete(cell.id)
          return yield* new StoreError({ operation: "read", problem: `There is no call ${cell.id}` })
        }
        const now = yield* Clock.currentTimeMillis
        const decided = Call.decide(live, typeof input === "function" ? input(live) : input, {
          now,
          process,
          namespace,
          settings
        })
        if (decided.events.length === 0) {
          if (asks && (yield* Effect.orElseSucceed(isBehind(cell), () => false))) {
            cell.live = undefined
            continue
          }
          rest(cell, live.call, Call.waitingFor(live.call, settings).until)
          return look(live.call, decided)
        }
        const committed: Result.Result<void, VersionConflict | StoreError> = yield* Effect.result(commit(cell, decided))
        if (Result.isSuccess(committed)) return look(decided.live.call, decided)
        if (committed.failure._tag === "StoreError") return yield* committed.failure
        if (conflicts === maxConflicts) {
          return yield* new StoreError({ operation: "write", problem: `Call ${cell.id} is appended to without an end` })
        }
      }
    })))

  /** Whether another process has appended to the call. */
  const isBehind = (cell: Cell): Effect.Effect<boolean, StoreError> =>
    Effect.map(
      store.summary(cell.id),
      (found) => Option.isSome(Option.filter(found, ({ version }) => version > cell.version))
    )

  const ignore = () => undefined

  /** Takes an input that nobody waits for, and goes on trying while the store is down. */
  const takeSurely = (cell: Cell, input: Call.Input): Effect.Effect<void> =>
    take(cell, input, ignore).pipe(
      Effect.tapError((error) => Effect.logWarning(`Call ${cell.id} waits for its store: ${error.message}`)),
      Effect.retry(whileStoreIsDown),
      Effect.ignore
    )

  // -------------------------------------------------------------------------------------------------------------------
  // Dials and activities
  // -------------------------------------------------------------------------------------------------------------------

  type Attempt = Extract<CallEvent, { readonly _tag: "DialAttempted" }>

  /** Sends a recorded attempt, soon after its record or not at all. */
  const sendDial = (cell: Cell, attempt: Attempt): Effect.Effect<void> =>
    Effect.uninterruptible(
      Effect.flatMap(post(cell, attempt), (posted) => takeSurely(cell, { _tag: "Posted", line: attempt.line, posted }))
    )

  const post = Effect.fnUntraced(function*(cell: Cell, attempt: Attempt) {
    const line = cell.live?.call.lines.find((line) => line.id === attempt.line)
    const now = yield* Clock.currentTimeMillis
    const unsent = (problem: string): table.Posted => ({ _tag: "NotSent", problem })
    if (line?.dialling === undefined || line.left) return unsent("cancelled before it was sent")
    if (now - attempt.at > settings.sendWindow) return unsent("the window for sending it has passed")
    const { evenIfUnknown: _, ringForMillis: __, ...dialling } = line.dialling
    const result = yield* Effect.exit(transport.send(Action.dial({ ...dialling, externalId: attempt.externalId })))
    if (Exit.isSuccess(result)) {
      const accepted: table.Posted = { _tag: "Accepted", referenceId: result.value.referenceId }
      return accepted
    }
    const error = Option.getOrUndefined(Cause.findErrorOption(result.cause))
    if (error === undefined) {
      yield* Effect.logError(`The transport died on a dial of call ${cell.id}`, result.cause)
      const lost: table.Posted = { _tag: "Lost", problem: "the transport died" }
      return lost
    }
    return toPosted(error.reason)
  })

  const runActivity = Effect.fnUntraced(function*(cell: Cell) {
    const live = cell.live
    const wait = live?.call.wait
    if (live?.step._tag !== "Waiting" || live.step.request._tag !== "Activity" || wait?._tag !== "Activity") return
    const { n } = wait
    const request = live.step.request
    const work = activityInput(request, n, `${cell.id}/${n}`).pipe(
      Effect.flatMap((input) => {
        cell.activity = undefined
        return takeSurely(cell, input)
      })
    )
    const fiber = yield* fork(work)
    cell.activity = { n, fiber }
  })

  const activityInput = (
    request: Extract<Flow.Request, { readonly _tag: "Activity" }>,
    n: number,
    key: string
  ): Effect.Effect<Call.Input> =>
    Effect.exit(
      Effect.provideService(
        Effect.provideContext(request.effect as Effect.Effect<unknown, unknown>, context),
        ActivityKey,
        key
      )
    )
      .pipe(Effect.map((exit): Call.Input => {
        const died = (message: string): Call.Input => ({ _tag: "ActivityDied", n, message })
        const failed = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
        if (Exit.isFailure(exit) && Option.isNone(failed)) {
          const defect = Cause.squash(exit.cause)
          return died(`The activity ${request.name} died: ${defect instanceof Error ? defect.message : String(defect)}`)
        }
        const ok = Exit.isSuccess(exit)
        const encoded = ok ? request.encodeSuccess(exit.value) : request.encodeError(Option.getOrUndefined(failed))
        return Result.isSuccess(encoded)
          ? { _tag: "ActivityEnded", n, result: { ok, value: encoded.success } }
          : died(`The ${ok ? "result" : "error"} of the activity ${request.name} does not fit its schema`)
      }))

  // -------------------------------------------------------------------------------------------------------------------
  // Webhooks
  // -------------------------------------------------------------------------------------------------------------------

  const answerWaiters = (cell: Cell, call: Call.Call): void => {
    for (const [line, waiting] of cell.waiters) {
      const reply = Call.reply(call, line, "line", settings)
      if (reply._tag === "Wait") continue
      cell.waiters.delete(line)
      for (const waiter of waiting) Deferred.doneUnsafe(waiter, Exit.succeed(reply))
    }
  }

  const waitForReply = (cell: Cell, line: number): Deferred.Deferred<table.Reply> => {
    const waiter = Deferred.makeUnsafe<table.Reply>()
    const waiting = cell.waiters.get(line)
    if (waiting === undefined) cell.waiters.set(line, new Set([waiter]))
    else waiting.add(waiter)
    return waiter
  }

  /** The reply of a line that waits for its flow: when the flow has decided, else a hold at the reply deadline. */
  const awaitReply = (
    cell: Cell,
    line: number,
    waiter: Deferred.Deferred<table.Reply>
  ): Effect.Effect<table.Reply, StoreError> =>
    Deferred.await(waiter).pipe(
      Effect.timeoutOrElse({
        duration: settings.replyDeadline,
        orElse: () => take(cell, { _tag: "ReplyDue", line }, (call) => Call.reply(call, line, "line", settings))
      }),
      Effect.ensuring(Effect.sync(() => cell.waiters.get(line)?.delete(waiter)))
    )

  const toReply = (cell: Cell, line: number, receivedAt: number, reply: table.Reply, isCopy = false): Reply => {
    if (reply._tag !== "Act") return silent
    const delivery = cell.deliveries.get(line)
    const sent = (whole: boolean) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (delivery !== undefined) {
          delivery.written = ++stamps
          if (isCopy && !whole) delivery.copies-- // nobody has heard this one: the next is a copy as much as it was
        }
        const surely = whole && now - receivedAt <= settings.lateReply
        return surely || reply.n < 0 ? Effect.void : takeSurely(cell, { _tag: "ReplyBroke", line, n: reply.n })
      })
    return { action: reply.action, sent }
  }

  /** The call and the line that an event belongs to: by its session if that is known, else by our own id in it. */
  const route = Effect.fnUntraced(function*(webhook: Webhook.Webhook) {
    const matched = webhook.externalId === undefined ? null : ours.exec(webhook.externalId)
    const named = matched === null ? undefined : matched[1] as CallId
    const inMemory = sessions.get(webhook.referenceId) ?? (named !== undefined && cells.has(named) ? named : undefined)
    const id = inMemory ?? Option.getOrElse(yield* store.find(webhook.referenceId), () => named)
    return { id, line: matched === null ? undefined : Number(matched[2]) }
  })

  const lineOf = (call: Call.Call, webhook: Webhook.Webhook, named: number | undefined): number | undefined => {
    const byReference = call.lines.find((line) =>
      line.referenceId === webhook.referenceId || line.otherReferenceIds.includes(webhook.referenceId)
    )
    return byReference?.id ?? call.lines.find((line) => line.id === named && line.externalId !== undefined)?.id
  }

  const receive = Effect.fnUntraced(function*(webhook: Webhook.Webhook) {
    const arrival = ++stamps
    const receivedAt = yield* Clock.currentTimeMillis
    if (Webhook.kind(webhook) === "IncomingCall") return yield* arrive(webhook, receivedAt)
    const { id, line } = yield* route(webhook)
    if (id !== undefined) {
      const cell = cellOf(id)
      if (cell.live === undefined) {
        const found = yield* cell.lock.withPermit(Effect.suspend(() => loaded(cell)))
        if (found === undefined) {
          cells.delete(id)
          return yield* lostCall(webhook)
        }
      }
      return yield* onLine(cell, webhook, line, arrival, receivedAt)
    }
    yield* Effect.logDebug(`An event ${webhook.event} belongs to no call of this installation`)
    return silent
  })

  const onLine: (
    cell: Cell,
    webhook: Webhook.Webhook,
    named: number | undefined,
    arrival: number,
    receivedAt: number
  ) => Effect.Effect<Reply, StoreError> = Effect.fnUntraced(function*(cell, webhook, named, arrival, receivedAt) {
    let lineId: number | undefined
    const input = ({ call }: Call.Live): Call.Input => {
      lineId = lineOf(call, webhook, named)
      if (lineId === undefined) return { _tag: "Wake" }
      const delivery = cell.deliveries.get(lineId)
      return {
        _tag: "Webhook",
        line: lineId,
        received: {
          webhook,
          receivedAt,
          before: delivery !== undefined && (delivery.written === undefined || arrival < delivery.written),
          copies: delivery?.copies ?? 0,
          unsent: false
        }
      }
    }
    const decided = yield* take(cell, input, (call, decided) => {
      if (lineId === undefined) return undefined
      const reply = Call.reply(call, lineId, decided.answer, settings)
      const delivery = cell.deliveries.get(lineId)
      const again = decided.events.length === 0 && reply._tag === "Act"
      const isCopy = again && delivery?.written !== undefined && arrival > delivery.written
      if (isCopy) delivery.copies++
      return { reply, isCopy, line: lineId, waiter: reply._tag === "Wait" ? waitForReply(cell, lineId) : undefined }
    }, { asks: true })
    if (decided === undefined) {
      if (!(yield* isBehind(cell))) return yield* lostCall(webhook)
      cell.live = undefined
      return yield* onLine(cell, webhook, named, arrival, receivedAt)
    }
    const reply = decided.waiter === undefined
      ? decided.reply
      : yield* awaitReply(cell, decided.line, decided.waiter)
    return toReply(cell, decided.line, receivedAt, reply, decided.isCopy)
  })

  /** An event that carries our namespace but belongs to no call that is stored: a store was lost. Nobody may be left on it. */
  const lostCall = (webhook: Webhook.Webhook): Effect.Effect<Reply> =>
    Webhook.kind(webhook) === "CallCompleted" ? Effect.succeed(silent) : Effect.as(
      Effect.logWarning(
        `An event ${webhook.event} names a call of this installation that is not stored; it is hung up on`
      ),
      { action: Action.hangup, sent: () => Effect.void }
    )

  const arrive = Effect.fnUntraced(function*(webhook: Webhook.Webhook, receivedAt: number) {
    const definition = webhook.to === undefined ? undefined : options.answering(webhook.to)
    if (definition === undefined) return { action: options.refusal, sent: () => Effect.void }
    const cell = cellOf(ids.namedCallId("incoming", webhook.referenceId))
    const input: Call.Input = { _tag: "Arrive", flow: definition.name, version: definition.version, webhook }
    const decided = yield* take(
      cell,
      input,
      (call, decided) => {
        const reply = Call.reply(call, 1, decided.answer, settings)
        return { reply, waiter: reply._tag === "Wait" ? waitForReply(cell, 1) : undefined }
      },
      { asks: true, fresh: () => Call.prepare(cell.id, definition, {}) }
    )
    const reply = decided.waiter === undefined ? decided.reply : yield* awaitReply(cell, 1, decided.waiter)
    return toReply(cell, 1, receivedAt, reply)
  })

  // -------------------------------------------------------------------------------------------------------------------
  // The application
  // -------------------------------------------------------------------------------------------------------------------

  const start = Effect.fnUntraced(function*(definition: Call.AnyDefinition, input: unknown, key: string | undefined) {
    const now = yield* Clock.currentTimeMillis
    const id = key === undefined
      ? ids.newCallId(now, () => random.nextDoubleUnsafe())
      : ids.namedCallId(definition.name, key)
    const started: Call.Input = {
      _tag: "Start",
      flow: definition.name,
      version: definition.version,
      input,
      ...(key === undefined ? {} : { key })
    }
    const cell = cellOf(id)
    const call = yield* take(cell, started, (call) => call, { fresh: () => Call.prepare(id, definition, input) })
    if (call.flow !== definition.name || call.key !== key) {
      return yield* Effect.die(new Error(`Two keys of the flow ${definition.name} stand for one id`))
    }
    return id
  })

  const signal = Effect.fnUntraced(function*(id: CallId, name: string, value: unknown, key: string | undefined) {
    let fits = true
    const told = { _tag: "Signalled", name, value, ...(key === undefined ? {} : { key }) } as const
    yield* take(cellOf(id), ({ call, step }) => {
      const awaited = call.wait?._tag === "Signal" && step._tag === "Waiting" && step.request._tag === "Signal" &&
        step.request.name === name
      if (awaited && step.request._tag === "Signal") fits = step.request.fits(value)
      return fits ? told : { _tag: "Wake" }
    }, ignore)
    return fits
  })

  const outcome = Effect.fnUntraced(function*(id: CallId) {
    const call = yield* get(id)
    if (Option.isNone(call)) {
      return yield* new StoreError({ operation: "read", problem: `There is no call ${id}` })
    }
    if (call.value.exit !== undefined) return call.value.exit
    return yield* Deferred.await(cellOf(id).ended)
  })

  const get = Effect.fnUntraced(function*(id: CallId) {
    const live = cells.get(id)?.live
    if (live !== undefined) return Option.some(live.call)
    const stored = yield* store.read(id)
    return stored.length === 0 ? Option.none() : Option.some(Call.fold(id, stored.flatMap((turn) => turn.events)))
  })

  // -------------------------------------------------------------------------------------------------------------------
  // Time and recovery
  // -------------------------------------------------------------------------------------------------------------------

  const alarm = yield* Alarm.make((id) => Effect.asVoid(fork(takeSurely(cellOf(id as CallId), { _tag: "Wake" }))))

  /** Takes over what an earlier process left: sets the alarms, and looks at once at what only that process knew of. */
  const recover = Effect.gen(function*() {
    const running = yield* store.due({ before: Number.MAX_SAFE_INTEGER })
    const urgent = running.filter((summary) => summary.urgent).map((summary) => cellOf(summary.callId))
    for (const summary of running) {
      if (!summary.urgent && summary.due !== null) alarm.set(summary.callId, summary.due)
    }
    const calls = yield* Effect.forEach(urgent, (cell) => cell.lock.withPermit(loaded(cell)))
    const crashedAt = calls.reduce((latest, live) => Math.max(latest, live?.call.at ?? 0), 0)
    yield* fork(Effect.forEach(urgent, (cell) => resume(cell, crashedAt), { discard: true }))
  })

  const resume = Effect.fnUntraced(function*(cell: Cell, crashedAt: number) {
    yield* takeSurely(cell, { _tag: "Restart", crashedAt })
    if (cell.activity === undefined) yield* runActivity(cell)
  })

  yield* recover

  const engine: Engine = {
    start,
    receive,
    outcome,
    get,
    cancel: (id) => take(cellOf(id), { _tag: "Cancel" }, ignore),
    signal
  }
  return engine
})
