/** What the owner of a call does when another machine asks it: it tells its engine, and answers with data. */
import { Effect, Option } from "effect"
import type { Schema } from "effect"
import type { By, CallId } from "../../CallEvent.ts"
import type { Local } from "../engine/asked.ts"

const notHere = { _tag: "NotHere" as const }

/**
 * Whatever goes wrong here is no answer: who asks takes the call from the log, and finds out by itself. A defect that left a
 * handler would take the other requests of its entity with it.
 */
const orNotHere = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A | typeof notHere> =>
  Effect.catchCause(effect, () => Effect.succeed(notHere))

interface OfCall {
  readonly id: CallId
  readonly by?: By | undefined
}

interface Start extends OfCall {
  readonly flow: string
  readonly version: number
  readonly input: Schema.Json
  readonly key?: string | undefined
}

interface Signal extends OfCall {
  readonly name: string
  readonly value: Schema.Json
  readonly key: string
}

/** Answers for the engine that there is at the moment. */
export const make = (engine: () => Local | undefined) => {
  const here = <A>(use: (engine: Local) => Effect.Effect<A, unknown>) =>
    orNotHere(Effect.suspend(() => {
      const local = engine()
      return local === undefined ? Effect.fail("closed") : use(local)
    }))

  return {
    Start: ({ flow, id, input, key, version }: Start) =>
      here((local) => {
        const definition = local.definition(flow, version)
        if (definition === undefined) return Effect.fail("unknown")
        return Effect.map(
          local.start(definition, input, key, id),
          ({ isNew, sameInput, version }) => ({ _tag: "Started" as const, isNew, sameInput, version })
        )
      }),
    Signal: ({ by, id, key, name, value }: Signal) =>
      here((local) =>
        Effect.map(local.signal(id, name, value, key, by), (problem) => ({
          _tag: "Told" as const,
          ...(problem === undefined ? {} : { problem })
        }))
      ),
    Cancel: ({ by, id }: OfCall) => here((local) => Effect.as(local.cancel(id, by), { _tag: "Done" as const })),
    Outcome: ({ id, within }: OfCall & { readonly within: number }) =>
      here((local) =>
        Effect.map(
          Effect.timeoutOption(local.outcome(id), within),
          Option.match({
            onNone: () => ({ _tag: "Running" as const }),
            onSome: (exit) => ({ _tag: "Ended" as const, exit })
          })
        )
      )
  }
}
