/**
 * The interpreter of flows: a loop over a stack of frames. It knows no clock, no line and no log; what a flow asks for is
 * data to it.
 *
 * A step can be resumed more than once, each time with another response. What a flow has made on its way (generators,
 * values that it changes, variables that its functions share) belongs to one run and cannot be shared, so the first
 * resumption of a step uses it up, and a turn costs the same in a long call. Any other runs the flow again from its start
 * over the responses so far, with a copy of each response, as a replay would.
 */
import { Pipeable } from "effect"
import { copyOf } from "../copy.ts"
import * as CopyOfCore from "../copyOfCore.ts"
import { Content, contentOf } from "./content.ts"
import { type Mark, Marks, nothing } from "./marks.ts"

/** Why a flow ends without its own consent. */
export type Stop =
  | { readonly _tag: "Cancelled" }
  | { readonly _tag: "Overdue"; readonly activity: string }
  | { readonly _tag: "Defect"; readonly defect: unknown }
  | { readonly _tag: "Expired"; readonly scope: number }

/** How a flow, or a part of it, ended. */
export type Exit<A, E> =
  | { readonly _tag: "Success"; readonly value: A }
  | { readonly _tag: "Failure"; readonly error: E }
  | { readonly _tag: "Stopped"; readonly why: Stop }

/** What a flow asks of the world. The interpreter hands it on without looking inside. */
export interface Asked {
  readonly _tag: string
}

/** A flow ended with a value. */
export const success = <A>(value: A) => ({ _tag: "Success", value }) as const

/** A flow ended with a failure. */
export const failure = <E>(error: E) => ({ _tag: "Failure", error }) as const

/** Something that bounds a part of a flow from outside: when it ends first, the part fails with `failure`. */
export interface Scope {
  readonly _tag: string
  readonly failure: unknown
}

type Resume = (response: never) => Exit<unknown, unknown>
type Continue = (value: never) => Program
type Recover = (error: never) => Program | undefined
type Body = () => Iterator<Program, unknown, unknown>

/** A reducer in the middle of its work. */
export interface Reduction {
  readonly state: unknown
  readonly decide: (state: never) => { readonly ask: Program } | { readonly done: unknown }
  readonly evolve: (state: never, event: never) => unknown
}

/** What a flow is made of. */
export type Node =
  | { readonly _tag: "End"; readonly exit: Exit<unknown, unknown> }
  | { readonly _tag: "Suspend"; readonly make: () => Program }
  | { readonly _tag: "Await"; readonly request: Asked; readonly resume: Resume }
  | {
    readonly _tag: "Bind"
    readonly self: Program
    readonly onSuccess: Continue | undefined
    readonly onFailure: Recover | undefined
  }
  | { readonly _tag: "Gen"; readonly body: Body }
  | { readonly _tag: "Ensure"; readonly self: Program; readonly finalizer: Program }
  | { readonly _tag: "Scoped"; readonly self: Program; readonly scope: Scope }
  | { readonly _tag: "Reduce"; readonly reduction: Reduction }

/** How many programs have been made: of two, the one with the lower number is older. */
let made = 0

/** A flow as the interpreter sees it. */
export class Program extends Pipeable.Class {
  readonly node: Node
  readonly number: number
  constructor(node: Node) {
    super()
    this.node = node
    this.number = ++made
  }
  get [CopyOfCore.mark](): CopyOfCore.CopyOfCore {
    return CopyOfCore.here
  }
  *[Symbol.iterator](): Generator<Program, unknown, unknown> {
    return yield this
  }
}

/** A program in a scope. */
export const scoped = (self: Program, scope: Scope): Program => new Program({ _tag: "Scoped", self, scope })

/** What the values so far held when they came, the newest first. */
class Values {
  /** The number of all of them. */
  readonly mark: Mark
  readonly earlier: Values | undefined
  constructor(mark: Mark, earlier: Values | undefined) {
    this.mark = mark
    this.earlier = earlier
  }
}

/** The place among the values so far where a function made a flow. */
class MadeBy extends Values {
  readonly make: () => Program
  constructor(marks: Marks, make: () => Program, earlier: Values | undefined) {
    super(marks.ofPair(markOf(earlier), marks.ofContent(byFunction)), earlier)
    this.make = make
  }
}

