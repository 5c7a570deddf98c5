/** `ringback calls`: lists, finds and counts calls. */
import { CallIndex, PhoneNumber } from "@ringback/core"
import type { CallsApi } from "@ringback/http"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

const flags = {
  flow: Flag.String("flow").pipe(Flag.withDescription("Of this flow"), Flag.optional),
  flowVersion: Flag.Int("flow-version").pipe(Flag.withDescription("In this version of it"), Flag.optional),
  direction: Flag.Literals("direction", ["outbound", "inbound"]).pipe(
    Flag.withDescription("That were started, or that came in"),
    Flag.optional
  ),
  status: Flag.Literals("status", ["running", "over"]).pipe(
    Flag.withDescription("That run, or are over"),
    Flag.optional
  ),
  outcome: Flag.Literals("outcome", ["Success", "Failure", "Stopped"]).pipe(
    Flag.withDescription("Whose flow ended so"),
    Flag.optional
  ),
  startedFrom: Arguments.time("since", "Started from then on"),
  startedBefore: Arguments.time("until", "Started before then"),
  endedFrom: Arguments.time("ended-since", "Ended from then on"),
  endedBefore: Arguments.time("ended-until", "Ended before then"),
  dueBefore: Arguments.time("due-before", "That have to be woken before then"),
  number: Flag.String("number").pipe(
    Flag.withDescription("With this number; the store needs a key for that"),
    Flag.withSchema(PhoneNumber.PhoneNumber),
    Flag.optional
  ),
  key: Arguments.key("Started under this key"),
  limit: Flag.Int("limit").pipe(
    Flag.withDescription("How many at most, 1 to 1000"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
    Flag.withDefault(50)
  ),
  after: Flag.String("after").pipe(
    Flag.withDescription("Go on after this place of a list"),
    Flag.withSchema(CallIndex.Cursor),
    Flag.optional
  ),
  count: Flag.Boolean("count").pipe(
    Flag.withDescription("Only count them"),
    Flag.withoutNegation,
    Flag.withDefault(false)
  )
}

const row = (entry: typeof CallsApi.Entry.Type): ReadonlyArray<string> => [
  entry.callId,
  `${entry.flow}@${entry.flowVersion}`,
  Printing.time(entry.startedAt),
  entry.outcome ?? entry.status,
  entry.status === "over" ? "" : entry.waitingFor,
  entry.due === undefined ? "" : Printing.time(entry.due)
]

/** Why there may be none. */
const none = (isByNumber: boolean): string =>
  isByNumber ? "No call has this number. It is searched whole, with the code of its country" : "No call is like that"

/** The verb. */
export const command = Command.make(
  "calls",
  flags,
  ({ after, count, key, limit, number, ...filters }) =>
    Effect.scoped(Effect.gen(function*() {
      const { json } = yield* root
      const { api } = yield* Connecting.connection
      const filter = Arguments.given(filters) as object
      const secret = Arguments.given({ number, key })
      if (count) {
        if (Object.keys(secret).length > 0) {
          return yield* fail("usage", "Calls of a number or a key are listed, not counted")
        }
        const counts = yield* Printing.waiting("Counting", Connecting.ask(api.calls.counts({ query: filter })))
        if (json) {
          return yield* Printing.json(counts)
        }
        const { Failure, Stopped, Success } = counts.over
        return yield* Printing.table(["running", "success", "failure", "stopped"], [
          [counts.running, Success, Failure, Stopped].map(String)
        ])
      }
      const paging = Arguments.given({ after, limit })
      const asked = Object.keys(secret).length > 0
        ? Connecting.ask(api.calls.search({ payload: { ...filter, ...paging, ...secret } as object }))
        : Connecting.ask(api.calls.list({ query: { ...filter, ...paging } as object }))
      const page = yield* Printing.waiting("Looking for calls", asked)
      if (json) yield* Effect.forEach(page.calls, Printing.json, { discard: true })
      else yield* Printing.table(["call", "flow", "started", "status", "waits for", "until"], page.calls.map(row))
      if (page.calls.length === 0) yield* Printing.talk(none(Option.isSome(number)))
      if (page.next !== undefined) yield* Printing.talk(`There are more: --after ${page.next}`)
    }))
).pipe(
  Command.withDescription("Lists calls, those that were started last first"),
  Command.withExamples([
    { command: "ringback calls --status running --flow appointment-reminder", description: "What runs of a flow" },
    { command: "ringback calls --since 2h --outcome Failure --json", description: "What failed lately, for a program" }
  ])
)
