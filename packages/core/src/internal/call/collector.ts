/**
 * One turn of a call: facts come in, the flow goes on, and its decisions are recorded behind them. The same code runs a
 * live turn and a replay.
 */
import { Hash } from "effect"
import { type Call, evolve, lineOf, liveLines } from "../../Call.ts"
import type { CallEvent, StopReason } from "../../CallEvent.ts"
import type { CallLine } from "../../CallLine.ts"
import { type AnyDefinition, type LiveCall, over, type Unheard } from "../../LiveCall.ts"
import type * as Request from "../../Request.ts"
import * as Step from "../../Step.ts"
import * as Defect from "../defect.ts"
import * as interpreter from "../flow/interpreter.ts"
import * as Masked from "../masked.ts"
import * as declared from "./declared.ts"
import { expiry, heldTooLong, isAtOnce, isUnfit, resumption } from "./resumption.ts"

/** An event before its time is put on it. */
export type Body<E extends CallEvent = CallEvent> = E extends CallEvent ? Omit<E, "at"> : never

/** A request counts as so many steps of the interpreter, and so does a wait of no length: both are recorded. */
const stepsOfRequest = 50
const stepsOfNoTime = 450

/** The line that the flow holds: the one that was opened last and that it has not left. Nobody need be there any more. */
export const heldLine = (call: Call): CallLine | undefined => call.lines.findLast(({ released }) => !released)

/** The line of a caller, which is there before the flow answers it. */
const incomingLine = ({ lines: [first] }: Call): CallLine | undefined =>
  first?.direction === "inbound" ? first : undefined

/** Whether a caller still waits on another line, which the flow holds again when this one is left. */
const isBeforeCaller = (call: Call, { id }: CallLine): boolean => {
  const caller = incomingLine(call)
  return caller !== undefined && caller.id !== id && !caller.left && caller.phase !== "Closed"
}

/** Whether a flow that was stopped still waits for what it waited for, because a finalizer of its own runs. */
const waitsOn = (step: Step.Step<unknown, unknown>, before: Step.Step<unknown, unknown>): boolean =>
  step._tag === "Waiting" && before._tag === "Waiting" && step.asks === before.asks

const isUsable = (line: CallLine | undefined): line is CallLine =>
  line !== undefined && !line.left && (line.phase === "Owing" || line.phase === "Acting" || line.phase === "Bridged")

/** A number from 0 to less than 1 that belongs to a place in a call: the hash of both, mixed so that neighbours differ. */
const drawn = (callId: string, place: number): number => {
  let bits = Hash.string(`${callId}/${place}`)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
}

const stopReason = (why: Step.Stop): StopReason => {
  switch (why._tag) {
    case "Cancelled":
      return { _tag: "Cancelled" }
    case "Overdue":
      return { _tag: "Overdue", activity: why.activity }
    case "Defect":
      return { _tag: "Defect", message: Defect.message(why.defect) }
    case "Expired":
      return { _tag: "Defect", message: "A scope ended outside of itself" }
  }
}

/** The end of a flow whose value cannot be recorded. The problem names the place, never the value. */
const misfit = (what: string, problem: Error): Call["exit"] & {} => ({
  _tag: "Stopped",
  reason: { _tag: "Defect", message: Defect.masked(`The ${what} does not fit its schema: ${problem.message}`) }
})

const next = (step: Step.Waiting<unknown, unknown>, response: Request.Response): Step.Step<unknown, unknown> =>
  interpreter.next(step, response) as Step.Step<unknown, unknown>

/** The response to a request that is answered at once. */
type Answered = { readonly value: Request.Response } | undefined

type Asks<Tag extends Request.Request["_tag"]> = Extract<Request.Request, { readonly _tag: Tag }>

const nothing: ReadonlyArray<Unheard> = []

/** What a turn leaves. A class, as frames are in `flow/interpreter.ts`, because it lives until the next one. */
class Left implements LiveCall {
  readonly call: Call
  readonly definition: AnyDefinition | undefined
  readonly step: Step.Step<unknown, unknown>
  readonly unheard: ReadonlyArray<Unheard>
  readonly steps: number
  constructor({ call, definition, step, steps = 0, unheard = nothing }: LiveCall) {
    this.call = call
    this.definition = definition
    this.step = step
    this.unheard = unheard
    this.steps = steps
  }
}

