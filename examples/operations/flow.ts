/**
 * The results of a patient: nobody is called before a doctor has released them, by a signal. Whoever is not reached is tried again
 * after ten minutes, twice at most.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** What a doctor releases: the words that are said. */
export const Released = Flow.Signal("released", Schema.Struct({ words: Schema.String }))

export const Results = Flow.make("results", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["heard", "unreached", "withheld"]),
  signals: [Released],
  run: ({ from, to }) =>
    Flow.gen(function*() {
      const { words } = yield* Flow.signal(Released, { within: "2 days" })
      return yield* tell(words).pipe(
        Flow.dial({ to, from, ringFor: "40 seconds" }),
        Flow.retry({ times: 2, after: "10 minutes", while: (error) => error._tag === "NotAnswered" }),
        Flow.catchTag(["NotAnswered", "NoInput", "HungUp"], () => Flow.succeed("unreached"))
      )
    }).pipe(Flow.catchTag("TimedOut", () => Flow.succeed("withheld")))
})

const tell = (words: string) =>
  Flow.gen(function*() {
    yield* Line.menu("Your results are here. Press 1 to hear them.", { choices: { "1": "yes" } })
    yield* Line.speak(words)
    yield* Line.goodbye("Goodbye.")
    return "heard" as const
  })
