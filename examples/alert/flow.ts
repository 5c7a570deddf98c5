/**
 * An alert goes to one person after another until somebody takes it over by pressing 1. A voicemail presses nothing, so
 * it does not count as somebody.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

const Person = Schema.Struct({ name: Schema.String, number: PhoneNumber.PhoneNumber })

export class NobodyTookIt extends Schema.TaggedError<NobodyTookIt>()("NobodyTookIt", { asked: Schema.Int }) {
  override get message() {
    return `None of ${this.asked} people took the alert over`
  }
}

export const Alert = Flow.make("alert", {
  version: 1,
  input: { from: PhoneNumber.PhoneNumber, people: Schema.Array(Person), message: Schema.String },
  output: Schema.Struct({ takenBy: Schema.String }),
  error: NobodyTookIt,
  run: ({ from, message, people }) =>
    Flow.gen(function*() {
      for (const { name, number } of people) {
        const takes = yield* offer(message).pipe(
          Flow.dial({ to: number, from, ringFor: "30 seconds" }),
          Flow.orElse(() => Flow.succeed(false)) // not reached, nothing pressed, hung up: the next one
        )
        if (takes) return { takenBy: name }
      }
      return yield* Flow.fail(new NobodyTookIt({ asked: people.length }))
    })
})

const offer = (message: string) =>
  Flow.gen(function*() {
    const takes = yield* Line.menu(`${message} Press 1 to take this over, or 2 to pass it on.`, {
      choices: { "1": true, "2": false },
      attempts: 2
    })
    yield* Line.goodbye(takes ? "Thank you. It is yours." : "Thank you. The next one will be called.")
    return takes
  })
