/** The processes that share a store with this one. */
import { Effect, Stream } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Processes, StoreError, Told } from "../../EventStore.ts"
import type { Use } from "./rate.ts"

/** Who lives beside this process. */
export interface Neighbours {
  /** The others that lived at the last look, each with the flows that it has registered. */
  readonly others: () => ReadonlyMap<string, ReadonlySet<string>>
  /** Looks who lives. `false` if the database has lost even this process: then the others are as little dead. */
  readonly look: Effect.Effect<boolean, StoreError>
  /** Tells others that there is something to see of a call. Nothing depends on it but how soon they look. */
  readonly tell: (to: ReadonlyArray<string>, callId: CallId) => Effect.Effect<void>
  /** Hears what others tell this process, for as long as it runs. */
  readonly listen: (hear: (told: Told) => void) => Effect.Effect<void>
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
  const see = (
    alive: ReadonlyMap<string, ReadonlySet<string>>,
    inUse: ReadonlyMap<string, number>,
    at: number
  ): boolean => {
    const found = new Map(alive)
    const isSeen = found.delete(process)
    if (!isSeen) return false
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
    look: processes === undefined ? Effect.succeed(true) : look(processes),
    tell: (to, callId) =>
      processes === undefined || to.length === 0 ? Effect.void : tell(processes, to, { callId, from: process }),
    listen: (hear) => processes === undefined ? Effect.void : listen(processes.told(process), hear)
  }
}

const tell = (processes: Processes, to: ReadonlyArray<string>, told: Told): Effect.Effect<void> =>
  Effect.catch(
    processes.tell(to, told),
    (error) => Effect.logDebug(`Others could not be told of call ${told.callId}: ${error.message}`)
  )

const listen = (telling: ReturnType<Processes["told"]>, hear: (told: Told) => void): Effect.Effect<void> => {
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
