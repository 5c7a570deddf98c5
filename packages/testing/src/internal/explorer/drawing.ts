/** A flow as its author thinks of it: from all places of a search to a few boxes, and what leads from one to the next. */
import type { FlowDrawing } from "@ringback/core"
import { type Link, merged } from "./merging.ts"
import type { Naming } from "./naming.ts"
import { type Outcome, outcomesOf } from "./outcomes.ts"
import * as phrases from "./phrases.ts"
import { isPassed, type Look, lookOf } from "./places.ts"
import { type Place, settledOrder } from "./search.ts"

/** A box before it has a place on the page. */
export type BareBox = Omit<FlowDrawing.Box, "x" | "y" | "width" | "height">

/** An edge before it has a place on the page. */
export type BareEdge = Omit<FlowDrawing.Edge, "points" | "at">

export interface Bare {
  readonly boxes: ReadonlyArray<BareBox>
  readonly edges: ReadonlyArray<BareEdge>
}

/** Follows places that nobody looks for. */
const passedBy = (places: ReadonlyArray<Place>, from: number): number => {
  const seen = new Set<number>()
  let at = from
  while (isPassed(places[at]!) && !seen.has(at)) {
    seen.add(at)
    at = places[at]!.edges[0]!.to
  }
  return at
}

/** What leads from one place that is drawn to another. */
interface Move extends Outcome {
  readonly from: number
  readonly to: number
}

/** The places that are drawn, in the order in which they are first reached, and what leads from one to the next. */
const movesOf = (
  places: ReadonlyArray<Place>,
  naming: Naming
): { readonly drawn: ReadonlyArray<number>; readonly moves: ReadonlyArray<Move> } => {
  const first = passedBy(places, 0)
  const drawn = [first]
  const known = new Set(drawn)
  const moves: Array<Move> = []
  for (const from of drawn) {
    const { edges, step } = places[from]!
    if (step._tag === "Done") continue
    for (const edge of edges) {
      const to = passedBy(places, edge.to)
      if (!known.has(to)) {
        known.add(to)
        drawn.push(to)
      }
      for (const outcome of outcomesOf(step, edge, naming)) moves.push({ ...outcome, from, to })
    }
  }
  return { drawn, moves }
}

/** So many places are looked at for what a key means. */
const mostLooked = 500

/** The one success that a place leads to, if it leads to one only. */
const onlyEnd = (places: ReadonlyArray<Place>, from: number, naming: Naming): string | undefined => {
  const found = new Set<string>()
  const queue = [from]
  const seen = new Set(queue)
  for (const i of queue) {
    const place = places[i]!
    if (place.step._tag === "Done" && place.step.exit._tag === "Success") found.add(lookOf(place, naming).label)
    if (found.size > 1 || queue.length > mostLooked) return undefined
    for (const { to } of place.edges) {
      if (seen.has(to)) continue
      seen.add(to)
      queue.push(to)
    }
  }
  return Array.from(found)[0]
}

const isOfMenu = ({ step }: Place): boolean =>
  step._tag === "Waiting" && step.request._tag === "Prompt" && step.request.question?.choices !== undefined

/** What a key stands for, where the flow does not say it in a word: the end that it alone leads to. */
const withMeanings = (
  places: ReadonlyArray<Place>,
  moves: ReadonlyArray<Move>,
  naming: Naming
): ReadonlyArray<Move> => {
  const isBare = ({ from, on, words }: Move) => on === `keys:${words}` && isOfMenu(places[from]!)
  const ends = new Map<number, string | undefined>()
  for (const move of moves) if (isBare(move) && !ends.has(move.to)) ends.set(move.to, onlyEnd(places, move.to, naming))
  const isTelling = new Set(ends.values()).size > 1
  return moves.map((move) => {
    const end = isBare(move) && isTelling ? ends.get(move.to) : undefined
    return end === undefined || end === move.words ? move : { ...move, words: `${move.words}: ${end}` }
  })
}

