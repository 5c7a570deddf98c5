/** What an engine is given that is meant to run for long: a witness, and what to do after a backup was restored. */
import { NodeFileSystem } from "@effect/platform-node"
import { type CallEvent, Calls, Explain, Ladder, Retention, SqlEventStore, Witness } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { DateTime, Effect, Layer } from "effect"
import { TableReady } from "./table-ready/flow.ts"

/** The engine on a database in one folder and a witness in another: a backup of the first does not bring back the second. */
export const layer = (folders: { readonly data: string; readonly witness: string }) =>
  Calls.layer({ flows: [TableReady] }).pipe(
    Layer.provide(Witness.layerFile(`${folders.witness}/calls.json`)),
    Layer.provide(NodeFileSystem.layer),
    Layer.provide(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename: `${folders.data}/calls.db` }))
  )

/** The same engine when somebody has decided. `before` is the time that the log gives. */
export const decided = Calls.layer({
  flows: [TableReady],
  restored: { before: DateTime.makeUnsafe("2026-03-02T14:05:00.000Z"), dials: "give up" }
})

/** Removes the calls that ended last year or before, a few at a time. */
export const prune = () =>
  Retention.Retention.use(({ prune }) => prune({ endedBefore: DateTime.makeUnsafe("2026-01-01T00:00:00Z") }))

/** What a call did, as a picture in text and as a report. */
export const told = Effect.fnUntraced(function*(id: CallEvent.CallId) {
  const events = yield* Calls.events(id)
  return { ladder: Ladder.text(Ladder.make(events)), report: Explain.report(id, events) }
})
