/**
 * What is counted of webhooks by whatever door they come in: the names, units and labels of all metrics of this package.
 *
 * Names and labels are stable, and follow the conventions of Prometheus. No label is without a bound.
 *
 * @since 0.1.0
 */
import type { CallMetrics } from "@ringback/core"
import { Metric } from "effect"

/**
 * Why something is not taken as a webhook.
 *
 * @since 0.1.0
 */
export type Rejection =
  | "unsigned"
  | "wrong_signature"
  | "malformed_signature"
  | "doubled_signature"
  | "unverified"
  | "too_large"
  | "unreadable"
  | "not_json"
  | "not_an_event"
  | "out_of_bounds"

/**
 * What became of a webhook: it was answered with an `action` or with `nothing`; with a hang-up, because its action cannot be said
 * to Telesign (`unsayable`); with 503, because it could not be recorded in time (`unavailable`); with 500 (`died`); or it was
 * not taken.
 *
 * @since 0.1.0
 */
export type Result = "action" | "nothing" | "unsayable" | "unavailable" | "died" | Rejection

/**
 * The name of an event that is documented; `unread` if there was none to read, `other` for any other name.
 *
 * @since 0.1.0
 */
export type Event = typeof events[number] | "other"

/**
 * The names of events that are counted apart.
 *
 * @since 0.1.0
 */
export const events = [
  "incoming_call",
  "dial_completed",
  "speak_completed",
  "play_completed",
  "call_leg_completed",
  "call_completed",
  "unread"
] as const

/**
 * What can become of a webhook, in words.
 *
 * @since 0.1.0
 */
export const results: ReadonlyArray<Result> = [
  "action",
  "nothing",
  "unsayable",
  "unavailable",
  "died",
  "unsigned",
  "wrong_signature",
  "malformed_signature",
  "doubled_signature",
  "unverified",
  "too_large",
  "unreadable",
  "not_json",
  "not_an_event",
  "out_of_bounds"
]

/**
 * Counts the webhooks that came in.
 *
 * @since 0.1.0
 */
export const webhooks = (event: Event, result: Result): Metric.Counter<number> =>
  Metric.counter("ringback_webhooks_total", {
    description: "Webhooks that came in, by event and by what became of them",
    attributes: { event, result },
    incremental: true
  })

/**
 * All metrics of this package, with the values that their labels can have.
 *
 * @since 0.1.0
 */
export const figures: ReadonlyArray<CallMetrics.Figure> = [
  {
    name: webhooks("other", "action").id,
    kind: "counter",
    unit: "webhooks",
    labels: { event: [...events, "other"], result: results },
    description: webhooks("other", "action").description ?? ""
  }
]