/** An edge between two boxes, with all that leads along it. */
interface Bundle {
  readonly from: number
  readonly to: number
  readonly outcomes: Array<Outcome>
}

const bundled = (moves: ReadonlyArray<Move>, boxOf: ReadonlyArray<number>): ReadonlyArray<Bundle> => {
  const bundles = new Map<string, Bundle>()
  for (const { from, to, ...outcome } of moves) {
    const key = `${boxOf[from]} ${boxOf[to]}`
    const bundle = bundles.get(key) ?? { from: boxOf[from]!, to: boxOf[to]!, outcomes: [] }
    bundles.set(key, bundle)
    if (!bundle.outcomes.some(({ on }) => on === outcome.on)) bundle.outcomes.push(outcome)
  }
  return Array.from(bundles.values())
}

/** The boxes in the order in which they are first reached. */
const orderOf = (first: number, bundles: ReadonlyArray<Bundle>): ReadonlyArray<number> => {
  const order = [first]
  for (const box of order) {
    for (const { from, to } of bundles) if (from === box && !order.includes(to)) order.push(to)
  }
  return order
}

/** Whether one box can be reached from another. */
const reaches = (bundles: ReadonlyArray<Bundle>, from: number, to: number): boolean => {
  const found = [from]
  for (const box of found) {
    if (box === to) return true
    for (const bundle of bundles) if (bundle.from === box && !found.includes(bundle.to)) found.push(bundle.to)
  }
  return false
}

/** Edges that lead back to a box on the way here: they close a loop. Found by going down as deep as possible first. */
const loopsOf = (first: number, bundles: ReadonlyArray<Bundle>): ReadonlySet<Bundle> => {
  const loops = new Set<Bundle>()
  const done = new Set<number>()
  const visit = (box: number, above: ReadonlySet<number>) => {
    done.add(box)
    const path = new Set([...above, box])
    for (const bundle of bundles) {
      if (bundle.from !== box) continue
      if (path.has(bundle.to)) loops.add(bundle)
      else if (!done.has(bundle.to)) visit(bundle.to, path)
    }
  }
  visit(first, new Set())
  return loops
}

/** More places would take longer to count than anybody waits for a drawing. */
const mostCounted = 200_000

/**
 * How often a loop can be gone at most, without going another one meanwhile. Nothing where there is no bound, and where the
 * places are too many to count.
 */
const timesOf = (
  places: ReadonlyArray<Place>,
  boxAt: (place: number) => number,
  loop: Bundle,
  loops: ReadonlySet<Bundle>
): number | undefined => {
  if (places.length > mostCounted) return undefined
  const isOther = (from: number, to: number): boolean =>
    Array.from(loops).some((other) => other !== loop && other.from === from && other.to === to)
  const ways = places.map(({ edges }, i) =>
    edges.flatMap(({ to }) => {
      const [from, next] = [boxAt(i), boxAt(to)]
      return isPassed(places[i]!) || !isOther(from, next)
        ? [{ to, counts: !isPassed(places[i]!) && from === loop.from && next === loop.to }]
        : []
    })
  )
  const order = settledOrder(places.length, ways.map((all) => all.map(({ to }) => to)))
  if (order.length < places.length) return undefined
  const most = places.map(() => 0)
  for (const i of order) {
    most[i] = ways[i]!.reduce((best, { counts, to }) => Math.max(best, most[to]! + (counts ? 1 : 0)), 0)
  }
  return most.reduce((best, each) => Math.max(best, each), 0)
}

const slug = (text: string): string =>
  text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-+|-+$/g, "").slice(0, 32).replace(/-+$/, "")

/** Names that stay the same as long as the flow says the same. */
const named = <A extends { readonly kind: string; readonly label: string }>(
  looks: ReadonlyArray<A>
): ReadonlyArray<string> => {
  const taken = new Map<string, number>()
  return looks.map(({ kind, label }) => {
    const name = `${kind}-${slug(label)}`
    const count = (taken.get(name) ?? 0) + 1
    taken.set(name, count)
    return count === 1 ? name : `${name}-${count}`
  })
}

