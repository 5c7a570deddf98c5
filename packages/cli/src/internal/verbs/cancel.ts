/** `ringback cancel`: stops calls. */
import type { CallsApiClient } from "@ringback/http"
import { Duration, Effect, Option, Result, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"

const config = {
  calls: Argument.variadic(Arguments.call),
  flow: Flag.String("flow").pipe(Flag.withDescription("All calls of this flow that run"), Flag.optional),
  reason: Arguments.reason,
  yes: Arguments.yes
}

type Payload = { readonly reason?: string }

/** The ids of the calls of a flow that run, page by page. */
const running = (api: CallsApiClient.Client, flow: string) =>
  Stream.runCollect(Stream.paginate({}, (after: { readonly after?: never }) =>
    Effect.map(
      Connecting.ask(api.calls.list({ query: { flow, status: "running", limit: 1000, ...after } })),
      ({ calls, next }) => [
        calls.map(({ callId }): string => callId),
        next === undefined ? Option.none() : Option.some({ after: next as never })
      ]
    )))

/** Cancels a call. An application that is asked too often says when to go on. */
const cancel = (api: CallsApiClient.Client, callId: string, payload: Payload) =>
  api.calls.cancel({ params: { callId }, payload }).pipe(
    Effect.tapErrorTag("TooManyRequests", ({ retryAfterSeconds }) => Effect.sleep(Duration.seconds(retryAfterSeconds))),
    Effect.retry({ while: ({ _tag }) => _tag === "TooManyRequests" }),
    Connecting.ask
  )

const counted = (count: number) => count === 1 ? "1 call" : `${count} calls`

/** What a cancel does not do. */
const lines =
  "A line that is open is hung up on at its next event; a phone that rings may ring on, and who answers is hung up on"

/** Cancels each of them, and says how many that were. One that cannot be cancelled keeps no other from it. */
const cancelAll = Effect.fnUntraced(
  function*(api: CallsApiClient.Client, ids: ReadonlyArray<string>, payload: Payload) {
    const each = Effect.forEach(ids, (id) => Effect.result(cancel(api, id, payload)), { concurrency: 4 })
    const failures = (yield* Printing.waiting("Cancelling", each)).filter(Result.isFailure)
    const done = ids.length - failures.length
    const what = ids.length === 1
      ? `Call ${ids[0]}`
      : failures.length > 0
      ? `${done} of ${counted(ids.length)}`
      : counted(done)
    if (done > 0) yield* Printing.talk(`${what} ${done === 1 ? "is" : "are"} cancelled. ${lines}`)
    const [first] = failures
    if (first !== undefined) return yield* first.failure
  }
)

/** Of whole flows whoever is there is asked: that is more than somebody has named. */
const chosen = Effect.fnUntraced(function*(api: CallsApiClient.Client, flow: string, yes: boolean) {
  const ids = yield* Printing.waiting("Looking for calls", running(api, flow))
  if (ids.length === 0) return yield* fail("notFound", `No call of ${flow} runs`)
  return (yield* Arguments.confirmed(yes, `Cancel ${counted(ids.length)} of ${flow}?`)) ? ids : []
})

/** The verb. */
export const command = Command.make(
  "cancel",
  config,
  ({ calls, flow, reason, yes }) =>
    Effect.scoped(Effect.gen(function*() {
      if ((calls.length > 0) === Option.isSome(flow)) {
        return yield* fail("usage", "Say which: calls by their ids, or all that run of a flow by --flow")
      }
      const { api } = yield* Connecting.steering
      const ids = Option.isSome(flow) ? yield* chosen(api, flow.value, yes) : calls
      if (ids.length === 0) return yield* Printing.talk("Nothing was cancelled")
      yield* cancelAll(api, ids, Arguments.given<{ reason: string }>({ reason }))
    }))
).pipe(
  Command.withDescription("Cancels calls. Twice, or after its end, that changes nothing"),
  Command.withExamples([
    { command: "ringback cancel 01hv3k9q8z4w7t2n5c6d --reason \"the order is gone\"", description: "Stops a call" },
    { command: "ringback cancel --flow survey --reason \"the wrong list\"", description: "Stops all of a flow" }
  ])
)
