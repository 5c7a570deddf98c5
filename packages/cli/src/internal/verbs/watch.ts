/** `ringback watch`: calls as they go on. */
import type { CallsApi } from "@ringback/http"
import { CallsApiClient } from "@ringback/http"
import { Effect, Option, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"
import * as Show from "./show.ts"

const lost = Printing.talk("The connection is lost; trying again")

type Turn = typeof CallsApi.Turn.Type

/** Draws the ladder anew where a terminal can be cleared, and else tells what is new. */
const drawn = (api: CallsApiClient.Client, callId: string, reveal: boolean) => (turn: Turn) =>
  process.stdout.isTTY !== true
    ? Effect.forEach(turn.events, (event) => Printing.data(Show.eventLine(event, reveal)), { discard: true })
    : Effect.gen(function*() {
      const params = { callId }
      const ladder = yield* Connecting.ask(api.calls.ladderText({ params, query: reveal ? { reveal } : {} }))
      const detail = yield* Connecting.ask(api.calls.get({ params }))
      const clear = "\u001b[H\u001b[2J\u001b[3J"
      yield* Printing.painted(clear + Printing.plain(`${Show.lines(detail).join("\n")}\n\n${ladder}`))
    })

const ofCall = Effect.fnUntraced(function*(api: CallsApiClient.Client, callId: string) {
  const { json, reveal } = yield* root
  const tell = json ? Printing.json : drawn(api, callId, reveal)
  yield* Stream.runForEach(
    Stream.mapError(CallsApiClient.follow(api, callId, { reveal, lost }), Connecting.failureOf),
    tell
  )
  yield* Printing.talk("The call is over")
})

const ofAll = Effect.fnUntraced(function*(api: CallsApiClient.Client) {
  const { json, reveal } = yield* root
  const tell = ({ callId, events }: Turn) =>
    Effect.forEach(events, (event) => Printing.data(`${callId}  ${Show.eventLine(event, reveal)}`), { discard: true })
  yield* Stream.runForEach(
    Stream.mapError(CallsApiClient.followAll(api, { reveal, lost }), Connecting.failureOf),
    json ? Printing.json : tell
  )
})

const call = Argument.optional(Arguments.call)

/** The verb. */
export const command = Command.make("watch", { call }, ({ call }) =>
  Effect.scoped(Effect.gen(function*() {
    const { api, kind } = yield* Connecting.connection
    if (Option.isSome(call)) {
      yield* Connecting.ask(api.calls.get({ params: { callId: call.value } }))
      return yield* ofCall(api, call.value)
    }
    if (kind === "database") {
      return yield* fail("refused", "All calls can be watched over a URL only: give one with --url")
    }
    yield* Connecting.ask(api.engine.me()) // what is not there is not waited for
    yield* ofAll(api)
  }))).pipe(
    Command.withDescription("Follows a call until it is over, or all calls"),
    Command.withExamples([
      { command: "ringback watch 01hv3k9q8z4w7t2n5c6d", description: "A ladder that grows" },
      { command: "ringback watch --json", description: "The turns of all calls, for a program" }
    ])
  )
