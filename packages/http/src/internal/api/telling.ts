/** Signals under a key: told twice they are told once, so whoever uses a key for two has to hear of it. */
import { type CallEvent, Flow } from "@ringback/core"
import { Effect, Equal, Schema } from "effect"
import * as Problem from "../../CallsApiProblem.ts"

interface Told {
  readonly key: string
  readonly name: string
  readonly value: Schema.Json
}

const refused = (detail: string) => Effect.fail(new Problem.SignalRejected({ detail }))

/** Nothing is recorded of a flow that has ended. */
export const ended = refused("Its flow has ended")

/** The signal of a name. Its value comes as JSON, which the engine checks by the schema that the flow declares. */
export const named = (name: string) =>
  Effect.catch(
    Effect.try({
      try: () => Flow.Signal(name, Schema.Json),
      catch: (error) => error instanceof Flow.InvalidFlow ? error.problem : "Expected a name"
    }),
    refused
  )

/** Whether what is on record under the key is what was told. */
export const checked = (events: ReadonlyArray<CallEvent.CallEvent>, { key, name, value }: Told) => {
  const found = events.findLast((event) => event._tag === "SignalReceived" && event.key === key)
  if (found?._tag !== "SignalReceived") return ended
  const isSame = found.name === name && Equal.equals(structuredClone(found.value), value)
  return isSame ? Effect.void : refused("The key is that of another signal")
}
