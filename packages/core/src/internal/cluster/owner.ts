/** What the owner of a call does when another machine asks it: it tells its engine, and answers with data. */
import { Effect, Option } from "effect"
import type { Layer } from "effect"
import type { Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import type { Local } from "../engine/asked.ts"
import { Group } from "./messages.ts"

const notHere = { _tag: "NotHere" as const }

/**
 * Whatever goes wrong here is no answer: who asks takes the call from the log, and finds out by itself. A defect that left a
 * handler would take the other requests of its entity with it.
 */
const orNotHere = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A | typeof notHere> =>
  Effect.catchCause(effect, () => Effect.succeed(notHere))

/** Answers for the engine that there is at the moment. Handlers fork, for one that waits must not hold up another. */
export const layer = (
  engine: () => Local | undefined
): Layer.Layer<never, never, Sharding.Sharding> => {
  const here = <A>(use: (engine: Local) => Effect.Effect<A, unknown>) =>
    Rpc.fork(orNotHere(Effect.suspend(() => {
      const local = engine()
      return local === undefined ? Effect.fail("closed") : use(local)
    })))

  return Group.toLayer({
    Start: ({ payload: { flow, id, input, key, version } }) =>
      here((local) => {
        const definition = local.definition(flow, version)
        if (definition === undefined) return Effect.fail("unknown")
        return Effect.map(
          local.start(definition, input, key, id),
          ({ isNew, sameInput, version }) => ({ _tag: "Started" as const, isNew, sameInput, version })
        )
      }),
    Signal: ({ payload: { by, id, key, name, value } }) =>
      here((local) =>
        Effect.map(local.signal(id, name, value, key, by), (problem) => ({
          _tag: "Told" as const,
          ...(problem === undefined ? {} : { problem })
        }))
      ),
    Cancel: ({ payload: { by, id } }) => here((local) => Effect.as(local.cancel(id, by), { _tag: "Done" as const })),
    Outcome: ({ payload: { id, within } }) =>
      here((local) =>
        Effect.map(
          Effect.timeoutOption(local.outcome(id), within),
          Option.match({
            onNone: () => ({ _tag: "Running" as const }),
            onSome: (exit) => ({ _tag: "Ended" as const, exit })
          })
        )
      ),
    Look: ({ payload: { id } }) => Rpc.fork(Effect.ignoreCause(Effect.suspend(() => engine()?.look(id) ?? Effect.void)))
  }, { concurrency: "unbounded", mailboxCapacity: mailbox })
}

/** So many messages an owner has in hand for one group; the next one is refused, and taken from the log. */
const mailbox = 4096
