/** What the log is told of dials that the carrier did not take: in words that say what to do, once a kind and however many there are. */
import type { Transport } from "@ringback/core"
import { Effect, Result } from "effect"
import type * as TelesignWire from "../TelesignWire.ts"
import * as Telling from "./telling.ts"

type Reason = Transport.TransportError["reason"]

/** How the settings are called where they are set. */
interface Names {
  readonly customerId: string
  readonly apiKey: string
  readonly baseUrl: string
}

/** What an operator would act on: of each kind one line at once, and then one a minute at most. */
interface Trouble {
  readonly kind: string
  readonly line: (count: number) => Effect.Effect<void>
}

const dials = (count: number): string => count === 1 ? "1 dial" : `${count} dials`

const troubleOf = (reason: Reason, names: Names): Trouble | undefined => {
  switch (reason._tag) {
    case "Refused":
      return {
        kind: reason.status,
        line: (count) =>
          Effect.logWarning(
            `Telesign has refused ${dials(count)} because of the number to be rung: ${reason.status}. ` +
              (remedies[reason.status as TelesignWire.Refusal] ?? "Telesign's documentation says why")
          )
      }
    case "NotSent":
      return unsentTrouble(reason, names)
    case "Lost":
      return {
        kind: "lost",
        line: (count) => Effect.logWarning(`It is not known whether ${dials(count)} rang: ${reason.problem}`)
      }
  }
}

const unsentTrouble = (reason: Transport.NotSent, names: Names): Trouble => {
  const { obstacle, problem } = reason
  if (obstacle === undefined) {
    return {
      kind: "throttled",
      line: (count) =>
        Effect.logWarning(`Telesign has throttled ${dials(count)}. What it throttles is tried again later`)
    }
  }
  switch (obstacle) {
    case "credentials":
      return {
        kind: "credentials",
        line: (count) =>
          Effect.logError(
            `Telesign does not accept the credentials (${problem}; ${dials(count)}). ` +
              `Set ${names.customerId} and ${names.apiKey} to what the Telesign portal shows. Nobody is rung until then`
          )
      }
    case "caller id":
      return {
        kind: "caller id",
        line: (count) =>
          Effect.logError(
            `Telesign does not take a number of ours as the caller (${problem}; ${dials(count)}). ` +
              "The `from` of Flow.dial has to be a number that this Telesign account owns. Nobody is rung from it until then"
          )
      }
    case "unreachable":
      return {
        kind: "unreachable",
        line: (count) =>
          Effect.logError(
            `Telesign is not reached (${problem}; ${dials(count)}). ` +
              `Look at the network, and at ${names.baseUrl} if that is set. Nobody is rung until then`
          )
      }
  }
}

/** What to do about a number that Telesign does not dial ("Send an action"; documented). */
const remedies: { readonly [Status in TelesignWire.Refusal]?: string } = {
  premium_to_number_rejected: "It is a premium number, which cannot be rung",
  to_number_blocked_by_country: "Its country is blocked, by you in the Telesign portal or by Telesign",
  to_number_blocked_by_customer: "It is on the block list of your Telesign account",
  to_number_blocked_by_telesign: "Telesign blocks it for everyone",
  invalid_phone_number: "It is not valid: look at where it comes from"
}

/** Tells the log of trouble with dials, however many there are. */
export const telling = (names: Names): (outcome: Result.Result<unknown, Reason>) => Effect.Effect<void> => {
  const tell = Telling.make<Trouble["kind"]>()
  return (outcome) => {
    const trouble = Result.isFailure(outcome) ? troubleOf(outcome.failure, names) : undefined
    return trouble === undefined ? Effect.void : tell(trouble.kind, trouble.line)
  }
}
