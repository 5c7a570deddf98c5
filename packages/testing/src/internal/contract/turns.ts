/** What the suite stores: turns that say nothing, by the number of their call. */
import { assert } from "@effect/vitest"
import { CallEvent, EventStore } from "@ringback/core"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import type { Ports } from "./rules.ts"

export const callId = (n: number) => CallEvent.CallId.make(`c${String(n).padStart(19, "0")}`)

export const turn = (call: number, version: number, fields: Partial<EventStore.Turn> = {}): EventStore.Turn => ({
  id: `${call}/${version}`,
  callId: callId(call),
  version,
  at: 1000 * version,
  events: [{ _tag: "Noted", at: 1000 * version, n: version, name: "note", data: "a note" }],
  ...fields
})

export const summary = (
  call: number,
  version: number,
  fields: Partial<EventStore.Summary> = {}
): EventStore.Summary => ({
  callId: callId(call),
  version,
  flow: "reminder",
  flowVersion: 1,
  status: "running",
  waitingFor: "an answer",
  due: 5000,
  process: null,
  at: 1000 * version,
  ...fields
})

/** Appends a turn whose summary is of no interest. */
const append = Effect.fnUntraced(function*(
  turn: EventStore.Turn,
  fields: Partial<EventStore.Summary> = {},
  referenceId?: string
) {
  const store = yield* EventStore.EventStore
  yield* store.append(turn, { ...summary(1, 1), callId: turn.callId, version: turn.version, ...fields }, {
    referenceId
  })
})

/** What becomes of an append that may be in conflict. */
export const tried = (turn: EventStore.Turn, fields?: Partial<EventStore.Summary>, referenceId?: string) =>
  append(turn, fields, referenceId).pipe(
    Effect.as("stored" as const),
    Effect.catchTag("VersionConflict", (conflict) => {
      assert.deepStrictEqual([conflict.callId, conflict.version], [turn.callId, turn.version])
      return Effect.succeed("conflict" as const)
    })
  )

/** An append that has to win. */
export const stored = (turn: EventStore.Turn, fields?: Partial<EventStore.Summary>, referenceId?: string) =>
  Effect.map(tried(turn, fields, referenceId), (outcome) => assert.strictEqual(outcome, "stored"))

export const read = (call: number) => Effect.flatMap(EventStore.EventStore, (store) => store.read(callId(call)))

export const ids = (turns: ReadonlyArray<EventStore.Turn>) => turns.map((turn) => turn.id)

export const times = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, index) => index + 1)

/** Forks what has to have begun before the next step. */
export const startNow = { startImmediately: true }

/** A store that is closed by hand. */
export const opened = Effect.fnUntraced(function*<E>(layer: Layer.Layer<Ports, E>) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  return { store: Context.get(context, EventStore.EventStore), close: Scope.close(scope, Exit.void) }
})
