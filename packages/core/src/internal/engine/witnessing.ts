/** What a witness of the store is told while turns are stored, so that a copy of an earlier day can be told from the store. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Service as Witness, Testimony, WitnessError } from "../../Witness.ts"

type Turn = Testimony["turn"]

/** Keeps a witness. */
export interface Witnessing {
  /** A turn of this process is durable. */
  readonly stored: (callId: CallId, version: number) => void
  /** Writes since when the store counts as restored, beside the turn that was written last. */
  readonly write: Effect.Effect<void>
  /** Writes the newest turn from time to time, until the scope closes. */
  readonly watch: Effect.Effect<void, never, Scope.Scope>
}

/** How often the witness is written while turns are stored, and how long a turn is stored at least before it is witnessed. */
const every = "10 seconds"

/** With a witness, or without one. `first` is the turn that it knows and the store too. */
export const make = (
  witness: Witness | undefined,
  first: Turn,
  restoredBefore: () => number | undefined
): Witnessing => {
  let latestCall = first?.callId
  let latestVersion = first?.version ?? 0
  let written = first

  const newest = (): Turn => latestCall === undefined ? undefined : { callId: latestCall, version: latestVersion }

  const write = (turn: Turn): Effect.Effect<void> => {
    if (witness === undefined) return Effect.void
    const before = restoredBefore()
    const testimony = {
      ...(turn === undefined ? {} : { turn }),
      ...(before === undefined ? {} : { restoredBefore: before })
    }
    return Effect.matchEffect(witness.write(testimony), {
      onFailure: failed,
      onSuccess: () =>
        Effect.sync(() => {
          isWell = true
          written = turn
        })
    })
  }

  /** A failure is told once, until the witness could be written again. */
  let isWell = true
  const failed = (error: WitnessError): Effect.Effect<void> => {
    if (!isWell) return Effect.void
    isWell = false
    return Effect.logWarning(`${error.message} Calls go on, but a restored copy may not be noticed`)
  }

  const isNews = (turn: Turn) => turn?.callId !== written?.callId || turn?.version !== written?.version
  const tell = (turn: Turn) => isNews(turn) ? write(turn) : Effect.void
  const tick = Effect.suspend(() => {
    const turn = newest()
    return Effect.andThen(Effect.sleep(every), Effect.suspend(() => tell(turn)))
  })

  return {
    stored: (callId, version) => {
      latestCall = callId
      latestVersion = version
    },
    write: Effect.suspend(() => write(written)),
    watch: witness === undefined
      ? Effect.void
      : Effect.andThen(
        Effect.forkScoped(Effect.forever(tick)),
        Effect.addFinalizer(() => Effect.suspend(() => tell(newest())))
      )
  }
}
