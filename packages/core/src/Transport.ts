/**
 * The port to the carrier. Only the opening dial is ever sent; everything later is the answer to a webhook.
 *
 * @since 0.1.0
 */
import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { Dial } from "./Action.ts"
import { Obstacle } from "./CallEvent.ts"

/**
 * The carrier took the dial. Nobody has answered yet.
 *
 * @since 0.1.0
 */
export interface Accepted {
  readonly referenceId: string
}

/**
 * The carrier surely did nothing and will not, because of the number that was to be rung: it is blocked or not valid. `status`
 * is the carrier's own word. What says nothing about that number, such as credentials that are not accepted, is `NotSent`.
 *
 * @since 0.1.0
 */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  status: Schema.String
}) {}

/**
 * The dial surely did nothing, and may be sent again later. `retryAfterMillis` is the carrier's wish, if it told one.
 *
 * `obstacle` is set where that says nothing about this dial: the credentials are not accepted, the carrier is not reached (no
 * connection, no such host, a failed TLS handshake), or it does not take the number that the dial is from. Then all dials, or
 * all from that number, wait while one at a time probes, and such an attempt does not count towards `settings.dial.attempts`.
 *
 * `throttled` is set where the carrier was reached and took no more for now (429): such an attempt does not count towards
 * `settings.dial.attempts`, and slows all dials down.
 *
 * @since 0.1.0
 */
export class NotSent extends Schema.TaggedClass<NotSent>()("NotSent", {
  problem: Schema.String,
  throttled: Schema.optionalKey(Schema.Literal(true)),
  obstacle: Schema.optionalKey(Obstacle),
  retryAfterMillis: Schema.optionalKey(Schema.Finite)
}) {}

/**
 * The dial was perhaps carried out: no answer came in time, the connection broke, or the answer is none that is
 * documented. The phone may be ringing, so nothing may be sent again blindly.
 *
 * @since 0.1.0
 */
export class Lost extends Schema.TaggedClass<Lost>()("Lost", {
  problem: Schema.String
}) {}

/**
 * A dial was not confirmed. `reason` says what that proves: `Refused` and `NotSent` are surely not done, `Lost` is perhaps
 * done. It does not name the dial: whoever knows an `external_id` could act on its call.
 *
 * @since 0.1.0
 */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  reason: Schema.Union([Refused, NotSent, Lost])
}) {
  override get message() {
    const told = this.reason._tag === "Refused" ? this.reason.status : this.reason.problem
    return `A dial was not confirmed (${this.reason._tag}): ${told}`
  }
}

/**
 * The port to a carrier.
 *
 * @since 0.1.0
 */
export class Transport extends Context.Service<Transport, {
  /**
   * Sends one dial, once: no retry, no redirect. The carrier cannot recognise a repeat, so a lost answer is reported and
   * not tried again. `action.externalId` is always set.
   */
  readonly send: (action: Dial) => Effect.Effect<Accepted, TransportError>
}>()("@ringback/core/Transport") {}