const byFunction = new Content("~made ")

const markOf = (part: { readonly mark: Mark } | undefined): Mark => part === undefined ? nothing : part.mark

/** How far back in a trail a function is looked for that makes a flow again. */
const longestCircle = 64

/**
 * The results since a frame began: with the place, all that the future of a step depends on. A program that is older than
 * the flow stands for itself and needs no results before it, and a function that makes a flow again needs no more than it
 * had the first time: so a circle of either comes back to where it was. Only a run that is traced has it.
 */
type Trail = Values | undefined

/**
 * The numbers of what a run came by, values with those before them, in their order. A run that goes the same way again takes
 * them as they were, and does not look.
 */
type Noted = Array<Mark>

/** What a step came from: a response, or a stop from outside. The newest first. */
class Move {
  readonly response: unknown
  readonly why: Stop | undefined
  readonly earlier: Move | undefined
  /** On the way from here to the next step; of a run that is traced. */
  noted: Noted | undefined = undefined
  constructor(response: unknown, why: Stop | undefined, earlier: Move | undefined) {
    this.response = response
    this.why = why
    this.earlier = earlier
  }
}

/** A flow that was started. */
class Origin {
  readonly flow: Program
  /** How many programs it took to make the flow, if a function makes it. */
  own: number | undefined
  /** On the way to the first step; of a run that is traced. */
  noted: Noted | undefined = undefined
  constructor(flow: Program) {
    this.flow = flow
  }
}

/** The numbers of the flows whose runs are traced. */
const marksOfFlows = new WeakMap<Program, Marks>()

const marksOf = (flow: Program): Marks => {
  const known = marksOfFlows.get(flow) ?? new Marks()
  marksOfFlows.set(flow, known)
  return known
}

/** One way through a flow from its start. */
class Run {
  readonly origin: Origin
  /** The numbers of the flow, if trails are kept, of which keys are made. */
  readonly marks: Marks | undefined
  /** How many programs there were before. */
  readonly began: number = made
  /** The number of the flow. What has a lower one is older than the flow. */
  root: number
  /** Whether the programs that make up the flow are those of its other runs, one for one. */
  private isSame = true
  private noted: Noted | undefined
  private taken = 0
  constructor(origin: Origin, marks: Marks | undefined) {
    this.origin = origin
    this.marks = marks
    this.root = origin.flow.number
  }

  /** The flow itself: what a function makes is made anew for each run, with all that belongs to it. */
  begin(): Program {
    const { flow, own } = this.origin
    if (flow.node._tag !== "Suspend") return flow
    const program = toFlow(flow.node.make())
    this.root = program.number
    this.origin.own = own ?? made - this.began
    this.isSame = this.origin.own === made - this.began
    return program
  }

  /** Goes on from there: whoever came by before has noted what is to be noted. */
  from(there: Origin | Move): void {
    if (this.marks === undefined) return
    this.noted = there.noted ??= []
    this.taken = 0
  }

  /** The number of a value that the run comes by, with those before it. */
  note(earlier: Mark, value: unknown): Mark {
    const { marks, noted } = this
    if (marks === undefined || noted === undefined) return nothing
    return noted[this.taken++] ??= marks.ofPair(earlier, this.look(marks, value))
  }

  /** What a value holds now; its flows are known by their names. */
  look(marks: Marks, value: unknown): Mark {
    return marks.ofContent(
      contentOf(value, (object) => object instanceof Program ? `flow ${this.name(object)}` : undefined)
    )
  }

  /** A program's name: the same in every run, if it was made before the flow, or with it. */
  name(program: Program): string {
    const isOwn = this.isSame && program.number > this.began && program.number <= this.root
    return isOwn ? `own ${program.number - this.began}` : `${program.number}`
  }
}

/**
 * What is to be done with the result of the part that runs. Frames are classes, and not literals, because they live from
 * one event of a call to the next: V8 takes a literal whose objects outlive its collections of young garbage for one that
 * makes old objects, and what such an object holds stays until the next collection of everything.
 */
type Frame = BindFrame | GenFrame | EnsureFrame | RestoreFrame | ScopedFrame | ReduceFrame
type Frames = Frame | undefined

