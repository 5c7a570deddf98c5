/** An effect that knows in which line of somebody's own code it is used. */
import { Effect, Pipeable } from "effect"
import * as usersCode from "./usersCode.ts"

/** That line is the one that yields it, or pipes it: both happen in the code of whoever uses it. */
export const located = <A, E, R>(make: (at: ReadonlyArray<string>) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Object.defineProperties(Effect.suspend(() => make([])), {
    [Symbol.iterator]: { value: () => make(usersCode.here())[Symbol.iterator]() },
    pipe: {
      value(...steps: ReadonlyArray<unknown>) {
        return Pipeable.pipeArguments(make(usersCode.here()), steps as unknown as IArguments)
      }
    }
  })
