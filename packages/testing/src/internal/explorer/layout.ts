/**
 * Where the boxes and edges of a drawing stand: in layers from top to bottom, with few crossings. `@dagrejs/dagre` does that: it is
 * small, has no dependency but its own graph, and to find layers with few crossings is no work for a phone library.
 */
import { Graph, layout } from "@dagrejs/dagre"
import { FlowDrawing } from "@ringback/core"
import type { Bare } from "./drawing.ts"

const margin = 16

export const laidOut = (
  head: Pick<FlowDrawing.FlowDrawing, "flow" | "version">,
  { boxes, edges }: Bare
): FlowDrawing.FlowDrawing => {
  const graph = new Graph({ multigraph: true })
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 36, edgesep: 18, marginx: margin, marginy: margin })
  for (const box of boxes) graph.setNode(box.id, { ...FlowDrawing.size.box(box) })
  for (const { from, id, label, to, via } of edges) {
    const size = label === "" ? { width: 0, height: 0 } : FlowDrawing.size.label(label)
    if (via === undefined) graph.setEdge(from, to, { ...size, labelpos: "c" }, id)
  }
  layout(graph)
  const { height = 0, width = 0 } = graph.graph() as { readonly width?: number; readonly height?: number }
  return {
    ...head,
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: boxes.map((box) => {
      const { height, width, x, y } = graph.node(box.id) as Place
      return { ...box, x, y, width, height }
    }),
    edges: edges.map((edge) => {
      if (edge.via !== undefined) return { ...edge, points: [] }
      if (edge.from === edge.to) return { ...edge, ...around(graph.node(edge.from) as Place, edge.label) }
      const { points, x, y } = graph.edge({ v: edge.from, w: edge.to, name: edge.id }) as Line
      const at = edge.label === "" || x === undefined || y === undefined ? {} : { at: { x, y } }
      return { ...edge, points: points.map(({ x, y }) => ({ x, y })), ...at }
    })
  }
}

/** A loop at the right of its own box, and its label beside it. */
const around = ({ height, width, x, y }: Place, label: string): Pick<FlowDrawing.Edge, "points" | "at"> => {
  const [right, up, out] = [x + width / 2, Math.min(12, height / 3), 22]
  return {
    points: [
      { x: right, y: y - up },
      { x: right + out, y: y - up },
      { x: right + out, y: y + up },
      { x: right, y: y + up }
    ],
    ...(label === "" ? {} : { at: { x: right + out + FlowDrawing.size.label(label).width / 2, y } })
  }
}

interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Line {
  readonly points: ReadonlyArray<{ readonly x: number; readonly y: number }>
  readonly x?: number
  readonly y?: number
}
