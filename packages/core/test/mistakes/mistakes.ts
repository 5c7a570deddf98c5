// Mistakes that do not compile. `Messages.test.ts` holds the compiler to the words in which it says so.
import { Calls, Flow, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"

const base = {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Void
}

class Locked extends Schema.TaggedError<Locked>()("Locked", {}) {}

const Support = Flow.make("support", { ...base, input: {}, run: () => Flow.inbound(() => Line.speak("Hello.")) })

const number = PhoneNumber.make("15550170009")
const callsBack = Line.speak("Hello.").pipe(Flow.dial({ to: number, from: number }))

export const mistakes = [
  // speaks without a line
  () => Flow.make("m", { ...base, run: () => Line.speak("Hello.") }),
  // dials inside of a live line
  () => Flow.make("m", { ...base, run: (who) => Line.speak("Hello.").pipe(Flow.dial(who), Flow.dial(who)) }),
  // bridges a line that it dialled
  () => Flow.make("m", { ...base, run: (who) => Flow.as(Line.bridge(who), undefined).pipe(Flow.dial(who)) }),
  // does not declare an error
  () => Flow.make("m", { ...base, run: () => Flow.fail(new Locked()) }),
  // starts a flow that answers
  () => Calls.start(Support, {}),
  // answers nobody
  () =>
    Calls.layer({
      flows: [],
      inbound: { "15550170009": Flow.make("m", { ...base, input: {}, run: () => callsBack }) }
    }),
  // has a choice of two keys
  () => Line.menu("12?", { choices: { "12": "twelve" } }),
  // yields an Effect
  () =>
    Flow.gen(function*() {
      return yield* Effect.succeed(1)
    })
]
