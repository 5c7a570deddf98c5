/** The drawing of a call's flow, with the way that it took. */
import { type CallEvent, FlowDrawing } from "@ringback/core"

/** The drawing of a flow as SVG, and the way that a call took over it. */
export interface Overlay {
  readonly svg: string
  readonly isExact: boolean
  readonly steps: ReadonlyArray<{
    readonly box: string
    readonly event: number
    readonly at: number
    readonly words: string
  }>
}

/** Nothing, if the application gave no drawing of this flow in this version. */
export const of = (
  drawings: ReadonlyArray<FlowDrawing.FlowDrawing>,
  events: ReadonlyArray<CallEvent.CallEvent>
): Overlay | undefined => {
  const [begin] = events
  if (begin?._tag !== "CallStarted" && begin?._tag !== "CallArrived") return undefined
  const drawing = drawings.find(({ flow, version }) => flow === begin.flow && version === begin.version)
  if (drawing === undefined) return undefined
  const way = FlowDrawing.way(drawing, events)
  const labels = new Map(drawing.boxes.map(({ id, label }) => [id, label]))
  return {
    svg: FlowDrawing.svg(drawing, { way }),
    isExact: way.isExact,
    steps: way.steps.map(({ at, box, event }) => ({ box, event, at, words: labels.get(box) ?? "" }))
  }
}
