/**
 * What the carrier of a test has seen, as the rungs of a `Ladder`. Numbers are masked; keys and words are, too, unless they are asked for.
 *
 * @since 0.1.0
 */
import { type Action, Explain, Ladder, PhoneNumber, type Webhook } from "@ringback/core"
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
          Ladder.rung(entry.at, "Ringback", "carrier", dialling(entry.action)),
          Ladder.rung(entry.at, "carrier", "callee", "rings")
        ]
      case "Refused":
        return [
          Ladder.rung(
            entry.at,
            "Ringback",
            "carrier",
            entry.action === undefined ? "POST" : dialling(entry.action)
          ),
          Ladder.rung(entry.at, "carrier", "Ringback", entry.status)
        ]
      case "Called":
        return [Ladder.rung(entry.at, "callee", "carrier", `calls ${PhoneNumber.mask(entry.to)}`)]
      case "Posted":
        return [
          ...cause(entry.at, entry.webhook, { hungUp, reveal }),
          Ladder.rung(entry.at, "carrier", "Ringback", reported(entry.webhook))
        ]
      case "Replied":
      case "Copied":
        if (entry.action === undefined) return []
        if (entry._tag === "Replied" && entry.action._tag === "Hangup") hungUp.add(entry.referenceId)
        return [Ladder.rung(entry.at, "Ringback", "carrier", told(entry.action))]
      case "Rejected":
        return [Ladder.rung(entry.at, "Ringback", "carrier", `rejected: ${entry.reason}`)]
      case "Unanswered":
        return [Ladder.rung(entry.at, "carrier", "carrier", `no reply: ${entry.problem}`)]
    }
  })
}

const dialling = (action: Action.Dial): string =>
  `POST dial ${PhoneNumber.mask(action.to)}${action.sendDtmf === undefined ? "" : ", then keys"}`

const reported = ({ event, status }: Webhook.Webhook): string =>
  `${event.replaceAll("_", " ")}${status === undefined ? "" : ` (${status})`}`

/** What the callee did that the carrier then reports. */
const cause = (
  at: number,
  webhook: Webhook.Webhook,
  { hungUp, reveal }: { readonly hungUp: ReadonlySet<string>; readonly reveal: boolean }
): ReadonlyArray<Ladder.Rung> => {
  const does = (text: string): ReadonlyArray<Ladder.Rung> => [Ladder.rung(at, "callee", "carrier", text)]
  switch (webhook.kind) {
    case "DialCompleted":
      return webhook.status === "answered" ? does("answers") : []
    case "SpeakCompleted":
    case "PlayCompleted":
      return webhook.digits === undefined || webhook.digits === ""
        ? []
        : does(`presses ${reveal ? webhook.digits : "•".repeat(webhook.digits.length)}`)
    case "CallCompleted":
      return webhook.status !== "hangup" || hungUp.has(webhook.referenceId) ? [] : does("hangs up")
    case "IncomingCall":
    case "LegCompleted":
    case "OtherCompleted":
    case "Unknown":
      return []
  }
}