abstract class Next {
  readonly next: Frames
  /** The trail of the frame before. */
  readonly trail: Trail
  /** The number of this frame and all that are next, once it was asked for. */
  mark: Mark = nothing
  constructor(next: Frames, trail: Trail) {
    this.next = next
    this.trail = trail
  }
}

class BindFrame extends Next {
  readonly _tag = "Bind"
  readonly onSuccess: Continue | undefined
  readonly onFailure: Recover | undefined
  constructor(
    { onFailure, onSuccess }: Pick<Extract<Node, { readonly _tag: "Bind" }>, "onFailure" | "onSuccess">,
    next: Frames,
    trail: Trail
  ) {
    super(next, trail)
    this.onSuccess = onSuccess
    this.onFailure = onFailure
  }
}

class GenFrame extends Next {
  readonly _tag = "Gen"
  readonly iterator: Iterator<Program, unknown, unknown>
  /** The number of the results that the generator was given so far; of a run that is traced. */
  readonly results: Mark
  constructor(iterator: Iterator<Program, unknown, unknown>, results: Mark, next: Frames, trail: Trail) {
    super(next, trail)
    this.iterator = iterator
    this.results = results
  }
}

class EnsureFrame extends Next {
  readonly _tag = "Ensure"
  readonly finalizer: Program
  constructor(finalizer: Program, next: Frames, trail: Trail) {
    super(next, trail)
    this.finalizer = finalizer
  }
}

class RestoreFrame extends Next {
  readonly _tag = "Restore"
  readonly exit: Exit<unknown, unknown>
  constructor(exit: Exit<unknown, unknown>, next: Frames, trail: Trail) {
    super(next, trail)
    this.exit = exit
  }
}

class ScopedFrame extends Next {
  readonly _tag = "Scoped"
  readonly scope: Scope
  readonly depth: number
  constructor(scope: Scope, next: Frames, trail: Trail) {
    super(next, trail)
    this.scope = scope
    this.depth = depthOf(next)
  }
}

class ReduceFrame extends Next {
  readonly _tag = "Reduce"
  readonly reduction: Reduction
  constructor(reduction: Reduction, next: Frames, trail: Trail) {
    super(next, trail)
    this.reduction = reduction
  }
}

/** A flow that has ended. */
export interface Done<out A, out E> {
  readonly _tag: "Done"
  readonly exit: Exit<A, E>
}

/** A flow that waits for the response to its request. */
export interface Waiting<out A, out E, out Q extends Asked = Asked> {
  readonly _tag: "Waiting"
  readonly request: Q
  readonly resume: Resume
  readonly frames: Frames
  readonly trail: Trail
  readonly run: Run
  /** What brought the run here. */
  readonly moves: Move | undefined
  /** Whether the run has gone on from here: then its frames are not at this place any more. */
  isUsed: boolean
  /** How many requests the flow has asked, this one included: steps of the same number wait for the same response. */
  readonly asks: number
  /** How many steps the interpreter took from the last request to this one. */
  readonly steps: number
  /** The number of the place, once it was asked for. */
  mark: Mark
  readonly "~exit"?: Exit<A, E>
}

class WaitingStep implements Waiting<unknown, unknown> {
  readonly _tag = "Waiting"
  readonly request: Asked
  readonly resume: Resume
  readonly frames: Frames
  readonly trail: Trail
  readonly run: Run
  readonly moves: Move | undefined
  isUsed = false
  readonly asks: number
  readonly steps: number
  mark: Mark = nothing
  constructor(
    { request, resume }: Pick<Waiting<unknown, unknown>, "request" | "resume">,
    frames: Frames,
    trail: Trail,
    run: Run,
    moves: Move | undefined,
    asks: number,
    steps: number
  ) {
    this.request = request
    this.resume = resume
    this.frames = frames
    this.trail = trail
    this.run = run
    this.moves = moves
    this.asks = asks
    this.steps = steps
  }
}

const stopped = (why: Stop): Exit<never, never> => ({ _tag: "Stopped", why })

const depthOf = (frames: Frames): number => {
  for (let frame = frames; frame !== undefined; frame = frame.next) if (frame._tag === "Scoped") return frame.depth + 1
  return 0
}

