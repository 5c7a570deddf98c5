/** What is done to the runners and to what is around them: drawn by the seed, one thing over another. */
import { Effect, Random } from "effect"
import type * as Database from "./database.ts"
import * as Journal from "./journal.ts"
import type { Mode } from "./mode.ts"
import { between, hits, pick, type Run } from "./run.ts"
import type { Place } from "./runners.ts"
import type { Direction } from "./wire.ts"

/** What can be done again and again. */
const usual = ["kill", "freeze", "cut", "database", "clock", "drain", "deploy"] as const

/** What can be done. */
export const kinds = [...usual, "failover"] as const

export type Kind = typeof kinds[number]

const wires = {
  postgres: ["database", "carrier", "webhooks"],
  cluster: ["database", "carrier", "webhooks", "cluster"]
} as const

type WireName = typeof wires.cluster[number]

/** Something to be done, `at` so many milliseconds after the begin of the run. Other times are in milliseconds, too. */
export type Planned =
  & { readonly at: number }
  & (
    | { readonly kind: "kill" | "drain"; readonly place: number; readonly away: number }
    | { readonly kind: "freeze"; readonly place: number; readonly lasts: number }
    | {
      readonly kind: "cut"
      readonly place: number
      readonly lasts: number
      readonly wire: WireName
      readonly direction: Direction
      readonly waited: "late" | "lost"
    }
    | { readonly kind: "database"; readonly mode: Database.Mode; readonly away: number }
    | { readonly kind: "failover" } & Database.Failover
    | { readonly kind: "clock"; readonly place: number; readonly by: number }
    | { readonly kind: "deploy" }
  )

/** The wait between two deeds, on the average. */
const pause = 4_000

/** No deed of a run begins before this, so that there are calls to be hit. */
const first = 2_000

/** Who is started again is away for so long at most, besides its start. */
const longestAway = 3_000

interface Bounds {
  readonly millis: number
  readonly places: number
  readonly mode: Mode
}

const draw = Effect.fnUntraced(function*(kind: typeof usual[number], at: number, { millis, mode, places }: Bounds) {
  const longest = Math.min(60_000, millis / 3)
  const place = yield* between(0, places - 1)
  const planned: Planned = {
    at,
    place,
    away: yield* between(0, longestAway),
    lasts: yield* between(1_000, kind === "cut" ? Math.min(20_000, longest) : longest),
    wire: yield* pick<WireName>(wires[mode]),
    direction: yield* pick(["there", "back"]),
    waited: yield* pick(["late", "lost"]),
    mode: yield* pick(["fast", "immediate"]),
    by: (yield* pick([300, 4_000, 20_000, 300_000, 3_600_000])) * (yield* pick([1, -1])),
    kind
  } as Planned
  return planned
})

/** Draws what will be done in so many milliseconds: each kind as often as any other, in any order. */
export const plan = Effect.fnUntraced(function*(kinds: ReadonlyArray<Kind>, bounds: Bounds) {
  const planned: Array<Planned> = []
  const again = usual.filter((kind) => kinds.includes(kind))
  let left: typeof again = []
  if (again.length === 0) return planned
  for (let at = first; at < bounds.millis - pause; at += yield* between(pause / 2, pause * 1.5)) {
    if (left.length === 0) left = yield* Random.shuffle(again)
    planned.push(yield* draw(left[0]!, at, bounds))
    left = left.slice(1)
  }
  return planned
})

const everything = kinds.length

/** Draws a failover in the middle: in each other run, or where little else is done. The other deeds are the same with and without it. */
export const planFailover = Effect.fnUntraced(function*(kinds: ReadonlyArray<Kind>, { millis }: Bounds) {
  const isDrawn = yield* hits(0.5)
  if (!kinds.includes("failover") || (kinds.length === everything && !isDrawn)) return []
  const old = yield* pick(["kill", "leave"] as const)
  const connections = old === "leave" ? yield* pick(["end", "stay"] as const) : "end"
  const failover: Planned = {
    at: yield* between(Math.floor(millis / 3), Math.floor(millis / 2)),
    kind: "failover",
    old,
    connections
  }
  return [failover]
})

/** Does what was planned, and gives back everything whole: all runners live, and nothing is cut. */
export const strike = Effect.fnUntraced(function*(
  run: Run,
  { database, millis, planned }: {
    readonly planned: ReadonlyArray<Planned>
    readonly millis: number
    readonly database: Database.Database
  }
) {
  const hands = handsOf(run, database, millis)
  const deeds = planned.map((deed) => Effect.delay(Effect.suspend(() => doneBy(hands, run, deed)), deed.at))
  yield* Effect.all([Effect.sleep(millis), ...deeds], { concurrency: "unbounded", discard: true })
})

