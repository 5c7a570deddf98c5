/**
 * The machines of a storm as a cluster, and what its membership says: each machine believes that some live, and by that each call has an
 * owner. It may believe so for long, or wrongly, and what machines ask each other is lost, late and doubled.
 */
import type { CallEvent, Calls } from "@ringback/core"
import { Deferred, Effect, Hash } from "effect"
import type { Process, World } from "./world.ts"

/** How long a belief holds that is right when it begins. */
const fresh = 2_000

/** How long one holds that is stale, or wrong. */
const stale = [5_000, 30_000, 120_000, 600_000] as const

/** How late a message is. */
const late = [100, 400, 1_000, 5_000, 60_000] as const

interface Belief {
  readonly machines: ReadonlyArray<number>
  readonly until: number
}

const ownerOf = (machines: ReadonlyArray<number>, id: CallEvent.CallId): number | undefined => {
  const rank = (machine: number) => Hash.string(`${machine}/${id}`)
  return machines.length === 0 ? undefined : machines.reduce((a, b) => rank(b) < rank(a) ? b : a)
}

/** What a machine believes from now on. */
const newBelief = (world: World, { id }: Process): Belief => {
  const { now, processes, strikes } = world
  const living = processes.filter(({ calls, dead }) => !dead && calls !== undefined).map((each) => each.id)
  const [wrong, long] = [strikes("ownersWrong"), strikes("ownersStale")]
  const believed = wrong?.pick([[id], living.filter((each) => each !== id), []])
  const until = now() + ((long ?? wrong)?.pick(stale) ?? fresh)
  return { machines: believed ?? (living.includes(id) ? living : [...living, id]), until }
}

/** Asks a machine, and gives its answer to who waits for it, unless the machine dies. It does nothing while it stands still. */
const tell = (target: Process, message: Calls.OwnerMessage, hear: (given: unknown) => void): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { answer } = target
    if (target.dead || answer === undefined) return Effect.void
    const done = Deferred.makeUnsafe<void>()
    const answering = Effect.flatMap(answer(message), (given) => {
      hear(given)
      return Deferred.succeed(done, undefined)
    })
    return Effect.andThen(
      target.run(Effect.andThen(target.thawed.await, answering)),
      Effect.raceFirst(Deferred.await(done), Deferred.await(target.died))
    )
  })

/** A machine of the cluster. */
export const of = (world: World, process: Process): Calls.Owners => {
  const { begin, now, strikes } = world
  let belief: Belief = { machines: [], until: -1 }
  const owner = (id: CallEvent.CallId): number | undefined => {
    if (now() > belief.until) belief = newBelief(world, process)
    return ownerOf(belief.machines, id)
  }
  return {
    isOwn: (id) => owner(id) === process.id,
    send: (message) =>
      Effect.suspend(() => {
        const target = world.processes.find(({ id }) => id === owner(message.payload.id))
        if (target === undefined) return Effect.fail("nobody owns it")
        if (strikes("askingLost") !== undefined) return Effect.never
        const delay = strikes("askingLate")?.pick(late) ?? 0
        const isDoubled = strikes("askingDoubled") !== undefined
        const isUnanswered = strikes("answerLost") !== undefined
        const answered = Deferred.makeUnsafe<unknown>()
        const hear = (given: unknown) => void (isUnanswered || Deferred.doneUnsafe(answered, Effect.succeed(given)))
        const told = begin(Effect.andThen(Effect.sleep(delay), tell(target, message, hear)))
        return Effect.andThen(isDoubled ? Effect.andThen(told, told) : told, Deferred.await(answered))
      }),
    serve: (answer) => void (process.answer = answer)
  }
}
