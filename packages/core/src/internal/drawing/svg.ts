/** A drawing as SVG. Its places were found before: here it is only written down. */
import { escaped } from "../markup.ts"
import type { Box, Edge, FlowDrawing, Point, Way } from "./items.ts"

/** How often a way went along something. */
interface Taken {
  readonly boxes: ReadonlyMap<string, number>
  readonly edges: ReadonlyMap<string, number>
  readonly here: string | undefined
}

const counts = (ids: ReadonlyArray<string | undefined>): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const id of ids) if (id !== undefined) found.set(id, (found.get(id) ?? 0) + 1)
  return found
}

/** An edge that is drawn from elsewhere marks that. */
const takenBy = ({ edges }: FlowDrawing, { here, steps }: Way): Taken => {
  const vias = new Map(edges.map(({ id, via }) => [id, via]))
  const via = steps.map(({ edge }) => edge === undefined ? undefined : vias.get(edge))
  const drawn = edges.filter(({ from }) => via.includes(from)).map(({ id }) => id)
  return {
    boxes: counts([...steps.map(({ box }) => box), ...via]),
    edges: counts([...steps.map(({ edge }) => edge), ...drawn]),
    here
  }
}

const n = (value: number): string => String(Math.round(value * 10) / 10)

const lineHeight = 17

/** How many characters stand on one line, and how wide one is on average, of a box and of an edge. */
const fonts = { box: { characters: 34, width: 6.9 }, edge: { characters: 24, width: 6.1 } }

/** A label in lines. */
const linesOf = (label: string, { characters }: typeof fonts.box): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of label.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= characters) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

const sizeOf = (label: string, font: typeof fonts.box): Size => {
  const lines = linesOf(label, font)
  const longest = lines.reduce((most, { length }) => Math.max(most, length), 0)
  return { width: Math.ceil(longest * font.width), height: lines.length * lineHeight }
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** Where keys are pressed, they are drawn beside the words. */
const besideKeys = 18

export const boxSize = ({ kind, label }: Pick<Box, "kind" | "label">): Size => {
  const { height, width } = sizeOf(label, fonts.box)
  return { width: Math.max(64, width + 34 + (kind === "asks" ? besideKeys : 0)), height: height + 17 }
}

export const labelSize = (label: string): Size => {
  const { height, width } = sizeOf(label, fonts.edge)
  return { width: width + 8, height }
}

const textAt = (lines: ReadonlyArray<string>, x: number, y: number, name: string): string => {
  const top = y - (lines.length - 1) * lineHeight / 2
  const spans = lines.map((line, i) => `<tspan x="${n(x)}" y="${n(top + i * lineHeight)}">${escaped(line)}</tspan>`)
  return `<text class="${name}" text-anchor="middle" dominant-baseline="central">${spans.join("")}</text>`
}

/** The outline of a box by what is done there. */
const outline = ({ height, kind, width, x, y }: Box): string => {
  const [left, top] = [x - width / 2, y - height / 2]
  const rect = (radius: number) =>
    `<rect x="${n(left)}" y="${n(top)}" width="${n(width)}" height="${n(height)}" rx="${n(radius)}"/>`
  switch (kind) {
    case "begins":
    case "ends":
    case "fails":
      return rect(height / 2)
    case "asks":
      return rect(5) + `<path class="rb-keys" d="${keypad(left + 10, top + 9)}"/>`
    case "waits":
      return rect(12)
    case "does":
      return rect(2) + [left + 6, left + width - 6].map((at) => `<path d="M${n(at)} ${n(top)}v${n(height)}"/>`).join("")
    case "says":
    case "dials":
    case "connects":
    case "anywhere":
      return rect(5)
  }
}

/** Nine keys, as the sign of a place where keys are pressed. */
const keypad = (x: number, y: number): string =>
  [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => `M${n(x + column * 4)} ${n(y + row * 4)}h2v2h-2z`)).join("")

const kinds: Record<Box["kind"], string> = {
  begins: "Begins",
  says: "Says",
  asks: "Asks",
  dials: "Dials",
  connects: "Connects",
  waits: "Waits",
  does: "Does",
  ends: "Ends",
  fails: "Fails",
  anywhere: "Anywhere"
}

const boxOf = (box: Box, taken: Taken | undefined): string => {
  const times = taken?.boxes.get(box.id) ?? 0
  const isHere = taken?.here === box.id
  const classes = ["rb-box", `rb-${box.kind}`, ...times > 0 ? ["rb-taken"] : [], ...isHere ? ["rb-here"] : []]
  const told = [
    `${kinds[box.kind]}: ${box.label}`,
    ...times > 1 ? [`${times} times`] : [],
    ...isHere ? ["here now"] : []
  ]
  const count = times > 1
    ? `<g class="rb-count"><circle cx="${n(box.x + box.width / 2)}" cy="${n(box.y - box.height / 2)}" r="10"/>${
      textAt([`${times}×`], box.x + box.width / 2, box.y - box.height / 2, "rb-number")
    }</g>`
    : ""
  return `<g class="${classes.join(" ")}" data-box="${escaped(box.id)}" role="listitem" aria-label="${
    escaped(told.join(", "))
  }">${outline(box)}${
    textAt(linesOf(box.label, fonts.box), box.x + (box.kind === "asks" ? besideKeys / 2 : 0), box.y, "rb-label")
  }${count}</g>`
}

