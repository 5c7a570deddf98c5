/** `ringback show`: one call, with its ladder. */
import type { CallsApi, CallsApiClient } from "@ringback/http"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

/** A call in lines: how it stands, what it waits for and who may end that, and its lines. */
export const lines = (detail: typeof CallsApi.Detail.Type): ReadonlyArray<string> => {
  const { otherwise, until } = detail.waiting
  const deadline = until === undefined ? "" : `, at ${Printing.time(until)}, unless something comes before`
  return [
    `call     ${detail.callId}  ${detail.flow}@${detail.flowVersion}, ${detail.direction}`,
    `started  ${Printing.time(detail.startedAt)}${
      detail.endedAt === undefined ? "" : `, over ${Printing.time(detail.endedAt)}`
    }`,
    `state    ${detail.state}: ${detail.words}${detail.outcome === undefined ? "" : ` (${detail.outcome})`}`,
    ...detail.status === "over" ? [] : [
      `waits    for ${detail.waiting.what}`,
      `next     ${otherwise}${deadline}`,
      ...detail.waiting.enders.map(({ words }) => `sooner   ${words}`)
    ],
    ...detail.lines.map((line) =>
      `line ${line.line}   ${line.direction} ${line.to ?? ""}${
        line.from === undefined ? "" : ` from ${line.from}`
      }: ${line.words}`
    )
  ]
}

const flags = {
  call: Arguments.call,
  events: Flag.Boolean("events").pipe(
    Flag.withDescription("Print its events instead of the ladder"),
    Flag.withoutNegation,
    Flag.withDefault(false)
  )
}

/** All turns of a call, page by page. */
export const turns = Effect.fnUntraced(function*(api: CallsApiClient.Client, callId: string, reveal: boolean) {
  const all: Array<typeof CallsApi.Turn.Type> = []
  let after: number | undefined = 0
  while (after !== undefined) {
    const query: { after: number; reveal?: true } = { after, ...(reveal ? { reveal } : {}) } as never
    const page: { readonly turns: ReadonlyArray<typeof CallsApi.Turn.Type>; readonly next?: number } = yield* Connecting
      .ask(api.calls.events({ params: { callId }, query }))
    all.push(...page.turns)
    after = page.next
  }
  return all
})

/** An event in a line. */
export const eventLine = ({ at, data, number, text }: typeof CallsApi.Event.Type, reveal: boolean): string =>
  `${number === undefined ? "" : `${String(number).padStart(4)}  `}${Printing.time(at)}  ${text}${
    reveal ? `  ${JSON.stringify(data)}` : ""
  }`

/** The verb. */
export const command = Command.make("show", flags, ({ call, events }) =>
  Effect.scoped(Effect.gen(function*() {
    const { json, reveal } = yield* root
    const { api } = yield* Connecting.connection
    const params = { callId: call }
    if (events) {
      const all = (yield* turns(api, call, reveal)).flatMap(({ events }) => events)
      return yield* Effect.forEach(
        all,
        (event) => json ? Printing.json(event) : Printing.data(eventLine(event, reveal)),
        { discard: true }
      )
    }
    const detail = yield* Printing.waiting("Reading the call", Connecting.ask(api.calls.get({ params })))
    if (json) return yield* Printing.json(detail)
    yield* Printing.data(lines(detail).join("\n"))
    const ladder = yield* Connecting.ask(api.calls.ladderText({ params, query: reveal ? { reveal } : {} }))
    yield* Printing.data(`\n${ladder}`)
  }))).pipe(
    Command.withDescription("Shows a call: how it stands, what it waits for, and its ladder"),
    Command.withExamples([{ command: "ringback show 01hv3k9q8z4w7t2n5c6d", description: "One call" }])
  )
