/** The PostgreSQL of a run, which can be ended and started again, and whose standby can take its place. */
import { Effect, Semaphore } from "effect"
import * as EmbeddedPostgres from "../embeddedPostgres.ts"
import * as Standby from "../standby.ts"
import * as Wire from "./wire.ts"

export type Mode = "fast" | "immediate"

/** The server before is dead after a failover, or goes on; and who is connected to it stays so, or is cut off. */
export interface Failover {
  readonly old: "kill" | "leave"
  readonly connections: "end" | "stay"
}

export interface Database {
  /** Where runners find it. */
  readonly url: string
  /** Where who counts finds it, whose connections never stay at a server that was passed. */
  readonly ownUrl: string
  /** Ends it and starts it again after so many milliseconds, one time after another. */
  readonly restart: (mode: Mode, away: number) => Effect.Effect<void>
  /** Makes its standby the one that the address leads to. There is one failover in a run. */
  readonly failOver: (how: Failover) => Effect.Effect<void>
  /** How many connections lead to a server that was passed. One whose client has gone does not count: the server may never see that. */
  readonly pinned: Effect.Effect<number>
}

const portIn = (url: string) => Number(new URL(url).port)

const restarting = Effect.fnUntraced(function*(primary: () => EmbeddedPostgres.Server) {
  const alone = yield* Semaphore.make(1)
  const restart: Database["restart"] = (mode, away) =>
    alone.withPermit(Effect.suspend(() => {
      const server = primary()
      return Effect.promise(() => server.halt(mode)).pipe(
        Effect.andThen(Effect.sleep(away)),
        Effect.andThen(Effect.promise(() => server.resume()))
      )
    }))
  return { alone, restart }
})

/** Starts a server that goes with the scope. */
const single = Effect.gen(function*() {
  const server = yield* Effect.acquireRelease(
    Effect.promise(() => EmbeddedPostgres.start({ fsync: "off" })),
    ({ stop }) => Effect.promise(stop)
  )
  const { restart } = yield* restarting(() => server)
  const none = Effect.die(new Error("There is no standby"))
  const database: Database = {
    url: server.url,
    ownUrl: server.url,
    restart,
    failOver: () => none,
    pinned: Effect.succeed(0)
  }
  return database
})

/** Starts a server and a standby, without which it commits nothing. They go with the scope. */
const pair = Effect.gen(function*() {
  const pair = yield* Effect.acquireRelease(
    Effect.promise(() => Standby.start({ fsync: "off", synchronous: true })),
    ({ stop }) => Effect.promise(stop)
  )
  const { alone, restart } = yield* restarting(pair.primary)
  const at = pair.primary().url
  const [wire, own] = [yield* Wire.make(portIn(at)), yield* Wire.make(portIn(at))]
  const through = ({ port }: Wire.Wire) => Object.assign(new URL(at), { port: String(port) }).href
  const failOver: Database["failOver"] = ({ connections, old }) =>
    alone.withPermit(Effect.gen(function*() {
      yield* Effect.promise(() => pair.failOver(old))
      const port = portIn(pair.primary().url)
      wire.lead(port, connections)
      own.lead(port)
    }))
  const pinned = Effect.sync(wire.elsewhere)
  const database: Database = { url: through(wire), ownUrl: through(own), restart, failOver, pinned }
  return database
})

export const make = (hasStandby: boolean) => hasStandby ? pair : single