/** The trail of the program that goes on from what came of a part. `mark` is that of the trail with it. */
const extend = (trail: Trail, mark: Mark, program: Program, run: Run): Trail => {
  if (run.marks === undefined) return undefined
  return program.number < run.root ? new Values(run.note(nothing, program), undefined) : new Values(mark, trail)
}

/** The trail of a flow that a function has made: where the same function was reached before in it, it ends there. */
const remade = (trail: Trail, make: () => Program, program: Program, run: Run): Trail => {
  if (run.marks === undefined) return undefined
  if (trail !== undefined && program.number < run.root) return new Values(run.note(nothing, program), undefined)
  let earlier = trail
  for (let i = 0; i < longestCircle && earlier !== undefined; i++) {
    if (earlier instanceof MadeBy && earlier.make === make) return earlier
    earlier = earlier.earlier
  }
  return new MadeBy(run.marks, make, trail)
}

const notAFlow = "yield* in Flow.gen takes a Flow: an Effect runs in Flow.activity, an error fails through Flow.fail"

const toFlow = (value: unknown): Program => {
  if (value instanceof Program) return value
  const copy = CopyOfCore.another(value)
  throw new TypeError(copy === undefined ? notAFlow : ofAnother(copy))
}

const ofAnother = (copy: CopyOfCore.CopyOfCore): string =>
  `This flow was made by another copy of @ringback/core (${CopyOfCore.words(copy)}) than the one that runs it ` +
  `(${CopyOfCore.words(CopyOfCore.here)}). ${CopyOfCore.remedy}`

/** How many steps a flow may take without waiting for anything. More is taken for a loop without end. */
export const maxSteps = 500_000

/** What stops a flow that is cut. */
export const endless: Stop = {
  _tag: "Defect",
  defect: new Error(
    "The flow goes on without an end in no time: give its retry or repeat a wait of some length, such as " +
      "Flow.sleep(\"1 minute\"), or its loop (for (;;) in Flow.gen, a reducer) an end"
  )
}

/** Runs to the next request or to the end. What is cut after `maxSteps` has as many again to tidy up, and then no more. */
const goOn = (
  start: Program | undefined,
  ended: Exit<unknown, unknown> | undefined,
  startFrames: Frames,
  startTrail: Trail,
  run: Run,
  moves: Move | undefined,
  asks: number
): Done<unknown, unknown> | Waiting<unknown, unknown> => {
  let program = start
  let exit = ended
  let frames = startFrames
  let trail = startTrail
  for (let steps = 1;; steps++) {
    if (steps >= maxSteps) {
      if (steps > maxSteps * 2) return { _tag: "Done", exit: stopped(endless) }
      if (steps === maxSteps) {
        program = undefined
        exit = stopped(endless)
      }
    }
    try {
      if (program !== undefined) {
        const node: Node = toFlow(program).node
        switch (node._tag) {
          case "End":
            exit = node.exit
            program = undefined
            continue
          case "Suspend":
            program = toFlow(node.make())
            trail = remade(trail, node.make, program, run)
            continue
          case "Await":
            return new WaitingStep(node, frames, trail, run, moves, asks + 1, steps)
          case "Bind":
            frames = new BindFrame(node, frames, trail)
            trail = undefined
            program = node.self
            continue
          case "Ensure":
            frames = new EnsureFrame(node.finalizer, frames, trail)
            trail = undefined
            program = node.self
            continue
          case "Scoped":
            frames = new ScopedFrame(node.scope, frames, trail)
            trail = undefined
            program = node.self
            continue
          case "Reduce": {
            const decision = node.reduction.decide(copyOf(node.reduction.state) as never)
            if ("done" in decision) {
              exit = success(decision.done)
              program = undefined
              continue
            }
            frames = new ReduceFrame(node.reduction, frames, trail)
            trail = undefined
            program = toFlow(decision.ask)
            continue
          }
          case "Gen": {
            const iterator = node.body()
            const first = iterator.next()
            if (first.done === true) {
              exit = success(first.value)
              program = undefined
              continue
            }
            frames = new GenFrame(iterator, nothing, frames, trail)
            trail = undefined
            program = toFlow(first.value)
            continue
          }
        }
      }
      const result = exit!
      if (frames === undefined) return { _tag: "Done", exit: result }
      const frame: Frame = frames
      frames = frame.next
      trail = frame.trail
      switch (frame._tag) {
        case "Bind":
          if (result._tag === "Success" && frame.onSuccess !== undefined) {
            const mark = run.note(markOf(trail), result.value)
            program = toFlow(frame.onSuccess(result.value as never))
            trail = extend(trail, mark, program, run)
          } else if (result._tag === "Failure" && frame.onFailure !== undefined) {
            const mark = run.note(markOf(trail), result.error)
            program = frame.onFailure(result.error as never)
            if (program !== undefined) trail = extend(trail, mark, program, run)
          }
          continue
        case "Ensure":
          frames = new RestoreFrame(result, frames, trail)
          trail = undefined
          program = frame.finalizer
          continue
        case "Restore":
          // A defect or an overdue activity of the finalizer counts; its other ends give way to what it restores.
          if (!isForGood(result)) exit = frame.exit
          continue
        case "Scoped":
          if (result._tag === "Stopped" && result.why._tag === "Expired" && result.why.scope === frame.depth) {
            exit = failure(frame.scope.failure)
          }
          continue
        case "Reduce":
          if (result._tag === "Success") {
            const state = frame.reduction.evolve(copyOf(frame.reduction.state) as never, result.value as never)
            program = new Program({ _tag: "Reduce", reduction: { ...frame.reduction, state } })
          }
          continue
        case "Gen": {
          if (result._tag !== "Success") continue
          const results = run.note(frame.results, result.value)
          const next = frame.iterator.next(result.value)
          if (next.done === true) {
            exit = success(next.value)
            continue
          }
          frames = new GenFrame(frame.iterator, results, frame.next, frame.trail)
          trail = undefined
          program = toFlow(next.value)
          continue
        }
      }
    } catch (defect) {
      program = undefined
      exit = stopped({ _tag: "Defect", defect })
    }
  }
}