/** What a flow did in a turn: it asked for something, went on from what became of that, or ended. */
export type Moment =
  & {
    /** Whether somebody is on the line that the flow holds. */
    readonly isOpen: boolean
  }
  & (
    | { readonly _tag: "Asked"; readonly step: Step.Waiting<unknown, unknown> }
    | {
      readonly _tag: "Happened"
      readonly step: Step.Waiting<unknown, unknown>
      readonly what:
        | { readonly _tag: "Responded"; readonly response: Request.Response }
        | { readonly _tag: "Stopped"; readonly why: Step.Stop }
        | { readonly _tag: "HungUp" }
    }
    | { readonly _tag: "Ended"; readonly exit: Call["exit"] & {} }
  )

type Untold<M extends Moment = Moment> = M extends Moment ? Omit<M, "isOpen"> : never

/** Collects what one input changes. Mutable, and never leaves the function that made it. */
export class Collector {
  call: Call
  step: Step.Step<unknown, unknown>
  readonly definition: AnyDefinition | undefined
  unheard: ReadonlyArray<Unheard>
  readonly events: Array<CallEvent> = []
  private readonly at: number
  /** Whether the request that the flow waits for is on record. */
  private asked: boolean
  /** How many steps the flow has taken since it last waited for a while. */
  steps: number
  /** Who watches what the flow does. */
  private readonly watch: ((moment: Moment) => void) | undefined

  constructor(live: LiveCall, now: number, watch?: (moment: Moment) => void) {
    this.watch = watch
    this.call = live.call
    this.step = live.step
    this.definition = live.definition
    this.unheard = live.unheard ?? nothing
    this.steps = live.steps ?? 0
    this.at = Math.max(now, live.call.at)
    this.asked = live.call.decisions > 0
  }

  /** The call and its flow after this turn. */
  get live(): LiveCall {
    return new Left(this)
  }

  /** What is recorded so far. A copy, because what a literal has made may be allocated as old: see `Left`. */
  get decided(): ReadonlyArray<CallEvent> {
    return this.events.slice()
  }

  /** The state of a line at this moment of the turn. */
  line(id: number): CallLine {
    return lineOf(this.call, id)!
  }

  /** Whether the flow still runs, in a process that has not registered it. */
  get isWithoutFlow(): boolean {
    return this.definition === undefined && this.call.exit === undefined
  }

  /** Records a fact from outside and lets the flow go on as far as it brings it. */
  fact(body: Body): void {
    if (this.isWithoutFlow) this.awaitFlow()
    const before = this.call
    const event = this.record(body)
    this.steps = isAtOnce(before, event) ? this.steps + stepsOfNoTime : 0
    if (event._tag === "FlowResumed") return this.catchUp()
    if (this.call.unheardSince !== undefined) return this.leaveUnheard(before, event)
    this.hear(before, event, this.call)
    this.advance()
  }

  /** Lets the flow go on from a fact. */
  private hear(before: Call, event: CallEvent, after: Call): void {
    const step = this.step
    if (step._tag === "Done") return
    const found = event._tag === "DeadlinePassed"
      ? expiry(step, event.n)
      : event._tag === "HoldExpired"
      ? heldTooLong(step)
      : resumption(before, event, after)
    if (found === undefined) return
    if (isUnfit(step.request, event)) {
      this.asked = false // it waits on, as it does after one that was told before it waited
      return
    }
    const moved = found._tag === "Resume" ? next(step, found.response) : Step.stop(step, found.why)
    // What is stopped speaks on no line any more, and what ensures has none.
    if (event._tag === "Cancelled" && !waitsOn(moved, step)) this.leaveAll()
    const what = found._tag === "Resume" ? { _tag: "Responded", response: found.response } as const : {
      _tag: "Stopped",
      why: found.why
    } as const
    if (moved !== step) this.tell({ _tag: "Happened", step, what })
    this.move(moved)
  }

  /** Notes that the flow does not hear what comes from now on. */
  private awaitFlow(): void {
    if (this.call.unheardSince === undefined) this.record({ _tag: "FlowAwaited" })
  }

