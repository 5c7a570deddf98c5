/**
 * What can happen to a call, and what is known around it. Everything that a decision needs beside the log is in here.
 *
 * @since 0.1.0
 */
import type { By, Obstacle } from "./CallEvent.ts"
import type { ActivityResult } from "./Request.ts"
import type * as Settings from "./Settings.ts"
import type { Webhook } from "./Webhook.ts"

/**
 * What can happen to a call.
 *
 * @since 0.1.0
 */
export type CallInput =
  | {
    readonly _tag: "Start"
    readonly flow: string
    readonly version: number
    readonly input: unknown
    readonly key?: string
    /** Its flow does not begin in this turn, because it is part of a transaction that may not be committed. */
    readonly inTransaction?: true
  }
  | { readonly _tag: "Arrive"; readonly flow: string; readonly version: number; readonly webhook: Webhook }
  | { readonly _tag: "Webhook"; readonly line: number; readonly received: Received }
  | { readonly _tag: "Posted"; readonly line: number; readonly posted: Posted }
  | { readonly _tag: "Wake" }
  | { readonly _tag: "ReplyDue"; readonly line: number }
  | { readonly _tag: "ReplyBroke"; readonly line: number; readonly n: number }
  /** A hold went out that nobody has recorded, instead of the action of this number, or while the line owed one. */
  | { readonly _tag: "Held"; readonly line: number; readonly n: number | undefined }
  | { readonly _tag: "ActivityEnded"; readonly n: number; readonly result: ActivityResult }
  | { readonly _tag: "ActivityDied"; readonly n: number; readonly message: string }
  | {
    readonly _tag: "Signalled"
    readonly name: string
    readonly value: unknown
    readonly key?: string
    readonly by?: By
  }
  | { readonly _tag: "Cancel"; readonly by?: By }
  | { readonly _tag: "Restart"; readonly crashedAt: number; readonly jumpedMillis?: number }
  | { readonly _tag: "FlowMissing" }

/**
 * A webhook with what its process knows of it beside the log: when it came, and what became of the reply in flight.
 *
 * @since 0.1.0
 */
export interface Received {
  readonly webhook: Webhook
  readonly receivedAt: number
  /** It was in our hands before the reply that began the action in flight was written. */
  readonly before: boolean
  /** How many copies the action in flight has been answered with already; those that were here `before` do not count. */
  readonly copies: number
  /**
   * The action in flight surely never reached anybody: its reply was not written, and an unrecorded hold went out on this
   * line instead while the store was late. What ends now is that hold.
   */
  readonly unsent: boolean
}

/**
 * What became of a `POST`.
 *
 * @since 0.1.0
 */
export type Posted =
  | { readonly _tag: "Accepted"; readonly referenceId: string }
  | { readonly _tag: "Refused"; readonly status: string }
  | {
    readonly _tag: "NotSent"
    readonly problem: string
    readonly throttled?: true
    readonly obstacle?: Obstacle
    readonly retryAfterMillis?: number
  }
  | { readonly _tag: "Lost"; readonly problem: string }

/**
 * Who decides, and when.
 *
 * @since 0.1.0
 */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number
  /** The incarnation of the process: a dial is sent only by the one that recorded it. */
  readonly process: string
  /** The namespace of this installation, for the `external_id` of a dial. */
  readonly namespace: string
  /** 8 digits that nobody can guess, drawn for this decision, for the `external_id` of a dial. */
  readonly chance: string
  readonly settings: Settings.Settings
  /** Whether the store is a copy of an earlier day: the first that applies to a call says what becomes of its dials. */
  readonly restored?: ReadonlyArray<Restored>
  /** Whether the pace of all dials has a place for this one; default `true`. If not, it stays planned. */
  readonly hasPlace?: boolean
  /** What stands in the way of dials, whoever is to be rung. */
  readonly obstacles?: ReadonlyArray<Standing>
}

/**
 * Something stands in the way of all dials, or of those from one number of ours. They stay planned, but for one that probes
 * whether that is over, and are given up `dial.giveUpAfter` after they were planned and this was met.
 *
 * @since 0.1.0
 */
export interface Standing {
  readonly obstacle: Obstacle
  /** The number whose dials it stands in the way of; none where it is that of all. */
  readonly from: string | undefined
  /** In milliseconds since 1970. */
  readonly since: number
  /** Whether this dial may probe. */
  readonly mayProbe: boolean
}

/**
 * The store is a copy of an earlier day: calls that began before a time may have gone on without it, and rung phones that it
 * knows nothing of. Their dials are held until somebody says more, sent as if nothing had happened, or given up as `unknown`.
 *
 * @since 0.1.0
 */
export interface Restored {
  /** In milliseconds since 1970. */
  readonly before: number
  readonly dials: "hold" | "dial" | "give up"
}
