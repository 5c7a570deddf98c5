/** Whose sessions the carrier's are, by their `reference_id`: each is of the call that claimed it first. */
import { Effect, Option } from "effect"
import type * as Call from "../../Call.ts"
import type { CallId } from "../../CallEvent.ts"
import type { StoreError } from "../../EventStore.ts"
import * as Gathered from "../gathered.ts"
import { sessionsOf } from "./pending.ts"
import type { Surroundings } from "./surroundings.ts"

/** What memory knows of sessions. */
export interface Sessions {
  /** The call that has a session, of those in memory. */
  readonly ownerOf: (session: string) => CallId | undefined
  /** The call that has a session, or will have it. */
  readonly find: (session: string) => CallId | undefined
  /** A session came in: if nobody has it, it will be that of a call which is about to be stored. */
  readonly expect: (session: string, id: CallId) => void
  /** What came in is recorded, or never will be. */
  readonly expectNoMore: (session: string, id: CallId) => void
  /** A call has recorded a session. It is told if it is another's. */
  readonly claim: (session: string, id: CallId) => void
  /** Learns the sessions of a call that is read. One that another in memory has too is of whom the store says. */
  readonly learn: (call: Call.Call) => Effect.Effect<void, StoreError>
  /** A call leaves memory. */
  readonly forget: (call: Call.Call) => void
}

/** No session is known yet. */
export const make = ({ run, store }: Surroundings): Sessions => {
  const owners = new Map<string, CallId>()
  const expected = new Map<string, CallId>()

  /** `false` if it is another's. */
  const isClaimed = (session: string, id: CallId): boolean => {
    const owner = owners.get(session)
    if (owner === undefined) owners.set(session, id)
    return owner === undefined || owner === id
  }

  const tellContested = Gathered.make<CallId>(run, (ids, count) =>
    Effect.logWarning(
      `The carrier gave ${count === 1 ? "a call" : `${count} calls`} the reference_id of another call ` +
        `(${
          [...new Set(ids)].join(", ")
        }): what comes in under it is taken for an event of the other, and whoever is on ` +
        "the line is hung up on if it names their dial"
    ))

  const askStore = (session: string): Effect.Effect<void, StoreError> =>
    Effect.map(store.find(session), (found) => {
      if (Option.isSome(found)) owners.set(session, found.value)
    })

  return {
    ownerOf: (session) => owners.get(session),
    find: (session) => owners.get(session) ?? expected.get(session),
    expect: (session, id) => void (expected.has(session) || expected.set(session, id)),
    expectNoMore: (session, id) => {
      if (expected.get(session) === id) expected.delete(session)
    },
    claim: (session, id) => {
      if (!isClaimed(session, id)) tellContested(id)
    },
    learn: (call) => {
      const contested = sessionsOf(call).filter((session) => !isClaimed(session, call.id))
      return Effect.forEach(contested, askStore, { discard: true })
    },
    forget: (call) => {
      for (const session of sessionsOf(call)) if (owners.get(session) === call.id) owners.delete(session)
    }
  }
}
