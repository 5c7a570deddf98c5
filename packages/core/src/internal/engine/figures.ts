/** What an engine counts: what became durable, what webhooks were answered with, and what it has in hand. */
import { Effect, Exit } from "effect"
import type { Context, Metric, Scope } from "effect"
import type * as Call from "../../Call.ts"
import { type CallEvent, type Exit as FlowExit, Obstacle } from "../../CallEvent.ts"
import type { Standing } from "../../CallInput.ts"
import * as CallMetrics from "../../CallMetrics.ts"
import type * as Settings from "../../Settings.ts"
import * as Silence from "../../Silence.ts"
import type * as Webhook from "../../Webhook.ts"
import type { Answer } from "./arrival.ts"
import type { Behind } from "./overdue.ts"

/** Counts for an engine. */
export interface Figures {
  /** A turn is durable. */
  readonly follow: (events: ReadonlyArray<CallEvent>, call: Call.Call) => void
  /** The carrier has said something to a dial, or nothing in time. */
  readonly posted: (result: CallMetrics.DialResult) => void
  /** An append has failed, or somebody else was first. */
  readonly failed: () => void
  readonly conflicted: () => void
  /** Another process has acted as the owner of a call, too. */
  readonly duplicated: () => void
  /** Gives the answer to a webhook that comes in now, and counts it. */
  readonly timed: (webhook: Webhook.Webhook, answer: Answer) => Answer
}

/** The clock of an engine and what it is set up with. */
export interface Options {
  readonly elapsed: () => number
  readonly settings: Settings.Settings
  /** The names of the flows that are registered. */
  readonly flows: ReadonlySet<string>
}

/**
 * Makes each metric of a kind once: to make one costs more than to count. It is there from the start, for whoever watches sees
 * the first of something only if there was none before.
 */
const made = (context: Context.Context<never>) => {
  const shown = <M extends Metric.Metric<never, unknown>>(metric: M): M => {
    metric.valueUnsafe(context)
    return metric
  }
  const each = <K extends string>(keys: Iterable<K>, make: (key: K) => Metric.Counter<number>) => {
    const all = new Map(Array.from(keys, (key) => [key, shown(make(key))] as const))
    return (key: K): void => all.get(key)?.updateUnsafe(1, context)
  }
  return { shown, each }
}

/** In the registry of whoever builds the engine. */
export const make = Effect.fnUntraced(function*({ elapsed, flows, settings }: Options): Effect.fn.Return<Figures> {
  const context = yield* Effect.context<never>()
  const { each, shown } = made(context)
  const names = [...flows, "other"]
  const outbound = each(names, (flow) => CallMetrics.callsStarted(flow, "outbound"))
  const inbound = each(names, (flow) => CallMetrics.callsStarted(flow, "inbound"))
  const ended = {
    Success: each(names, (flow) => CallMetrics.callsEnded(flow, "Success")),
    Failure: each(names, (flow) => CallMetrics.callsEnded(flow, "Failure")),
    Stopped: each(names, (flow) => CallMetrics.callsEnded(flow, "Stopped"))
  }
  const stopped = each(CallMetrics.stopReasons, CallMetrics.callsStopped)
  const dials = each(CallMetrics.dialResults, CallMetrics.dials)
  const replies = each(CallMetrics.replyBases, CallMetrics.replies)
  const { callersTurnedAway, dialsHeld, duplicateOwners, fieldsLeftOut, holds } = CallMetrics
  const { repliesLate, storeConflicts, storeFailures } = CallMetrics
  const rare = [callersTurnedAway, dialsHeld, duplicateOwners, fieldsLeftOut]
  const plain = [...rare, holds, repliesLate, storeConflicts, storeFailures]
  for (const metric of [...plain, CallMetrics.replyDuration, CallMetrics.firstWord]) shown(metric)
  const known = (flow: string): string => flows.has(flow) ? flow : "other"

  const countEnd = (flow: string, exit: FlowExit): void => {
    ended[exit._tag](known(flow))
    if (exit._tag === "Stopped") stopped(exit.reason._tag)
  }

  const count = (event: CallEvent, call: Call.Call): void => {
    switch (event._tag) {
      case "CallStarted":
        return outbound(known(event.flow))
      case "CallArrived":
        return inbound(known(event.flow))
      case "FlowEnded":
        return countEnd(call.flow, event.exit)
      case "HoldAnswered":
        return holds.updateUnsafe(1, context)
    }
  }

  const timed: Figures["timed"] = (webhook, answer) => {
    const since = elapsed()
    return (exit) => {
      answer(exit)
      if (Exit.isFailure(exit)) return
      const { action, basis } = exit.value
      const millis = elapsed() - since
      replies(basis)
      CallMetrics.replyDuration.updateUnsafe(millis / 1000, context)
      if (action === undefined) return
      if (millis > settings.reply.lateAfter) repliesLate.updateUnsafe(1, context)
      if (beginsTalk(webhook) && Silence.isHeard(action)) CallMetrics.firstWord.updateUnsafe(millis / 1000, context)
    }
  }

  return {
    follow: (events, call) => {
      for (const event of events) count(event, call)
    },
    posted: dials,
    failed: () => storeFailures.updateUnsafe(1, context),
    conflicted: () => storeConflicts.updateUnsafe(1, context),
    duplicated: () => duplicateOwners.updateUnsafe(1, context),
    timed
  }
})

