/**
 * The calls in memory: one cell per live call, whose inputs are taken one after another. An input is decided, its events
 * are appended, and only when they are durable does the state in memory change and the world see anything.
 */
import { Cause, Deferred, Effect, Exit, Option, Result } from "effect"
import * as Call from "../Call.ts"
import type { CallEvent, CallId, Exit as FlowExit } from "../CallEvent.ts"
import type { Summary, Turn } from "../EventStore.ts"
import { type EventStore, StoreError, type VersionConflict } from "../EventStore.ts"
import type * as Settings from "../Settings.ts"
import type * as Alarm from "./alarm.ts"
import * as CallLog from "./callLog.ts"
import { CallNotFound } from "./callNotFound.ts"
import { isOfSession, liveLines } from "./callState.ts"
import { type Cell, make as makeCell } from "./cell.ts"
import type { Closing } from "./closing.ts"
import { tolerance } from "./commonClock.ts"
import * as Defect from "./defect.ts"
import * as Gathered from "./gathered.ts"
import * as ids from "./ids.ts"
import {
  beginsWork,
  CallSummary,
  DecidedTurn,
  knower,
  newSessionIn,
  Pending,
  sessionsIn,
  sessionsOf
} from "./pending.ts"
import { isLasting, type Report } from "./report.ts"
import type { Restore } from "./restore.ts"
import type { Run } from "./running.ts"
import * as Startable from "./startable.ts"
import type { Reading } from "./time.ts"

/** What all parts of one engine share. */
export interface Engine {
  readonly store: EventStore["Service"]
  readonly settings: Settings.Settings
  readonly namespace: string
  /** The name of this process incarnation. */
  readonly process: string
  /** The other processes on this store that lived when this one last looked, and the flows that they have registered. */
  neighbours: ReadonlyMap<string, ReadonlySet<string>>
  /** Looks who lives, out of turn. */
  readonly lookAround: Effect.Effect<void, StoreError>
  readonly definition: (name: string, version: number) => Call.AnyDefinition | undefined
  /** Whether neither this process nor another that lived at the last look has registered a flow. */
  readonly isMissing: (name: string, version: number) => boolean
  readonly alarm: Alarm.Alarm
  readonly restore: Restore
  /** The time by which facts are recorded, which is that of all processes on this store, in milliseconds since 1970. */
  readonly now: () => number
  /** The time that tells how long something took, in milliseconds. */
  readonly elapsed: () => number
  /** Both of one moment. */
  readonly read: () => Reading
  /** How this engine ends. */
  readonly closing: Closing
  /** What is said of a store that fails, and of one that throws where it should fail. */
  readonly troubles: { readonly store: Report; readonly throws: Report }
  /** Runs something from this moment on that outlives whoever asked for it, until the engine ends. */
  readonly run: Run
}

/** What a call is told that nobody looked after for a while. */
export type First = (live: Call.Live, cell: Cell) => Call.Input

/**
 * What follows from a turn outside of the cell: dials are sent, activities run. `since` is when the store was asked to
 * append it, by the time that has elapsed.
 */
export type Follow = (
  cell: Cell,
  events: ReadonlyArray<CallEvent>,
  call: Call.Call,
  since: number
) => void

/** What is known of a message before its call has decided on it: that it is for another, or how it is taken. */
export type Route<A> = { readonly instead: A } | { readonly isNew: boolean }

/** An input on its way to its call. */
export interface Message<A> extends TakeOptions {
  /** Finds out whether it is for this call, if that is not sure. */
  readonly route?: (cell: Cell) => Effect.Effect<Route<A>, StoreError> | undefined
  /** What is said, from the newest state if need be. */
  readonly input: Call.Input | ((live: Call.Live, reading: Reading) => Call.Input)
  /** Looks at what it came to, which is durable, before anybody else can. */
  readonly look: (call: Call.Call, decided: Call.Decided) => A
  /** What `look` saw, or why it is not taken. */
  readonly taken: (exit: Taken<A>) => void
}

/** What became of an input. */
export type Taken<A> = Exit.Exit<A, StoreError | CallNotFound>

/** How an input is taken beside the ordinary. */
export interface TakeOptions {
  /**
   * An input that changes nothing is answered from the newest state: no append of its own would tell that another process
   * went on with the call. If the store fails, the state in memory has to do.
   */
  readonly asks?: boolean
  /** What a call that is not stored begins with; without it there has to be one. */
  readonly fresh?: () => Call.Live
  /** The call has an id of chance, so that the store need not be asked whether there is one. */
  readonly isNew?: boolean
  /**
   * What becomes of it while the store is down. `"again"`: it is tried until it is taken or cannot be, and all that comes to
   * the call after it waits. Otherwise it fails, and does so at once while another is tried.
   */
  readonly whileDown?: "again"
  /** Whether the state in memory does not do for an answer, so that the store has to be asked. */
  readonly mustAsk?: () => boolean
  /**
   * Whoever asks can be told that the store refuses it for good, and the call goes on as if it had not been asked. Otherwise
   * the call is stopped then.
   */
  readonly canBeRefused?: boolean
}

