/**
 * What to answer to one webhook.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { Action } from "./Action.ts"
import type { CallId } from "./CallEvent.ts"

/**
 * On what a reply rests. An engine promises that this is true of each.
 *
 * - `recorded`: on what is recorded of its line
 * - `copy`: the same again, for a copy of the event
 * - `unrecorded hold`, `unrecorded hang-up`: the store is late or the engine ends, and whoever is on the line must not wait
 * - `unclaimed`: the event belongs to no call
 * - `refused`: the call or the event is not taken
 *
 * @since 0.1.0
 */
export type Basis = "recorded" | "copy" | "unrecorded hold" | "unrecorded hang-up" | "unclaimed" | "refused"

/**
 * Exactly one action, or nothing. Whoever carries the answer tells afterwards what became of it, because a carrier whose
 * answer broke may ask again.
 *
 * @since 0.1.0
 */
export interface Reply {
  readonly action: Action | undefined
  readonly basis: Basis
  /** The call whose line it is for, where the engine has recorded the event. */
  readonly call?: CallId | undefined
  /** To be run once: `true` when the whole response was written, `false` when the connection broke before. */
  readonly sent: (whole: boolean) => Effect.Effect<void>
  /** The same for what has no fiber. */
  readonly sentUnsafe: (whole: boolean) => void
}

/**
 * A reply of which nobody has to know what became of it.
 *
 * @since 0.1.0
 */
export const make = (action: Action | undefined, basis: Basis): Reply => ({
  action,
  basis,
  sent: () => Effect.void,
  sentUnsafe: () => undefined
})
