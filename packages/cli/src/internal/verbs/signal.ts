/** `ringback signal`: tells a call something. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import * as Arguments from "../arguments.ts"
import * as Connecting from "../connecting.ts"
import { fail } from "../failure.ts"
import * as Printing from "../printing.ts"

const config = {
  call: Arguments.call,
  name: Argument.String("name").pipe(Argument.withDescription("The name of a signal that the flow declares")),
  value: Argument.String("value").pipe(
    Argument.withDescription("Its value as JSON, such as '{\"amount\": 12}'; null if it is not given"),
    Argument.optional
  ),
  reason: Arguments.reason,
  key: Arguments.key("Told twice under one key it is told once")
}

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json))

/** The verb. */
export const command = Command.make(
  "signal",
  config,
  ({ call, key, name, reason, value }) =>
    Effect.scoped(Effect.gen(function*() {
      const told = Option.match(value, { onNone: () => Option.some<Schema.Json>(null), onSome: parse })
      if (Option.isNone(told)) return yield* fail("usage", "The value is not JSON. A text needs its quotes: '\"yes\"'")
      if (Option.exists(key, (key) => !Arguments.isSendable(key))) {
        return yield* fail(
          "usage",
          "A key goes over the wire in a header: give one in letters, digits and signs of ASCII"
        )
      }
      const { api } = yield* Connecting.steering
      yield* Connecting.ask(api.calls.signal({
        params: { callId: call },
        headers: Arguments.given<{ "idempotency-key": string }>({ "idempotency-key": key }),
        payload: { name, value: told.value, ...Arguments.given<{ reason: string }>({ reason }) }
      }))
      yield* Printing.talk(`Call ${call} was told ${name}`)
      const { state, waiting } = yield* Connecting.ask(api.calls.get({ params: { callId: call } }))
      if (state === "running") yield* Printing.talk(`It waits for ${waiting.what}`)
    }))
).pipe(
  Command.withDescription("Tells a call something that its flow waits for, now or later"),
  Command.withExamples([
    { command: "ringback signal 01hv3k9q8z4w7t2n5c6d approved '{\"amount\": 12}'", description: "With a value" }
  ])
)