const yes = Exit.succeed(true)
const no = Exit.succeed(false)

/** For inputs whose result nobody looks at. */
export const ignore = () => undefined

/** What a function gives, or what it threw. */
const thrown = <A>(f: () => A): Result.Result<A, unknown> => Result.try({ try: f, catch: (thrown) => thrown })

/** At most so many times is a turn decided again because somebody else appended first. */
const maxConflicts = 20

/** What is not in the store so long after its append failed, in milliseconds, will not be. */
const longestCommit = 60_000

/** What is in flight on a line that is wanted. Whoever is on another is hung up on, whatever was in flight. */
const wantedAction = (line: Call.CallLine): Call.CallLine["inFlight"] => {
  const status = Call.status(line)
  return status === "Acting" || status === "Bridged" ? line.inFlight : undefined
}

/** An input that is being taken. It ends once, whatever throws on its way. */
class Taking<A> {
  readonly cell: Cell
  readonly message: Message<A>
  /** Nothing is stored of the call. */
  isNew: boolean
  /** How many times in a row somebody else was first. */
  conflicts = 0
  private readonly ended: (exit: Taken<A>) => void
  private isOver = false
  constructor(cell: Cell, message: Message<A>, ended: (exit: Taken<A>) => void) {
    this.cell = cell
    this.message = message
    this.isNew = message.isNew === true
    this.ended = ended
  }

  goOn(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      if (this.isOver) throw thrown
      this.end(Exit.die(thrown))
    }
  }

  end(exit: Taken<A>): void {
    this.isOver = true
    this.ended(exit)
  }
}

/** The calls that this process holds in memory. */
export type Cells = ReturnType<typeof make>

