/** A callee is asked whether a parcel may come, and the conversation is remembered. */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** One version of the flow. Two of them run side by side while the next one is deployed. */
export const parcel = (version: number) =>
  Flow.make("parcel", {
    version,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Literals(["welcome", "not today", "unreached"]),
    run: (who) =>
      Flow.gen(function*() {
        const answer = yield* Line.menu(`Your parcel comes today. Press 1 if that is right, 2 if not.`, {
          choices: { "1": "welcome", "2": "not today" },
          attempts: 3
        })
        yield* Line.speak(version === 1 ? "Thank you." : "Thank you, and good day.")
        return answer
      }).pipe(
        Flow.dial({ ...who, ringFor: "40 seconds" }),
        Flow.catchTag(["NotAnswered", "HungUp", "NoInput"], () => Flow.succeed("unreached" as const))
      )
  })
