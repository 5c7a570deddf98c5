/**
 * The search: breadth first over all that may happen, equal places merged before they are expanded, laws folded along. So
 * the first path that breaks a law is a shortest one, and a loop of a reducer is a circle instead of an endless path.
 */
import { Action, Step } from "@ringback/core"
import type { Flow } from "@ringback/core"
import type { Schema } from "effect"
import type { Law, Moment, What } from "../../Law.ts"
import { isBroken } from "../../Law.ts"
import * as captions from "../captions.ts"
import * as Choices from "./choices.ts"

/** A place: where the flow stands, the world around it, and what the laws remember. */
export interface Place {
  /** Without its run, once all that may come next is known. */
  step: Step.Step<unknown, unknown>
  readonly world: Choices.World
  readonly label: string
  readonly edges: Array<Edge>
  /** The first way here, which is a shortest. */
  readonly from: Way | undefined
  readonly depth: number
  readonly memory: Known<Memory>
}

/** What the laws remember, one by one. */
type Memory = ReadonlyArray<Schema.Json>

/** One thing that may happen, and the place that it leads to. */
export interface Edge {
  readonly label: string
  readonly what: What
  readonly hungUp: boolean
  readonly to: number
  /** The scope that ends, where one does. */
  readonly scope?: number
  /** All keys that lead there, where keys do. */
  readonly keys?: ReadonlyArray<string>
}

/** An edge, by the place that it leaves. */
export interface Way {
  readonly place: number
  readonly edge: number
}

/** A law that a path breaks. */
export interface Breach {
  readonly law: string
  readonly why: string
  readonly path: ReadonlyArray<Way>
  /** The place that the path leads to. */
  readonly at: Place
}

export interface Search {
  readonly places: ReadonlyArray<Place>
  readonly transitions: number
  readonly breaches: ReadonlyArray<Breach>
  /** Places that were not expanded, because the search came to its bound. */
  readonly cut: ReadonlyArray<number>
  readonly findings: Choices.Findings
  /** The laws that spoke of something on some path. */
  readonly applied: ReadonlySet<Law>
  /** Places that were reached another way, too: some of them, with the step that came there. */
  readonly merges: ReadonlyArray<Merge>
}

/** A place that was reached once more, by a way that is not its first. */
export interface Merge {
  readonly step: Step.Step<unknown, unknown>
  readonly way: Way
  readonly to: number
}

export interface Bounds {
  readonly max: number
  readonly depth: number
  /** How long the search may take. */
  readonly seconds: number
  /** Told of each thousandth place. */
  readonly progress?: (places: number, waiting: number) => void
  /**
   * Goes on from some of the places that were cut, each along one way to an end: which edge to take there, by a number that is
   * different each time. So ends are seen of a flow that is too wide to be seen as a whole.
   */
  readonly onwards?: (place: Place, drawn: number) => number | undefined
}

/** So many places that were cut are gone on from, so far at most each, and so many places are seen so. */
const waysOnwards = 60
const longestOnwards = 200
const mostOnwards = 5_000

type Machine = Extract<Law, { readonly _tag: "Machine" }>

interface Known<A> {
  readonly value: A
  readonly number: number
}

/** Values of which all that are written alike are one. */
class Alike<A> {
  private readonly known = new Map<string, Known<A>>()
  private readonly written: (value: A) => string
  constructor(written: (value: A) => string) {
    this.written = written
  }

  of(value: A): Known<A> {
    const text = this.written(value)
    const found = this.known.get(text)
    if (found !== undefined) return found
    const first = { value, number: this.known.size }
    this.known.set(text, first)
    return first
  }
}

/** A flow that asks what time it is is searched once more, with the time counted. */
export const search = (
  flow: Flow.Flow<unknown, unknown, unknown>,
  laws: ReadonlyArray<Law>,
  trial: Omit<Choices.Trial, "findings">,
  bounds: Bounds
): Search => {
  const until = performance.now() + bounds.seconds * 1000
  const searching = (world: Choices.World) => new Searching(laws, trial, { ...bounds, until }, world).run(flow)
  return searching(Choices.before) ?? searching(Choices.beforeTimed)!
}

