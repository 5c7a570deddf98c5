/** The PostgreSQL of a run, which can be ended and started again. */
import { Effect, Semaphore } from "effect"
import * as EmbeddedPostgres from "../embeddedPostgres.ts"

export type Mode = "fast" | "immediate"

export interface Database {
  readonly url: string
  /** Ends it and starts it again after so many milliseconds, one time after another. */
  readonly restart: (mode: Mode, away: number) => Effect.Effect<void>
}

/** Starts a server that goes with the scope. */
export const make = Effect.gen(function*() {
  const server = yield* Effect.acquireRelease(
    Effect.promise(() => EmbeddedPostgres.start({ fsync: "off" })),
    ({ stop }) => Effect.promise(stop)
  )
  const alone = yield* Semaphore.make(1)
  const restart: Database["restart"] = (mode, away) =>
    alone.withPermit(
      Effect.promise(() => server.halt(mode)).pipe(
        Effect.andThen(Effect.sleep(away)),
        Effect.andThen(Effect.promise(() => server.resume()))
      )
    )
  const database: Database = { url: server.url, restart }
  return database
})
