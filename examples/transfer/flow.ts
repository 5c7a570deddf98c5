/**
 * A cold transfer: the caller talks to the reception, and when that leg ends says by a key whom to talk to next. A caller
 * who hangs up has got everything that was wanted.
 */
import { Flow, Line, type PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** Our number, which all of them see, and theirs. */
export interface House {
  readonly number: PhoneNumber.PhoneNumber
  readonly reception: PhoneNumber.PhoneNumber
  readonly billing: PhoneNumber.PhoneNumber
  readonly repairs: PhoneNumber.PhoneNumber
}

/** A caller is passed on this often at most. */
const transfers = 5

export const transfer = (house: House) =>
  Flow.make("transfer", {
    version: 1,
    input: {},
    output: Schema.Literals(["helped", "sent away"]),
    run: () =>
      Flow.inbound(() =>
        Flow.gen(function*() {
          yield* Line.speak("Welcome. We connect you with the reception.")
          let agent = house.reception
          for (let transfer = 0; transfer <= transfers; transfer++) {
            const leg = yield* Line.bridge({ to: agent, from: house.number })
            if (leg._tag === "Left" && leg.who === "caller") return "helped"
            agent = house[yield* next]
          }
          yield* Line.goodbye("Please call again.")
          return "sent away"
        }).pipe(
          Flow.catchTag("HungUp", () => Flow.succeed("helped")),
          Flow.catchTag("NoInput", () => Flow.succeed("sent away"))
        )
      )
  })

const next = Line.menu("For billing press 1, for repairs 2, for the reception 3. Or hang up.", {
  choices: { "1": "billing", "2": "repairs", "3": "reception" },
  acknowledge: "One moment, please."
})