/** Whether a runner can be expected to do all that is its to do. */
const isWell = (run: Run, place: Place): boolean =>
  place.isUp() && !run.deeds.some((deed) => deed.to === Infinity && deed.places.includes(place.number))

type Hands = ReturnType<typeof handsOf>

const handsOf = (run: Run, database: Database.Database, millis: number) => {
  const during = Journal.during(run)

  /**
   * Waits until a place has a runner, and another runner is well, so that there is always one who could go on. What would come
   * after the end of the run is not done.
   */
  const turn = (place: Place, work: Effect.Effect<void>) =>
    Effect.gen(function*() {
      while (!place.isUp() || !run.places.some((other) => other !== place && isWell(run, other))) {
        yield* Effect.sleep("100 millis")
      }
      if (Date.now() < run.began + millis) yield* work
    })

  const replace = (place: Place, kind: Kind, words: string, work: Effect.Effect<void>) =>
    place.alone(turn(place, during({ kind, words: `${name(place)} ${words}`, places: [place.number] }, work)))

  return { database, during, replace, turn }
}

const doneBy = ({ database, during, replace, turn }: Hands, run: Run, deed: Planned): Effect.Effect<void> => {
  const place = run.places["place" in deed ? deed.place : 0]!
  const again = (away: number) => Effect.delay(Effect.suspend(() => place.start(place.life.version)), away)
  switch (deed.kind) {
    case "kill":
      return replace(place, "kill", "is killed", Effect.andThen(place.kill, again(deed.away)))
    case "drain":
      return replace(place, "drain", "is told to end", Effect.andThen(place.stop, again(deed.away)))
    case "freeze": {
      const words = `${name(place)} stands still for ${Journal.seconds(deed.lasts)}`
      const frozen = Effect.andThen(place.freeze, Effect.andThen(Effect.sleep(deed.lasts), place.thaw))
      return turn(place, during({ kind: "freeze", words, places: [place.number] }, frozen))
    }
    case "cut": {
      const wire = place[deed.wire]
      const cut = Effect.sync(() => wire.cut(deed.direction))
      const healed = Effect.andThen(Effect.sleep(deed.lasts), Effect.sync(() => wire.heal(deed.waited)))
      const written = { kind: "cut", words: cutWords(place, deed), places: [place.number], wire: deed.wire }
      return turn(place, during(written, Effect.andThen(cut, healed)))
    }
    case "database": {
      const words = `the database is restarted (${deed.mode})`
      return during({ kind: "database", words, places: [] }, database.restart(deed.mode, deed.away))
    }
    case "failover": {
      const words = `the standby takes the place of the database, which ${failoverWords[deed.old][deed.connections]}`
      const noticed = deed.connections === "stay" ? Effect.sleep(untilNoticed) : Effect.void
      return during({ kind: "failover", words, places: [] }, Effect.andThen(database.failOver(deed), noticed))
    }
    case "clock": {
      const words = `the clock of ${name(place)} is set ${deed.by > 0 ? "ahead" : "back"} by ${
        Journal.seconds(Math.abs(deed.by))
      }`
      return during({ kind: "clock", words, places: [] }, Effect.sync(() => place.setClock(deed.by)))
    }
    case "deploy":
      return Effect.forEach(run.places, (place) => {
        const next = Effect.andThen(place.stop, place.start("next"))
        return replace(place, "deploy", "is replaced by one of the next version", next)
      }, { discard: true })
  }
}

/** A commit that waits is looked after, and whoever was broken off begins anew. */
const untilNoticed = "5 seconds"

const failoverWords = {
  kill: { end: "is killed", stay: "is killed" },
  leave: { end: "lives on, cut off", stay: "lives on, with all that is connected to it" }
} as const

const name = (place: Place) => `runner ${place.number + 1}`

const cutWords = (place: Place, deed: Extract<Planned, { readonly kind: "cut" }>): string => {
  const ends = {
    database: ["it", "the database"],
    carrier: ["it", "the carrier"],
    webhooks: ["the balancer", "it"],
    cluster: ["the other runners", "it"]
  } as const
  const [near, far] = ends[deed.wire]
  const way = deed.direction === "there" ? `${near} to ${far}` : `${far} to ${near}`
  const then = deed.waited === "late" ? "it comes late" : "it is lost"
  return `${name(place)}: nothing gets from ${way} for ${Journal.seconds(deed.lasts)}, then ${then}`
}
