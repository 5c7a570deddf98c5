/** The flow as a graph of what may follow: places without a choice left out, places with equal futures taken together. */
import { type Place, settledOrder } from "./search.ts"

/** A place, and where what happens there leads to. */
export interface Node {
  readonly label: string
  readonly end: boolean
  readonly edges: ReadonlyArray<{ readonly label: string; readonly to: number }>
}

/** Follows places that nobody sees: no words, and one way on. */
const visible = (places: ReadonlyArray<Place>, from: number): number => {
  const seen = new Set<number>()
  let at = from
  while (places[at]!.label === "" && places[at]!.edges.length === 1 && !seen.has(at)) {
    seen.add(at)
    at = places[at]!.edges[0]!.to
  }
  return at
}

/** Numbers texts, equal ones alike. */
class Numbering {
  private readonly numbers = new Map<string, number>()

  of(text: string): number {
    const known = this.numbers.get(text)
    if (known !== undefined) return known
    this.numbers.set(text, this.numbers.size)
    return this.numbers.size - 1
  }

  get count(): number {
    return this.numbers.size
  }
}

/**
 * One class for all places with the same future. Where nothing goes in a circle, a place is what it says and the classes
 * that it leads to, so one pass from the ends is enough. The rest begins with one class per label, and a class is split as
 * long as its members lead to different classes.
 */
const refine = (labels: ReadonlyArray<string>, edges: ReadonlyArray<ReadonlyArray<Way>>): ReadonlyArray<number> => {
  const signature = (i: number, own: string, classes: ReadonlyArray<number>): string =>
    `${own}|${edges[i]!.map(({ label, to }) => `${label}>${classes[to]!}`).join("|")}`
  const settled = settledOrder(labels.length, edges.map((ways) => ways.map(({ to }) => to)))
  const numbering = new Numbering()
  const classes = labels.map(() => -1)
  for (const i of settled) classes[i] = numbering.of(signature(i, labels[i]!, classes))
  const circling = labels.flatMap((_, i) => classes[i] === -1 ? [i] : [])
  let count = -1
  for (let splitting = true; splitting;) {
    const round = new Numbering()
    const split = circling.map((i) =>
      round.of(count === -1 ? labels[i]! : signature(i, String(classes[i]), classes)) + numbering.count
    )
    circling.forEach((i, place) => void (classes[i] = split[place]!))
    splitting = round.count > count
    count = round.count
  }
  return classes
}

interface Way {
  readonly label: string
  readonly to: number
}

/** The graph of distinct futures, in the order in which they are first reached; the first node is the start. */
export const distinct = (places: ReadonlyArray<Place>): ReadonlyArray<Node> => {
  const seen = places.map((_, i) => visible(places, i))
  const edges = places.map((place) => place.edges.map(({ label, to }) => ({ label, to: seen[to]! })))
  const classes = refine(places.map((place, i) => `${place.step._tag} ${places[seen[i]!]!.label}`), edges)
  const nodes: Array<Node> = []
  const numbers = new Map<number, number>()
  const order = [seen[0]!]
  numbers.set(classes[order[0]!]!, 0)
  for (const i of order) {
    const place = places[i]!
    nodes.push({
      label: place.label,
      end: place.step._tag === "Done",
      edges: edges[i]!.map(({ label, to }) => {
        const known = numbers.get(classes[to]!)
        if (known !== undefined) return { label, to: known }
        numbers.set(classes[to]!, order.push(to) - 1)
        return { label, to: order.length - 1 }
      })
    })
  }
  return numbered(nodes)
}

/** Nodes that say the same differ in what follows, so they are told apart by a number. */
const numbered = (nodes: ReadonlyArray<Node>): ReadonlyArray<Node> => {
  const times = new Map<string, number>()
  return nodes.map((node) => {
    const time = (times.get(node.label) ?? 0) + 1
    times.set(node.label, time)
    return time === 1 ? node : { ...node, label: `${node.label} (${time})` }
  })
}
