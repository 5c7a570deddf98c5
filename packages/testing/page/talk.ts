/** A call as who has the phone in hand lives it: what was heard and pressed, and how it ended. */
import type { Entry, Line } from "./api.ts"

/** One thing that was lived. */
export interface Moment {
  readonly key: string
  readonly who: "they" | "you" | "line"
  readonly words: string
}

/** A number as people write it. */
export const numberWords = (number: string): string => {
  const digits = number.replace(/^\+/, "")
  return /^1\d{10}$/.test(digits)
    ? `+1 ${digits.slice(1, 4)} ${digits.slice(4, 7)} ${digits.slice(7)}`
    : `+${digits}`
}

/** Whose phone it is: the far end's. */
export const owner = ({ direction, from, to }: Line): string => direction === "outbound" ? to : from

/** What they see who calls. */
export const opposite = ({ direction, from, to }: Line): string => direction === "outbound" ? from : to

type Action = NonNullable<Extract<Entry, { readonly kind: "replied" }>["action"]>

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined

const plain = (text: string): string => text.trimStart().startsWith("<speak") ? text.replaceAll(/<[^>]*>/g, " ") : text

const heard = ({ method, params }: Action): Omit<Moment, "key"> | undefined => {
  switch (method) {
    case "speak":
      return { who: "they", words: plain(String(field(params["tts"], "message") ?? "")).trim() }
    case "play":
      return { who: "they", words: `♪ ${String(params["url"] ?? "A file is played")}` }
    case "dial":
      return { who: "line", words: `You are put through to ${numberWords(String(params["to"] ?? ""))}` }
    case "hangup":
      return { who: "line", words: "They hang up" }
    default:
      return { who: "line", words: method }
  }
}

const told = (name: string, data: Readonly<Record<string, unknown>>): Omit<Moment, "key"> | undefined => {
  const digits = data["collected_digits"]
  if (typeof digits === "string" && digits !== "") return { who: "you", words: digits }
  if (name === "call_completed") return { who: "line", words: "The call is over" }
  if (name === "call_leg_completed") return { who: "line", words: "The other one is gone" }
  return name === "dial_completed" && data["status"] !== "answered"
    ? { who: "line", words: `Not reached: ${String(data["status"])}` }
    : undefined
}

/** The moments of a call, from what happened on its line. */
export const moments = (entries: ReadonlyArray<Entry>): ReadonlyArray<Moment> => {
  const refused = new Set(entries.flatMap((entry) => entry.kind === "rejected" ? [entry.event.event + entry.at] : []))
  return entries.flatMap((entry): ReadonlyArray<Moment> => {
    const moment = entry.kind === "replied" && entry.action !== null && !refused.has(entry.event.event + entry.at)
      ? heard(entry.action)
      : entry.kind === "posted"
      ? told(entry.event.event, entry.event.data)
      : entry.kind === "unanswered"
      ? { who: "line" as const, words: `The application says nothing: ${entry.problem}` }
      : entry.kind === "rejected"
      ? { who: "line" as const, words: `Not carried out: ${entry.reason}` }
      : undefined
    return moment === undefined || moment.words === "" ? [] : [{ key: String(entry.n), ...moment }]
  })
}
