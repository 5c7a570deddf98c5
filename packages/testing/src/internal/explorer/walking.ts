/**
 * People who get through the questions of a flow: walks along the places that the explorer has seen, each told by numbers. No numbers are
 * whoever answers and listens; fewer and smaller numbers are a shorter script.
 */
import { PhoneNumber } from "@ringback/core"
import type { Request } from "@ringback/core"
import { Option } from "effect"
import * as Callee from "../../Callee.ts"
import * as paths from "./paths.ts"
import { planOf } from "./planning.ts"
import { type Edge, pathOf, type Place, type Search, type Way } from "./search.ts"

/** Who is rung at a number, call after call. */
export interface Rung {
  readonly number: PhoneNumber.PhoneNumber
  readonly callees: ReadonlyArray<Callee.Script>
}

/** Who calls, and which number. */
export interface Caller {
  readonly to: PhoneNumber.PhoneNumber
  readonly from: PhoneNumber.PhoneNumber
  readonly callee: Callee.Script
}

/** Everybody at the far ends of one call. Prints in the words of a script. */
export class People {
  readonly rung: ReadonlyArray<Rung>
  readonly caller: Caller | undefined
  constructor(rung: ReadonlyArray<Rung>, caller: Caller | undefined) {
    this.rung = rung
    this.caller = caller
  }

  toString(): string {
    const { caller, rung } = this
    if (caller === undefined && rung.length === 0) return "whoever is rung answers, listens, and presses nothing"
    return [
      ...caller === undefined ? [] : [`the caller ${caller.from}: ${Callee.describe(caller.callee)}`],
      ...rung.map(({ callees, number }) => `${number}: ${callees.map(Callee.describe).join(", then ")}`)
    ].join("\n")
  }

  toJSON(): unknown {
    return this.toString()
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString()
  }
}

/** A number below this is the choice itself; one above is mixed first, so that all choices are as likely. */
const direct = 1_000

const choice = (drawn: number, count: number): number => {
  if (drawn < direct) return drawn % count
  let bits = Math.imul(drawn ^ (drawn >>> 15), 0x2c1b3c6d)
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39)
  return ((bits ^ (bits >>> 15)) >>> 0) % count
}

/** Whether it is for the person, or at least not against the application, that this happens: it succeeds, or tells. */
const isLikely = ({ step }: Place, { hungUp, label, what }: Edge): boolean => {
  if (step._tag === "Done") return false
  if (what._tag === "HungUp") return true
  if (what._tag !== "Responded") return false
  const { request } = step
  switch (request._tag) {
    case "Dial": {
      const reached = what.response as Request.Responses["Dial"]
      return reached._tag === "Answered" || ["busy", "no answer", "failed"].includes(reached.reason)
    }
    case "Answer":
      return !hungUp && label !== "has hung up" && (what.response as Request.Responses["Answer"]).from !== undefined
    case "Bridge":
      return label !== "one leaves"
    default:
      return true
  }
}

/** An edge that leads on: what is asked is answered, whoever is there stays. */
export const onwards = (place: Place, drawn: number): number | undefined => {
  const likely = place.edges.flatMap((edge, i) => isLikely(place, edge) && !leaves(edge) ? [i] : [])
  const answers = likely.filter((i) => isAnswer(place, place.edges[i]!))
  const open = answers.length === 0 ? likely : answers
  return open[choice(drawn + direct, open.length)]
}

const leaves = ({ hungUp, what }: Edge): boolean =>
  hungUp || what._tag === "HungUp" ||
  what._tag === "Responded" && (what.response as { readonly _tag?: string } | null)?._tag === "HungUp"

/** Keys where keys are asked for, and somebody who picks up. */
const isAnswer = (place: Place, edge: Edge): boolean => {
  const { step } = place
  if (step._tag === "Done") return false
  return step.request._tag === "Prompt" ? !isQuiet(place, edge) : step.request._tag === "Dial" && isQuiet(place, edge)
}

/** What is for the person to decide, and not for the application. */
const isOwn = ({ step }: Place): boolean =>
  step._tag === "Waiting" && ["Dial", "Prompt", "Bridge", "Answer"].includes(step.request._tag)

/** Whoever does nothing of their own is this one. */
const isQuiet = ({ step }: Place, { hungUp, what }: Edge): boolean => {
  if (step._tag === "Done" || hungUp || what._tag !== "Responded") return false
  if (step.request._tag === "Prompt") {
    const heard = what.response as Request.Responses["Prompt"]
    return heard._tag === "Heard" && heard.digits === ""
  }
  return step.request._tag !== "Dial" || (what.response as Request.Responses["Dial"])._tag === "Answered"
}

/** How much of a script it is, and how much of a conversation. */
type Size = readonly [steps: number, exchanges: number, choices: number]

const isSmaller = (a: Size, b: Size): boolean => {
  const at = a.findIndex((part, i) => part !== b[i])
  return at !== -1 && a[at]! < b[at]!
}

/** So many smaller walks are tried at once. */
const tries = 60

/** All walks along the places of a flow. */
export class Walks {
  private readonly places: ReadonlyArray<Place>
  private readonly open: ReadonlyArray<ReadonlyArray<number>>
  /** Ways to each thing that may happen and to each end, the shortest first. */
  private readonly goals: ReadonlyArray<ReadonlyArray<Way>>
  private readonly ends: ReadonlyArray<ReadonlyArray<Way>>