/** A line through points, rounded at its corners. */
const pathOf = (points: ReadonlyArray<Point>): string => {
  const [first, ...rest] = points
  if (first === undefined) return ""
  const parts = [`M${n(first.x)} ${n(first.y)}`]
  rest.forEach((point, i) => {
    const next = rest[i + 1]
    if (next === undefined) parts.push(`L${n(point.x)} ${n(point.y)}`)
    else {
      const [x, y] = [(point.x + next.x) / 2, (point.y + next.y) / 2]
      parts.push(i === 0 ? `L${n((first.x + point.x) / 2)} ${n((first.y + point.y) / 2)}` : "")
      parts.push(`Q${n(point.x)} ${n(point.y)} ${n(x)} ${n(y)}`)
    }
  })
  return parts.join("")
}

const edgeOf = (edge: Edge, taken: Taken | undefined, heads: Heads): string => {
  const times = taken?.edges.get(edge.id) ?? 0
  const classes = ["rb-edge", `rb-${edge.kind}`, ...times > 0 ? ["rb-taken"] : []]
  const marker = times > 0 ? heads.taken : heads.plain
  return `<g class="${classes.join(" ")}" data-edge="${escaped(edge.id)}" aria-hidden="true"><path d="${
    pathOf(edge.points)
  }" marker-end="url(#${marker})"/></g>`
}

const labelOf = ({ at, id, kind, label }: Edge, taken: Taken | undefined): string => {
  if (at === undefined || label === "") return ""
  const lines = linesOf(label, fonts.edge)
  const { height, width } = labelSize(label)
  const isTaken = (taken?.edges.get(id) ?? 0) > 0
  return `<g class="rb-edge-label rb-${kind}${isTaken ? " rb-taken" : ""}" aria-hidden="true"><rect x="${
    n(at.x - width / 2)
  }" y="${n(at.y - height / 2)}" width="${n(width)}" height="${n(height)}" rx="3"/>${
    textAt(lines, at.x, at.y, "rb-words")
  }</g>`
}

/** The ids of the heads of arrows: other drawings on the same page have others. */
interface Heads {
  readonly plain: string
  readonly taken: string
}

const headsOf = ({ flow, version }: FlowDrawing): Heads => {
  const name = `${Array.from(flow, (character) => /[a-z0-9]/i.test(character) ? character : "-").join("")}-${version}`
  return { plain: `rb-arrow-${name}`, taken: `rb-arrow-taken-${name}` }
}

const arrow = (id: string, name: string): string =>
  `<marker id="${id}" class="${name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z"/></marker>`

export const draw = (drawing: FlowDrawing, way: Way | undefined): string => {
  const { boxes, edges, flow, height, version, width } = drawing
  const taken = way === undefined ? undefined : takenBy(drawing, way)
  const drawn = edges.filter(({ via }) => via === undefined)
  const heads = headsOf(drawing)
  const title = `The flow ${flow}, version ${version}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="rb-drawing${
      taken === undefined ? "" : " rb-with-way"
    }" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" role="list" aria-label="${
      escaped(title)
    }">`,
    `<title>${escaped(title)}</title>`,
    `<defs>${arrow(heads.plain, "rb-arrow")}${arrow(heads.taken, "rb-arrow-taken")}</defs>`,
    ...drawn.map((edge) => edgeOf(edge, taken, heads)),
    ...boxes.map((box) => boxOf(box, taken)),
    ...drawn.map((edge) => labelOf(edge, taken)),
    "</svg>"
  ].join("\n")
}

export const css = `
.rb-drawing{font:13px/1.3 system-ui,-apple-system,"Segoe UI",sans-serif;color:inherit;max-width:100%;height:auto;
 --rb-ground:var(--rb-background,Canvas);--rb-accent:var(--rb-way,#1a6fd4)}
.rb-drawing text{fill:currentColor;stroke:none}
.rb-box rect,.rb-box path{fill:var(--rb-ground);stroke:currentColor;stroke-width:1.25}
.rb-box .rb-keys{fill:currentColor;stroke:none}
.rb-asks rect{stroke-width:2}
.rb-begins rect,.rb-ends rect{stroke-width:2}
.rb-fails rect{stroke-dasharray:5 3}
.rb-anywhere rect{stroke-dasharray:2 3;stroke-width:1}
.rb-edge path{fill:none;stroke:currentColor;stroke-width:1.25}
.rb-edge.rb-again path{stroke-dasharray:6 3}
.rb-edge.rb-failure path{stroke-dasharray:2 3}
.rb-arrow path{fill:currentColor}
.rb-arrow-taken path{fill:var(--rb-accent)}
.rb-edge-label rect{fill:var(--rb-ground);stroke:none;opacity:0.9}
.rb-edge-label text{font-size:11.5px}
.rb-with-way .rb-box:not(.rb-taken),.rb-with-way .rb-edge:not(.rb-taken),.rb-with-way .rb-edge-label:not(.rb-taken){opacity:0.45}
.rb-with-way .rb-box.rb-taken rect{stroke:var(--rb-accent);stroke-width:2.25}
.rb-with-way .rb-edge.rb-taken path{stroke:var(--rb-accent);stroke-width:2.5}
.rb-here rect{filter:drop-shadow(0 0 5px var(--rb-accent))}
.rb-count circle{fill:var(--rb-accent);stroke:none}
.rb-drawing .rb-count text{fill:var(--rb-ground);font-size:10px;font-weight:700}
`
