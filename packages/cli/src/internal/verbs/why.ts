/** `ringback why`: what led to each thing that a call did. */
import type { Explain } from "@ringback/core"
import { Effect } from "effect"
import { Command } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

const line = (event: Explain.EventReport): string => {
  const because = event.cause === undefined ? "" : `  because of ${event.cause}: ${event.rule ?? ""}`
  return `${String(event.number).padStart(4)}  ${Printing.time(event.at)}  ${
    event.isDecision ? "→ " : "  "
  }${event.words}${because}`
}

/** What comes next. */
const next = ({ outcome, state, waitingFor, words }: Explain.Report): ReadonlyArray<string> => [
  `${state}: ${words}${outcome === undefined ? "" : `; its flow ${outcome.words}`}`,
  ...state === "over" ? [] : [
    `waits for: ${waitingFor.what}`,
    `next: ${waitingFor.otherwise}${
      waitingFor.until === undefined ? "" : `, at ${Printing.time(waitingFor.until)}, unless something comes before`
    }`,
    ...waitingFor.enders.map(({ words }) => `sooner: ${words}`)
  ]
]

/** The verb. */
export const command = Command.make(
  "why",
  { call: Arguments.call },
  ({ call }) =>
    Effect.scoped(Effect.gen(function*() {
      const { json } = yield* root
      const { api } = yield* Connecting.connection
      const report = yield* Printing.waiting(
        "Reading the call",
        Connecting.ask(api.calls.explain({ params: { callId: call } }))
      )
      if (json) return yield* Printing.json(report)
      const diverged = report.divergence === undefined
        ? []
        : [`Its flow as it is registered now decides otherwise from event ${report.divergence.number} on`]
      yield* Printing.data([...report.events.map(line), "", ...next(report), ...diverged].join("\n"))
    }))
).pipe(
  Command.withDescription("Tells why a call did what it did, and what comes next"),
  Command.withExamples([{ command: "ringback why 01hv3k9q8z4w7t2n5c6d", description: "Each event with its cause" }])
)
