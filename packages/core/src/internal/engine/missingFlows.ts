/** The flows of running calls that no living process has registered: each is named once, and once more when it is back. */
import { Effect } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { StoreError, Summary } from "../../EventStore.ts"
import { nameOf } from "./neighbours.ts"
import type { Surroundings } from "./surroundings.ts"

/** Says which flows are missing. */
export interface MissingFlows {
  /** Says which flows of these running calls no process has registered, where that has changed. */
  readonly name: (running: ReadonlyArray<Summary>) => Effect.Effect<void>
  /** The same of all calls that run now. */
  readonly nameAll: Effect.Effect<void, StoreError>
  /** Whether that was said of the flow of a call. */
  readonly isNamed: (call: Summary) => boolean
  /** Says which flows are missing, if others have registered fewer than at the last look, or one is back. */
  readonly look: Effect.Effect<void, StoreError>
}

interface Missing {
  readonly flow: string
  readonly version: number
  readonly calls: Array<CallId>
}

/** How many calls of a flow that is missing are named by their ids. */
const mostNamed = 5

/** The running calls whose flow no living process has registered, by their flows. */
const missingAmong = (running: ReadonlyArray<Summary>, { isMissing }: Surroundings): ReadonlyMap<string, Missing> => {
  const found = new Map<string, Missing>()
  for (const { callId, flow, flowVersion: version } of running) {
    if (!isMissing(flow, version)) continue
    const name = nameOf(flow, version)
    const missing = found.get(name) ?? { flow, version, calls: [] }
    missing.calls.push(callId)
    found.set(name, missing)
  }
  return found
}

const idsOf = (calls: ReadonlyArray<CallId>): string =>
  `${calls.slice(0, mostNamed).join(", ")}${calls.length > mostNamed ? ", ..." : ""}`

const needing = (count: number): string => count === 1 ? "1 running call needs" : `${count} running calls need`

const tellMissing = ({ calls, flow, version }: Missing): Effect.Effect<void> =>
  Effect.logWarning(
    `${needing(calls.length)} the flow ${flow} in version ${version}, which no living process has ` +
      `registered (${idsOf(calls)}). Register it again, or cancel them: they end without it when they are overdue`
  )

const tellBack = ({ flow, version }: Missing): Effect.Effect<void> =>
  Effect.logInfo(`The flow ${flow} in version ${version} is registered again`)

/** All flows that these processes have registered. */
const registeredBy = (processes: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> =>
  new Set(Array.from(processes.values()).flatMap((flows) => [...flows]))

/** None is known to be missing. */
export const make = (surroundings: Surroundings): MissingFlows => {
  const { isMissing, neighbours, store } = surroundings
  const named = new Map<string, Missing>()

  const isStillMissing = ({ flow, version }: Missing): boolean => isMissing(flow, version)

  const name = Effect.fnUntraced(function*(running: ReadonlyArray<Summary>) {
    const missing = missingAmong(running, surroundings)
    for (const [name, each] of missing) if (!named.has(name)) yield* tellMissing(each)
    for (const [name, each] of named) if (!missing.has(name) && !isStillMissing(each)) yield* tellBack(each)
    named.clear()
    for (const [name, each] of missing) named.set(name, each)
  })

  const nameAll = Effect.suspend(() => Effect.flatMap(store.due({ before: Number.MAX_SAFE_INTEGER }), name))

  /** The flows that others had registered at the last look. */
  let known: ReadonlySet<string> | undefined

  const look = Effect.fnUntraced(function*() {
    const registered = registeredBy(neighbours.others())
    const isLess = known === undefined || [...known].some((flow) => !registered.has(flow))
    const isBack = [...named.values()].some((each) => !isStillMissing(each))
    if (isLess || isBack) yield* nameAll
    known = registered
  })

  return {
    name,
    nameAll,
    look: Effect.suspend(look),
    isNamed: ({ flow, flowVersion }) => named.has(nameOf(flow, flowVersion))
  }
}
