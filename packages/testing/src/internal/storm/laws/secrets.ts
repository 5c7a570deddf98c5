/** Secrets stay inside: what was said and dialled, held against everything that can be read outside. */
import { type Action, Explain, Ladder } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

interface Secrets {
  /** Digits of phone numbers, found however they are separated. */
  readonly numbers: ReadonlySet<string>
  /** What was pressed, where it is long enough to tell it from other numbers. */
  readonly digits: ReadonlySet<string>
  /** Sentences that were spoken. */
  readonly words: ReadonlySet<string>
}

const shortestDigits = 4
const shortestWords = 8

export const check = (history: StormHistory.StormHistory): Findings => {
  const secrets = secretsOf(history)
  const found = [...history.shown, ...inspected(history)].flatMap(({ text, where }) => {
    const what = leak(secrets, text)
    return what === undefined ? [] : [`${what} in ${articles[where]}`]
  })
  return [...new Set(found)].map((what) => violation(`there is ${what}`))
}

const articles: Readonly<Record<StormHistory.Shown["where"], string>> = {
  log: "the log",
  span: "a span",
  metric: "a metric",
  error: "an error",
  inspector: "the words for people"
}

/** What an operator sees of the calls without asking for their events. */
const inspected = (history: StormHistory.StormHistory): ReadonlyArray<StormHistory.Shown> =>
  history.turns.flatMap(({ summary, turn }) => [
    { where: "inspector" as const, text: summary.waitingFor },
    ...turn.events.map((event) => ({ where: "inspector" as const, text: Explain.event(event) }))
  ]).concat(
    StoredCalls.of(history).calls.flatMap(({ events, id }) =>
      [...Ladder.rungs(events).map(({ text }) => text), ...textsOf(Explain.report(id, events))].map((text) => ({
        where: "inspector" as const,
        text
      }))
    )
  )

/** All words of a report. Its figures are times, in which anything may be found. */
const textsOf = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
    ? Object.values(value).flatMap(textsOf)
    : []

const secretsOf = (history: StormHistory.StormHistory): Secrets => {
  const numbers = new Set<string>()
  const digits = new Set<string>()
  const words = new Set<string>()
  const number = (text: string | undefined) => {
    const bare = text?.replaceAll(/\D/g, "") ?? ""
    if (bare.length >= 7) numbers.add(bare)
  }
  const say = (action: Action.Action) => {
    if (action._tag === "Dial") [action.to, action.from].forEach(number)
    if (action._tag !== "Speak") return
    for (const sentence of action.text.split(/(?<=[.!?])\s+/)) if (sentence.length >= shortestWords) words.add(sentence)
  }
  for (const ring of history.rings) number(ring.number)
  for (const call of StoredCalls.of(history).calls) {
    for (const event of call.events) {
      if (event._tag === "ActionDecided" || event._tag === "HoldAnswered") say(event.action)
      if (event._tag === "DialPlanned" || event._tag === "CallArrived") [event.to, event.from].forEach(number)
      if (event._tag === "PromptCompleted" && event.digits.length >= shortestDigits) digits.add(event.digits)
    }
  }
  return { numbers, digits, words }
}

/** What of the secrets a text holds: as it is, percent-encoded, or with something between the digits. */
const leak = ({ digits, numbers, words }: Secrets, text: string): string | undefined => {
  for (const form of new Set([text, decoded(text)])) {
    const together = form.replaceAll(/(?<=\d)[\s().,/_-]+(?=\d)/g, "")
    if (some(numbers, (number) => together.includes(number))) return "a phone number"
    if (some(digits, (pressed) => isWord(form, pressed))) return "what somebody pressed"
    if (some(words, (sentence) => form.includes(sentence))) return "what was spoken"
  }
  return undefined
}

const some = (all: ReadonlySet<string>, is: (one: string) => boolean): boolean => {
  for (const one of all) if (is(one)) return true
  return false
}

/** Not in the middle of an id. */
const isWord = (text: string, word: string): boolean =>
  new RegExp(`(?<![0-9a-zA-Z])${word.replaceAll(/[*#]/g, "\\$&")}(?![0-9a-zA-Z])`).test(text)

const decoded = (text: string): string => {
  if (!text.includes("%")) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