type AnyStep = Done<unknown, unknown> | Waiting<unknown, unknown>

const died = (defect: unknown): AnyStep => ({ _tag: "Done", exit: stopped({ _tag: "Defect", defect }) })

const begin = (run: Run): AnyStep => {
  run.from(run.origin)
  try {
    return goOn(run.begin(), undefined, undefined, undefined, run, undefined, 0)
  } catch (defect) {
    return died(defect)
  }
}

/** Runs a flow to its first request, or to its end. `traced` keeps what keys are made of. */
export const start = (program: Program, traced = false): AnyStep =>
  begin(new Run(new Origin(program), traced ? marksOf(program) : undefined))

const ranOtherwise = "The flow ran otherwise when it ran again: it depends on something that is not its own " +
  "(a clock, a random number, a variable outside of what runs again)"

/** Runs a flow again from its start to where a step stands. */
const again = ({ moves, request, run }: Waiting<unknown, unknown>, marks = run.marks): AnyStep => {
  const path: Array<Move> = []
  for (let move = moves; move !== undefined; move = move.earlier) path.push(move)
  let step = begin(new Run(run.origin, marks))
  for (let i = path.length - 1; i >= 0; i--) {
    if (step._tag === "Done") return died(new Error(ranOtherwise))
    step = moved(step, path[i]!)
  }
  return step._tag === "Waiting" && step.request._tag === request._tag ? step : died(new Error(ranOtherwise))
}

/** The step itself for the first that goes on from it, and for all others the same place of another run. */
const taken = (step: Waiting<unknown, unknown>): AnyStep => step.isUsed ? again(step) : step

/** Goes on from a step that nobody has gone on from. */
const moved = (step: Waiting<unknown, unknown>, move: Move): AnyStep => {
  step.isUsed = true
  step.run.from(move)
  return move.why === undefined ? answered(step, move) : broken(step, move, move.why)
}

const answered = ({ asks, frames, resume, run, trail }: Waiting<unknown, unknown>, move: Move): AnyStep => {
  let exit: Exit<unknown, unknown>
  try {
    exit = resume(copyOf(move.response) as never)
  } catch (defect) {
    exit = stopped({ _tag: "Defect", defect })
  }
  return goOn(undefined, exit, frames, trail, run, move, asks)
}

