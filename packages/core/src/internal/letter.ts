/**
 * A webhook between its arrival and its answer.
 */
import type { Deferred, Effect } from "effect"
import type * as Action from "../Action.ts"
import type { StoreError } from "../EventStore.ts"
import type * as Webhook from "../Webhook.ts"

/** What to answer to a webhook, and how to say what became of the answer. */
export interface Reply {
  readonly action: Action.Action | undefined
  readonly sent: (whole: boolean) => Effect.Effect<void>
}

/** A webhook on its way through the engine. */
export interface Letter {
  readonly webhook: Webhook.Webhook
  /** Its place among all webhooks and replies of this process. */
  readonly arrival: number
  readonly receivedAt: number
  /** When it came by a clock that is not set back, by which it is told how late its answer is. */
  readonly since: number
  /** The attempt that its `external_id` names. */
  readonly attempt: number | undefined
  /** A hold went out on its line before it came, which the log does not know. */
  readonly afterHold: boolean
  readonly reply: Deferred.Deferred<Reply, StoreError>
}