/** No call in memory yet. */
export const make = (engine: Engine, follow: Follow) => {
  const { alarm, closing, namespace, process, read, run, settings, store, troubles } = engine
  const { untilDone } = troubles.store
  const cells = new Map<CallId, Cell>()
  /** Whose sessions are known: of calls in memory, as the store has them, where the first owner of a session keeps it. */
  const sessions = new Map<string, CallId>()
  /** Sessions that came in and that no call has yet, with the call that begins if nobody has them. */
  const expected = new Map<string, CallId>()
  /** Calls that nobody looked after for a while, and what they are told before anything else. */
  const unattended = new Map<CallId, First>()
  /** Calls in memory that need not be there, the one that has rested longest first. */
  const resting = new Set<Cell>()
  /** Calls that can be neither gone on with nor stopped: nothing wakes them here any more. */
  const abandoned = new Set<CallId>()
  /** Calls of which something that came in after their outcome is not recorded: that is told once. */
  const incomplete = new Set<CallId>()
  /** Why the engine stops a call. */
  const condemned = new WeakMap<Call.Decided, unknown>()
  let turns = 0

  const of = (id: CallId): Cell => {
    const found = cells.get(id)
    if (found !== undefined) return found
    const cell = makeCell(id)
    cells.set(id, cell)
    return cell
  }

  /** The one cell of a call. Whoever held on to it while the call left memory brings it back. */
  const enter = (held: Cell): Cell => {
    const cell = cells.get(held.id) ?? held
    cells.set(cell.id, cell)
    resting.delete(cell)
    cell.takers++
    return cell
  }

  const leave = (cell: Cell): void => {
    cell.takers--
    release(cell)
  }

  /** Does something with a call when what came before is done. The call stays in memory meanwhile. */
  const inTurn = (held: Cell, job: (cell: Cell, done: () => void) => void): void => {
    const cell = enter(held)
    cell.mailbox.post((done) =>
      job(cell, () => {
        leave(cell)
        done()
      })
    )
  }

  /** The same for an effect, which is not to be interrupted. */
  const holding = <A, E>(held: Cell, use: (cell: Cell) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.uninterruptible(
      Effect.callback<A, E>((resume) =>
        inTurn(held, (cell, done) =>
          Startable.begin(Effect.suspend(() => use(cell)), run, (exit) => {
            try {
              resume(exit)
            } finally {
              done()
            }
          }))
      )
    )

  const isBusy = (cell: Cell): boolean =>
    cell.takers > 0 || cell.activity !== undefined || cell.unsure !== undefined ||
    cell.deliveries.size > 0 ||
    [...cell.waiters.values()].some((waiting) => waiting.size > 0)

  /** Lets go of all of a call that the store can tell again. */
  const unload = (cell: Cell): void => {
    for (const session of sessionsOf(cell.live?.call ?? cell.known)) {
      if (sessions.get(session) === cell.id) sessions.delete(session)
    }
    cell.live = cell.known = undefined
    if (cell.listeners === 0) cells.delete(cell.id)
  }

  /** Lets a call leave memory if nothing of it is under way: at once if it is over, else when others have rested since. */
  const release = (cell: Cell): void => {
    // When nothing is recorded any more, what is known decides who hears a hold.
    if (isBusy(cell) || closing.isOver()) return
    if (cell.live === undefined || Call.isOver(cell.live.call)) return unload(cell)
    if (Call.isUrgent(cell.live.call) || cell.ahead > tolerance) return
    resting.add(cell)
    if (resting.size <= settings.keep) return
    const [longest = cell] = resting
    resting.delete(longest)
    if (!isBusy(longest)) unload(longest)
  }

  /** A session is of the call that claimed it first. */
  const claim = (session: string, id: CallId): void => {
    if (!sessions.has(session)) sessions.set(session, id)
  }

  const tellContested = Gathered.make<CallId>(run, (ids, count) =>
    Effect.logWarning(
      `The carrier gave ${count === 1 ? "a call" : `${count} calls`} the reference_id of another call ` +
        `(${[...new Set(ids)].join(", ")}): what comes in under it is taken for an event of the other`
    ))

  /** Learns the sessions of a call that is read. One that another in memory has too is of whom the store says. */
  const learnSessions = (cell: Cell, call: Call.Call): Effect.Effect<void, StoreError> => {
    const contested: Array<string> = []
    for (const session of sessionsOf(call)) {
      claim(session, cell.id)
      if (sessions.get(session) !== cell.id) contested.push(session)
    }
    return Effect.forEach(contested, (session) =>
      Effect.map(store.find(session), (found) => {
        if (Option.isSome(found)) sessions.set(session, found.value)
      }), { discard: true })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // From the store
  // -------------------------------------------------------------------------------------------------------------------

  /** Brings a call into memory from its events, if it has any. Ends it if its flow disagrees with them. */
  const load: (cell: Cell) => Effect.Effect<Call.Live | undefined, StoreError> = Effect.fnUntraced(
    function*(cell) {
      const stored = yield* store.read(cell.id)
      const events = stored.flatMap((turn) => turn.events)
      const last = stored.at(-1)
      const began = stored.findLast((turn) => turn.events.some(beginsWork))
      cell.version = last?.version ?? 0
      cell.writer = last === undefined ? undefined : ids.processOf(last.id)
      cell.worker = began === undefined ? undefined : ids.processOf(began.id)
      if (events.length === 0) return undefined
      const folded = Call.fold(cell.id, events)
      yield* learnSessions(cell, folded)
      cell.known = folded
      const definition = engine.definition(folded.flow, folded.flowVersion)
      if (folded.exit !== undefined) {
        Deferred.doneUnsafe(cell.ended, Exit.succeed(folded.exit))
        cell.live = Call.settled(folded, definition)
        showUnsure(cell, stored)
        return cell.live
      }
      if (definition === undefined) {
        cell.live = Call.withoutFlow(folded)
        // What another process has decided meanwhile is written by this one, if a webhook waits for it.
        for (const line of folded.lines) track(cell, line, isAwaited(cell, line.id))
        showUnsure(cell, stored)
        return cell.live
      }
      const { divergence, live } = Call.rebuild(cell.id, definition, events)
      cell.live = live
      for (const line of live.call.lines) track(cell, line, false)
      if (divergence !== undefined) {
        yield* CallLog.about(
          cell,
          Effect.logError(
            `Call ${cell.id} cannot go on: its flow ${folded.flow} disagrees with its log at event ${divergence.at} ` +
              `(recorded ${divergence.recorded}, now ${divergence.now})`
          )
        )
        const reading = read()
        const ended = Call.diverge(live, divergence, timeOf(cell, live.call, reading))
        const isFirst = yield* commit(cell, ended, reading.elapsed)
        if (!isFirst) return yield* load(cell)
      }
      showUnsure(cell, stored)
      return cell.live
    }
  )

  /** If the append of which nobody knew is stored, what follows from it still has to happen. */
  const showUnsure = (cell: Cell, stored: ReadonlyArray<Turn>): void => {
    const { live, unsure } = cell
    const found = unsure === undefined ? undefined : stored[unsure.version - 1]
    if (found === undefined || unsure === undefined) return
    cell.unsure = undefined
    if (found.id !== unsure.turn || live === undefined) return
    cell.deliveries.clear() // nobody has heard what it decided
    sayStop(cell, unsure.decided)
    show(cell, found.events, live.call, unsure.since)
    rest(cell, live.call, dueOf(live))
  }

  /** Finds out what became of an append that failed: as soon as the store can be read, and once more when it has had time. */
  const findOut = Effect.fnUntraced(function*(cell: Cell) {
    const { unsure } = cell
    const again = (cell: Cell) => {
      if (cell.unsure === unsure) cell.live = undefined
      return loaded(cell)
    }
    const look = untilDone(holding(cell, again)).pipe(
      Effect.catchCause((cause) => logDeath(cell, "What became of an append of a call cannot be found out", cause))
    )
    yield* look
    if (cell.unsure !== unsure) return
    yield* Effect.sleep(longestCommit)
    yield* look
    if (cell.unsure === unsure) cell.unsure = undefined
    release(cell)
  })

  /** Brings a call into memory, if it has any events. The lock of its cell must be held. */
  const loaded = (cell: Cell): Effect.Effect<Call.Live | undefined, StoreError> =>
    cell.live === undefined ? load(cell) : Effect.succeed(cell.live)

  // -------------------------------------------------------------------------------------------------------------------
  // Turns
  // -------------------------------------------------------------------------------------------------------------------

  const summaryOf = (call: Call.Call, version: number, worker: string | undefined): Summary =>
    new CallSummary(call, version, Call.waitingFor(call, settings), knower(call, { worker, writer: process }))

  const pend = (cell: Cell, decided: Call.Decided, since: number): Pending => {
    const version = cell.version + 1
    const worker = decided.events.some(beginsWork) ? process : cell.worker
    const turn = new DecidedTurn(ids.turnId(process, ++turns), cell.id, version, decided)
    return new Pending(cell, decided, turn, summaryOf(decided.live.call, version, worker), worker, since)
  }

  const appending = ({ cell, decided, summary, turn }: Pending): Effect.Effect<void, VersionConflict | StoreError> =>
    store.append(turn, summary, { referenceId: newSessionIn(decided.events, cell.live?.call) })

  /**
   * What an append came to: when it is durable, the state changes and the world sees it. `false` if somebody else has
   * appended to the call, which then has to be read again.
   */
  const appended = (
    pending: Pending,
    exit: Exit.Exit<void, VersionConflict | StoreError>
  ): Exit.Exit<boolean, StoreError> => {
    const { cell, decided, since, summary, turn, worker } = pending
    if (Exit.isFailure(exit)) {
      cell.live = undefined
      const error = Option.getOrUndefined(Exit.findErrorOption(exit))
      if (error?._tag === "VersionConflict") return no
      if (error?.permanent !== true) doubt(pending)
      return error === undefined && Exit.hasDies(exit)
        ? Exit.fail(deadAppend(cell, exit.cause))
        : Exit.failCause(exit.cause as Cause.Cause<StoreError>)
    }
    const { call } = decided.live
    cell.live = decided.live
    cell.known = call
    cell.version = turn.version
    cell.writer = process
    cell.worker = worker
    cell.unsure = undefined
    engine.restore.stored(cell.id, turn.version)
    abandoned.delete(cell.id)
    incomplete.delete(cell.id)
    if (troubles.throws.isBegun) run(troubles.throws.over())
    sayStop(cell, decided)
    show(cell, decided.events, call, since)
    rest(cell, call, Call.isWithoutFlow(decided.live) ? dueOf(decided.live) : summary.due)
    return yes
  }

  /** Nobody knows whether an append is stored. */
  const doubt = ({ cell, decided, since, turn }: Pending): void => {
    cell.unsure = { turn: turn.id, version: turn.version, since, decided }
    run(findOut(cell))
  }

  /** A store that throws where it should fail: nobody knows of the append, as after any failure. */
  const deadAppend = (cell: Cell, cause: Cause.Cause<unknown>): StoreError => {
    const thrown = Defect.error(Cause.squash(cause))
    run(CallLog.about(cell, troubles.throws.failed(thrown.stack ?? thrown.message)))
    return new StoreError({ operation: "write", problem: `It threw: ${thrown.message}`, cause: thrown })
  }

  /** Logs once, when its end is stored, that a flow was stopped without its consent and nobody asked for it. */
  const sayStop = (cell: Cell, decided: Call.Decided): void => {
    const ended = decided.events.find((event) => event._tag === "FlowEnded")
    if (ended === undefined || ended.exit._tag !== "Stopped") return
    const { reason } = ended.exit
    if (reason._tag === "Defect") sayDefect(cell, decided, reason.message)
    if (reason._tag === "Overdue") {
      const words =
        `The flow of call ${cell.id} is stopped: its activity ${reason.activity} took longer than it may. ` +
        "Give it more time (`within`), or let the flow go on without it by a Flow.timeout around it"
      run(CallLog.about(cell, Effect.logError(words)))
    }
  }

  /** Logs what a flow threw. An activity that died is logged where it ran. */
  const sayDefect = (cell: Cell, decided: Call.Decided, message: string): void => {
    const { step } = decided.live
    const isThrown = step._tag === "Done" && step.exit._tag === "Stopped" && step.exit.why._tag === "Defect"
    const thrown = isThrown ? step.exit.why.defect : condemned.get(decided)
    if (Defect.isActivityDeath(thrown)) return
    const words = `The flow of call ${cell.id} is stopped by a defect`
    run(
      thrown === undefined
        ? CallLog.about(cell, Effect.logError(`${words}: ${message}`))
        : CallLog.died(cell, words, thrown)
    )
  }

  const logDeath = (cell: Cell, what: string, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
    Cause.hasInterruptsOnly(cause) ? Effect.void : CallLog.died(cell, what, Cause.squash(cause))

  /** What begins a call inside of a transaction: of it nothing is in memory, for it may not be committed. */
  const first = (id: CallId, live: Call.Live, input: Call.Input) => {
    const cell = makeCell(id)
    const reading = read()
    const decided = decideOn(cell, live, input, reading)
    return pend(cell, decided, reading.elapsed)
  }

  /** Appends what was decided, and tells what that came to. */
  const append = (pending: Pending, then: (exit: Exit.Exit<boolean, StoreError>) => void): void => {
    const begun = thrown(() => appending(pending))
    const ended = (exit: Exit.Exit<void, VersionConflict | StoreError>) => then(appended(pending, exit))
    if (Result.isFailure(begun)) ended(Exit.die(begun.failure))
    else Startable.begin(begun.success, run, ended)
  }

  const commit = (cell: Cell, decided: Call.Decided, since: number): Effect.Effect<boolean, StoreError> =>
    Effect.callback((resume) => append(pend(cell, decided, since), resume))

  /** Everything that follows from a turn that is durable. */
  const show: Follow = (cell, events, call, since) => {
    for (const session of sessionsIn(events)) {
      if (!call.lines.some((line) => isOfSession(line, session))) continue
      claim(session, cell.id)
      if (sessions.get(session) !== cell.id) tellContested(cell.id)
    }
    for (const line of cell.deliveries.keys()) if (line <= call.quiet) cell.deliveries.delete(line)
    for (const line of liveLines(call)) track(cell, line, isOurs(cell, line, events))
    try {
      follow(cell, events, call, since)
    } catch (thrown) {
      run(CallLog.died(cell, `What follows a turn of call ${cell.id} threw`, thrown))
    }
    if (call.exit !== undefined) Deferred.doneUnsafe(cell.ended, Exit.succeed(call.exit))
    answerWaiters(cell, call)
  }

  /** Whether a webhook of this process waits for its flow. */
  const isAwaited = (cell: Cell, line: number): boolean => (cell.waiters.get(line)?.size ?? 0) > 0

  /** Whether an action that a turn has put in flight answers a webhook of this process: another may have written it. */
  const isOurs = (cell: Cell, { id }: Call.CallLine, events: ReadonlyArray<CallEvent>): boolean =>
    store.processes === undefined || isAwaited(cell, id) ||
    events.some((event) => "content" in event && event.line === id)

  /** When something happens to a call by itself that this process has to see to. */
  const dueOf = (live: Call.Live): number | undefined =>
    Call.isWithoutFlow(live)
      ? Call.waitingWithoutFlow(live.call, settings).until
      : Call.waitingFor(live.call, settings).until

  /** The time of a call, which is that of the clock, but never before its own last record. */
  const timeOf = (cell: Cell, call: Call.Call, { now }: Reading): number => {
    cell.ahead = Math.max(cell.ahead, call.at - now)
    return now + cell.ahead
  }

  /**
   * Sets the alarm for the time at which the call is due, if it is not over. Where another process went on with the call,
   * that one has its chance first.
   */
  const rest = (cell: Cell, call: Call.Call, due: number | null | undefined): void => {
    if (Call.isOver(call) || due === null || due === undefined) return alarm.clear(cell.id)
    const isTheirs = cell.writer !== undefined && engine.neighbours.has(cell.writer)
    alarm.set(cell.id, due - cell.ahead + (isTheirs ? settings.lookEvery : 0), Call.isUrgent(call))
  }

  /** Keeps an eye on the delivery of the action in flight. One that is not ours was written before, if at all. */
  const track = (cell: Cell, line: Call.CallLine, isOurs: boolean): void => {
    const action = wantedAction(line)
    if (action === undefined) return void cell.deliveries.delete(line.id)
    const delivery = cell.deliveries.get(line.id)
    if (delivery?.n === action.n && delivery.at === action.at) return
    const written = isOurs ? undefined : 0
    cell.deliveries.set(line.id, { n: action.n, at: action.at, isOurs, written, copies: 0 })
  }

  /** What a call is told. One whose flow no process knows is told so when it wakes. */
  const toldTo = (live: Call.Live, input: Call.Input): Call.Input =>
    input._tag === "Wake" && Call.isWithoutFlow(live) && engine.isMissing(live.call.flow, live.call.flowVersion)
      ? { _tag: "FlowMissing" }
      : input

  const decideOn = (cell: Cell, live: Call.Live, input: Call.Input, reading: Reading): Call.Decided =>
    Call.decide(live, toldTo(live, input), {
      now: timeOf(cell, live.call, reading),
      process,
      namespace,
      settings,
      restored: engine.restore.verdicts
    })

  /** A decision, or what it threw. What throws while a call begins ends it as it begins, so that it is not lost. */
  const decisionOn = (cell: Cell, live: Call.Live, input: () => Call.Input, reading: Reading) => {
    const found = thrown(() => decideOn(cell, live, input(), reading))
    return Result.isFailure(found) && live.call.flow === ""
      ? thrown(() => decideOn(cell, Call.stillborn(live, found.failure), input(), reading))
      : found
  }

  /**
   * The one way into a call. An input waits until those before it have been taken, and then:
   *
   *  1. the call is brought into memory, if it is not there;
   *  2. the input is decided on, with the newest state;
   *  3. what was decided is appended, if it is anything;
   *  4. when that is durable the world sees it, and whoever posted the input is told.
   *
   * If another process was first, it begins anew. Whatever throws on the way ends that one input.
   */
  const post = <A>(held: Cell, message: Message<A>): void => {
    const { trying } = of(held.id)
    if (trying !== undefined && message.whileDown !== "again") return message.taken(Exit.fail(trying))
    inTurn(held, (cell, done) => {
      const end = (exit: Taken<A>) => {
        try {
          message.taken(exit)
        } finally {
          done()
        }
      }
      attempt(cell, message, (exit) => {
        const error = Option.getOrUndefined(Exit.findErrorOption(exit))
        const mayPass = error?._tag === "StoreError" && !isLasting(error)
        if (mayPass && message.whileDown === "again") tryAgain(cell, message, error, end)
        else end(exit)
      })
    })
  }

  const attempt = <A>(cell: Cell, message: Message<A>, ended: (exit: Taken<A>) => void): void => {
    const taking = new Taking(cell, message, ended)
    taking.goOn(() => {
      const route = message.route?.(cell)
      if (route === undefined) return turn(taking)
      after(taking, route, (found) => {
        if ("instead" in found) return taking.end(Exit.succeed(found.instead))
        taking.isNew = found.isNew
        turn(taking)
      })
    })
  }

  /** The store is down, and is tried until it is not. */
  const tryAgain = <A>(cell: Cell, message: Message<A>, error: StoreError, end: (exit: Taken<A>) => void): void => {
    cell.trying = error
    const once = Effect.callback<A, StoreError | CallNotFound>((resume) => attempt(cell, message, resume))
    const tried = troubles.store.goOnTrying(Effect.uninterruptible(once), error)
    run(Effect.onExitPrimitive(tried, (exit) => {
      cell.trying = undefined
      end(exit)
      return undefined
    }))
  }

  /** `post` for whoever waits. Not to be interrupted, so that a webhook whose sender has gone away is recorded all the same. */
  const take = <A>(
    held: Cell,
    input: Message<A>["input"],
    look: Message<A>["look"],
    options: TakeOptions = {}
  ): Effect.Effect<A, StoreError | CallNotFound> =>
    Effect.uninterruptible(Effect.callback((taken) => post(held, { ...options, input, look, taken })))

  const turn = <A>(taking: Taking<A>): void => {
    const { cell } = taking
    if (taking.conflicts > maxConflicts) return taking.end(Exit.fail(endless(cell)))
    const isUnknown = taking.isNew && taking.conflicts === 0
    if (cell.live !== undefined || isUnknown) return decide(taking, cell.live)
    after(taking, load(cell), (live) => decide(taking, live))
  }

  const decide = <A>(taking: Taking<A>, known: Call.Live | undefined): void => {
    const { cell, message } = taking
    const live = known ?? message.fresh?.()
    if (live === undefined) return taking.end(Exit.fail(new CallNotFound({ callId: cell.id })))
    const reading = read()
    const first = unattended.get(cell.id)
    const found = decisionOn(cell, live, () => inputOf(taking, live, first, reading), reading)
    if (Result.isFailure(found)) return giveUpOn(taking, live, first, found.failure)
    const decided = found.success
    if (decided.events.length === 0) return unchanged(taking, decided, first)
    append(pend(cell, decided, reading.elapsed), (exit) =>
      taking.goOn(() => {
        if (Exit.isSuccess(exit)) return exit.value ? taken(taking, decided, first) : again(taking)
        const error = Option.getOrUndefined(Exit.findErrorOption(exit))
        const isTold = first === undefined && message.canBeRefused === true
        if (error?.permanent !== true || isTold) return taking.end(Exit.failCause(exit.cause))
        giveUpOn(taking, live, first, error)
      }))
  }

  /** What is said to the call: before anything else, what it is told because nobody looked after it. */
  const inputOf = <A>(
    { cell, message: { input } }: Taking<A>,
    live: Call.Live,
    first: First | undefined,
    reading: Reading
  ): Call.Input => {
    if (first !== undefined) return first(live, cell)
    return typeof input === "function" ? input(live, reading) : input
  }

  /** Nothing is to be stored. Where others share the store, they may have gone on with the call. */
  const unchanged = <A>(taking: Taking<A>, decided: Call.Decided, first: First | undefined): void => {
    const { cell, message } = taking
    const look = (isBehind: boolean): void => {
      if (isBehind) {
        cell.live = undefined
        return again(taking)
      }
      rest(cell, decided.live.call, dueOf(decided.live))
      taken(taking, decided, first)
    }
    const asks = first === undefined ? message.asks === true : store.processes !== undefined
    if (!asks) return look(false)
    const asked = isBehind(cell)
    after(taking, message.mustAsk?.() === true ? asked : Effect.orElseSucceed(asked, () => false), look)
  }

  /** Somebody else was first. */
  const again = <A>(taking: Taking<A>): void => {
    taking.conflicts++
    turn(taking)
  }

  const taken = <A>(taking: Taking<A>, decided: Call.Decided, first: First | undefined): void => {
    const { cell, message } = taking
    if (first === undefined) return taking.end(Exit.succeed(message.look(decided.live.call, decided)))
    // Time may have jumped again meanwhile: then there is something new to tell.
    if (unattended.get(cell.id) === first) unattended.delete(cell.id)
    taking.conflicts = 0
    turn(taking)
  }

  /** The decision threw, or its turn is refused for good: the call is stopped, and then told what it was to be told. */
  const giveUpOn = <A>(taking: Taking<A>, live: Call.Live, first: First | undefined, problem: unknown): void => {
    const { cell, message } = taking
    const isOfTime = first !== undefined || (typeof message.input !== "function" && message.input._tag === "Wake")
    const isStopped = live.call.exit === undefined || isOfTime
    after(taking, isStopped ? condemn(cell, live, problem) : leaveOut(cell, problem), () => again(taking))
  }

  /** Goes on with an input when an effect is done, unless that fails. */
  const after = <A, B>(taking: Taking<A>, effect: Effect.Effect<B, StoreError>, then: (value: B) => void): void =>
    Startable.begin(
      effect,
      run,
      (exit) => taking.goOn(() => Exit.isSuccess(exit) ? then(exit.value) : taking.end(Exit.failCause(exit.cause)))
    )

  const endless = ({ id }: Cell): StoreError =>
    new StoreError({ operation: "write", problem: `Call ${id} is appended to without an end` })

  /**
   * Stops a call whose decision threw, or is refused by the store for good: its flow is not trusted any more, and its lines
   * are closed. What cannot be stopped either is left as it is.
   */
  const condemn = (cell: Cell, live: Call.Live, problem: unknown): Effect.Effect<void, StoreError> => {
    const reading = read()
    const { call } = live
    const stop = call.flow === "" || call.exit !== undefined
      ? undefined
      : Result.getOrUndefined(thrown(() => Call.defect(live, problem, timeOf(cell, call, reading))))
    cell.live = undefined
    if (stop === undefined) return abandon(cell, call, problem)
    condemned.set(stop, problem)
    return commit(cell, stop, reading.elapsed).pipe(
      Effect.asVoid,
      Effect.catchIf((error) => error.permanent === true, () => abandon(cell, call, problem))
    )
  }

  const unrecordable = (problem: unknown): StoreError =>
    new StoreError({
      operation: "write",
      problem: `Nothing can be recorded: ${Defect.message(problem)}`,
      permanent: true
    })

  /** Leaves out what came in for a call that has its outcome: its lines are closed when their time is over. */
  const leaveOut = (cell: Cell, problem: unknown): Effect.Effect<never, StoreError> => {
    cell.live = undefined
    // Its alarm is set by how far it is ahead of the clock, which is forgotten with a call that is not in memory.
    const isLeftOut = Effect.andThen(Effect.ignore(loaded(cell)), Effect.fail(unrecordable(problem)))
    if (incomplete.has(cell.id)) return isLeftOut
    incomplete.add(cell.id)
    const words = `What came in for call ${cell.id} after its outcome cannot be recorded, and is left out`
    return Effect.andThen(CallLog.died(cell, words, problem), isLeftOut)
  }

  /** Gives a call up in this process. It stays in the store as it is, for whoever can go on with it. */
  const abandon = (cell: Cell, { flow }: Call.Call, problem: unknown): Effect.Effect<never, StoreError> => {
    const error = unrecordable(problem)
    cell.live = undefined
    if (flow === "" || abandoned.has(cell.id)) return Effect.fail(error)
    abandoned.add(cell.id)
    unattended.delete(cell.id)
    const words = `Call ${cell.id} can neither go on nor be stopped, and is left as it is`
    return Effect.andThen(CallLog.died(cell, words, problem), Effect.fail(error))
  }

  /** Whether another process has appended to the call. */
  const isBehind = (cell: Cell): Effect.Effect<boolean, StoreError> =>
    Effect.map(
      store.summary(cell.id),
      (found) => Option.isSome(Option.filter(found, ({ version }) => version > cell.version))
    )

  /** Brings a call that another process went on with up to date. */
  const refresh = (cell: Cell): Effect.Effect<void, StoreError> =>
    holding(
      cell,
      Effect.fnUntraced(function*(cell) {
        if (!(yield* isBehind(cell))) return
        cell.live = undefined
        const live = yield* loaded(cell)
        if (live !== undefined) rest(cell, live.call, dueOf(live))
      })
    )

  /**
   * Goes on with a call as it is stored now, because another process has said that there is something new. `false` if its
   * flow is not registered here, be it over or not: then what others have decided answers the webhooks that wait for it.
   */
  const goOn = (cell: Cell): Effect.Effect<boolean, StoreError | CallNotFound> =>
    Effect.andThen(
      holding(cell, reload),
      take(cell, { _tag: "Wake" }, (call, { live }) => {
        answerWaiters(cell, call)
        return live.definition !== undefined
      })
    )

  const reload = (cell: Cell): Effect.Effect<unknown, StoreError> => {
    cell.live = undefined
    return loaded(cell)
  }

  /** Takes an input that nobody waits for, and goes on trying while the store is down. */
  const takeSurely = (cell: Cell, input: Call.Input): Effect.Effect<void> => {
    const taken = take(cell, input, ignore, { whileDown: "again" }).pipe(
      Effect.catch((error) =>
        abandoned.has(cell.id)
          ? Effect.void
          : CallLog.about(cell, Effect.logError(`Call ${cell.id} cannot take ${input._tag}: ${error.message}`))
      ),
      Effect.catchCause((cause) => logDeath(cell, `Call ${cell.id} cannot take ${input._tag}`, cause))
    )
    return closing.inHand(taken)
  }

  /** Looks at what time has brought to a call, behind what came in before. */
  const wake = (id: CallId): Effect.Effect<void> =>
    Effect.suspend(() => abandoned.has(id) ? Effect.void : takeSurely(of(id), { _tag: "Wake" }))

  const answerWaiters = (cell: Cell, call: Call.Call): void => {
    for (const [line, waiting] of cell.waiters) {
      const reply = Call.reply(call, line, "line", settings)
      if (reply._tag === "Wait") continue
      cell.waiters.delete(line)
      for (const waiter of waiting) Deferred.doneUnsafe(waiter, Exit.succeed(reply))
    }
  }

  return {
    of,
    /** The call of a cell, brought into memory if it has any events. */
    inMemory: (cell: Cell) => holding(cell, loaded),
    /** The same for whoever has its turn. */
    loaded,
    /** This session came in: if nobody has it, it will be that of a call which is about to be stored. */
    expect: (session: string, id: CallId): void => void (expected.has(session) || expected.set(session, id)),
    /** What came in is recorded, or never will be. */
    expectNoMore: (session: string, id: CallId): void => {
      if (expected.get(session) === id) expected.delete(session)
    },
    /** The call that has this session, as far as memory tells. */
    ownerOf: (session: string): CallId | undefined => sessions.get(session),
    first,
    release,
    take,
    post,
    takeSurely,
    wake,
    isBehind,
    refresh,
    goOn,
    /** A call that nobody looked after for a while is told this before anything else. */
    tellFirst: (id: CallId, first: First): void => void unattended.set(id, first),
    isUnattended: (id: CallId): boolean => unattended.has(id),
    /** The clock was set forward by so much, or back: nothing in memory is set back with it. */
    adjust: (by: number): void => {
      for (const cell of cells.values()) cell.ahead = Math.max(0, cell.ahead - by)
    },
    /** The calls in memory that have something under way. */
    underWay: (): ReadonlyArray<Call.Call> =>
      [...cells.values()].flatMap(({ known, live }) => {
        const call = live?.call ?? known
        return call !== undefined && Call.isUrgent(call) ? [call] : []
      }),
    /** The calls of which something is being decided or stored, whatever will have come of it. */
    beingTaken: (): ReadonlyArray<CallId> => [...cells.values()].flatMap(({ id, takers }) => takers > 0 ? [id] : []),
    /** The calls whose outcome somebody waits for. */
    awaited: (): ReadonlyArray<CallId> => [...cells.values()].flatMap(({ id, listeners }) => listeners > 0 ? [id] : []),
    /** The outcome of a call, whoever brings it to its end. The call need not be in memory meanwhile. */
    outcome: <E>(
      id: CallId,
      known: Effect.Effect<FlowExit | undefined, E>
    ): Effect.Effect<FlowExit, E | StoreError> =>
      Effect.suspend(() => {
        const cell = of(id)
        cell.listeners++
        const found = Effect.flatMap(
          known,
          (exit) => exit === undefined ? Deferred.await(cell.ended) : Effect.succeed(exit)
        )
        return Effect.ensuring(
          found,
          Effect.sync(() => {
            cell.listeners--
            release(cell)
          })
        )
      }),
    all: (): Iterable<Cell> => cells.values(),
    /** Whoever waits for an outcome waits no longer. */
    giveUp: (error: StoreError): void => {
      for (const { ended, listeners } of cells.values()) if (listeners > 0) Deferred.doneUnsafe(ended, Exit.fail(error))
    },
    /** The call whose session this is, or will be, as far as memory tells. */
    bySession: (session: string): CallId | undefined => sessions.get(session) ?? expected.get(session),
    /** Whether a call is in memory as it was before another process went on with it. */
    isOutdated: (id: CallId, version: number): boolean => {
      const cell = cells.get(id)
      return cell?.live !== undefined && cell.version < version
    },
    /** The call as it is in memory. */
    live: (id: CallId): Call.Live | undefined => cells.get(id)?.live
  }
}
