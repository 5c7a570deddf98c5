import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

export const TableReady = Flow.make("table-ready", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["coming", "not coming", "unreached"]),
  run: ({ from, to }) =>
    Flow.gen(function*() {
      const answer = yield* Line.menu("Your table is ready. Press 1 if you are coming, 2 if you are not.", {
        choices: { "1": "coming", "2": "not coming" }
      })
      yield* Line.goodbye(answer === "coming" ? "See you in a minute." : "Another time, then.")
      return answer
    }).pipe(
      Flow.dial({ to, from, ringFor: "40 seconds" }), // gives the line, and always hangs it up
      Flow.retry({ times: 1, after: "2 minutes", while: isWorthAnotherTry }),
      Flow.catchTag(["NotAnswered", "NoInput"], () => Flow.succeed("unreached"))
    )
})

const isWorthAnotherTry = (error: Flow.Failure) => error._tag === "NotAnswered" && error.reason !== "refused"
