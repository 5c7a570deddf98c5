/** The application outside of the machines: it has calls started, and asks again for each that is not on record yet. */
import { PhoneNumber } from "@ringback/core"
import { Effect } from "effect"
import type { Fleet } from "./fleet.ts"

export const numberOf = (n: number) => PhoneNumber.make(`1555019${String(n).padStart(4, "0")}`)

export const keyOf = (n: number) => `parcel-${n}`

/** Starts so many calls, four a second. By its key a call that is asked for twice is one. */
export const start = Effect.fnUntraced(function*(fleet: Fleet, calls: number, isStarted: (key: string) => boolean) {
  let turn = 0
  const tell = (n: number): void => {
    const machines = fleet.running()
    machines[turn++ % machines.length]?.tell(`start ${keyOf(n)} ${numberOf(n)}`)
  }
  const all = Array.from({ length: calls }, (_, n) => n)
  for (const n of all) {
    tell(n)
    yield* Effect.sleep("250 millis")
  }
  while (!all.every((n) => isStarted(keyOf(n)))) {
    yield* Effect.sleep("3 seconds")
    for (const n of all) if (!isStarted(keyOf(n))) tell(n)
  }
})
