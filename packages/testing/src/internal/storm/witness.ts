/** How an activity tells the storm around it that it runs. */
import { Calls } from "@ringback/core"
import { Context, Effect } from "effect"

/** Who is told. Outside of a storm nobody is. */
export const Witness = Context.Reference<(name: string, key: string) => void>("@ringback/testing/Storm/Witness", {
  defaultValue: () => () => undefined
})

/** An activity runs now. */
export const ran = (name: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    const [witness, key] = [yield* Witness, yield* Calls.ActivityKey]
    witness(name, key)
  })
