/**
 * What became of a `POST` as a call records it, whichever transport says so: within bounds, so that it can be stored and read
 * back.
 */
import { Schema } from "effect"
import { Obstacle } from "../../CallEvent.ts"
import type { Posted } from "../../CallInput.ts"
import type { DialResult } from "../../CallMetrics.ts"
import type { Accepted, TransportError } from "../../Transport.ts"
import * as Webhook from "../../Webhook.ts"

/** A transport may be written without types. */
const isObstacle = Schema.is(Obstacle)

/** The longest that foreign words are recorded, in characters. */
const longest = 500

/** Foreign words, cut to their bound, but not through a pair. */
const words = (text: string): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 3).replace(/[\ud800-\udbff]$/, "")}...`

/**
 * A dial that was taken. If its session cannot be kept the phone may ring all the same: so it counts as lost, is not sent
 * again, and an event that carries our `external_id` shows what became of it.
 */
export const accepted = ({ referenceId }: Accepted): Posted =>
  Webhook.isId(referenceId)
    ? { _tag: "Accepted", referenceId }
    : { _tag: "Lost", problem: "it was accepted under an id that cannot be kept" }

/** A dial that was not confirmed. */
export const unconfirmed = (reason: TransportError["reason"]): Posted => {
  switch (reason._tag) {
    case "Refused":
      return { _tag: "Refused", status: words(reason.status) }
    case "NotSent":
      return {
        _tag: "NotSent",
        problem: words(reason.problem),
        ...(reason.throttled === true ? { throttled: true } : {}),
        ...(isObstacle(reason.obstacle) ? { obstacle: reason.obstacle } : {}),
        ...wish(reason.retryAfterMillis)
      }
    case "Lost":
      return { _tag: "Lost", problem: words(reason.problem) }
    default:
      return { _tag: "Lost", problem: "it failed for a reason that is not known" } // A transport may be written without types.
  }
}

/** A wish that is no time is none. How long it is followed is decided with the call. */
const wish = (millis: number | undefined): { readonly retryAfterMillis?: number } =>
  millis !== undefined && Number.isFinite(millis) && millis >= 0 ? { retryAfterMillis: millis } : {}

/** What became of a `POST`, in a word. */
export const resultOf = (posted: Posted): DialResult => {
  switch (posted._tag) {
    case "Accepted":
      return "accepted"
    case "Refused":
      return "refused"
    case "NotSent":
      return posted.obstacle ?? (posted.throttled === true ? "throttled" : "unsent")
    case "Lost":
      return "lost"
  }
}