const broken = (step: Waiting<unknown, unknown>, move: Move, why: Stop): AnyStep => {
  const { asks, frames, run, trail } = step
  const finalizer = finalizerBefore(frames, why)
  return finalizer === undefined
    ? goOn(undefined, stopped(why), frames, trail, run, move, asks)
    : new WaitingStep(step, restoring(frames, finalizer, stopped(why)), trail, run, move, asks, 0)
}

/** Answers the request of a step and runs on to the next. The step itself can be resumed again. */
export const next = (step: Waiting<unknown, unknown>, response: unknown): AnyStep => {
  const fresh = taken(step)
  return fresh._tag === "Done" ? fresh : moved(fresh, new Move(response, undefined, step.moves))
}

/**
 * The finalizer that a stop has to wait for: the outermost one that runs within what the stop breaks off. A finalizer that
 * waits (for an answer, a sleep, an activity) is not broken off by what comes from around it:
 *
 * | stop | no finalizer runs within what it breaks off | one runs |
 * | --- | --- | --- |
 * | `Cancelled`: breaks off the flow | the flow unwinds at once | the finalizer goes on to its end, and restores the stop |
 * | `Expired`: breaks off its scope | the scope unwinds at once and fails, also within a finalizer | the same; then the scope fails |
 * | `Overdue`, `Defect`: what ran is broken | the flow unwinds at once | the finalizer itself is broken, and unwinds at once |
 *
 * Where a finalizer has a stop to restore already, one for good stands, and of two scopes the outer one.
 */
const finalizerBefore = (frames: Frames, why: Stop): RestoreFrame | undefined => {
  if (why._tag === "Overdue" || why._tag === "Defect") return undefined
  let found: RestoreFrame | undefined
  for (let frame = frames; frame !== undefined; frame = frame.next) {
    if (why._tag === "Expired" && frame._tag === "Scoped" && frame.depth === why.scope) break
    if (frame._tag === "Restore") found = frame
  }
  return found
}

/** Whether a flow was stopped, and no scope of its own can end that. */
const isForGood = (exit: Exit<unknown, unknown>): boolean => exit._tag === "Stopped" && exit.why._tag !== "Expired"

const givesWay = (exit: Exit<unknown, unknown>, why: Stop): boolean =>
  exit._tag !== "Stopped" ||
  (exit.why._tag === "Expired" && (why._tag !== "Expired" || why.scope < exit.why.scope))

/** The same frame on another stack. */
const onto = (frame: Frame, next: Frames): Frame => {
  switch (frame._tag) {
    case "Bind":
      return new BindFrame(frame, next, frame.trail)
    case "Gen":
      return new GenFrame(frame.iterator, frame.results, next, frame.trail)
    case "Ensure":
      return new EnsureFrame(frame.finalizer, next, frame.trail)
    case "Restore":
      return new RestoreFrame(frame.exit, next, frame.trail)
    case "Scoped":
      return new ScopedFrame(frame.scope, next, frame.trail)
    case "Reduce":
      return new ReduceFrame(frame.reduction, next, frame.trail)
  }
}

/** The stack in which a finalizer that runs restores something else. */
const restoring = (frames: Frames, finalizer: RestoreFrame, exit: Exit<unknown, unknown>): Frames => {
  const inner: Array<Frame> = []
  for (let frame = frames; frame !== undefined && frame !== finalizer; frame = frame.next) inner.push(frame)
  let stack: Frames = new RestoreFrame(exit, finalizer.next, finalizer.trail)
  for (let i = inner.length - 1; i >= 0; i--) stack = onto(inner[i]!, stack)
  return stack
}

/** Whether its flow goes on with a failure when what it asked for is overdue. */
const isFailing = (request: Asked): boolean => request._tag === "Activity" && "overdue" in request

/**
 * Stops a flow from outside. Nothing can catch it; finalizers run. If it has to wait for one (`finalizerBefore`), the step
 * waits on for the same response; it is the same step if the stop changes nothing.
 */
export const stop = (step: Waiting<unknown, unknown>, why: Stop): AnyStep => {
  if (why._tag === "Overdue" && isFailing(step.request)) {
    return next(step, { ok: false, value: null, overdue: true })
  }
  const running = finalizerBefore(step.frames, why)
  if (running !== undefined && !givesWay(running.exit, why)) return step
  const fresh = taken(step)
  return fresh._tag === "Done" ? fresh : moved(fresh, new Move(undefined, why, step.moves))
}

