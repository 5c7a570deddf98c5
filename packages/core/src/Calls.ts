/**
 * The engine: keeps calls, answers webhooks, sends dials, waits.
 *
 * @since 0.1.0
 */
import { Context } from "effect"
import type { Effect } from "effect"
import type { Action } from "./Action.ts"
import type { StoreError } from "./EventStore.ts"
import type { Webhook } from "./Webhook.ts"

/**
 * What to answer to one webhook: exactly one action, or nothing. Whoever carries the answer tells afterwards what became
 * of it, because a carrier whose answer broke may ask again.
 *
 * @since 0.1.0
 */
export interface Reply {
  readonly action: Action | undefined
  /** To be run once: `true` when the whole response was written, `false` when the connection broke before. */
  readonly sent: (whole: boolean) => Effect.Effect<void>
}

/**
 * The service that an application talks to.
 *
 * @since 0.1.0
 */
export class Calls extends Context.Service<Calls, {
  /** Records a webhook and answers it. The answer comes after the record is durable. */
  readonly receive: (webhook: Webhook) => Effect.Effect<Reply, StoreError>
}>()("@ringback/core/Calls") {}