  /**
   * Keeps what the flow has to hear: the first fact that would have let it go on, for what came behind that shows by itself,
   * and before it that it was cancelled. Whenever that was recorded, nothing of the flow had gone on from the fact.
   */
  private leaveUnheard(before: Call, event: CallEvent): void {
    const after = this.call
    const isCancel = event._tag === "Cancelled"
    const isKept = this.unheard.some(({ event }) => (event._tag === "Cancelled") === isCancel)
    if (isKept || resumption(before, event, after) === undefined) return
    const kept = { before, event, after }
    this.unheard = isCancel ? [kept, ...this.unheard] : [...this.unheard, kept]
  }

  /** Lets the flow hear what it has not heard. What it waits for after a stop is not answered by what came before. */
  private catchUp(): void {
    const { unheard } = this
    this.unheard = nothing
    for (const { after, before, event } of unheard) {
      this.hear(before, event, after)
      if (!this.asked) break
    }
    this.advance()
  }

  private record(body: Body): CallEvent {
    const event: CallEvent = Masked.withAt(body, this.at)
    this.events.push(event)
    this.call = evolve(this.call, event)
    return event
  }

  /** A step of the same number of requests waits on for what is on record: a stop waits for a finalizer. */
  private move(step: Step.Step<unknown, unknown>): void {
    this.asked = this.asked && waitsOn(step, this.step)
    this.step = step
  }

  /** Lets the flow go on until it waits for something that is on record, or has ended. */
  advance(): void {
    for (;;) {
      const step = this.step
      if (step._tag === "Done") return this.end(step.exit)
      const unheld = isUsable(heldLine(this.call)) ? step : Step.endHold(step)
      if (unheld !== step) {
        if (this.asked) this.tell({ _tag: "Happened", step, what: { _tag: "HungUp" } })
        this.move(unheld)
        continue
      }
      if (this.asked) return
      if (this.isCut(step) || this.isUndeclared(step)) continue
      this.tell({ _tag: "Asked", step })
      const response = this.ask(step.request)
      if (response === undefined) this.asked = true
      else {
        this.tell({ _tag: "Happened", step, what: { _tag: "Responded", response: response.value } })
        this.move(next(step, response.value))
      }
    }
  }

  /**
   * Cuts a flow that goes on without an end, once, unless the interpreter has done so. What then tidies up may take as many
   * steps again, and no more.
   */
  private isCut(step: Step.Waiting<unknown, unknown>): boolean {
    const { maxSteps } = interpreter
    const before = this.steps
    this.steps += step.steps + stepsOfRequest
    if (this.steps >= maxSteps * 2) this.step = { _tag: "Done", exit: { _tag: "Stopped", why: interpreter.endless } }
    else if (this.steps >= maxSteps && Math.max(before, step.steps) < maxSteps) {
      this.move(Step.stop(step, interpreter.endless))
    }
    return this.step !== step
  }

  /** Stops a flow that waits for a signal which it does not declare: no call of it could be told that. */
  private isUndeclared(step: Step.Waiting<unknown, unknown>): boolean {
    if (step.request._tag !== "Signal") return false
    const defect = declared.awaitedProblem(this.definition!, step.request.name)
    if (defect !== undefined) this.move(Step.stop(step, { _tag: "Defect", defect }))
    return defect !== undefined && this.step !== step
  }

  /** Puts a request on record, or answers it at once. */
  private ask(request: Request.Request): Answered {
    const n = this.call.decisions + 1
    switch (request._tag) {
      case "Dial": {
        const { _tag, ...dialling } = request
        this.record({ _tag: "DialPlanned", n, line: this.call.lines.length + 1, ...dialling })
        return undefined
      }
      case "Answer": {
        const line = incomingLine(this.call)
        return { value: { from: line?.from, to: line?.to } }
      }
      case "Prompt":
      case "Bridge":
        return this.act(n, request)
      case "Leave":
        this.leave()
        return { value: null }
      case "Sleep":
        this.record({ _tag: "SleepStarted", n, until: this.at + request.millis })
        return undefined
      case "Activity":
        this.record({ _tag: "ActivityStarted", n, name: request.name, until: this.at + request.withinMillis })
        return undefined
      case "Signal":
        return this.awaitSignal(n, request)
      case "SetDeadline":
        this.record({ _tag: "DeadlineSet", n, until: this.at + request.millis })
        return { value: { n } }
      case "LiftDeadline":
        this.record({ _tag: "DeadlineLifted", n: request.n })
        return { value: null }
      case "Now":
        return { value: this.at }
      case "Random": {
        const value = drawn(this.call.id, n)
        this.record({ _tag: "Drawn", n, value })
        return { value }
      }
      case "Note":
        this.record({ _tag: "Noted", n, name: request.name, data: request.data })
        return { value: null }
    }
  }

