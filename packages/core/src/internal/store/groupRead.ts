/**
 * Many readers, one statement: whoever asks in the same round of the event loop, or while others are answered, is asked for
 * together.
 */
import { Cause, Effect, Exit } from "effect"
import { type Begin, unforked } from "../../EventStore.ts"
import type { Run } from "../background.ts"
import * as Defect from "../defect.ts"

/** What is asked, and how. */
export interface Options<Q, A, E> {
  /** Asks for a batch, and answers each question, in the order of the batch. */
  readonly read: (batch: ReadonlyArray<Q>) => Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>>
  readonly run: Run
  /** How many batches are under way at a time. */
  readonly atOnce: number
  /** How many questions share a batch at most. */
  readonly batchSize: number
}

/** A class, as the frames of `flow/interpreter.ts` are, because many wait at a time. */
class Waiting<Q, A, E> {
  readonly question: Q
  readonly answer: (exit: Exit.Exit<A, E>) => void
  constructor(question: Q, answer: (exit: Exit.Exit<A, E>) => void) {
    this.question = question
    this.answer = answer
  }
}

/** What answers questions. Whoever waits when its scope closes is interrupted. */
export const make = <Q, A, E>({ atOnce, batchSize, read, run }: Options<Q, A, E>) => {
  let line: Array<Waiting<Q, A, E>> = []
  let underWay = 0

  const next = Effect.suspend(() => {
    const batch = line.slice(0, batchSize)
    line = line.slice(batchSize)
    return Effect.onExitPrimitive(read(batch.map(({ question }) => question)), (exit) => {
      for (const [index, waiting] of batch.entries()) {
        tell(waiting, Exit.isSuccess(exit) ? exit.value[index]! : Exit.failCause(exit.cause))
      }
      return undefined
    })
  })

  /** Whatever one of them does with its answer, the others get theirs. */
  const tell = ({ answer }: Waiting<Q, A, E>, exit: Exit.Exit<A, E>): void => {
    try {
      answer(exit)
    } catch (thrown) {
      run(died(thrown))
    }
  }

  const work = Effect.andThen(
    Effect.yieldNow, // so that others join
    Effect.whileLoop({ while: () => line.length > 0, body: () => next, step: () => undefined })
  )

  const ended = (exit: Exit.Exit<void>): undefined => {
    underWay--
    if (line.length === 0 || underWay > 0) return
    // Somebody came after the last look, or behind a batch that died.
    if (Exit.isSuccess(exit) || !Exit.hasInterrupts(exit)) return begin()
    const left = line
    line = []
    for (const waiting of left) tell(waiting, Exit.failCause(exit.cause))
  }

  const ask = (waiting: Waiting<Q, A, E>): void => {
    line.push(waiting)
    if (underWay < atOnce && (underWay === 0 || line.length === 1)) begin()
  }

  const begin = (): undefined => {
    underWay++
    run(Effect.onExitPrimitive(work, ended))
  }

  return (question: Q): Effect.Effect<A, E> => {
    const asked: Begin<A, E> = (answer) => {
      const waiting = new Waiting(question, answer)
      ask(waiting)
      return Effect.sync(() => {
        line = line.filter((each) => each !== waiting)
      })
    }
    return unforked(Effect.callback(asked), asked)
  }
}

const died = (thrown: unknown) => Effect.logError("What follows a read has died", Cause.die(Defect.error(thrown)))
