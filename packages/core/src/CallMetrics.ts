/**
 * What is counted of calls: the names, units and labels of all metrics of this package. The engine and its store keep them up to date.
 *
 * Names and labels are stable, and follow the conventions of Prometheus: units are in the name, counters end in `_total`. No label
 * is without a bound: a flow is one that is registered with `Calls.layer`, else `other`.
 *
 * @since 0.1.0
 */
import { Clock, Duration, Effect, Layer, Metric, Schedule } from "effect"
import type { Context, Scope } from "effect"
import { Obstacle, StopReason } from "./CallEvent.ts"
import { Outcome } from "./CallIndex.ts"
import { EventStore } from "./EventStore.ts"
import type { Basis } from "./Reply.ts"

/**
 * What became of the `POST` of a dial. `unsent` is one that was not sent in time, or cancelled before; `lost` one of which nobody
 * knows whether it rang.
 *
 * @since 0.1.0
 */
export type DialResult = "accepted" | "refused" | "throttled" | Obstacle | "unsent" | "lost"

/**
 * What has to be known of a metric to read it.
 *
 * @since 0.1.0
 */
export interface Figure {
  readonly name: string
  readonly kind: "counter" | "gauge" | "histogram"
  readonly unit: string
  /** The values that each label can have. */
  readonly labels: { readonly [label: string]: ReadonlyArray<string> | "registered flows, other" | "shards" }
  readonly description: string
}

/**
 * What can become of the `POST` of a dial, in words.
 *
 * @since 0.1.0
 */
export const dialResults: ReadonlyArray<DialResult> = [
  "accepted",
  "refused",
  "throttled",
  ...Obstacle.literals,
  "unsent",
  "lost"
]

/**
 * Why a call can be stopped from outside of its flow, in words.
 *
 * @since 0.1.0
 */
export const stopReasons: ReadonlyArray<StopReason["_tag"]> = Object.keys(StopReason.cases) as Array<StopReason["_tag"]>

/**
 * What a reply can rest on, in words.
 *
 * @since 0.1.0
 */
export const replyBases: ReadonlyArray<Basis> = [
  "recorded",
  "copy",
  "unrecorded hold",
  "unrecorded hang-up",
  "unclaimed",
  "refused"
]

const flows = "registered flows, other"

const counter = (name: string, description: string, attributes: { readonly [label: string]: string } = {}) =>
  Metric.counter(name, { description, incremental: true, attributes })

const gauge = (name: string, description: string, attributes: { readonly [label: string]: string } = {}) =>
  Metric.gauge(name, { description, attributes })

/** From what nobody notices to what is dead air, in seconds. */
const boundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 4, 8]

const seconds = (name: string, description: string) => Metric.histogram(name, { description, boundaries })

// Calls

/**
 * Counts the calls that began.
 *
 * @since 0.1.0
 */
export const callsStarted = (flow: string, direction: "outbound" | "inbound"): Metric.Counter<number> =>
  counter("ringback_calls_started_total", "Calls that began", { flow, direction })

/**
 * Counts the calls whose flow has an outcome.
 *
 * @since 0.1.0
 */
export const callsEnded = (flow: string, outcome: Outcome): Metric.Counter<number> =>
  counter("ringback_calls_ended_total", "Calls whose flow has an outcome", { flow, outcome })

/**
 * Counts the calls that were stopped from outside of their flow, by why.
 *
 * @since 0.1.0
 */
export const callsStopped = (reason: StopReason["_tag"]): Metric.Counter<number> =>
  counter("ringback_calls_stopped_total", "Calls that were stopped from outside of their flow", { reason })

/**
 * How many calls are in the memory of this process.
 *
 * @since 0.1.0
 */
export const callsInMemory: Metric.Gauge<number> = gauge(
  "ringback_calls_in_memory",
  "Calls in the memory of this process"
)

/**
 * How many lines ring or talk, of the calls that this process looks after.
 *
 * @since 0.1.0
 */
export const linesLive: Metric.Gauge<number> = gauge(
  "ringback_lines_live",
  "Lines that ring or talk, of the calls that this process looks after"
)

/**
 * How long ago the work fell due that has waited longest of all in the store. `layerDue` looks it up.
 *
 * @since 0.1.0
 */
export const dueAge: Metric.Gauge<number> = gauge(
  "ringback_due_age_seconds",
  "How long ago the work fell due that has waited longest, of all calls in the store"
)

/**
 * How long ago the work fell due that has waited longest in a shard of the cluster, by its number: 0 up to a look
 * (`settings.store.lookEvery`). There only in a cluster (`ClusterCalls`).
 *
 * @since 0.1.0
 */
