/**
 * The interpreter of flows: a loop over a persistent stack of frames. It knows no clock, no line and no log; what a flow
 * asks for is data to it.
 *
 * A step can be resumed more than once, each time with another response, because a stack is never changed, only extended.
 * The one thing that cannot be shared is a live generator. A frame of `gen` therefore keeps it for the first resumption,
 * so that a turn costs the same in a long call, and runs the generator function again over the results so far for any
 * other.
 */
import { Pipeable } from "effect"

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
  *[Symbol.iterator](): Generator<Program, unknown, unknown> {
    return yield this
  }
}

/** Values so far, the newest first. */
class Values {
  readonly value: unknown
  readonly earlier: Values | undefined
  constructor(value: unknown, earlier: Values | undefined) {
    this.value = value
    this.earlier = earlier
  }
}

/** The results that a generator was given so far. */
type Results = Values | undefined

/**
 * The results since a frame began: with the place, all that the future of a step depends on. A program that is older than
 * the flow stands for itself and needs no results before it, so a circle of such programs comes back to where it was.
 */
type Trail = Values | undefined

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

/** The generator of a frame and its copies, until one of them is resumed. */
class LiveGenerator {
  iterator: Iterator<Program, unknown, unknown> | undefined
  constructor(iterator: Iterator<Program, unknown, unknown>) {
    this.iterator = iterator
  }
}

