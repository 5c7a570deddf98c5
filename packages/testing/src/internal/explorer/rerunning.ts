/**
 * Runs a flow again by the answers that it was given, and compares what it asks. What it keeps outside of its answers shows as
 * another request: a clock, chance, a variable of a module, a value that was changed.
 */
import type { Flow, Step } from "@ringback/core"
import * as Choices from "./choices.ts"
import * as elsewhere from "./elsewhere.ts"
import * as graph from "./search.ts"
import type { Merge, Way } from "./search.ts"

type Found = Pick<graph.Search, "findings" | "merges" | "places">

/** A flow that is not a function of its answers: the way to where it goes otherwise, and what it looked at. */
export interface Otherwise {
  readonly path: ReadonlyArray<Way>
  readonly why: string
}

/** What a search found, where the flow goes otherwise when it runs again by the same answers, and what it looked at beside these. */
export type Proof = graph.Search & {
  readonly otherwise: Otherwise | undefined
  readonly looked: ReadonlySet<elsewhere.Beside>
}

/** Searches a flow at a moment that stands still, and runs it again. */
export const search = (...[flow, laws, trial, bounds]: Parameters<typeof graph.search>): Proof => {
  const looked = new Set<elsewhere.Beside>()
  return elsewhere.run({ millis: Date.now(), random: 0.5, looked }, () => {
    const found = graph.search(flow, laws, trial, bounds)
    return { ...found, looked, otherwise: rerun(flow, found, trial, looked) }
  })
}

/** How far a flow is followed from a place that it reached another way. */
const walkLength = 64

/**
 * Times at which a flow is tried again, with other chances. With the first they are six hours apart in the day, and on working days as on
 * others.
 */
const moments = (now: number): ReadonlyArray<elsewhere.Moment> => {
  const [day, hour] = [86_400_000, 3_600_000]
  return [
    { millis: now + 2 * day + 6 * hour, random: 0, looked: new Set() },
    { millis: now + 33 * day + 12 * hour, random: 0.999_999, looked: new Set() },
    { millis: now + 200 * day + 18 * hour, random: 0.25, looked: new Set() }
  ]
}

/** The first place at which the flow goes otherwise, if there is one. `looked` is what it looked at when it ran first. */
const rerun = (
  flow: Flow.Flow<unknown, unknown, unknown>,
  found: Found,
  trial: Omit<Choices.Trial, "findings">,
  looked: ReadonlySet<elsewhere.Beside>
): Otherwise | undefined => {
  const names = Array.from(looked)
  const again = () => new Rerunning(flow, found, { ...trial, findings: found.findings }).otherwise
  let path: ReadonlyArray<Way> | undefined
  if (names.length === 0) path = again()
  for (const moment of names.length === 0 ? [] : moments(Date.now())) path ??= elsewhere.run(moment, again)
  const why = names.length === 0
    ? "it keeps something outside of what it is answered, such as a variable that it changes"
    : `it looks at ${names.join(" and at ")}`
  return path && { path, why: `given the same answers it goes on otherwise, for ${why}` }
}

class Rerunning {
  otherwise: ReadonlyArray<Way> | undefined
  private readonly flow: Flow.Flow<unknown, unknown, unknown>
  private readonly found: Found
  private readonly trial: Choices.Trial
  private readonly asked: Array<string | undefined> = []

  constructor(flow: Flow.Flow<unknown, unknown, unknown>, found: Found, trial: Choices.Trial) {
    this.flow = flow
    this.found = found
    this.trial = trial
    this.firstPaths()
    for (const merge of found.merges) if (this.otherwise === undefined) this.walk(merge)
  }

  /** All first paths are parts of those that lead to the last of them. */
  private firstPaths(): void {
    const { places } = this.found
    const inner = new Set(places.map(({ from }) => from?.place))
    const seen = new Set<number>()
    for (let i = 0; i < places.length && this.otherwise === undefined; i++) if (!inner.has(i)) this.path(i, seen)
  }

  private path(end: number, seen: Set<number>): void {
    const { places } = this.found
    const ways = graph.pathOf(places, places[end]!.from)
    let step = Choices.start(this.flow, this.trial, { keyed: false })
    for (const [i, place] of [...ways.map((way) => way.place), end].entries()) {
      if (!seen.has(place) && !this.isSame(step, place)) {
        this.otherwise = ways.slice(0, i)
        return
      }
      seen.add(place)
      const way = ways[i]
      if (way !== undefined) step = this.follow(step, way)
    }
  }

  /** From a place that was reached another way, round and round if that is possible. */
  private walk({ step: first, to, way }: Merge): void {
    const { places } = this.found
    const ways: Array<Way> = [way]
    let [step, at] = [first, to]
    for (let i = 0; i < walkLength; i++) {
      if (!this.isSame(step, at)) {
        this.otherwise = [...graph.pathOf(places, places[way.place]!.from), ...ways]
        return
      }
      const { depth, edges } = places[at]!
      if (edges.length === 0) return
      const back = edges.findIndex((edge) => places[edge.to]!.depth <= depth)
      const edge = back === -1 ? i % edges.length : back
      step = this.follow(step, { place: at, edge })
      ways.push({ place: at, edge })
      at = edges[edge]!.to
    }
  }

  private follow(step: Step.Step<unknown, unknown>, { edge, place }: Way): Step.Step<unknown, unknown> {
    if (step._tag === "Done") return step
    const { places } = this.found
    const taken = places[place]!.edges[edge]!
    return Choices.follow(step, taken, places[taken.to]!.world, this.trial)
  }

  private isSame(step: Step.Step<unknown, unknown>, place: number): boolean {
    this.asked[place] ??= Choices.askedAt(this.found.places[place]!.step)
    return Choices.askedAt(step) === this.asked[place]
  }
}
