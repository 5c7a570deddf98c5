/** Starts of flows by their names. */
import { Call } from "@ringback/core"
import type { CallError, Calls, EventStore } from "@ringback/core"
import { Effect, Option } from "effect"
import type { Schema } from "effect"
import * as CallsApi from "../../CallsApi.ts"
import * as Problem from "../../CallsApiProblem.ts"

/** What a start asks for. */
interface Asked {
  readonly headers: { readonly "idempotency-key"?: string }
  readonly payload: { readonly flow: string; readonly version?: number; readonly input: Schema.Json }
}

type Shown = typeof CallsApi.Started.Type | typeof CallsApi.Replayed.Type

const problemOf = (
  error:
    | CallError.InvalidInput
    | CallError.FlowNotRegistered
    | CallError.KeyTaken
    | CallError.KeyPruned
    | EventStore.StoreError
) => {
  switch (error._tag) {
    case "InvalidInput":
      return new Problem.InvalidInput({ detail: error.problem })
    case "FlowNotRegistered":
      return new Problem.FlowNotRegistered({})
    case "KeyTaken":
      return new Problem.KeyTaken({ callId: error.callId })
    case "KeyPruned":
      return new Problem.KeyPruned({ callId: error.callId, endedAt: error.endedAt })
    case "StoreError":
      return Problem.fromStore(error)
  }
}

/** A flow in a version, or in its newest one. */
export const newest = (
  flows: ReadonlyArray<Calls.Registered>,
  name: string,
  version: number | undefined
): Calls.Registered | undefined =>
  flows.filter(({ flow }) => flow.name === name && (version === undefined || flow.version === version))
    .toSorted((a, b) => b.flow.version - a.flow.version)[0]

/** Starts calls. Two starts under one key at a time are one, and the other is told to ask again. */
export const make = (engine: Calls.Calls["Service"]) => {
  const inProgress = new Set<string>()

  const alone = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
    Effect.suspend((): Effect.Effect<A, E | Problem.StartInProgress, R> => {
      if (inProgress.has(name)) return Effect.fail(new Problem.StartInProgress({ retryAfterSeconds: 1 }))
      inProgress.add(name)
      return Effect.ensuring(effect, Effect.sync(() => inProgress.delete(name)))
    })

  const begin = Effect.fnUntraced(function*({ flow }: Calls.Registered, input: Schema.Json, key: string | undefined) {
    const decoded = flow.codec.decodeInput(input)
    if (decoded._tag === "Failure") return yield* new Problem.InvalidInput({ detail: decoded.failure.message })
    const started = yield* engine.start(flow as never, decoded.success as never, key === undefined ? {} : { key }).pipe(
      Effect.mapError(problemOf)
    )
    return started as Calls.Started<unknown, unknown, never>
  })

  const shown = (
    { flow }: Calls.Registered,
    { id, isNew }: Calls.Started<unknown, unknown>
  ): Effect.Effect<Shown, EventStore.StoreError> =>
    Effect.map(engine.get(id), (call) => ({
      callId: id,
      flow: flow.name,
      flowVersion: Option.match(call, { onNone: () => flow.version, onSome: ({ flowVersion }) => flowVersion }),
      status: Option.exists(call, Call.isOver) ? "over" : "running",
      replayed: !isNew as never
    }))

  return Effect.fnUntraced(function*({ headers, payload }: Asked) {
    const found = newest(engine.flows.filter(({ startable }) => startable), payload.flow, payload.version)
    if (found === undefined) return yield* new Problem.FlowNotRegistered({})
    const key = headers["idempotency-key"]
    const beginning = begin(found, payload.input, key)
    const started = yield* key === undefined ? beginning : alone(`${payload.flow}\n${key}`, beginning)
    const { actor } = yield* CallsApi.Caller
    const { id, isNew } = started
    if (isNew) yield* Effect.annotateLogs(Effect.logInfo(`Call ${id} was started over the API`), { call: id, actor })
    return yield* Effect.mapError(shown(found, started), Problem.fromStore)
  })
}
