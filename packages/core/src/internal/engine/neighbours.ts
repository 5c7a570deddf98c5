/** The processes that share a store with this one. */
import { Effect, Hash, Stream } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Processes, StoreError, Summary, Told, ToldTurns } from "../../EventStore.ts"
import type { Use } from "./rate.ts"

/** Who lives beside this process. */
export interface Neighbours {
  /** The others that lived at the last look and are not about to end, each with the flows that it has registered. */
  readonly others: () => ReadonlyMap<string, ReadonlySet<string>>
  /** Whether another process that appended something so many milliseconds ago is there: it was at the last look, or that was since then. */
  readonly isThere: (name: string, appendedBefore: number) => boolean
  /** All that lived at the last look, this process and those that are about to end among them. */
  readonly living: () => ReadonlySet<string>
  /** Looks who lives. `false` if the database has lost even this process: then the others are as little dead. */
  readonly look: Effect.Effect<boolean, StoreError>
  /** Tells others that there is something to see of a call. Nothing depends on it but how soon they look. */
  readonly tell: (to: ReadonlyArray<string>, callId: CallId) => Effect.Effect<void>
  /** Tells another one whose these calls are, at most 300. */
  readonly give: (to: string, what: "yours" | "mine", calls: ReadonlyArray<CallId>) => Effect.Effect<void>
  /** Another one is about to end. */
  readonly isLeaving: (process: string) => void
  /** This process is about to end, and others see so. */
  readonly leave: Effect.Effect<void, StoreError>
  /** Hears what others tell this process, for as long as it runs. */
  readonly listen: (hear: (told: Told | ToldTurns) => void) => Effect.Effect<void>
}

/** One process tells another of at most so many calls at once. */
export const mostCalls = 300

/** Of these, the one that is chosen for a call: the same whoever chooses, and each for its part of many calls. */
export const chosenOf = (processes: ReadonlyArray<string>, id: CallId): string | undefined => {
  const rank = (process: string) => Hash.string(`${process}/${id}`)
  return processes.length === 0
    ? undefined
    : processes.reduce((first, process) => rank(process) < rank(first) ? process : first)
}

/** Those of them that have registered the flow of a call. */
export const knowing = (
  processes: ReadonlyMap<string, ReadonlySet<string>>,
  { flow, flowVersion }: Pick<Summary, "flow" | "flowVersion">
): ReadonlyArray<string> => {
  const name = nameOf(flow, flowVersion)
  return Array.from(processes).flatMap(([process, flows]) => flows.has(name) ? process : [])
}

/** The flow of a call as a process registers it. */
export const nameOf = (flow: string, version: number): string => `${flow}@${version}`

/** What shares the pace. */
interface Sharing {
  /** This process was seen to live at `at`, by the time that has elapsed, as the `rank`th of so many. */
  readonly seen: (
    members: { readonly count: number; readonly rank: number },
    at: number,
    others: ReadonlyArray<Use>
  ) => void
  /** How many lines ring or talk here, or may before the next look; nothing where they are not bounded. */
  readonly linesUsed: () => number | undefined
}

/** Nobody has been seen yet. A store of one's own has no others. */
export const make = (
  process: string,
  processes: Processes | undefined,
  elapsed: () => number,
  { linesUsed, seen }: Sharing
): Neighbours => {
  let others: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  let living: ReadonlySet<string> = new Set([process])
  const leaving = new Set<string>()
  let lookedAt = Infinity
  const see = (
    alive: ReadonlyMap<string, ReadonlySet<string>>,
    inUse: ReadonlyMap<string, number>,
    at: number
  ): boolean => {
    const found = new Map(alive)
    const isSeen = found.delete(process)
    if (!isSeen) return false
    living = new Set(alive.keys())
    lookedAt = at
    for (const name of leaving) if (!found.has(name)) leaving.delete(name)
    for (const [name, flows] of found) if (flows.size === 0 || leaving.has(name)) found.delete(name)
    others = found
    const names = [...alive.keys()].toSorted()
    const uses = names.flatMap((name, rank) => name === process ? [] : [{ rank, lines: inUse.get(name) ?? 0 }])
    seen({ count: names.length, rank: names.indexOf(process) }, at, uses)
    return true
  }

  /** A share is taken by what was read before, and what is used of it is written down when a smaller one has been taken. */
  const look = Effect.fnUntraced(function*({ alive, inUse, use }: Processes) {
    const asked = elapsed()
    const isBounded = linesUsed() !== undefined
    const living = yield* alive
    const isSeen = see(living, isBounded ? yield* inUse : none, asked)
    if (isBounded) yield* use(process, linesUsed() ?? 0)
    return isSeen
  })
  return {
    others: () => others,
    isThere: (name, appendedBefore) =>
      others.has(name) ||
      (name !== process && !leaving.has(name) && appendedBefore >= 0 && appendedBefore < elapsed() - lookedAt),
    living: () => living,
    look: processes === undefined ? Effect.succeed(true) : look(processes),
    tell: (to, callId) =>
      processes === undefined || to.length === 0
        ? Effect.void
        : tell(processes, to, { what: "look", calls: [callId], from: process }),
    give: (to, what, calls) =>
      processes === undefined ? Effect.void : tell(processes, [to], { what, calls, from: process }),
    isLeaving: (name) => {
      leaving.add(name)
      others = new Map(Array.from(others).filter(([other]) => other !== name))
    },
    leave: processes === undefined ? Effect.void : processes.leave(process),
    listen: (hear) => processes === undefined ? Effect.void : listen(processes.told(process), hear)
  }
}

const tell = (processes: Processes, to: ReadonlyArray<string>, told: Told): Effect.Effect<void> =>
  Effect.catch(
    processes.tell(to, told),
    (error) => Effect.logDebug(`Others could not be told of ${told.calls.length} calls: ${error.message}`)
  )

const listen = (
  telling: ReturnType<Processes["told"]>,
  hear: (told: Told | ToldTurns) => void
): Effect.Effect<void> => {
  let isDeaf = false
  const once = Effect.scoped(Effect.gen(function*() {
    const told = yield* telling
    if (isDeaf) yield* Effect.logInfo("What other processes tell is heard again")
    isDeaf = false
    yield* Stream.runForEach(told, (each) => Effect.sync(() => hear(each)))
  }))
  const lost = (error: StoreError) => {
    const words = `What other processes tell is not heard, so calls are looked for from time to time: ${error.message}`
    const warning = isDeaf ? Effect.void : Effect.logWarning(words)
    isDeaf = true
    return Effect.andThen(warning, Effect.sleep("1 second"))
  }
  return Effect.forever(Effect.catch(once, lost))
}

const none: ReadonlyMap<string, number> = new Map()
