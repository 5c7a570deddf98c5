/** What the processes say that tests stop, freeze and start again. */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

export const Greeting = Flow.make("greeting", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["heard", "unreached"]),
  run: (who) =>
    Line.speak("Good morning.").pipe(
      Flow.as("heard" as const),
      Flow.dial(who),
      Flow.catchTag(["HungUp", "NotAnswered"], () => Flow.succeed("unreached" as const))
    )
})
