/**
 * What the carrier of a test has seen, as the rungs of a `Ladder`. Numbers are masked; keys and words are, too, unless they are asked for.
 *
 * @since 0.1.0
 */
import { type Action, Explain, Ladder, PhoneNumber, Webhook } from "@ringback/core"
import type { Entry } from "./CompanyRecord.ts"
import * as PhoneLine from "./PhoneLine.ts"

/**
 * The rungs of what a `PhoneCompany` or an emulator has seen, for `Ladder.text`. With `reveal` they show what was said and pressed: that
 * is for the failure of a test, never for a log or a page.
 *
 * @example
 * const log = yield* PhoneCompany.log
 * const drawn = Ladder.text(CompanyLadder.fromLog(log))
 * @since 0.1.0
 */
export const fromLog = (
  log: ReadonlyArray<Entry>,
  { reveal = false }: { readonly reveal?: boolean } = {}
): ReadonlyArray<Ladder.Rung> => {
  const told = (action: Action.Action): string => {
    const words = reveal ? PhoneLine.words(action) : ""
    return words === "" ? Explain.action(action) : `${Explain.action(action)}: “${words}”`
  }
  const hungUp = new Set<string>()
  return log.flatMap((entry): ReadonlyArray<Ladder.Rung> => {
    switch (entry._tag) {
      case "Requested":
        return [
          Ladder.rung(entry.at, "Ringback", "Telesign", dialling(entry.action)),
          Ladder.rung(entry.at, "Telesign", "callee", "rings")
        ]
      case "Refused":
        return [
          Ladder.rung(
            entry.at,
            "Ringback",
            "Telesign",
            entry.action === undefined ? "POST" : dialling(entry.action)
          ),
          Ladder.rung(entry.at, "Telesign", "Ringback", entry.status)
        ]
      case "Called":
        return [Ladder.rung(entry.at, "callee", "Telesign", `calls ${PhoneNumber.mask(entry.to)}`)]
      case "Posted":
        return [
          ...cause(entry.at, entry.webhook, { hungUp, reveal }),
          Ladder.rung(entry.at, "Telesign", "Ringback", reported(entry.webhook))
        ]
      case "Replied":
      case "Copied":
        if (entry.action === undefined) return []
        if (entry._tag === "Replied" && entry.action._tag === "Hangup") hungUp.add(entry.referenceId)
        return [Ladder.rung(entry.at, "Ringback", "Telesign", told(entry.action))]
      case "Rejected":
        return [Ladder.rung(entry.at, "Ringback", "Telesign", `rejected: ${entry.reason}`)]
      case "Unanswered":
        return [Ladder.rung(entry.at, "Telesign", "Telesign", `no reply: ${entry.problem}`)]
    }
  })
}

const dialling = (action: Action.Dial): string =>
  `POST dial ${PhoneNumber.mask(action.to)}${action.sendDtmf === undefined ? "" : ", then keys"}`

const reported = (webhook: Webhook.Webhook): string =>
  webhook.status === undefined ? webhook.event : `${webhook.event} (${webhook.status})`

/** What the callee did that the carrier then reports. */
const cause = (
  at: number,
  webhook: Webhook.Webhook,
  { hungUp, reveal }: { readonly hungUp: ReadonlySet<string>; readonly reveal: boolean }
): ReadonlyArray<Ladder.Rung> => {
  const does = (text: string): ReadonlyArray<Ladder.Rung> => [Ladder.rung(at, "callee", "Telesign", text)]
  switch (Webhook.kind(webhook)) {
    case "DialCompleted":
      return webhook.status === "answered" ? does("answers") : []
    case "PromptCompleted":
      return webhook.digits === undefined || webhook.digits === ""
        ? []
        : does(`presses ${reveal ? webhook.digits : "•".repeat(webhook.digits.length)}`)
    case "CallCompleted":
      return webhook.status !== "hangup" || hungUp.has(webhook.referenceId) ? [] : does("hangs up")
    case "IncomingCall":
    case "LegCompleted":
    case "Unknown":
      return []
  }
}
