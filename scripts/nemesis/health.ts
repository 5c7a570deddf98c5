/** What a balancer knows of those behind it: it asks each whether it is ready, and gives nothing to who does not say so twice. */
import { Effect } from "effect"
import { get } from "node:http"
import type { Balancer } from "../balancer.ts"
import type { Place } from "./runners.ts"

const every = "1 second"
const patience = 1_000
const failuresAtMost = 2

const isReady = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const request = get(
      { host: "127.0.0.1", port, path: "/health/ready", agent: false, timeout: patience },
      (answer) => {
        answer.resume()
        resume(Effect.succeed(answer.statusCode === 200))
      }
    )
    request.on("timeout", () => request.destroy())
    request.on("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => void request.destroy())
  })

/** Goes on until it is interrupted. If nobody is ready, everybody is tried. */
export const watch = Effect.fnUntraced(function*(places: ReadonlyArray<Place>, balancer: Balancer) {
  const failures = places.map(() => 0)
  while (true) {
    const ready = yield* Effect.forEach(places, ({ webhooks }) => isReady(webhooks.port), { concurrency: "unbounded" })
    ready.forEach((is, index) => void (failures[index] = is ? 0 : failures[index]! + 1))
    const good = places.filter((_, index) => failures[index]! < failuresAtMost)
    yield* balancer.serve((good.length === 0 ? places : good).map(({ webhooks }) => webhooks.port))
    yield* Effect.sleep(every)
  }
})
