/** What was done when, as it is told to who watches. */
import { Console, Effect } from "effect"
import type { Deed, Run } from "./run.ts"

/** A moment of a run, in seconds since its begin. */
export const moment = (run: Pick<Run, "began">, at: number): string =>
  `${((at - run.began) / 1_000).toFixed(1)} s`.padStart(8)

export const tell = (run: Pick<Run, "began">, words: string) =>
  Effect.suspend(() => Console.log(`${moment(run, Date.now())}  ${words}`))

export const seconds = (millis: number): string => `${(millis / 1_000).toFixed(1)} s`

/** Writes down a deed while it goes on. */
export const during = (run: Run) => (deed: Omit<Deed, "from" | "to">, work: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const written: Deed = { ...deed, from: Date.now(), to: Infinity }
    run.deeds.push(written)
    yield* tell(run, deed.words)
    yield* work
    written.to = Date.now()
    if (written.to - written.from > 100) {
      yield* tell(run, `  over after ${seconds(written.to - written.from)}: ${deed.words}`)
    }
  })