/** The scopes that a step stands in, the innermost first. */
export const scopes = (
  step: Waiting<unknown, unknown>
): ReadonlyArray<{ readonly depth: number; readonly scope: Scope }> => {
  const found: Array<{ readonly depth: number; readonly scope: Scope }> = []
  for (let frame = step.frames; frame !== undefined; frame = frame.next) {
    if (frame._tag === "Scoped") found.push({ depth: frame.depth, scope: frame.scope })
  }
  return found
}

/** The frames of a stack that bound what runs within them. */
const bounding = (frames: Frames): Frames => {
  const found: Array<Frame> = []
  for (let frame = frames; frame !== undefined; frame = frame.next) {
    if (frame._tag === "Scoped" || frame._tag === "Restore") found.push(frame)
  }
  return found.reduceRight<Frames>((stack, frame) => onto(frame, stack), undefined)
}

/** The same step without its run. To go on from it the flow runs again. */
export const withoutRun = (step: Waiting<unknown, unknown>): Waiting<unknown, unknown> => {
  const { asks, frames, moves, run, steps } = step
  const rest = new WaitingStep(step, bounding(frames), undefined, run, moves, asks, steps)
  rest.isUsed = true
  rest.mark = run.marks === undefined ? step.mark : markAt(step)
  return rest
}

/** A request as data. Its functions belong to the place that asks. */
const asked = (request: Asked): ReadonlyArray<unknown> =>
  Object.entries(request).filter(([name, value]) => name !== "effect" && typeof value !== "function")

/** A place: its number as text, and the kinds of the results on the way to it that are equal to themselves only. */
export interface Place {
  readonly key: string
  readonly opaque: ReadonlyArray<string>
}

const kinds = {
  Bind: new Content("~Bind"),
  Ensure: new Content("~Ensure"),
  Reduce: new Content("~Reduce"),
  Restore: new Content("~Restore"),
  Scoped: new Content("~Scoped")
}

/** The number of what a frame is, and has. The results of a generator begin with nothing, and all else with its kind. */
const ownMark = (frame: Frame, run: Run, marks: Marks): Mark => {
  if (frame._tag === "Gen") return frame.results
  const kind = marks.ofContent(kinds[frame._tag])
  if (frame._tag === "Reduce") return marks.ofPair(kind, run.look(marks, frame.reduction.state))
  return frame._tag === "Restore" ? marks.ofPair(kind, run.look(marks, frame.exit)) : kind
}

/** The number of a stack. What was below at a step before has its number already. */
const stackMark = (frames: Frames, run: Run, marks: Marks): Mark => {
  const unmarked: Array<Frame> = []
  for (let frame = frames; frame?.mark === nothing; frame = frame.next) unmarked.push(frame)
  for (const frame of unmarked.toReversed()) {
    frame.mark = marks.ofPair(marks.ofPair(ownMark(frame, run, marks), markOf(frame.trail)), markOf(frame.next))
  }
  return markOf(frames)
}

/** The number of the place that a step has reached. */
const markAt = (step: Waiting<unknown, unknown>): Mark => {
  if (step.mark !== nothing) return step.mark
  const { origin, marks = marksOf(origin.flow) } = step.run
  const at = step.run.marks === undefined ? again(step, marks) : step
  step.mark = at._tag === "Done"
    ? marks.once() // Its flow ran otherwise, so that it is equal to no other.
    : marks.ofPair(
      marks.ofPair(at.run.look(marks, asked(at.request)), markOf(at.trail)),
      stackMark(at.frames, at.run, marks)
    )
  return step.mark
}

/**
 * The place that a step has reached: equal keys for two steps of one flow mean the same future. What is finished counts by
 * its result alone. Keys are for comparing within a process, not for storing.
 */
export const place = (step: Waiting<unknown, unknown>): Place => {
  const { flow } = step.run.origin
  const mark = markAt(step)
  return { key: `flow ${flow.number} place ${mark}`, opaque: marksOf(flow).opaque(mark) }
}
