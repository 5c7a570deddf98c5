/** What is done to the runners and to what is around them. */
import { Console, Effect } from "effect"
import { between, pick, type Run } from "./run.ts"

/** Strikes for so many milliseconds. */
export const strike = Effect.fnUntraced(function*(run: Run, millis: number) {
  const until = Date.now() + millis
  while (Date.now() < until) {
    yield* Effect.sleep(yield* between(1_000, 5_000))
    const place = yield* pick(run.places.filter((place) => place.isUp()))
    yield* Console.log(`kill -9 runner ${place.number + 1}`)
    const { version } = place.life
    yield* place.kill
    yield* Effect.sleep(yield* between(0, 3_000))
    yield* place.start(version)
  }
})
