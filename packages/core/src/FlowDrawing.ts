/**
 * A flow as its author thinks of it, drawn: a box for each place in the conversation, and what leads from one to the next. Plain
 * data, made by `FlowExplorer.draw` of `@ringback/testing` and kept beside the program, so that whoever shows a call can lay its
 * way over it.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type { CallEvent } from "./CallEvent.ts"
import * as wayOf from "./internal/call/way.ts"
import * as items from "./internal/drawing/items.ts"
import * as mermaidOf from "./internal/drawing/mermaid.ts"
import * as outcomeOf from "./internal/drawing/outcome.ts"
import * as svgOf from "./internal/drawing/svg.ts"
import type { Request, Response } from "./Request.ts"

/**
 * The codec of `Box`.
 *
 * @since 0.1.0
 */
export const Box = items.Box

/**
 * A place of a conversation: what the flow does there, in words that hold no number. What comes from the flow's input is named
 * in braces. `id` is the same as long as the flow says the same there. `matches` says which recorded decisions are of this place.
 *
 * A box of the kind `anywhere` stands for many places, from all of which the same leads to the same end.
 *
 * @since 0.1.0
 */
export type Box = typeof Box.Type

/**
 * The codec of `Edge`.
 *
 * @since 0.1.0
 */
export const Edge = items.Edge

/**
 * What leads from one box to another. An edge of the kind `again` closes a loop, and is gone `times` times at most, if there is a
 * bound. A `failure` ends the call without a result; one with a `via` is drawn from that box, for all that have it. `on` is
 * what has to happen, in the form in which a log tells it.
 *
 * @since 0.1.0
 */
export type Edge = typeof Edge.Type

/**
 * The codec of `FlowDrawing`.
 *
 * @since 0.1.0
 */
export const FlowDrawing = items.FlowDrawing

/**
 * A flow as boxes and edges, with their places on a page of `width` by `height`. The first box is where it begins.
 *
 * @since 0.1.0
 */
export type FlowDrawing = typeof FlowDrawing.Type

/**
 * The codec of `Way`.
 *
 * @since 0.1.0
 */
export const Way = items.Way

/**
 * The way of a call over a drawing: the boxes in their order, each with the edge that led there, and the number of the event that
 * says so, from 1. `isExact` says whether the drawing explains all of the call; where it does not (another version of the flow, a
 * value that nobody tried), the way goes on at the box that fits best, without an edge.
 *
 * @since 0.1.0
 */
export type Way = typeof Way.Type

/**
 * The way that a call took over the drawing of its flow, from its events alone. Total: any events give a way, if only an empty one.
 *
 * @since 0.1.0
 */
export const way = (drawing: FlowDrawing, events: ReadonlyArray<CallEvent>): Way => wayOf.way(drawing, events)

/**
 * The drawing as SVG: boxes and arrows in `currentColor`, looks by classes (`css`), an id of its box in `data-box` and of its edge in
 * `data-edge`. With a `way` what was taken is marked, and where the call stands. It holds no script, everything in it is escaped, and
 * a screen reader is told the title and each box.
 *
 * @since 0.1.0
 */
export const svg = (drawing: FlowDrawing, options?: { readonly way?: Way | undefined }): string =>
  svgOf.draw(drawing, options?.way)

/**
 * The style sheet for `svg`.
 *
 * @since 0.1.0
 */
export const css: string = svgOf.css

/**
 * What a request was answered with, in the form that `Edge.on` has and `way` reads from a log. For whoever makes a drawing.
 *
 * @since 0.1.0
 */
export const outcome = (tag: Request["_tag"], response: Response): string => outcomeOf.ofResponse(tag, response)

/**
 * What else may happen at a place, in the same form.
 *
 * @since 0.1.0
 */
export const outcomes = {
  hungUp: outcomeOf.hungUp,
  expired: outcomeOf.expired,
  overdue: outcomeOf.overdue,
  died: outcomeOf.died,
  cancelled: outcomeOf.cancelled
}

/**
 * How much room `svg` gives a box with these words, and the words at an edge, in pixels. For whoever lays a drawing out.
 *
 * @since 0.1.0
 */
export const size = { box: svgOf.boxSize, label: svgOf.labelSize }

/**
 * The drawing as a Mermaid flowchart, which GitHub and many editors draw.
 *
 * @since 0.1.0
 */
export const mermaid = (drawing: FlowDrawing): string => mermaidOf.draw(drawing)

/**
 * Reads a drawing that was kept as JSON; fails with a `SchemaError` if it is none.
 *
 * @since 0.1.0
 */
export const decode = Schema.decodeUnknownResult(FlowDrawing)