/** Mutable, and never leaves `search`. */
class Searching {
  readonly places: Array<Place> = []
  readonly breaches: Array<Breach> = []
  readonly cut: Array<number> = []
  readonly findings: Choices.Findings = {
    asked: new Set(),
    taken: new Set(),
    missing: new Map(),
    inputs: new WeakMap(),
    opaque: new Set()
  }
  private readonly applied = new Set<Law>()
  private readonly circles: Array<Merge> = []
  private readonly joins: Array<Merge> = []
  private readonly waiting: ReadonlyArray<Law>
  private transitions = 0
  /** Whether the bound of places or of time was reached. */
  private isOver = false
  private readonly known = new Map<string, number>()
  private readonly worlds = new Alike<Choices.World>(JSON.stringify)
  private readonly memories = new Alike<Memory>(Choices.wholeOf)
  private readonly machines: ReadonlyArray<Machine>
  /** Laws that are broken already: their shortest path is found, so they are not followed any more. */
  private readonly settled = new Set<Machine>()
  private readonly trial: Choices.Trial
  private readonly bounds: Bounds & { readonly until: number }
  private readonly world: Choices.World

  constructor(
    laws: ReadonlyArray<Law>,
    trial: Omit<Choices.Trial, "findings">,
    bounds: Bounds & { readonly until: number },
    world: Choices.World
  ) {
    this.world = world
    this.waiting = laws.filter(({ about }) => about !== undefined)
    this.machines = laws.filter((law) => law._tag === "Machine")
    this.trial = { ...trial, findings: this.findings }
    this.bounds = bounds
  }

  /** Gives nothing where the flow asks for the time, and it does not count what time it is. */
  run(flow: Flow.Flow<unknown, unknown, unknown>): Search | undefined {
    const { applied, breaches, cut, findings, places } = this
    const memory = this.memories.of(this.machines.map((law) => law.initial))
    this.arrive(Choices.start(flow, this.trial, { keyed: true }), this.world, memory, undefined, 0)
    for (let i = 0; i < places.length; i++) {
      if (i % 1000 === 999) this.bounds.progress?.(i + 1, places.length - i - 1)
      this.expand(i)
      if (this.world.clock === undefined && findings.asked.has("the time")) return undefined
    }
    if (this.bounds.onwards !== undefined) this.goOn(this.bounds.onwards)
    const merges = [...this.circles, ...this.joins]
    return { places, transitions: this.transitions, breaches, cut, findings, applied, merges }
  }

  private expand(index: number): void {
    const place = this.places[index]!
    if (place.step._tag === "Done") return
    if (this.isOver) {
      this.cut.push(index)
      return
    }
    const { depth, max, until } = this.bounds
    if (this.places.length >= max || place.depth >= depth || (index % 64 === 0 && performance.now() > until)) {
      if (place.depth < depth) this.isOver = true
      this.cut.push(index)
      return
    }
    this.branch(index)
  }

  private goOn(onwards: NonNullable<Bounds["onwards"]>): void {
    const most = this.places.length + mostOnwards
    const from = Array.from({ length: waysOnwards }, (_, i) => this.cut[Math.floor(i * this.cut.length / waysOnwards)])
    for (const [i, start] of [...new Set(from)].entries()) {
      let at: number | undefined = start
      for (let n = 0; at !== undefined && n < longestOnwards && this.places.length < most; n++) {
        const place: Place = this.places[at]!
        if (place.edges.length === 0) this.branch(at)
        const edge = onwards(place, i * longestOnwards + n)
        at = edge === undefined ? undefined : place.edges[edge]!.to
      }
    }
  }

  private branch(index: number): void {
    const place = this.places[index]!
    if (place.step._tag === "Done") return
    const { request } = place.step
    const keys = new Keys(place.edges)
    for (const choice of Choices.choices(place.step, place.world, this.trial)) {
      this.transitions++
      const moment: Moment = { _tag: "Happened", request, what: choice.what, line: choice.world.line }
      const [memory, broken] = this.fold(place.memory, moment)
      const next = { place: index, edge: place.edges.length }
      const to = this.arrive(choice.step, choice.world, memory, next, place.depth + 1)
      const { hungUp, label, scope, what } = choice
      const edge = keys.add({ label, what, hungUp, to, ...(scope === undefined ? {} : { scope }) })
      for (const { law, why } of broken) this.breach(law, why, { place: index, edge }, this.places[to]!)
    }
    place.step = Step.withoutRun(place.step)
  }

