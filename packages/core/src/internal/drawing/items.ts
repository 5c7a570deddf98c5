/** What a drawing is made of: see `FlowDrawing`. */
import { Schema } from "effect"

/** Which recorded decisions are of a box. */
export const Matching = Schema.TaggedUnion({
  Arrival: {},
  Dial: {},
  /** `words` are what may be said there, what comes from the input in braces; `collect` is how many keys may be pressed. */
  Prompt: { words: Schema.Array(Schema.String), collect: Schema.Int },
  Bridge: {},
  Sleep: { millis: Schema.Finite },
  Activity: { name: Schema.String },
  Signal: { name: Schema.String },
  Draw: {},
  /** `values` are outputs as JSON, or the tags of errors. */
  End: { exit: Schema.Literals(["Success", "Failure", "Stopped"]), values: Schema.Array(Schema.String) },
  Nothing: {}
})

const Point = Schema.Struct({ x: Schema.Finite, y: Schema.Finite })
export type Point = typeof Point.Type

export const Box = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(["begins", "says", "asks", "dials", "connects", "waits", "does", "ends", "fails", "anywhere"]),
  label: Schema.String,
  matches: Matching,
  /** Its middle. */
  x: Schema.Finite,
  y: Schema.Finite,
  width: Schema.Finite,
  height: Schema.Finite
})
export type Box = typeof Box.Type

export const Edge = Schema.Struct({
  id: Schema.String,
  from: Schema.String,
  to: Schema.String,
  kind: Schema.Literals(["way", "again", "failure"]),
  label: Schema.String,
  times: Schema.optionalKey(Schema.Int),
  via: Schema.optionalKey(Schema.String),
  on: Schema.Array(Schema.String),
  points: Schema.Array(Point),
  /** The middle of the label. */
  at: Schema.optionalKey(Point)
})
export type Edge = typeof Edge.Type

export const FlowDrawing = Schema.Struct({
  flow: Schema.String,
  version: Schema.Int,
  width: Schema.Finite,
  height: Schema.Finite,
  boxes: Schema.Array(Box),
  edges: Schema.Array(Edge)
})
export type FlowDrawing = typeof FlowDrawing.Type

export const Way = Schema.Struct({
  steps: Schema.Array(Schema.Struct({
    box: Schema.String,
    edge: Schema.optionalKey(Schema.String),
    event: Schema.Int,
    at: Schema.Finite
  })),
  /** The box where the call stands, if it is not over. */
  here: Schema.optionalKey(Schema.String),
  isExact: Schema.Boolean
})
export type Way = typeof Way.Type