/** What a box looks like of which several places are: the words of all of them are looked for in a log. */
const together = (looks: ReadonlyArray<Look>): Look => {
  const first = looks[0]!
  const { matches } = first
  if (matches._tag === "Prompt") {
    const words = new Set(looks.flatMap((look) => look.matches._tag === "Prompt" ? look.matches.words : []))
    return { ...first, matches: { ...matches, words: Array.from(words) } }
  }
  if (matches._tag !== "End") return first
  const values = new Set(looks.flatMap((look) => look.matches._tag === "End" ? look.matches.values : []))
  const labels = Array.from(new Set(looks.map(({ label }) => label)))
  return { ...first, label: phrases.either(labels), matches: { ...matches, values: Array.from(values) } }
}

/** Successes that the same leads to from one box are one end: what it is depends on what was remembered. */
const endsTogether = (
  moves: ReadonlyArray<Move>,
  boxOf: ReadonlyArray<number>,
  looks: ReadonlyMap<number, Look>
): ReadonlyArray<number> => {
  const joined = new Map<number, number>()
  const rootOf = (box: number): number => {
    const next = joined.get(box)
    return next === undefined ? box : rootOf(next)
  }
  const firsts = new Map<string, number>()
  for (const { from, on, to } of moves) {
    if (looks.get(to)!.kind !== "ends") continue
    const key = `${boxOf[from]} ${on}`
    const first = firsts.get(key) ?? boxOf[to]!
    firsts.set(key, first)
    const [one, other] = [rootOf(first), rootOf(boxOf[to]!)]
    if (one !== other) joined.set(other, one)
  }
  return boxOf.map(rootOf)
}

/** What from so many places leads to one end is drawn once. */
const manyFailures = 2
const manyEnds = 3

interface Folded {
  readonly boxes: ReadonlyArray<BareBox>
  readonly edges: ReadonlyArray<BareEdge>
}

/** Draws what leads to one end from many boxes in the same words from a box of its own. */
const folded = ({ boxes, edges }: Bare): Folded => {
  const kinds = new Map(boxes.map(({ id, kind }) => [id, kind]))
  const groups = new Map<string, ReadonlyArray<BareEdge>>()
  for (const edge of edges) {
    const isEnd = kinds.get(edge.to) === "fails" || kinds.get(edge.to) === "ends"
    if (!isEnd || edge.label === "") continue
    const key = `${edge.to} ${edge.label}`
    groups.set(key, [...groups.get(key) ?? [], edge])
  }
  const vias = new Map<string, string>()
  const [moreBoxes, moreEdges]: [Array<BareBox>, Array<BareEdge>] = [[], []]
  for (const group of groups.values()) {
    const { label, to } = group[0]!
    if (group.length < (kinds.get(to) === "fails" ? manyFailures : manyEnds)) continue
    const id = `anywhere-${slug(label)}-${to}`
    moreBoxes.push({ id, kind: "anywhere", label: phrases.anywhere(label, group.length), matches: { _tag: "Nothing" } })
    moreEdges.push({ id: `${id}..${to}`, from: id, to, kind: "failure", label: "", on: [] })
    for (const edge of group) vias.set(edge.id, id)
  }
  return {
    boxes: [...boxes, ...moreBoxes],
    edges: [
      ...edges.map((edge) => {
        const via = vias.get(edge.id)
        return via === undefined ? edge : { ...edge, via }
      }),
      ...moreEdges
    ]
  }
}

/**
 * One edge to each end: what happens anywhere is told apart from what is particular there, so that it can be drawn once. Where a
 * flow goes on by itself there is nothing particular.
 */
const split = (bundle: Bundle, isEnd: boolean): ReadonlyArray<Bundle> => {
  if (!isEnd || bundle.outcomes.some(({ words }) => words === "")) return [bundle]
  const own = bundle.outcomes.filter(({ isAnywhere }) => !isAnywhere)
  const anywhere = bundle.outcomes.filter(({ isAnywhere }) => isAnywhere)
  return [own, anywhere].flatMap((outcomes) => outcomes.length === 0 ? [] : [{ ...bundle, outcomes }])
}

