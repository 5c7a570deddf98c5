/**
 * A call as a ladder: who told whom what, and when. Numbers are masked always, words that were said and keys that were pressed
 * unless they are asked for, so a ladder may be printed anywhere.
 *
 * @since 0.1.0
 */
import { type Duration, Schema } from "effect"
import * as Call from "./Call.ts"
import type { CallEvent, CallId } from "./CallEvent.ts"
import { millisOf } from "./internal/bounds.ts"
import { Climber } from "./internal/call/rungs.ts"
import * as htmlOf from "./internal/ladder/html.ts"
import * as items from "./internal/ladder/items.ts"
import * as textOf from "./internal/ladder/text.ts"
import { span } from "./internal/spans.ts"
import * as Silence from "./Silence.ts"

/**
 * Who takes part in a call, in the order of the columns. `callee` is whoever is at the far end, a caller too.
 *
 * @since 0.1.0
 */
export const actors = items.actors

/**
 * The codec of `Actor`.
 *
 * @since 0.1.0
 */
export const Actor = items.Actor

/**
 * Who takes part in a call.
 *
 * @since 0.1.0
 */
export type Actor = typeof Actor.Type

/**
 * The codec of `Noise`.
 *
 * @since 0.1.0
 */
export const Noise = items.Noise

/**
 * What is rarely looked at: a hold and its end, a webhook that came again, and one that meant nothing any more.
 *
 * @since 0.1.0
 */
export type Noise = typeof Noise.Type

/**
 * The codec of `Rung`.
 *
 * @since 0.1.0
 */
export const Rung = items.Rung

/**
 * One rung: `from` tells `to` something; who tells itself something does it. `at` is in milliseconds since 1970. `events` are the
 * numbers of the events that it comes from, from 1; none where it was not made of a log. `silenceMillis` is how long nothing of
 * ours was heard on the line before it, if that was at all, and `waitsFor` what the call waits for from here on.
 *
 * @since 0.1.0
 */
export type Rung = typeof Rung.Type

/**
 * A rung that is not made of a log, such as what an application does beside it.
 *
 * @since 0.1.0
 */
export const rung = (at: number, from: Actor, to: Actor, text: string): Rung => ({
  _tag: "Rung",
  at,
  from,
  to,
  text,
  events: []
})

/**
 * The codec of `Fold`.
 *
 * @since 0.1.0
 */
export const Fold = items.Fold

/**
 * Noise in a row, as one: `text` counts it, `rungs` are what it holds.
 *
 * @since 0.1.0
 */
export type Fold = typeof Fold.Type

/**
 * The codec of `Idle`.
 *
 * @since 0.1.0
 */
export const Idle = items.Idle

/**
 * A time in which nothing happened, as long as it was, and what was waited for.
 *
 * @since 0.1.0
 */
export type Idle = typeof Idle.Type

/**
 * The codec of `Item`.
 *
 * @since 0.1.0
 */
export const Item = items.Item

/**
 * What a ladder is made of, from top to bottom.
 *
 * @since 0.1.0
 */
export type Item = typeof Item.Type

/**
 * The codec of `Ladder`.
 *
 * @since 0.1.0
 */
export const Ladder = Schema.Struct({
  startedAt: Schema.Finite,
  /** When its last event was recorded. */
  at: Schema.Finite,
  /** Whether words and keys are shown. */
  revealed: Schema.Boolean,
  items: Schema.Array(Item)
})

/**
 * A ladder, ready to be drawn.
 *
 * @since 0.1.0
 */
export type Ladder = typeof Ladder.Type

/**
 * How the rungs of a call are made.
 *
 * @since 0.1.0
 */
export interface Options {
  /** Whether words that were said and keys that were pressed are shown; default `false`. Numbers never are. */
  readonly reveal?: boolean | undefined
}

/**
 * How rungs become the items of a ladder.
 *
 * @since 0.1.0
 */
export interface Folding {
  /** Whether noise in a row becomes one item; default `true`. */
  readonly fold?: boolean | undefined
  /** From when on a time in which nothing happened is drawn as such; default 1 minute, `Infinity` for never. */
  readonly idleAfter?: Duration.Input | undefined
}

/**
 * The rungs of a call, from its events alone. Each event is in some rung. Total: there is no log that makes it throw.
 *
 * @since 0.1.0
 */
