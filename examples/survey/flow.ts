/**
 * A caller is connected with an agent and, when the agent has left, asked one question. Hanging up is no failure here: an
 * answer is a favour.
 */
import { Flow, Line, type PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** Our number, which the agent sees, and the agent's. */
export interface Office {
  readonly number: PhoneNumber.PhoneNumber
  readonly agent: PhoneNumber.PhoneNumber
}

const Rating = Schema.Literals(["1", "2", "3", "4", "5"])

export const survey = ({ agent, number }: Office) =>
  Flow.make("survey", {
    version: 1,
    input: {},
    output: Schema.Union([Rating, Schema.Literals(["not rated", "not connected"])]),
    run: () =>
      Flow.inbound(() =>
        Flow.gen(function*() {
          yield* Line.speak("Welcome. We connect you now. Please stay on the line for one question afterwards.")
          const leg = yield* Line.bridge({ to: agent, from: number })
          if (leg._tag === "Left") return leg.who === "caller" ? "not rated" : yield* question
          yield* Line.goodbye("Nobody is free at the moment. Please call again.")
          return "not connected"
        }).pipe(Flow.catchTag("HungUp", () => Flow.succeed("not rated")))
      )
  })

const question = Flow.gen(function*() {
  const rating = yield* Line.collect("How well were you helped? Press 1 for badly up to 5 for very well.", {
    max: 1,
    schema: Rating,
    attempts: 2
  })
  yield* Line.goodbye("Thank you. Goodbye.")
  return rating
}).pipe(Flow.catchTag(["NoInput", "HungUp"], () => Flow.succeed("not rated")))
