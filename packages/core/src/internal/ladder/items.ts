/** What a ladder is made of: see `Ladder`. */
import { Schema } from "effect"

export const actors = ["application", "Ringback", "carrier", "callee"] as const

export const Actor = Schema.Literals(actors)
export type Actor = typeof Actor.Type

export const Noise = Schema.Literals(["hold", "copy", "stale"])
export type Noise = typeof Noise.Type

export const Rung = Schema.TaggedStruct("Rung", {
  at: Schema.Finite,
  from: Actor,
  to: Actor,
  text: Schema.String,
  /** The numbers of the events that it comes from, from 1; none where it was not made of a log. */
  events: Schema.Array(Schema.Int),
  line: Schema.optionalKey(Schema.Int),
  noise: Schema.optionalKey(Noise),
  /** How long nothing of ours was heard on the line before it, if that was at all. */
  silenceMillis: Schema.optionalKey(Schema.Finite),
  /** What the call waits for from here on, in words. */
  waitsFor: Schema.optionalKey(Schema.String)
})
export type Rung = typeof Rung.Type

export const Fold = Schema.TaggedStruct("Fold", {
  at: Schema.Finite,
  until: Schema.Finite,
  text: Schema.String,
  events: Schema.Array(Schema.Int),
  rungs: Schema.Array(Rung)
})
export type Fold = typeof Fold.Type

export const Idle = Schema.TaggedStruct("Idle", {
  at: Schema.Finite,
  until: Schema.Finite,
  text: Schema.String,
  waitedFor: Schema.optionalKey(Schema.String)
})
export type Idle = typeof Idle.Type

export const Item = Schema.Union([Rung, Fold, Idle])
export type Item = typeof Item.Type