export const shardDueAge = (shard: string): Metric.Gauge<number> =>
  gauge(
    "ringback_shard_due_age_seconds",
    "How long ago the work fell due that has waited longest, of the calls in a shard",
    {
      shard
    }
  )

// Dials

/**
 * Counts the dials that were recorded as attempted, by what became of their `POST`.
 *
 * @since 0.1.0
 */
export const dials = (result: DialResult): Metric.Counter<number> =>
  counter("ringback_dials_total", "Dials that were attempted, by what became of their POST", { result })

/**
 * Counts the dials that were held because the store was restored from a copy (`restored`).
 *
 * @since 0.1.0
 */
export const dialsHeld: Metric.Counter<number> = counter(
  "ringback_dials_held_total",
  "Dials that were held, because the store was restored from a copy"
)

/**
 * How many dials of this process wait for their place in the pace.
 *
 * @since 0.1.0
 */
export const dialsWaiting: Metric.Gauge<number> = gauge(
  "ringback_dials_waiting",
  "Dials of this process that wait for their place in the pace"
)

/**
 * How many dials, of the calls that this process looks after, may have rung or not: nobody knows yet.
 *
 * @since 0.1.0
 */
export const dialsUnknown: Metric.Gauge<number> = gauge(
  "ringback_dials_unknown",
  "Dials of which nobody knows yet whether they rang, of the calls that this process looks after"
)

/**
 * Whether something stands in the way of the dials of this process, whoever is to be rung: 1, else 0.
 *
 * @since 0.1.0
 */
export const dialsBlocked = (obstacle: Obstacle): Metric.Gauge<number> =>
  gauge("ringback_dials_blocked", "Whether something stands in the way of dials, whoever is to be rung (1 or 0)", {
    obstacle
  })

// Webhooks

/**
 * Counts the replies to webhooks, by what they rest on.
 *
 * @since 0.1.0
 */
export const replies = (basis: Basis): Metric.Counter<number> =>
  counter("ringback_replies_total", "Replies to webhooks, by what they rest on", { basis })

/**
 * How long webhooks waited for their reply: from when the engine has one until its reply goes out.
 *
 * @since 0.1.0
 */
export const replyDuration: Metric.Histogram<number> = seconds(
  "ringback_reply_duration_seconds",
  "How long webhooks waited for their reply, in the engine"
)

/**
 * How long whoever has answered, or called, waited for the first word: from the webhook that says so to the reply with words, if it
 * has any (`Silence.isHeard`).
 *
 * @since 0.1.0
 */
export const firstWord: Metric.Histogram<number> = seconds(
  "ringback_first_word_seconds",
  "How long whoever has answered, or called, waited in silence for the first word"
)

/**
 * Counts the replies with an action that went out later than `settings.reply.lateAfter`.
 *
 * @since 0.1.0
 */
export const repliesLate: Metric.Counter<number> = counter(
  "ringback_replies_late_total",
  "Replies with an action that went out later than reply.lateAfter"
)

/**
 * Counts the holds that were recorded because a flow had not decided by `settings.reply.deadline`.
 *
 * @since 0.1.0
 */
export const holds: Metric.Counter<number> = counter(
  "ringback_holds_total",
  "Holds that were recorded, because a flow had not decided by reply.deadline"
)

/**
 * How many webhooks are in hand and not recorded yet.
 *
 * @since 0.1.0
 */
export const webhooksWaiting: Metric.Gauge<number> = gauge(
  "ringback_webhooks_waiting",
  "Webhooks in hand that are not recorded yet"
)

/**
 * Counts the fields of webhooks that were left out of the record because they are out of bounds (`Webhook.bounded`).
 *
 * @since 0.1.0
 */
export const fieldsLeftOut: Metric.Counter<number> = counter(
  "ringback_webhook_fields_left_out_total",
  "Fields of webhooks that were left out because they are too large, or are no such thing"
)

/**
 * Counts the calls that came in and were refused, because too many came in a second or were there at a time
 * (`settings.inbound`).
 *
 * @since 0.1.0
 */
export const callersTurnedAway: Metric.Counter<number> = counter(
  "ringback_callers_turned_away_total",
  "Calls that came in and were refused, because too many came in a second or were there at a time"
)

// The store

/**
 * Counts the commits that stored turns. With `storeTurns` it tells how many appends share one.
 *
 * @since 0.1.0
 */
export const storeCommits: Metric.Counter<number> = counter("ringback_store_commits_total", "Commits that stored turns")

/**
 * Counts the turns that were stored.
 *
 * @since 0.1.0
 */
export const storeTurns: Metric.Counter<number> = counter("ringback_store_turns_total", "Turns that were stored")

/**
 * Counts the appends that failed. What another process was first with is no failure.
 *
 * @since 0.1.0
 */
