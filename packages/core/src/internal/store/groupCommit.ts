/**
 * Many writers, one commit: whoever comes while a commit is under way shares the next one.
 */
import { Cause, Effect, Exit, Fiber } from "effect"
import type { Scope } from "effect"
import * as Defect from "../defect.ts"

/** What is written, and how. */
export interface Options<A, E> {
  /** Writes a batch and answers for each item, in the order of the batch. A failure is the answer for all of them. */
  readonly write: (batch: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<Exit.Exit<void, E>>, E>
  /** Two items of one key never share a batch: the second waits for the next commit. */
  readonly key: (item: A) => unknown
  /** The answer to whoever comes after the scope has closed, or is left when it closes: surely not written. */
  readonly closed: E
  /** The answer to those whose commit did not end before the scope closed: perhaps written. */
  readonly brokenOff: E
  /** How long the scope waits for what is in line when it closes, in milliseconds. */
  readonly closeWithin: number
  /** How many items share a commit at most. */
  readonly batchSize: number
  /** How many items may wait for the writer; whoever comes then waits for room. */
  readonly capacity: number
}

/** A line of items that wait to be written. */
export interface Line<A, E> {
  /** Puts an item in line, and tells when it is written. Gives a way to call it off while it waits for room. */
  readonly submit: (item: A, answer: (exit: Exit.Exit<void, E>) => void) => Effect.Effect<void> | void
  /** How many items are not written. */
  readonly waiting: () => number
}

/** So many rounds of the event loop does a commit wait for others at most. */
const mostRounds = 3

/** A class, as the frames of `flow/interpreter.ts` are, because many stand in line for a while. */
class Waiting<A, E> {
  readonly item: A
  readonly answer: (exit: Exit.Exit<void, E>) => void
  constructor(item: A, answer: (exit: Exit.Exit<void, E>) => void) {
    this.item = item
    this.answer = answer
  }
}

/**
 * Starts the writer and gives the way to it. What is called off while it waits for room is not written; once an item has
 * room it is written, whether anybody still waits for it or not. When the scope closes, what waits is written first, for as
 * long as `closeWithin` allows.
 *
 * Every turn of every call goes through here, so those who wait stand in a plain array and are woken by a plain callback.
 */
export const make = Effect.fnUntraced(function*<A, E>(
  options: Options<A, E>
): Effect.fn.Return<Line<A, E>, never, Scope.Scope> {
  let line: Array<Waiting<A, E>> = []
  const outside = new Set<Waiting<A, E>>()
  let underWay: ReadonlyArray<Waiting<A, E>> = []
  let isClosed = false
  let wake = (): void => undefined

  const something = Effect.callback<void>((resume) => {
    if (line.length > 0 || isClosed) return resume(Effect.void)
    wake = () => resume(Effect.void)
  })

  /** Takes the next batch out of the line, and lets those in who wait for room. */
  const take = (): ReadonlyArray<Waiting<A, E>> => {
    const [batch, rest] = split(line.slice(0, options.batchSize), options.key)
    line = rest.concat(line.slice(options.batchSize))
    for (const waiting of outside) {
      if (line.length >= options.capacity) break
      outside.delete(waiting)
      line.push(waiting)
    }
    return batch
  }

  /** Lets the network, and those who were answered, come back before the next commit, as long as others join. */
  const othersJoin = Effect.gen(function*() {
    for (let times = 0, before = 0; times < mostRounds && line.length > before; times++) {
      before = line.length
      yield* Effect.yieldNow
    }
  })

  const writeAll = Effect.gen(function*() {
    while (true) {
      yield* something
      if (line.length === 0) return
      yield* othersJoin
      underWay = take()
      const exit = yield* Effect.exit(options.write(underWay.map((waiting) => waiting.item)))
      const written = underWay
      underWay = []
      for (const defect of answer(written, exit)) {
        yield* died(defect)
      }
    }
  })

  /** Answers all that wait, of whom none is written any more. */
  const giveUp = () => {
    const [broken, left] = [underWay, [...line, ...outside]]
    underWay = line = []
    outside.clear()
    return [...answer(broken, Exit.fail(options.brokenOff)), ...answer(left, Exit.fail(options.closed))]
  }

  const writer = yield* Effect.forkScoped(Effect.withTracerEnabled(writeAll, false))
  yield* Effect.addFinalizer(() => {
    isClosed = true
    wake()
    // A writer that has not ended by then is interrupted right after.
    return Effect.timeoutOrElse(Fiber.await(writer), {
      duration: options.closeWithin,
      orElse: () => Effect.forEach(giveUp(), (defect) => died(defect), { discard: true })
    })
  })

  const submit: Line<A, E>["submit"] = (item, answer) => {
    if (isClosed) return answer(Exit.fail(options.closed))
    const waiting = new Waiting(item, answer)
    if (line.length >= options.capacity) {
      outside.add(waiting)
      return Effect.sync(() => void outside.delete(waiting))
    }
    line.push(waiting)
    if (line.length === 1) wake()
  }

  return { submit, waiting: () => underWay.length + line.length + outside.size }
})

const died = (defect: unknown) => Effect.logError("What follows an append has died", Cause.die(Defect.error(defect)))

/** The first of each key, and all others, both in the order in which they came. */
const split = <A, E>(all: ReadonlyArray<Waiting<A, E>>, key: Options<A, E>["key"]) => {
  const keys = new Set<unknown>()
  const first: Array<Waiting<A, E>> = []
  const rest: Array<Waiting<A, E>> = []
  for (const waiting of all) {
    const size = keys.size
    const into = keys.add(key(waiting.item)).size > size ? first : rest
    into.push(waiting)
  }
  return [first, rest] as const
}

/** Answers all, whatever one of them does with it, and gives what they threw. */
const answer = <A, E>(
  batch: ReadonlyArray<Waiting<A, E>>,
  answers: Exit.Exit<ReadonlyArray<Exit.Exit<void, E>>, E>
): ReadonlyArray<unknown> => {
  const defects: Array<unknown> = []
  for (const [index, waiting] of batch.entries()) {
    try {
      waiting.answer(Exit.isSuccess(answers) ? answers.value[index]! : Exit.failCause(answers.cause))
    } catch (defect) {
      defects.push(defect)
    }
  }
  return defects
}