export const rungs = (events: ReadonlyArray<CallEvent>, { reveal = false }: Options = {}): ReadonlyArray<Rung> => {
  const climber = new Climber(Call.initial("" as CallId), reveal)
  for (const event of events) climber.take(event)
  const silences = new Map(Silence.pauses(events).map(({ ended, from, until }) => [ended, until - from]))
  return climber.rungs.map((rung) => {
    const silenceMillis = rung.from === "Ringback" && rung.to === "carrier"
      ? silences.get(rung.events.at(-1))
      : undefined
    return silenceMillis === undefined ? rung : { ...rung, silenceMillis }
  })
}

const defaultIdle = 60_000

/**
 * Rungs in the order of their times, with noise folded and idle time told.
 *
 * @since 0.1.0
 */
export const fold = (steps: ReadonlyArray<Rung>, { fold = true, idleAfter }: Folding = {}): ReadonlyArray<Item> => {
  const least = idleAfter === undefined ? defaultIdle : millisOf(idleAfter) ?? defaultIdle
  const found: Array<Item> = []
  let noise: Array<Rung> = []
  let last: Rung | undefined
  const close = () => {
    if (noise.length > 0) found.push(folded(noise))
    noise = []
  }
  for (const rung of steps.toSorted((a, b) => a.at - b.at)) {
    const isNoise = fold && rung.noise !== undefined
    if (!isNoise) close()
    if (last !== undefined && noise.length === 0 && rung.at - last.at >= least) found.push(idle(last, rung.at))
    if (isNoise) noise.push(rung)
    else found.push(rung)
    last = rung
  }
  close()
  return found
}

const idle = (last: Rung, until: number): Idle => ({
  _tag: "Idle",
  at: last.at,
  until,
  text: span(until - last.at),
  ...(last.waitsFor === undefined ? {} : { waitedFor: last.waitsFor })
})

const folded = (rungs: ReadonlyArray<Rung>): Fold => ({
  _tag: "Fold",
  at: rungs[0]!.at,
  until: rungs.at(-1)!.at,
  text: [
    counted(rungs, "hold", "hold"),
    counted(rungs, "copy", "copy", "copies"),
    counted(rungs, "stale", "stale webhook")
  ]
    .filter((words) => words !== undefined).join(", "),
  events: Array.from(new Set(rungs.flatMap(({ events }) => events))),
  rungs
})

/** How often there was noise of a kind: what we said of it, or what we were told if we said nothing. */
const counted = (rungs: ReadonlyArray<Rung>, kind: Noise, one: string, many = `${one}s`): string | undefined => {
  const all = rungs.filter(({ noise }) => noise === kind)
  if (all.length === 0) return undefined
  const ours = all.filter(({ from }) => (from === "Ringback") === (kind === "hold"))
  const count = Math.max(1, ours.length)
  return `${count} ${count === 1 ? one : many}`
}

/**
 * The ladder of a call, from its events alone: noise folded, idle time collapsed. Total, like `rungs`.
 *
 * @example
 * const events = yield* Calls.events(id)
 * const drawn = Ladder.text(Ladder.make(events))
 * @since 0.1.0
 */
export const make = (events: ReadonlyArray<CallEvent>, options: Options & Folding = {}): Ladder => ({
  startedAt: events[0]?.at ?? 0,
  at: events.reduce((last, { at }) => Math.max(last, at), events[0]?.at ?? 0),
  revealed: options.reveal === true,
  items: fold(rungs(events, options), options)
})

/**
 * Draws a ladder, or items of one, as text, each with the seconds since the first. `speed` is how much faster than life the call
 * went: the seconds are those of life.
 *
 * @since 0.1.0
 */
export const text = (ladder: Ladder | ReadonlyArray<Item>, options?: { readonly speed?: number }): string =>
  textOf.draw("items" in ladder ? ladder.items : ladder, actors, options?.speed ?? 1)

/**
 * Draws a ladder, or items of one, as HTML: a list that a screen reader reads, looks by the classes of `css`, with the numbers of
 * its events in `data-event`. Everything in it is escaped, and it holds no script and no style of its own, so any content
 * security policy allows it.
 *
 * @since 0.1.0
 */
export const html = (ladder: Ladder | ReadonlyArray<Item>, options?: { readonly speed?: number }): string =>
  htmlOf.draw("items" in ladder ? ladder.items : ladder, options?.speed ?? 1)

/**
 * The style sheet for `html`, in `currentColor` and system fonts.
 *
 * @since 0.1.0
 */
export const css: string = htmlOf.css
