/** `ringback outcome`: waits for the outcome of a call. */
import type { CallsApi } from "@ringback/http"
import { Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

const config = {
  call: Arguments.call,
  wait: Flag.Int("wait").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("How long to wait for it at most, in seconds"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31_536_000 }))),
    Flag.withDefault(0)
  )
}

/** The longest that one request waits, in seconds. */
const atOnce = 50

const words = (ended: typeof CallsApi.Ended.Type): string => {
  const { error, failure, outcome, stopped, value } = ended
  const why = failure === undefined
    ? stopped?._tag
    : `${failure.tag}${failure.reason === undefined ? "" : ` (${failure.reason})`}`
  const revealed = value ?? error
  return [outcome, why, revealed === undefined ? undefined : JSON.stringify(revealed)].filter(Boolean).join(" ")
}

/** The verb. */
export const command = Command.make("outcome", config, ({ call, wait }) =>
  Effect.scoped(Effect.gen(function*() {
    const { json, reveal } = yield* root
    const { api } = yield* Connecting.connection
    const until = Date.now() + wait * 1000
    const look = (seconds: number) =>
      Connecting.ask(api.calls.outcome({
        params: { callId: call },
        query: { wait: seconds, ...(reveal ? { reveal } : {}) }
      }))
    const left = () => Math.max(0, Math.ceil((until - Date.now()) / 1000))
    let found = yield* Printing.waiting("Waiting for the outcome", look(Math.min(atOnce, wait)))
    while (found.outcome === "NotYet" && left() > 0) {
      found = yield* Printing.waiting("Waiting for the outcome", look(Math.min(atOnce, left())))
    }
    if (found.outcome === "NotYet") {
      if (json) yield* Printing.json(found)
      return yield* fail("notYet", `The flow has not ended. It waits for ${found.waiting.what}`)
    }
    yield* json ? Printing.json(found) : Printing.data(words(found))
    if (found.outcome !== "Success") return yield* fail("failed", "The flow did not succeed")
  }))).pipe(
    Command.withDescription(
      "Waits for the outcome of a call: exits with 0 for success, 1 otherwise, and 7 if there is none yet"
    ),
    Command.withExamples([
      { command: "ringback outcome 01hv3k9q8z4w7t2n5c6d --wait 600", description: "Waits ten minutes at most" }
    ])
  )