class GenFrame extends Next {
  readonly _tag = "Gen"
  readonly body: Body
  readonly results: Results
  readonly live: LiveGenerator
  constructor(body: Body, results: Results, live: LiveGenerator, next: Frames, trail: Trail) {
    super(next, trail)
    this.body = body
    this.results = results
    this.live = live
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
  /** The number of the program that was started. */
  readonly root: number
  /** How many requests the flow has asked, this one included: steps of the same number wait for the same response. */
  readonly asks: number
  readonly "~exit"?: Exit<A, E>
}

class WaitingStep implements Waiting<unknown, unknown> {
  readonly _tag = "Waiting"
  readonly request: Asked
  readonly resume: Resume
  readonly frames: Frames
  readonly trail: Trail
  readonly root: number
  readonly asks: number
  constructor(
    { request, resume }: Pick<Waiting<unknown, unknown>, "request" | "resume">,
    frames: Frames,
    trail: Trail,
    root: number,
    asks: number
  ) {
    this.request = request
    this.resume = resume
    this.frames = frames
    this.trail = trail
    this.root = root
    this.asks = asks
  }
}

const success = (value: unknown): Exit<unknown, never> => ({ _tag: "Success", value })
const failure = (error: unknown): Exit<never, unknown> => ({ _tag: "Failure", error })
const stopped = (why: Stop): Exit<never, never> => ({ _tag: "Stopped", why })

const depthOf = (frames: Frames): number => {
  for (let frame = frames; frame !== undefined; frame = frame.next) if (frame._tag === "Scoped") return frame.depth + 1
  return 0
}

/** The generator of a frame, standing where the results so far have brought it. */
const generatorOf = (frame: GenFrame): Iterator<Program, unknown, unknown> => {
  const live = frame.live.iterator
  if (live !== undefined) {
    frame.live.iterator = undefined
    return live
  }
  const values: Array<unknown> = []
  for (let results = frame.results; results !== undefined; results = results.earlier) values.push(results.value)
  const iterator = frame.body()
  iterator.next()
  for (let i = values.length - 1; i >= 0; i--) iterator.next(values[i])
  return iterator
}

/** What came of a part, and the program that goes on from there. */
const extend = (trail: Trail, value: unknown, program: Program, root: number): Trail =>
  program.number < root ? new Values(program, undefined) : new Values(value, trail)

const notAFlow = "yield* in Flow.gen takes a Flow: an Effect runs in Flow.activity, an error fails through Flow.fail"

const run = (
  start: Program | undefined,
  ended: Exit<unknown, unknown> | undefined,
  startFrames: Frames,
  startTrail: Trail,
  root: number,
  asks: number
): Done<unknown, unknown> | Waiting<unknown, unknown> => {
  let program = start
  let exit = ended
  let frames = startFrames
  let trail = startTrail
  for (;;) {
    try {
      if (program !== undefined) {
        if (!(program instanceof Program)) throw new TypeError(notAFlow)
        const node: Node = program.node
        switch (node._tag) {
          case "End":
            exit = node.exit
            program = undefined
            continue
          case "Suspend":
            program = node.make()
            continue
          case "Await":
            return new WaitingStep(node, frames, trail, root, asks + 1)
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
            const decision = node.reduction.decide(node.reduction.state as never)
            if ("done" in decision) {
              exit = success(decision.done)
              program = undefined
              continue
            }
            frames = new ReduceFrame(node.reduction, frames, trail)
            trail = undefined
            program = decision.ask
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
            frames = new GenFrame(node.body, undefined, new LiveGenerator(iterator), frames, trail)
            trail = undefined
            program = first.value
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
            program = frame.onSuccess(result.value as never)
            trail = extend(trail, result.value, program, root)
          } else if (result._tag === "Failure" && frame.onFailure !== undefined) {
            program = frame.onFailure(result.error as never)
            if (program !== undefined) trail = extend(trail, { failure: result.error }, program, root)
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
            const state = frame.reduction.evolve(frame.reduction.state as never, result.value as never)
            program = new Program({ _tag: "Reduce", reduction: { ...frame.reduction, state } })
          }
          continue
        case "Gen": {
          if (result._tag !== "Success") continue
          const iterator = generatorOf(frame)
          const next = iterator.next(result.value)
          if (next.done === true) {
            exit = success(next.value)
            continue
          }
          const results = new Values(result.value, frame.results)
          frames = new GenFrame(frame.body, results, new LiveGenerator(iterator), frame.next, frame.trail)
          trail = undefined
          program = next.value
          continue
        }
      }
    } catch (defect) {
      program = undefined
      exit = stopped({ _tag: "Defect", defect })
    }
  }
}

/** Runs a flow to its first request, or to its end. */
export const start = (program: Program): Done<unknown, unknown> | Waiting<unknown, unknown> =>
  run(program, undefined, undefined, undefined, program.number, 0)

/** Answers the request of a step and runs on to the next. The step itself stays as it is and can be resumed again. */
export const next = (
  step: Waiting<unknown, unknown>,
  response: unknown
): Done<unknown, unknown> | Waiting<unknown, unknown> => {
  let exit: Exit<unknown, unknown>
  try {
    exit = step.resume(response as never)
  } catch (defect) {
    exit = stopped({ _tag: "Defect", defect })
  }
  return run(undefined, exit, step.frames, step.trail, step.root, step.asks)
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
      return new GenFrame(frame.body, frame.results, frame.live, next, frame.trail)
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

/**
 * Stops a flow from outside. Nothing can catch it; finalizers run. If it has to wait for one (`finalizerBefore`), the step
 * waits on for the same response; it is the same step if the stop changes nothing.
 */
export const stop = (
  step: Waiting<unknown, unknown>,
  why: Stop
): Done<unknown, unknown> | Waiting<unknown, unknown> => {
  const finalizer = finalizerBefore(step.frames, why)
  if (finalizer === undefined) return run(undefined, stopped(why), step.frames, step.trail, step.root, step.asks)
  if (!givesWay(finalizer.exit, why)) return step
  const frames = restoring(step.frames, finalizer, stopped(why))
  return new WaitingStep(step, frames, step.trail, step.root, step.asks)
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

const listed = (trail: Trail): ReadonlyArray<unknown> => {
  const values: Array<unknown> = []
  for (let place = trail; place !== undefined; place = place.earlier) values.push(place.value)
  return values
}

/** Numbers by which functions and programs are told apart: they have no content to compare. */
const identities = new WeakMap<object, number>()
let identified = 0

const identity = (value: object): number => {
  const known = identities.get(value)
  if (known !== undefined) return known
  identities.set(value, ++identified)
  return identified
}

/** Makes JSON of what has none, so that values that differ differ in a key. */
const comparable = (_: string, value: unknown): unknown => {
  switch (typeof value) {
    case "function":
      return { "~function": identity(value) }
    case "bigint":
    case "symbol":
    case "undefined":
      return { [`~${typeof value}`]: String(value) }
    case "number":
      return Number.isFinite(value) ? value : { "~number": String(value) }
  }
  if (value instanceof Program) return { "~program": identity(value) }
  if (value instanceof Map) return { "~map": Array.from(value) }
  if (value instanceof Set) return { "~set": Array.from(value) }
  if (value instanceof Error) return { ...value, "~error": [value.name, value.message] }
  return value
}

/** A request as data. Its functions belong to the place that asks. */
const asked = (request: Asked): string =>
  JSON.stringify(request, (name, value) => name === "effect" ? undefined : value)

/**
 * The place that a step has reached and the results so far, as text: equal for two steps of one flow that have the same
 * future. What is finished counts by its result alone. A function among the results is equal to itself only, so keys are
 * for comparing within a process, not for storing.
 */
export const key = (step: Waiting<unknown, unknown>): string => {
  const parts: Array<unknown> = [asked(step.request), listed(step.trail)]
  for (let frame = step.frames; frame !== undefined; frame = frame.next) {
    switch (frame._tag) {
      case "Gen":
        parts.push([frame._tag, listed(frame.results), listed(frame.trail)])
        break
      case "Reduce":
        parts.push([frame._tag, frame.reduction.state, listed(frame.trail)])
        break
      case "Restore":
        parts.push([frame._tag, frame.exit, listed(frame.trail)])
        break
      case "Bind":
      case "Ensure":
      case "Scoped":
        parts.push([frame._tag, listed(frame.trail)])
    }
  }
  return JSON.stringify(parts, comparable)
}