  constructor({ places }: Pick<Search, "places">) {
    this.places = places
    this.open = places.map((place) => {
      const likely = place.edges.map((_, edge) => edge).filter((edge) => isLikely(place, place.edges[edge]!))
      return likely.toSorted((a, b) =>
        Number(isQuiet(place, place.edges[b]!)) - Number(isQuiet(place, place.edges[a]!))
      )
    })
    const reached = this.reached()
    const [ends, edges] = [new Map<string, ReadonlyArray<Way>>(), new Map<string, ReadonlyArray<Way>>()]
    const add = (goals: Map<string, ReadonlyArray<Way>>, name: string, way: ReadonlyArray<Way>) => {
      if (way.length < (goals.get(name)?.length ?? Infinity)) goals.set(name, way)
    }
    places.forEach((place, at) => {
      const way = reached[at]
      if (way === undefined) return
      if (place.step._tag === "Done") add(ends, place.label, way)
      if (!isOwn(place)) return
      for (const edge of this.open[at]!) {
        add(edges, `${place.label} → ${place.edges[edge]!.label}`, [...way, { place: at, edge }])
      }
    })
    const byLength = (goals: Map<string, ReadonlyArray<Way>>) =>
      [...goals.values()].toSorted((a, b) => a.length - b.length)
    this.ends = byLength(ends)
    this.goals = byLength(new Map([...ends, ...edges]))
  }

  /** A shortest way to each place that people can bring about. */
  private reached(): ReadonlyArray<ReadonlyArray<Way> | undefined> {
    const from: Array<Way | undefined> = this.places.map(() => undefined)
    const queue = [0]
    const seen = new Set(queue)
    for (const place of queue) {
      for (const edge of this.open[place]!) {
        const { to } = this.places[place]!.edges[edge]!
        if (seen.has(to)) continue
        seen.add(to)
        from[to] = { place, edge }
        queue.push(to)
      }
    }
    const places = this.places.map((place, i) => ({ ...place, from: from[i] }))
    return places.map(({ from }, i) => seen.has(i) ? pathOf(places, from) : undefined)
  }

  /** The way that numbers tell: the first says where to, the others what happens then, place after place. */
  way(drawn: ReadonlyArray<number>): ReadonlyArray<Way> {
    const [towards = 0, ...steps] = drawn
    const goals = towards % 2 === 0 || towards < direct ? this.ends : this.goals
    const way = towards === 0 ? [] : [...goals[choice(towards, goals.length)] ?? []]
    let at = way.length === 0 ? 0 : this.next(way.at(-1)!)
    for (const step of steps) {
      at = this.onwards(way, at)
      const open = this.open[at]!
      if (open.length === 0) return way
      way.push({ place: at, edge: open[choice(step, open.length)]! })
      at = this.next(way.at(-1)!)
    }
    return way
  }

  /** Goes on where there is nothing to choose. */
  private onwards(way: Array<Way>, from: number): number {
    let at = from
    for (let open = this.open[at]!; open.length === 1 && way.length < 10_000; open = this.open[at]!) {
      way.push({ place: at, edge: open[0]! })
      at = this.next(way.at(-1)!)
    }
    return at
  }

  private next({ edge, place }: Way): number {
    return this.places[place]!.edges[edge]!.to
  }

  /** The smallest numbers that tell a way. */
  private numbersOf(way: ReadonlyArray<Way>): ReadonlyArray<number> {
    const steps = way.flatMap(({ edge, place }) =>
      this.open[place]!.length === 1 ? [] : [this.open[place]!.indexOf(edge)]
    )
    const last = steps.findLastIndex((step) => step !== 0)
    return last === -1 ? [] : [0, ...steps.slice(0, last + 1)]
  }

  people(drawn: ReadonlyArray<number>): People {
    const { callees, caller } = planOf(paths.exchanges(this.places, this.way(drawn)), {})
    const rung = Array.from(callees, ([number, scripts]) => ({
      number: PhoneNumber.make(number),
      callees: scripts.map(trimmed)
    }))
    const calls = Option.map(caller, ({ callee, from, to }) => ({
      to: PhoneNumber.make(to),
      from: PhoneNumber.make(from),
      callee: trimmed(callee())
    }))
    return new People(rung, Option.getOrUndefined(calls))
  }

  private size(drawn: ReadonlyArray<number>): Size {
    const { caller, rung } = this.people(drawn)
    const scripts = [...caller === undefined ? [] : [caller.callee], ...rung.flatMap(({ callees }) => callees)]
    const steps = scripts.reduce((sum, script) => sum + 1 + script.steps.length, 0)
    return [steps, this.way(drawn).length, drawn.reduce((sum, choice) => sum + choice, 0)]
  }

  /** Numbers of people who do less: on the way to something else, or along a part of this way. The least first. */
  smaller(drawn: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> {
    const way = this.way(drawn)
    const own = this.numbersOf(way)
    const [, ...steps] = own
    const found = new Map<string, ReadonlyArray<number>>()
    const add = (numbers: ReadonlyArray<number>) => void found.set(numbers.join(), numbers)
    add([])
    for (const goal of this.goals) add(this.numbersOf(goal))
    steps.forEach((_, i) => {
      add([0, ...steps.slice(0, i)])
      add([0, ...steps.slice(0, i), ...steps.slice(i + 1)])
      add([0, ...steps.slice(0, i), 0, ...steps.slice(i + 1)])
    })
    const size = this.size(drawn)
    const sizes = Array.from(found.values(), (numbers) => [numbers, this.size(numbers)] as const)
    return sizes.filter(([, other]) => isSmaller(other, size))
      .toSorted(([, a], [, b]) => isSmaller(a, b) ? -1 : isSmaller(b, a) ? 1 : 0)
      .slice(0, tries).map(([numbers]) => numbers)
  }
}

/** Whoever is silent at the end of a script need not say so. */
const trimmed = ({ reach, steps }: Callee.Script): Callee.Script => {
  const last = steps.findLastIndex(({ _tag }) => _tag !== "StaysSilent")
  return Callee.make({ reach, steps: steps.slice(0, last + 1) })
}
