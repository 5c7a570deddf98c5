/** What an application tells calls: signals, and that they are cancelled. */
import { Effect, type Exit } from "effect"
import type * as Call from "../../Call.ts"
import type { CallNotFound } from "../../CallError.ts"
import type { By, CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import * as Decider from "../../Decider.ts"
import type { StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import * as Unforked from "../unforked.ts"
import type { Elsewhere } from "./elsewhere.ts"
import type { Joining } from "./joining.ts"
import { ignore } from "./message.ts"
import type { Parts } from "./parts.ts"
import type { Requests } from "./requests.ts"
import type { Surroundings } from "./surroundings.ts"

/** Tells calls. */
export interface Signals {
  /** Why it is refused, in words; nothing if it is taken. */
  readonly signal: (
    id: CallId,
    name: string,
    value: unknown,
    key: string | undefined,
    by: By | undefined
  ) => Effect.Effect<string | undefined, StoreError | CallNotFound>
  readonly cancel: (id: CallId, by: By | undefined) => Effect.Effect<void, StoreError | CallNotFound>
}

const notWithin =
  "Inside of a transaction of its database a call can be started, but neither cancelled nor told anything. " +
  "Do so after the commit"

/** Tells calls of an engine. */
export const make = (
  { run, settings }: Surroundings,
  { entities, intake }: Parts,
  requests: Requests,
  joining: Joining,
  elsewhere: Elsewhere
): Signals => {
  type Begin<A, E> = (answer: (exit: Exit.Exit<A, E>) => void) => void

  const asked = <A, E>(begin: Begin<A, E>): Effect.Effect<A, E | StoreError> =>
    joining.outside(requests.ask(begin), notWithin)

  const signal: Signals["signal"] = Effect.fnUntraced(function*(id, name, value, key, by) {
    let problem: string | undefined
    const told: CallInput.CallInput & { readonly _tag: "Signalled" } = {
      _tag: "Signalled",
      name,
      value,
      ...(key === undefined ? {} : { key }),
      ...(by === undefined ? {} : { by })
    }
    const input = (live: LiveCall.LiveCall): CallInput.CallInput => {
      problem = Decider.signalProblem(live, told, settings)
      return problem === undefined ? told : { _tag: "Wake" }
    }
    yield* asked<Call.Call, StoreError | CallNotFound>((taken) =>
      intake.post(entities.of(id), { input, look: (call) => call, brings: "SignalReceived", taken })
    )
    return problem
  })

  const cancel: Signals["cancel"] = (id, by) =>
    Effect.andThen(
      intake.take(entities.of(id), { _tag: "Cancel", ...(by === undefined ? {} : { by }) }, ignore),
      Effect.suspend(() => elsewhere.endCancelled(id))
    )

  return {
    signal,
    cancel: (id, by) => asked<void, StoreError | CallNotFound>((answer) => Unforked.begin(cancel(id, by), run, answer))
  }
}
