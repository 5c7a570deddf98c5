/** A drawing in the words of Mermaid. */
import type { Box, Edge, FlowDrawing } from "./items.ts"

const escaped = (text: string): string =>
  text.replaceAll("#", "#35;").replaceAll("\"", "#quot;").replaceAll("<", "#lt;").replaceAll(">", "#gt;").replaceAll(
    "|",
    "#124;"
  )

const shape = ({ kind, label }: Box): string => {
  const text = `"${escaped(label)}"`
  switch (kind) {
    case "begins":
    case "ends":
    case "fails":
      return `([${text}])`
    case "asks":
      return `{{${text}}}`
    case "waits":
      return `(${text})`
    case "does":
      return `[[${text}]]`
    case "anywhere":
      return `>${text}]`
    case "says":
    case "dials":
    case "connects":
      return `[${text}]`
  }
}

export const draw = ({ boxes, edges }: FlowDrawing): string => {
  const names = new Map(boxes.map(({ id }, i) => [id, `n${i}`]))
  const arrow = (edge: Edge): string => {
    const label = edge.label === "" ? "" : `|"${escaped(edge.label)}"|`
    return `  ${names.get(edge.from)} ${edge.kind === "way" ? "-->" : "-.->"}${label} ${names.get(edge.to)}`
  }
  return [
    "flowchart TD",
    ...boxes.map((box) => `  ${names.get(box.id)}${shape(box)}`),
    ...edges.filter(({ via }) => via === undefined).map(arrow),
    ""
  ].join("\n")
}