export const storeFailures: Metric.Counter<number> = counter(
  "ringback_store_failures_total",
  "Appends that failed, without those that another process was first with"
)

/**
 * Counts the turns that were decided again because another process had appended first.
 *
 * @since 0.1.0
 */
export const storeConflicts: Metric.Counter<number> = counter(
  "ringback_store_conflicts_total",
  "Turns that were decided again because another process had appended first"
)

/**
 * Counts the turns that this process lost to another one where both acted as the owner of the call within a lease
 * (`settings.store.lease`): by a timer, what became of an activity or a dial, or a restart. Webhooks that meet do not count.
 *
 * @since 0.1.0
 */
export const duplicateOwners: Metric.Counter<number> = counter(
  "ringback_duplicate_owners_total",
  "Turns lost to another process where both acted as the owner of the call within a lease"
)

/**
 * How many turns of this process wait for their commit.
 *
 * @since 0.1.0
 */
export const storeWaiting: Metric.Gauge<number> = gauge(
  "ringback_store_waiting",
  "Turns of this process that wait for their commit"
)

// All of them

type AnyMetric = Pick<Metric.Metric<never, unknown>, "id" | "type" | "description">

const kinds = { Counter: "counter", Gauge: "gauge", Histogram: "histogram" } as const

const figure = ({ description, id, type }: AnyMetric, unit: string, labels: Figure["labels"] = {}): Figure => ({
  name: id,
  kind: kinds[type as keyof typeof kinds],
  unit,
  labels,
  description: description ?? ""
})

/**
 * All metrics of this package, with the values that their labels can have.
 *
 * @since 0.1.0
 */
export const figures: ReadonlyArray<Figure> = [
  figure(callsStarted("", "outbound"), "calls", { flow: flows, direction: ["outbound", "inbound"] }),
  figure(callsEnded("", "Success"), "calls", { flow: flows, outcome: Outcome.literals }),
  figure(callsStopped("Cancelled"), "calls", { reason: stopReasons }),
  figure(callsInMemory, "calls"),
  figure(linesLive, "lines"),
  figure(dueAge, "seconds"),
  figure(shardDueAge(""), "seconds", { shard: "shards" }),
  figure(dials("accepted"), "dials", { result: dialResults }),
  figure(dialsHeld, "dials"),
  figure(dialsWaiting, "dials"),
  figure(dialsUnknown, "dials"),
  figure(dialsBlocked("credentials"), "1 or 0", { obstacle: Obstacle.literals }),
  figure(replies("recorded"), "replies", { basis: replyBases }),
  figure(replyDuration, "seconds"),
  figure(firstWord, "seconds"),
  figure(repliesLate, "replies"),
  figure(holds, "holds"),
  figure(webhooksWaiting, "webhooks"),
  figure(fieldsLeftOut, "fields"),
  figure(callersTurnedAway, "calls"),
  figure(storeCommits, "commits"),
  figure(storeTurns, "turns"),
  figure(storeFailures, "appends"),
  figure(storeConflicts, "turns"),
  figure(duplicateOwners, "turns"),
  figure(storeWaiting, "turns")
]

// Gauges

/**
 * Has a gauge read when somebody looks at it, until the scope closes. Two of one name in one registry replace each other. For
 * authors of stores.
 *
 * @since 0.1.0
 */
export const read = (gauge: Metric.Gauge<number>, value: () => number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const hooks = { get: () => ({ value: value() }), update: () => undefined, modify: () => undefined }
    const { remove } = Metric.registerUnsafe(gauge, context, hooks)
    return Effect.addFinalizer(() => Effect.sync(remove))
  })

// What all processes share

/**
 * Looks every 15 seconds how old the oldest due work in the store is, and keeps `dueAge`. While the store cannot be read it grows by
 * the time since it last could.
 *
 * It says the same in each process on a store. Work that is a second behind is on time.
 *
 * @since 0.1.0
 */
export const layerDue = (
  options: { readonly every?: Duration.Input | undefined } = {}
): Layer.Layer<never, never, EventStore> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const store = yield* EventStore
    let last = { at: yield* Clock.currentTimeMillis, age: 0 }
    const look = Effect.gen(function*() {
      const at = yield* Clock.currentTimeMillis
      const found = yield* Effect.result(store.due({ before: at, limit: 1 }))
      if (found._tag === "Success") last = { at, age: at - (found.success[0]?.due ?? at) }
      yield* Metric.update(dueAge, Math.max(0, last.age + at - last.at) / 1000)
    })
    const every = Schedule.spaced(options.every ?? Duration.seconds(15))
    yield* Effect.forkScoped(Effect.withTracerEnabled(Effect.repeat(look, every), false))
  }))