/** Whether somebody is on the line from this event on, to whom nothing was said yet. */
const beginsTalk = ({ kind }: Webhook.Webhook): boolean => kind === "IncomingCall" || kind === "DialCompleted"

/** What an engine has in hand. */
export interface Load {
  /** The process is about to end: it starts no call, hands over what it can, and answers what comes in. */
  readonly isDraining: boolean
  /** The engine ends: it answers what is in hand, and begins nothing. */
  readonly isClosing: boolean
  readonly callsInMemory: number
  /** Lines that ring or talk. */
  readonly linesLive: number
  /** Dials of which nobody knows yet whether they rang. */
  readonly dialsUnknown: number
  /** Dials that wait for their place in the pace. */
  readonly dialsWaiting: number
  /** Webhooks that are not recorded yet. */
  readonly webhooksWaiting: number
  /**
   * The shards of a cluster whose oldest due work has waited for longer than a look (`settings.store.lookEvery`), the longest first.
   * None without a cluster.
   */
  readonly shardsBehind: ReadonlyArray<Behind>
  /** How long the store has failed, or was late, and how often; `undefined` while it is well. */
  readonly storeFailing: { readonly forMillis: number; readonly failures: number } | undefined
}

/** What a gauge reads. */
type Read = readonly [gauge: Metric.Gauge<number>, read: () => number]

/** Shows what an engine has in hand, read when somebody looks. */
export const show = Effect.fnUntraced(function*(
  load: () => Load,
  standing: () => ReadonlyArray<Standing>,
  shards: ReadonlyArray<string>
): Effect.fn.Return<void, never, Scope.Scope> {
  const blocked = (obstacle: Obstacle): Read => [
    CallMetrics.dialsBlocked(obstacle),
    () => standing().some((each) => each.obstacle === obstacle) ? 1 : 0
  ]
  const shardAge = (shard: string): Read => [
    CallMetrics.shardDueAge(shard),
    () => (load().shardsBehind.find((each) => each.shard === shard)?.forMillis ?? 0) / 1000
  ]
  const gauges: ReadonlyArray<Read> = [
    [CallMetrics.callsInMemory, () => load().callsInMemory],
    [CallMetrics.linesLive, () => load().linesLive],
    [CallMetrics.dialsUnknown, () => load().dialsUnknown],
    [CallMetrics.dialsWaiting, () => load().dialsWaiting],
    [CallMetrics.webhooksWaiting, () => load().webhooksWaiting],
    ...Obstacle.literals.map(blocked),
    ...shards.map(shardAge)
  ]
  for (const [gauge, read] of gauges) yield* CallMetrics.read(gauge, read)
})
