/** `ringback prune`: removes calls that are over. */
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

const config = {
  endedBefore: Arguments.time("ended-before", "Those that were over before then"),
  keepAtMost: Flag.Int("keep").pipe(
    Flag.withDescription("So many calls that are over stay at most, those that ended last"),
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    Flag.optional
  ),
  rememberForDays: Flag.Finite("remember").pipe(
    Flag.withMetavar("DAYS"),
    Flag.withDescription("For how many days their keys are remembered; default 400"),
    Flag.withSchema(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 3650 }))),
    Flag.optional
  ),
  yes: Arguments.yes
}

/** The verb. */
export const command = Command.make(
  "prune",
  config,
  ({ endedBefore, keepAtMost, rememberForDays, yes }) =>
    Effect.scoped(Effect.gen(function*() {
      const { json } = yield* root
      if (Option.isNone(endedBefore) && Option.isNone(keepAtMost)) {
        return yield* fail("usage", "Say which calls: --ended-before 90d, or --keep 100000")
      }
      const { api, where } = yield* Connecting.pruning
      const isMeant = yield* Arguments.confirmed(yes, `Remove calls from ${where} for good?`)
      if (!isMeant) return yield* Printing.talk("Nothing was removed")
      const payload = Arguments.given({ endedBefore, keepAtMost, rememberForDays }) as object
      const pruned = yield* Printing.waiting("Removing calls", Connecting.askPatiently(api.engine.prune({ payload })))
      if (json) return yield* Printing.json(pruned)
      yield* Printing.data(`removed: ${pruned.calls} ${pruned.calls === 1 ? "call" : "calls"}, ${pruned.turns} turns`)
    }))
).pipe(
  Command.withDescription("Removes calls that are over; their keys stay remembered"),
  Command.withExamples([{
    command: "ringback prune --ended-before 90d --yes",
    description: "All that ended 90 days ago"
  }])
)
