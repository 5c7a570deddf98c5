/** `ringback cancel`: stops a call. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import * as Printing from "../printing.ts"

/** The verb. */
export const command = Command.make(
  "cancel",
  { call: Arguments.call, reason: Arguments.reason },
  ({ call, reason }) =>
    Effect.scoped(Effect.gen(function*() {
      const { api } = yield* Connecting.steering
      const payload = Arguments.given<{ reason: string }>({ reason })
      yield* Connecting.ask(api.calls.cancel({ params: { callId: call }, payload }))
      yield* Printing.talk(`Call ${call} is cancelled. A live line is hung up on at its next event`)
    }))
).pipe(
  Command.withDescription("Cancels a call. Twice, or after its end, it changes nothing"),
  Command.withExamples([
    { command: "ringback cancel 01hv3k9q8z4w7t2n5c6d --reason \"the order is gone\"", description: "Stops a call" }
  ])
)
