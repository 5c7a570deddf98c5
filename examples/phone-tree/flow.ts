/**
 * A parcel service calls, and the callee finds the way through three levels of keys; the star goes back. Each level is a
 * flow, and a choice is the next flow.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

const Wish = Schema.Literals(["today", "tomorrow", "saturday", "neighbour", "shop", "agent"])

export const PhoneTree = Flow.make("phone-tree", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Wish,
  run: ({ from, to }) =>
    Flow.gen(function*() {
      yield* Line.speak("This is your parcel service.")
      const wish = yield* delivery
      yield* Line.goodbye("Thank you. We have noted it.")
      return wish
    }).pipe(Flow.dial({ to, from, ringFor: "40 seconds" }))
})

type Level = Flow.Flow<typeof Wish.Type, Flow.HungUp | Flow.NoInput, Line.Line>

const follow = Flow.flatMap((choice: () => Level) => choice())
const choose = (wish: typeof Wish.Type) => () => Flow.succeed(wish)

const delivery: Level = Line.menu("Press 1 if you are at home today, 2 for anything else, 0 for a person.", {
  choices: { "1": choose("today"), "2": () => elsewhere, "0": choose("agent") }
}).pipe(follow)

const elsewhere: Level = Line.menu("Press 1 for another day, 2 for another place, star to go back.", {
  choices: { "1": () => day, "2": () => place, "*": () => delivery }
}).pipe(follow)

const day: Level = Line.menu("Press 1 for tomorrow, 2 for Saturday, star to go back.", {
  choices: { "1": choose("tomorrow"), "2": choose("saturday"), "*": () => elsewhere }
}).pipe(follow)

const place: Level = Line.menu("Press 1 for a neighbour, 2 for our shop, star to go back.", {
  choices: { "1": choose("neighbour"), "2": choose("shop"), "*": () => elsewhere }
}).pipe(follow)