  private arrive(
    step: Step.Step<unknown, unknown>,
    after: Choices.World,
    remembered: Known<Memory>,
    from: Way | undefined,
    depth: number
  ): number {
    const { number, value: world } = this.worlds.of(after)
    const [memory, broken] = this.fold(remembered, momentAt(step, world))
    const key = `${Choices.placeOf(step, this.findings)}, world ${number}, memory ${memory.number}`
    const found = this.known.get(key)
    if (found !== undefined) {
      if (from !== undefined) this.merge({ step, way: from, to: found }, depth)
      return found
    }
    const label = step._tag === "Done" ? captions.ofExit(step.exit) : captions.ofRequest(step.request, world.line)
    const place: Place = { step, world, label, edges: [], from, depth, memory }
    this.known.set(key, this.places.push(place) - 1)
    for (const { law, why } of broken) this.breach(law, why, from, place)
    return this.places.length - 1
  }

  /** Those that lead back are kept first: there a flow goes in a circle. */
  private merge(merge: Merge, depth: number): void {
    if (merge.step._tag === "Done") return
    const kept = this.places[merge.to]!.depth < depth - 1 ? this.circles : this.joins
    if (kept.length < 250) kept.push(merge)
  }

  /** Most moments change nothing that is remembered. */
  private fold(
    memory: Known<Memory>,
    moment: Moment
  ): [Known<Memory>, ReadonlyArray<{ readonly law: Machine; readonly why: string }>] {
    for (const law of this.waiting) if (!this.applied.has(law) && law.about!(moment)) this.applied.add(law)
    const broken: Array<{ readonly law: Machine; readonly why: string }> = []
    const next = this.machines.map((law, i): Schema.Json => {
      if (this.settled.has(law)) return null
      const verdict = law.next(memory.value[i] as never, moment)
      if (!isBroken(verdict)) return verdict
      this.settled.add(law)
      broken.push({ law, why: verdict.why })
      return null
    })
    const isSame = next.every((state, i) => state === memory.value[i])
    return [isSame ? memory : this.memories.of(next), broken]
  }

  private breach(law: Machine, why: string, way: Way | undefined, at: Place): void {
    this.breaches.push({ law: law.name, why, path: pathOf(this.places, way), at })
  }
}

/** Adds edges to a place. Keys that lead to the same place, for the flow and for the laws, are one edge. */
class Keys {
  private readonly edges: Array<Edge>
  private readonly found = new Map<number, { readonly edge: number; readonly labels: Array<string> }>()

  constructor(edges: Array<Edge>) {
    this.edges = edges
  }

  /** Gives the number of the edge. */
  add(edge: Edge): number {
    const same = isKeyed(edge) ? this.found.get(edge.to) : undefined
    if (same !== undefined) {
      same.labels.push(edge.label)
      this.edges[same.edge] = {
        ...this.edges[same.edge]!,
        label: captions.ofChoices(same.labels),
        keys: [...this.edges[same.edge]!.keys ?? [], digitsOf(edge)]
      }
      return same.edge
    }
    if (!isKeyed(edge)) return this.edges.push(edge) - 1
    const number = this.edges.push({ ...edge, keys: [digitsOf(edge)] }) - 1
    this.found.set(edge.to, { edge: number, labels: [edge.label] })
    return number
  }
}

/** A place as the laws see it. */
export const momentAt = (step: Step.Step<unknown, unknown>, world: Choices.World): Moment =>
  step._tag === "Done"
    ? { _tag: "Ended", exit: step.exit, line: world.line }
    : {
      _tag: "Asked",
      request: step.request,
      line: world.line,
      held: Choices.isHeld(step),
      bounded: Choices.isBounded(step)
    }

/** The shortest path that ends with this way. */
export const pathOf = (places: ReadonlyArray<Place>, last: Way | undefined): ReadonlyArray<Way> => {
  const path: Array<Way> = []
  for (let way = last; way !== undefined; way = places[way.place]!.from) path.push(way)
  return path.toReversed()
}

// What the whole graph tells

