/** What is appended to a store, what is known of a call beside it, and how a turn is kept. */
import { Effect, Result, Schema } from "effect"
import * as CallEvent from "../CallEvent.ts"
import type { CallId } from "../CallEvent.ts"
import * as Defect from "./defect.ts"
import { Rejected, StoreError, Unreadable } from "./storeError.ts"

/**
 * One append: the facts that one input brought and what the flow decided on them. It is stored whole or not at all.
 *
 * `version` numbers the turns of a call from 1 without a gap; two writers of one version cannot both win. `id` is unique,
 * so that a store that lost the answer to its commit can recognise its own row.
 */
export interface Turn {
  readonly id: string
  readonly callId: CallId
  readonly version: number
  readonly at: number
  readonly events: ReadonlyArray<CallEvent.CallEvent>
}

/**
 * What is kept about each call beside its events, for finding calls. Written with the turn and derived from it.
 */
export interface Summary {
  readonly callId: CallId
  readonly version: number
  readonly flow: string
  readonly flowVersion: number
  /**
   * A call is over when its flow has an outcome and all its lines are closed. One that was pruned is not there any more, but
   * for its id and its sessions: `at` is when it was over, and `due` until when that is remembered.
   */
  readonly status: "running" | "over" | "pruned"
  /** What the call waits for, in words without secrets, as of this turn: what stands in the way of a dial may come later. */
  readonly waitingFor: string
  /** When the call has to be woken at the latest, in milliseconds since 1970; `null` when it is over. */
  readonly due: number | null
  /**
   * From when on the dial that the call has planned may be attempted, in milliseconds since 1970: in the order of these times
   * dials wait for their place in the pace. Not there if the call has planned none.
   */
  readonly dialFrom?: number
  /**
   * The process that knows something of this call which no other can know (what becomes of a `POST`, of an activity, of a
   * reply), so that another one has to look at the call at once if that process is gone; or the one with which its dial waits
   * for its place, if it has `dialFrom`. `null` if there is none.
   */
  readonly process: string | null
  /** When its last turn was appended, in milliseconds since 1970: that of the turn. */
  readonly at: number
}

/**
 * A turn as a store keeps it: `events` is text in the given `format`.
 */
export interface StoredTurn {
  readonly id: string
  readonly version: number
  readonly at: number
  readonly format: number
  readonly events: string
}

/**
 * The number of the format that `toStored` writes. It changes when the text of the events can no longer be read by the
 * version of Ringback before, not with every new field.
 */
export const format = 1

/**
 * The stored form of a turn.
 */
export const toStored = ({ at, events, id, version }: Turn): StoredTurn => ({
  id,
  version,
  at,
  format,
  events: CallEvent.encode(events)
})

/**
 * The error of an append whose turn has no stored form: what its encoding threw, in words.
 */
export const notEncoded = (thrown: unknown): StoreError =>
  new StoreError({
    operation: "write",
    reason: new Rejected({ problem: `It has no stored form: ${Defect.message(thrown)}` }),
    cause: Defect.error(thrown)
  })

/**
 * Reads the turns of a call back from their stored form. Fails with `Unreadable`, which names the call, the
 * turn and the place, and never a value.
 */
export const fromStored = (
  callId: CallId,
  turns: ReadonlyArray<StoredTurn>
): Effect.Effect<ReadonlyArray<Turn>, StoreError> => Effect.fromResult(decoded(callId, turns))

/** The same, as a value. */
export const decoded = (
  callId: CallId,
  turns: ReadonlyArray<StoredTurn>
): Result.Result<ReadonlyArray<Turn>, StoreError> => Result.all(turns.map((stored) => decode(callId, stored)))

const decode = (callId: CallId, { at, events, format: written, id, version }: StoredTurn) =>
  Result.try({
    try: (): Turn => {
      if (written > format) throw new RangeError(`format ${written} is of a later version of Ringback`)
      return { id, callId, version, at, events: CallEvent.decode(events) }
    },
    catch: (error) =>
      new StoreError({
        operation: "read",
        reason: new Unreadable({ problem: `Turn ${version} of call ${callId}: ${undecodable(error)}.` })
      })
  })

/** Why a turn cannot be read, in one line. The text of a `SyntaxError` quotes what it found, so it is not told. */
const undecodable = (error: unknown): string => {
  if (error instanceof RangeError) return error.message
  if (!Schema.isSchemaError(error)) return "its events are not JSON"
  const [expected = "", ...path] = error.message.split("\n") // What was expected can be the list of all events.
  return `${expected.length > 100 ? `${expected.slice(0, 100)}...` : expected}${path.join("").replace(/^ +/, " ")}`
}
