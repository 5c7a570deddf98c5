/**
 * An offer by telephone, to whoever has agreed to such calls. At every prompt 9 ends it for good: the refusal is recorded,
 * and nobody with one is rung again.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Context, type Effect, Schema } from "effect"

/** Who has agreed to calls like this one. */
export class Consents extends Context.Service<Consents, {
  readonly holds: (number: PhoneNumber.PhoneNumber) => Effect.Effect<boolean>
  readonly withdraw: (number: PhoneNumber.PhoneNumber) => Effect.Effect<void>
}>()("examples/offer/Consents") {}

class OptedOut extends Schema.TaggedError<OptedOut>()("OptedOut", {}) {}

export const Offer = Flow.make("offer", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["accepted", "declined", "opted out", "no consent", "unreached"]),
  run: ({ from, to }) =>
    Flow.gen(function*() {
      if (!(yield* hasConsent(to))) return "no consent"
      return yield* conversation.pipe(
        Flow.dial({ to, from, ringFor: "25 seconds" }),
        Flow.catchTag("OptedOut", () => Flow.as(withdrawConsent(to), "opted out")),
        Flow.catchTag("NotAnswered", () => Flow.succeed("unreached")),
        Flow.catchTag(["NoInput", "HungUp"], () => Flow.succeed("declined"))
      )
    })
})

const conversation = Flow.gen(function*() {
  const listens = yield* ask(
    "This is the book club, with an offer that you agreed to hear. Press 1 to hear it, 2 if not."
  )
  if (!listens) return "declined"
  const buys = yield* ask("A year of the club for the price of ten months. Press 1 to take it, 2 if not.")
  if (!buys) return "declined"
  const sure = yield* ask("You take a year of the club. Press 1 to confirm, 2 to leave it.")
  yield* Line.goodbye(sure ? "Welcome to the club." : "Then not. Goodbye.")
  return sure ? "accepted" : "declined"
})

/** Yes, no, or never again. */
const ask = (question: string) =>
  Line.menu(`${question} Press 9 and we will never call again.`, {
    choices: { "1": "yes", "2": "no", "9": "never" },
    attempts: 2
  }).pipe(Flow.flatMap((answer) => answer === "never" ? optOut : Flow.succeed(answer === "yes")))

const optOut = Line.goodbye("We will not call you again.").pipe(Flow.andThen(Flow.fail(new OptedOut())))

const hasConsent = (number: PhoneNumber.PhoneNumber) =>
  Flow.activity("has-consent", { success: Schema.Boolean }, Consents.use((consents) => consents.holds(number)))

const withdrawConsent = (number: PhoneNumber.PhoneNumber) =>
  Flow.activity("withdraw-consent", {}, Consents.use((consents) => consents.withdraw(number)))