/** The boxes and edges of a search, the first box where it begins. */
export const draw = (places: ReadonlyArray<Place>, naming: Naming): Bare => {
  const { drawn, moves: bare } = movesOf(places, naming)
  const moves = withMeanings(places, bare, naming)
  const looks = new Map(drawn.map((place) => [place, lookOf(places[place]!, naming)]))
  const words = places.map((_, i) => {
    const look = looks.get(i)
    return look === undefined ? "" : `${look.kind} ${look.label}`
  })
  const links = moves.map(({ from, isAnywhere, on, to }): Link => ({
    from,
    to,
    on,
    isTelling: !isAnywhere && (on !== "heard" || looks.get(from)!.kind === "says")
  }))
  const ends = new Set(drawn.filter((place) => places[place]!.step._tag === "Done"))
  const boxOf = endsTogether(moves, merged(words, ends, links), looks)
  const lookAt = new Map(drawn.map((place) => [boxOf[place]!, looks.get(place)!]))
  const bundles = withoutRiddles(bundled(moves, boxOf), (box) => lookAt.get(box)!)
  const order = orderOf(boxOf[drawn[0]!]!, bundles)
  const loops = loopsOf(order[0]!, bundles)
  const inBox = (box: number) => drawn.filter((place) => boxOf[place] === box).map((place) => looks.get(place)!)
  const all = order.map((box) => together(inBox(box)))
  const ids = named(all)
  const idOf = new Map(order.map((box, i) => [box, ids[i]!]))
  const boxAt = (place: number): number => boxOf[passedBy(places, place)]!
  const loopEnds = (bundle: Bundle): ReadonlySet<string> =>
    new Set(
      bundles.filter((other) => other !== bundle && other.from === bundle.from && isInLoop(other, bundles))
        .flatMap(({ outcomes }) => outcomes.map(({ on }) => on))
    )
  const edges = order.flatMap((box) =>
    bundles.filter(({ from }) => from === box).flatMap((bundle) => {
      const kind = all[order.indexOf(bundle.to)]!.kind
      const again = isInLoop(bundle, bundles) ? new Set<string>() : loopEnds(bundle)
      return split(bundle, kind === "fails" || kind === "ends").map((part, i): BareEdge => {
        const times = loops.has(bundle) ? timesOf(places, boxAt, bundle, loops) : undefined
        const [from, to] = [idOf.get(part.from)!, idOf.get(part.to)!]
        return {
          id: `${from}..${to}${i === 0 ? "" : "-2"}`,
          from,
          to,
          kind: loops.has(bundle) ? "again" : kind === "fails" ? "failure" : "way",
          label: phrases.label(part.outcomes, again, times),
          on: part.outcomes.map(({ on }) => on),
          ...(times === undefined ? {} : { times })
        }
      })
    })
  )
  return folded({ boxes: all.map((look, i) => ({ id: ids[i]!, ...look })), edges })
}

/** What an activity came to says nothing where it leads to one box as well as to another: something else was remembered. */
const withoutRiddles = (bundles: ReadonlyArray<Bundle>, looks: (box: number) => Look): ReadonlyArray<Bundle> =>
  bundles.map((bundle) => {
    if (looks(bundle.from).kind !== "does") return bundle
    const others = bundles.filter((other) => other.from === bundle.from && other !== bundle)
    const isRiddle = ({ isAnywhere, on }: Outcome) =>
      !isAnywhere && others.some(({ outcomes }) => outcomes.some((other) => other.on === on && !other.isAnywhere))
    return { ...bundle, outcomes: bundle.outcomes.map((each) => isRiddle(each) ? { ...each, words: "" } : each) }
  })

const isInLoop = ({ from, to }: Bundle, bundles: ReadonlyArray<Bundle>): boolean => reaches(bundles, to, from)
