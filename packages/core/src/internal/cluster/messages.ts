/**
 * What one machine asks another about a call, and what that answers. All of it is data with schemas, for it crosses a socket, and
 * all of it is volatile: the log is where things are kept, and who gets no answer takes the call from there.
 *
 * There is no message for a webhook, for it costs more than what it would save (`npm run bench -- hop`), and none for the end of a call,
 * which the commit tells of.
 */
import { Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { By, CallId, Exit } from "../../CallEvent.ts"

/** Nothing was done that the log does not say, and whoever asks does it by itself. */
const notHere = { NotHere: {} }

const Started = Schema.TaggedUnion({
  ...notHere,
  Started: { isNew: Schema.Boolean, sameInput: Schema.Boolean, version: Schema.Int }
})
const Told = Schema.TaggedUnion({ ...notHere, Told: { problem: Schema.optionalKey(Schema.String) } })
const Done = Schema.TaggedUnion({ ...notHere, Done: {} })
const Ended = Schema.TaggedUnion({ ...notHere, Running: {}, Ended: { exit: Exit } })

const key = Schema.optionalKey(Schema.String)
const by = Schema.optionalKey(By)

/** The calls of one group, as they are asked for at their owner. */
export const Group = Entity.make("Ringback/Calls", [
  Rpc.make("Start", {
    payload: { id: CallId, flow: Schema.String, version: Schema.Int, input: Schema.Json, key },
    success: Started
  }),
  Rpc.make("Signal", {
    payload: { id: CallId, name: Schema.String, value: Schema.Json, key: Schema.String, by },
    success: Told
  }),
  Rpc.make("Cancel", { payload: { id: CallId, by }, success: Done }),
  /** Waits for the outcome, for so long. */
  Rpc.make("Outcome", { payload: { id: CallId, within: Schema.Finite }, success: Ended })
]).annotateRpcs(ClusterSchema.ClientTracingEnabled, false)
