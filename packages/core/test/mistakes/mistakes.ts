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

const Driver = Flow.Signal("driver", Schema.String)

const Ride = Flow.make("ride", {
  ...base,
  input: {},
  output: Schema.String,
  signals: [Driver],
  run: () => Flow.catch(Flow.signal(Driver, { within: "1 hour" }), () => Flow.succeed("nobody"))
})

const Plain = Flow.make("plain", { ...base, input: {}, run: () => Flow.note("x") })

const number = PhoneNumber.make("15550170009")
const callsBack = Line.speak("Hello.").pipe(Flow.dial({ to: number, from: number }))

const Asking = Flow.make("asking", { ...base, run: () => Flow.inbound(() => Line.speak("Hello.")) })

// has a mistake in it
const Broken = Flow.make("broken", { ...base, input: {}, run: () => Line.speak("Hello.") })

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
    }),
  // waits for a signal that it does not declare
  () => Flow.make("m", { ...base, output: Schema.String, run: () => Flow.signal(Driver, { within: "1 hour" }) }),
  // tells a signal that the flow does not declare
  () => Effect.flatMap(Calls.start(Ride, {}), (call) => call.signal(Flow.Signal("drivr", Schema.String), "Ann")),
  // tells a value of another type
  () => Effect.flatMap(Calls.start(Ride, {}), (call) => call.signal(Driver, 1)),
  // tells a signal to a flow that declares none
  () => Effect.flatMap(Calls.start(Plain, {}), (call) => call.signal(Driver, "Ann")),
  // runs a Flow as an activity
  () => Flow.activity("look up", {}, Line.speak("Hello.")),
  // collects with a schema that is not of text
  () => Line.collect("How many?", { max: 2, schema: Schema.Number }),
  // has a text for its output
  () => Flow.make("m", { ...base, output: "kept", run: () => Flow.succeed("kept") }),
  // yields a Flow in Effect.gen
  () =>
    Effect.gen(function*() {
      yield* Line.speak("Hello.")
    }),
  // answers callers and takes input
  () => Calls.layer({ flows: [], inbound: { "15550170009": Asking } }),
  // starts a flow with a mistake in it
  () => Calls.start(Broken, {}),
  // starts something that is no flow
  () => Calls.start(Line.speak("Hello."), {})
]
