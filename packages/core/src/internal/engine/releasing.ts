/** Lets dials go that wait for their places, each when its time has come and a place is free, in the order of their coming. */
import { Effect, Latch } from "effect"
import type { Scope } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { Run } from "../background.ts"
import type { Account } from "./account.ts"
import type { PlacedDials } from "./placedDials.ts"
import type { Rate } from "./rate.ts"
import type { Time } from "./time.ts"
import type { Dial, Waiting, WaitingDials } from "./waitingDials.ts"

/** Lets dials go. */
export interface Releasing {
  /** A dial waits from `at` on, by the time that alarms are set by. */
  readonly enter: (id: CallId, at: number, dial: Dial | undefined) => void
  /** Looks at once what may go: something has changed. */
  readonly look: () => void
}

/** So often it is looked again whether a dial may go that waits for something else than time, in milliseconds. */
const lookAgain = 1_000

/** What is needed of the pace. */
interface Options {
  readonly time: Time
  readonly run: Run
  /** Lets a call go on whose dial has its place. */
  readonly go: (id: CallId) => Effect.Effect<void>
  readonly rate: Rate
  readonly account: Account
  readonly waiting: WaitingDials
  readonly placed: PlacedDials
}

/** Works until its scope closes. */
export const make = Effect.fnUntraced(function*(
  { account, go, placed, rate, run, time, waiting }: Options
): Effect.fn.Return<Releasing, never, Scope.Scope> {
  const latch = yield* Latch.make()
  const look = (): void => void latch.openUnsafe()

  const enter: Releasing["enter"] = (id, at, dial) => {
    if (waiting.enter(id, at, dial)) look()
  }

  /** Whether something stands in the way of a dial because of the number that it is from. */
  const isAside = ({ dial }: Waiting, now: number): boolean =>
    dial !== undefined && account.freeAtFrom(dial.from) > Math.max(now, account.freeAt())

  const release = (): void => {
    for (let first = waiting.due(); first !== undefined; first = waiting.due()) {
      const now = time.elapsed()
      if (isAside(first, now)) waiting.park(first)
      else if (placed.isFree(now)) letGo(first.id, now)
      else return
    }
  }

  const letGo = (id: CallId, now: number): void => {
    waiting.leave(id)
    placed.place(id, undefined)
    rate.take(now)
    run(Effect.ensuring(go(id), Effect.sync(() => unplace(id))))
  }

  /**
   * A call that was set back with its clock finds that the time of its dial has not come, or one that was read only now that
   * something stands in its way, and waits again.
   */
  const unplace = (id: CallId): void => {
    if (!placed.has(id)) return
    const again = placed.unplace(id)
    if (again !== undefined) enter(id, Math.max(again.at, time.steady() + 1), again.dial)
    look()
  }

  /** How long nothing changes by itself; `Infinity` if nothing does. */
  const pause = (): number => {
    const now = time.elapsed()
    const steady = time.steady()
    const next = Math.max(waiting.firstAt() - steady, placed.nextAt(now) - now)
    const wait = Math.min(next, waiting.sweepAt() - steady, waiting.unparkAt() - now)
    return wait > 0 ? Math.max(1, Math.ceil(wait)) : lookAgain
  }

  const turn = Effect.gen(function*() {
    latch.closeUnsafe()
    waiting.unpark(time.elapsed())
    release()
    waiting.sweepIfDue()
    const wait = pause()
    yield* wait === Infinity ? latch.await : Effect.raceFirst(Effect.sleep(wait), latch.await)
  })
  yield* Effect.forkScoped(Effect.forever(turn))

  return { enter, look }
})
