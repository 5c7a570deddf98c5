/**
 * Two people reach each other through our number, and neither sees the other's: whoever of them calls is connected with
 * the other one, who sees our number. Anybody else is turned away.
 */
import { Flow, Line, type PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

/** Our number, and the two whom it connects. */
export interface Mask {
  readonly number: PhoneNumber.PhoneNumber
  readonly pair: readonly [PhoneNumber.PhoneNumber, PhoneNumber.PhoneNumber]
}

export const masking = ({ number, pair }: Mask) =>
  Flow.make("masking", {
    version: 1,
    input: {},
    output: Schema.Literals(["connected", "not connected", "caller left", "turned away"]),
    run: () =>
      Flow.inbound((caller) =>
        Flow.gen(function*() {
          const other = otherOf(pair, caller.from)
          if (other === undefined) {
            yield* Line.goodbye("This number is not in use.")
            return "turned away"
          }
          const leg = yield* Line.bridge({ to: other, from: number })
          if (leg._tag === "Left") return "connected"
          yield* Line.goodbye("Nobody answers. Please try again later.")
          return "not connected"
        }).pipe(Flow.catchTag("HungUp", () => Flow.succeed("caller left")))
      )
  })

const otherOf = ([one, two]: Mask["pair"], caller: string | undefined) =>
  isSame(one, caller) ? two : isSame(two, caller) ? one : undefined

/** A caller may be reported without the country code, so the ends of the numbers are compared. */
const isSame = (number: PhoneNumber.PhoneNumber, caller = "") => caller.length >= 7 && number.endsWith(caller)