/** The places in an order in which each comes after all that it leads to. Those that lead into a circle are missing. */
export const settledOrder = (count: number, next: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> => {
  const open = next.map((targets) => targets.length)
  const before: Array<Array<number>> = Array.from({ length: count }, () => [])
  next.forEach((targets, i) => targets.forEach((to) => before[to]!.push(i)))
  const order = open.flatMap((left, i) => left === 0 ? [i] : [])
  for (let i = 0; i < order.length; i++) {
    for (const place of before[order[i]!]!) if (--open[place]! === 0) order.push(place)
  }
  return order
}

const targets = (place: Place): ReadonlyArray<number> => place.edges.map(({ to }) => to)

/** How many different paths there are; without end if one goes in a circle. */
export const paths = (places: ReadonlyArray<Place>): number => {
  const counts = places.map(() => Infinity)
  for (const i of settledOrder(places.length, places.map(targets))) {
    const { edges } = places[i]!
    counts[i] = edges.length === 0 ? 1 : edges.reduce((sum, { to }) => sum + counts[to]!, 0)
  }
  return counts[0] ?? 0
}

/** What somebody may have to bear on one line. */
export interface Longest {
  readonly prompts: number
  readonly spokenSeconds: number
  readonly seconds: number
}

const none: Longest = { prompts: 0, spokenSeconds: 0, seconds: 0 }
const endless: Longest = { prompts: Infinity, spokenSeconds: Infinity, seconds: Infinity }

const most = (a: Longest, b: Longest): Longest => ({
  prompts: Math.max(a.prompts, b.prompts),
  spokenSeconds: Math.max(a.spokenSeconds, b.spokenSeconds),
  seconds: Math.max(a.seconds, b.seconds)
})

const ownLength = ({ step, world }: Place): Longest => {
  if (step._tag === "Done" || world.line !== "open") return none
  const { spoken, waited } = captions.seconds(step.request)
  return { prompts: step.request._tag === "Prompt" ? 1 : 0, spokenSeconds: spoken, seconds: spoken + waited }
}

/** The longest that remains of the line at each place. */
export const longest = (places: ReadonlyArray<Place>): ReadonlyArray<Longest> => {
  const onLine = (to: number): boolean => places[to]!.world.line === "open"
  const next = places.map((place) => place.world.line === "open" ? targets(place).filter(onLine) : [])
  const lengths = places.map(() => endless)
  for (const i of settledOrder(places.length, next)) {
    const own = ownLength(places[i]!)
    const rest = next[i]!.reduce((sum, to) => most(sum, lengths[to]!), none)
    lengths[i] = {
      prompts: own.prompts + rest.prompts,
      spokenSeconds: own.spokenSeconds + rest.spokenSeconds,
      seconds: own.seconds + rest.seconds
    }
  }
  return lengths.map((length, i) => places[i]!.world.line === "open" ? length : none)
}

/** The shortest way into a circle and once around, along edges that count. */
export const circle = (
  places: ReadonlyArray<Place>,
  counts: (edge: Edge) => boolean
): ReadonlyArray<Way> | undefined => {
  const next = places.map(({ edges }) => edges.filter(counts).map(({ to }) => to))
  const settled = new Set(settledOrder(places.length, next))
  let best: ReadonlyArray<Way> | undefined
  for (let start = 0; start < places.length && settled.size < places.length; start++) {
    const { depth, from } = places[start]!
    if (best !== undefined && depth + 1 >= best.length) break
    const around = settled.has(start) ? undefined : wayBack(places, start, settled, counts)
    if (around === undefined || (best !== undefined && depth + around.length >= best.length)) continue
    best = [...pathOf(places, from), ...around]
  }
  return best
}

const wayBack = (
  places: ReadonlyArray<Place>,
  start: number,
  settled: ReadonlySet<number>,
  counts: (edge: Edge) => boolean
): ReadonlyArray<Way> | undefined => {
  const came = new Map<number, Way>()
  const queue = [start]
  for (const place of queue) {
    for (const [edge, found] of places[place]!.edges.entries()) {
      if (!counts(found) || settled.has(found.to) || came.has(found.to)) continue
      came.set(found.to, { place, edge })
      if (found.to === start) return unwind(came, start)
      queue.push(found.to)
    }
  }
  return undefined
}

/** The keys that are pressed on an edge, if any are. */
const digitsOf = ({ what }: Edge): string =>
  what._tag === "Responded" && typeof what.response === "object" && what.response !== null && "digits" in what.response
    ? what.response.digits
    : ""

/** Whether keys are pressed on an edge. */
export const isKeyed = ({ what }: Edge): boolean =>
  what._tag === "Responded" && typeof what.response === "object" && what.response !== null &&
  "digits" in what.response && what.response.digits !== ""

const unwind = (came: ReadonlyMap<number, Way>, start: number): ReadonlyArray<Way> => {
  const path = [came.get(start)!]
  while (path[0]!.place !== start) path.unshift(came.get(path[0]!.place)!)
  return path
}

/** What is asked most often on a path that was cut. Where nothing is asked twice, the place with the most answers. */
export const multiplier = (
  places: ReadonlyArray<Place>,
  cut: number
): { readonly question: string; readonly times: number } => {
  const stops = [...pathOf(places, places[cut]!.from).map(({ place }) => place), cut]
  const counts = new Map<string, number>()
  for (const place of stops) {
    const { label } = places[place]!
    if (label !== "") counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  const [question, times] = Array.from(counts).reduce((a, b) => b[1] > a[1] ? b : a, ["", 0])
  if (times > 2) return { question, times }
  const widest = stops.reduce((a, b) => places[b]!.edges.length > places[a]!.edges.length ? b : a)
  return { question: places[widest]!.label, times: counts.get(places[widest]!.label) ?? 0 }
}

/** The places from which a goal can be reached without another dial, or perhaps, because the search was cut there. */
export const reaching = (
  { cut, places }: Pick<Search, "cut" | "places">,
  goal: (moment: Moment) => boolean
): ReadonlySet<number> => {
  const before: Array<Array<number>> = places.map(() => [])
  places.forEach((place, i) => {
    for (const { to } of place.edges) if (!isDial(places[to]!)) before[to]!.push(i)
  })
  const found = new Set<number>()
  const queue: Array<number> = []
  const add = (i: number) => {
    if (found.has(i)) return
    found.add(i)
    queue.push(i)
  }
  cut.forEach(add)
  places.forEach((place, i) => {
    if (goal(momentAt(place.step, place.world))) add(i)
    for (const moment of happened(place)) if (goal(moment(places))) add(i)
  })
  for (const place of queue) before[place]!.forEach(add)
  return found
}

const isDial = ({ step }: Place): boolean => step._tag === "Waiting" && step.request._tag === "Dial"

const happened = ({ edges, step }: Place) =>
  edges.map((edge) => (places: ReadonlyArray<Place>): Moment => ({
    _tag: "Happened",
    request: (step as Choices.Waiting).request,
    what: edge.what,
    line: places[edge.to]!.world.line
  }))

/** Questions that follow an answer without a word between them: the first and the second, in words. */
export const hasty = (places: ReadonlyArray<Place>): ReadonlyArray<readonly [string, string]> => {
  const found = new Map<string, readonly [string, string]>()
  places.forEach((place) => {
    if (!asks(place)) return
    for (const edge of place.edges) {
      if (!isAnswer(edge)) continue
      for (const next of questionsAfter(places, edge.to)) {
        const pair = [place.label, places[next]!.label] as const
        if (pair[0] !== pair[1]) found.set(JSON.stringify(pair), pair)
      }
    }
  })
  return Array.from(found.values())
}

const asks = ({ step, world }: Place): boolean =>
  step._tag === "Waiting" && step.request._tag === "Prompt" && world.line === "open" &&
  Action.digits(step.request.action) > 0

/** Keys that mean something, not the many that are treated alike. */
const isAnswer = (edge: Edge): boolean => isKeyed(edge) && !edge.label.startsWith(captions.anotherKey)

/** The questions that come next on the line, with nothing spoken before them. */
const questionsAfter = (places: ReadonlyArray<Place>, first: number): ReadonlyArray<number> => {
  const queue = [first]
  const questions: Array<number> = []
  const seen = new Set(queue)
  for (const i of queue) {
    const place = places[i]!
    if (asks(place)) questions.push(i)
    if (place.step._tag === "Done" || place.world.line !== "open" || isHeard(place)) continue
    for (const to of targets(place)) {
      if (seen.has(to)) continue
      seen.add(to)
      queue.push(to)
    }
  }
  return questions
}

const isHeard = ({ step }: Place): boolean =>
  step._tag === "Waiting" &&
  (step.request._tag === "Prompt" || step.request._tag === "Bridge" || step.request._tag === "Leave" ||
    Choices.isHeld(step))