  /** Puts an action on the line that the flow holds, if somebody may still be there. */
  private act(n: number, request: Asks<"Prompt" | "Bridge">): Answered {
    const line = heldLine(this.call)
    if (!isUsable(line)) return { value: { _tag: "HungUp" } }
    const isGoodbye = request._tag === "Prompt" && request.goodbye
    this.record({
      _tag: "ActionDecided",
      n,
      line: line.id,
      action: request.action,
      ...(isGoodbye ? { goodbye: true } : {})
    })
    return undefined
  }

  /** Waits for a signal, unless one that fits was told before. What does not fit before it is left out. */
  private awaitSignal(n: number, { fits, name, withinMillis }: Asks<"Signal">): Answered {
    const all = this.call.signals.filter((signal) => signal.name === name)
    const fitting = all.findIndex(({ value }) => fits(value))
    const told = all[fitting]
    const unfit = told === undefined ? all.length : fitting
    this.record({
      _tag: "SignalAwaited",
      n,
      name,
      until: this.at + withinMillis,
      ...(told === undefined ? {} : { heard: true }),
      ...(unfit === 0 ? {} : { unfit })
    })
    return told === undefined ? undefined : { value: { _tag: "Received", value: told.value } }
  }

  private leave(): void {
    const line = heldLine(this.call)
    if (line === undefined) return
    const isOpen = !line.left && line.phase !== "Closed"
    if (isOpen || isBeforeCaller(this.call, line)) this.record({ _tag: "LineLeft", line: line.id })
  }

  private leaveAll(): void {
    for (const { id, left, phase } of liveLines(this.call)) {
      if (!left && phase !== "Closed") this.record({ _tag: "LineLeft", line: id })
    }
  }

  private end(exit: Step.Exit<unknown, unknown>): void {
    if (this.call.exit !== undefined) return
    const isOpen = this.isOpen
    this.leaveAll()
    const codec = this.definition!.codec
    switch (exit._tag) {
      case "Success": {
        const stored = codec.encodeOutput(exit.value)
        return this.ended(
          stored._tag === "Success"
            ? { _tag: "Success", value: stored.success }
            : misfit("output", stored.failure),
          isOpen
        )
      }
      case "Failure": {
        const stored = codec.encodeError(exit.error)
        return this.ended(
          stored._tag === "Success"
            ? { _tag: "Failure", error: stored.success }
            : misfit("error", stored.failure),
          isOpen
        )
      }
      case "Stopped":
        return this.ended({ _tag: "Stopped", reason: stopReason(exit.why) }, isOpen)
    }
  }

  /** Whether somebody is on the line that the flow holds. */
  private get isOpen(): boolean {
    return isUsable(heldLine(this.call))
  }

  private tell(moment: Untold, isOpen = this.isOpen): void {
    this.watch?.({ ...moment, isOpen })
  }

  private ended(exit: Call["exit"] & {}, isOpen = this.isOpen): void {
    this.tell({ _tag: "Ended", exit }, isOpen)
    this.record({ _tag: "FlowEnded", exit })
  }

  /** The flow disagrees with the log: it is not trusted any more, so nothing of it runs, and its line is left. */
  diverged(at: number, recorded: string, now: string): void {
    if (this.call.exit !== undefined) return
    this.leaveAll()
    this.ended({ _tag: "Stopped", reason: { _tag: "FlowDiverged", at, recorded, now } })
  }

  /** The flow threw where nothing of it can go on, or what it decided cannot be stored: nothing of it runs any more. */
  defected(problem: unknown): void {
    if (this.call.exit !== undefined) return
    this.leaveAll()
    this.ended({ _tag: "Stopped", reason: { _tag: "Defect", message: Defect.message(problem) } })
    this.step = over
  }

  /** No process knows the flow, so nothing of it runs: the call ends without it. */
  abandoned(reason: StopReason): void {
    if (!this.isWithoutFlow) return
    this.awaitFlow()
    this.leaveAll()
    this.ended({ _tag: "Stopped", reason })
  }
}
