/** Paths that together go every way that there is in words: a shortest one for each outcome, and for each thing that may happen. */
import type { Step } from "@ringback/core"
import * as paths from "./paths.ts"
import { isBeyond, timed, unlivable } from "./planning.ts"
import { pathOf, type Place, type Way } from "./search.ts"

/** A path from the start of a flow to an end of it, and what it is for. */
export interface Whole {
  readonly name: string
  readonly ways: ReadonlyArray<Way>
  readonly exchanges: ReadonlyArray<paths.Exchange>
  readonly end: { readonly label: string; readonly exit: Step.Exit<unknown, unknown> }
}

/** What a path would be for that the engine cannot be made to live, such as a deadline that passes in the middle of a prompt. */
export interface Missed {
  readonly name: string
  readonly exchanges: ReadonlyArray<paths.Exchange>
  readonly why: string
}

/** From each place the edge with which the shortest way to an end begins. */
const homewards = (places: ReadonlyArray<Place>): ReadonlyArray<number | undefined> => {
  const before: Array<Array<Way>> = places.map(() => [])
  places.forEach(({ edges }, place) => edges.forEach(({ to }, edge) => before[to]!.push({ place, edge })))
  const first: Array<number | undefined> = places.map(() => undefined)
  const queue = places.flatMap(({ step }, i) => step._tag === "Done" ? [i] : [])
  const seen = new Set(queue)
  for (const at of queue) {
    for (const { edge, place } of before[at]!) {
      if (seen.has(place) || isBeyond(paths.exchanges(places, [{ place, edge }])[0]!)) continue
      seen.add(place)
      first[place] = edge
      queue.push(place)
    }
  }
  return first
}

/** Whether a deadline may pass at a place, or a line may have borne enough holds: then the engine may let it, and be right. */
const isTimed = (places: ReadonlyArray<Place>, { edge, place }: Way): boolean => {
  const { edges, step } = places[place]!
  if (edges.some(({ label }) => label === "time is up")) return true
  const { label } = edges[edge]!
  return step._tag === "Waiting" && edges.some((other) => other.label === "is held too long") &&
    (step.request._tag === "Sleep" || label === "not told")
}

/** All that the engine can live, and what is left. */
export const covering = (
  places: ReadonlyArray<Place>
): { readonly found: ReadonlyArray<Whole>; readonly missed: ReadonlyArray<Missed> } => {
  const home = homewards(places)
  const found = new Map<string, Whole>()
  const missed = new Map<string, Missed>()
  const add = (name: string, start: ReadonlyArray<Way>, from: number): void => {
    if (found.has(name)) return
    const ways = [...start]
    let at = from
    for (let edge = home[at]; edge !== undefined; edge = home[at]) {
      ways.push({ place: at, edge })
      at = places[at]!.edges[edge]!.to
    }
    const exchanges = paths.exchanges(places, ways)
    const { label, step } = places[at]!
    const miss = (why: string) => void missed.set(name, missed.get(name) ?? { name, exchanges, why })
    const why = unlivable(exchanges) ?? (ways.some((way) => isTimed(places, way)) ? timed : undefined)
    if (why !== undefined) return miss(why)
    if (step._tag !== "Done") return miss("an end that comes by itself")
    found.set(name, { name, ways, exchanges, end: { label, exit: step.exit } })
  }
  places.forEach((place, i) => {
    const path = pathOf(places, place.from)
    if (place.step._tag === "Done") add(`ends: ${place.label}`, path, i)
    place.edges.forEach(({ label, to }, edge) => {
      if (label !== "") add(`${place.label} → ${label}`, [...path, { place: i, edge }], to)
    })
  })
  return { found: [...found.values()], missed: [...missed.values()].filter(({ name }) => !found.has(name)) }
}
