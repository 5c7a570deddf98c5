/** Counts what this process asks of a database, if the environment says `STATEMENTS=1`: to count costs a little, too. */
import { Effect } from "effect"
import { Statement } from "effect/sql"

let statements = 0
let reads = 0

const count: Statement.Transformer = (statement) =>
  Effect.sync(() => {
    statements++
    if (/^\s*select/i.test(statement.compile()[0])) reads++
    return statement
  })

/** The statements so far, and those of them that read. */
export const counted = () => isCounted ? { statements, reads } : {}

const isCounted = process.env.STATEMENTS === "1"

/** Counts the statements of an effect. */
export const counting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  isCounted ? Effect.provideService(effect, Statement.CurrentTransformer, count) : effect
