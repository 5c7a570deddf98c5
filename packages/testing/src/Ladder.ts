/**
 * A call as a ladder: who told whom what, and when. Numbers and digits are masked and spoken text is left out, so a ladder
 * may be printed anywhere.
 *
 * @since 0.1.0
 */
import { type Action, Explain, PhoneNumber, Webhook } from "@ringback/core"
import type { Entry } from "./PhoneCompany.ts"

/**
 * Who takes part in a call, in the order of the columns.
 *
 * @since 0.1.0
 */
export const actors = ["application", "Ringback", "Telesign", "callee"] as const

/**
 * Who takes part in a call.
 *
 * @since 0.1.0
 */
export type Actor = (typeof actors)[number]

/**
 * One rung: `from` tells `to` something. `at` is in milliseconds since 1970.
 *
 * @since 0.1.0
 */
export interface Step {
  readonly at: number
  readonly from: Actor
  readonly to: Actor
  readonly text: string
}

/**
 * The rungs of what a `PhoneCompany` or an emulator has seen.
 *
 * @since 0.1.0
 */
export const fromLog = (log: ReadonlyArray<Entry>): ReadonlyArray<Step> => {
  const hungUp = new Set<string>()
  return log.flatMap((entry): ReadonlyArray<Step> => {
    switch (entry._tag) {
      case "Requested":
        return [
          { at: entry.at, from: "Ringback", to: "Telesign", text: dialling(entry.action) },
          { at: entry.at, from: "Telesign", to: "callee", text: "rings" }
        ]
      case "Refused":
        return [
          {
            at: entry.at,
            from: "Ringback",
            to: "Telesign",
            text: entry.action === undefined ? "POST" : dialling(entry.action)
          },
          { at: entry.at, from: "Telesign", to: "Ringback", text: entry.status }
        ]
      case "Called":
        return [{ at: entry.at, from: "callee", to: "Telesign", text: `calls ${PhoneNumber.mask(entry.to)}` }]
      case "Posted":
        return [...cause(entry.at, entry.webhook, hungUp), {
          at: entry.at,
          from: "Telesign",
          to: "Ringback",
          text: reported(entry.webhook)
        }]
      case "Replied":
      case "Copied":
        if (entry.action === undefined) return []
        if (entry._tag === "Replied" && entry.action._tag === "Hangup") hungUp.add(entry.referenceId)
        return [{ at: entry.at, from: "Ringback", to: "Telesign", text: Explain.action(entry.action) }]
      case "Rejected":
        return [{ at: entry.at, from: "Ringback", to: "Telesign", text: `rejected: ${entry.reason}` }]
      case "Unanswered":
        return [{ at: entry.at, from: "Telesign", to: "Telesign", text: `no reply: ${entry.problem}` }]
    }
  })
}

const dialling = (action: Action.Dial): string =>
  `POST dial ${PhoneNumber.mask(action.to)}${action.sendDtmf === undefined ? "" : ", then keys"}`

const reported = (webhook: Webhook.Webhook): string =>
  webhook.status === undefined ? webhook.event : `${webhook.event} (${webhook.status})`

/** What the callee did that the carrier then reports. */
const cause = (at: number, webhook: Webhook.Webhook, hungUp: ReadonlySet<string>): ReadonlyArray<Step> => {
  const does = (text: string): ReadonlyArray<Step> => [{ at, from: "callee", to: "Telesign", text }]
  switch (Webhook.kind(webhook)) {
    case "DialCompleted":
      return webhook.status === "answered" ? does("answers") : []
    case "PromptCompleted":
      return webhook.digits === undefined || webhook.digits === ""
        ? []
        : does(`presses ${"•".repeat(webhook.digits.length)}`)
    case "CallCompleted":
      return webhook.status !== "hangup" || hungUp.has(webhook.referenceId) ? [] : does("hangs up")
    case "IncomingCall":
    case "LegCompleted":
    case "Unknown":
      return []
  }
}

/**
 * Draws the rungs in the order of their times, each with the seconds since the first. `speed` is how much faster than life
 * the call went: the seconds are those of life.
 *
 * @since 0.1.0
 */
export const draw = (steps: ReadonlyArray<Step>, options?: { readonly speed?: number }): string => {
  const ordered = steps.toSorted((a, b) => a.at - b.at)
  const start = ordered[0]?.at ?? 0
  const columns = layout(ordered)
  const head = center(actors, columns)
  const rungs = ordered.map((step) => {
    const seconds = ((step.at - start) * (options?.speed ?? 1) / 1000).toFixed(1).padStart(7)
    return `${seconds}  ${rung(step, columns)}`.trimEnd()
  })
  return [`      s  ${head}`.trimEnd(), ...rungs].join("\n")
}

const indexOf = (actor: Actor): number => actors.indexOf(actor)

/** Where the lifelines stand: far enough apart for what is told between them. */
const layout = (steps: ReadonlyArray<Step>): ReadonlyArray<number> => {
  const columns = [Math.ceil(actors[0].length / 2)]
  for (let i = 1; i < actors.length; i++) {
    const labels = steps.filter((step) =>
      Math.min(indexOf(step.from), indexOf(step.to)) === i - 1 && step.from !== step.to
    )
    const widest = labels.reduce((width, step) => Math.max(width, step.text.length), 0)
    columns.push(columns[i - 1]! + Math.max(widest + 8, 14))
  }
  return columns
}

const center = (names: ReadonlyArray<string>, columns: ReadonlyArray<number>): string => {
  const line: Array<string> = []
  names.forEach((name, i) => write(line, columns[i]! - Math.floor(name.length / 2), name))
  return text(line)
}

const rung = (step: Step, columns: ReadonlyArray<number>): string => {
  const line: Array<string> = []
  for (const column of columns) write(line, column, "│")
  const [from, to] = [columns[indexOf(step.from)]!, columns[indexOf(step.to)]!]
  if (from === to) {
    write(line, from + 2, step.text)
    return text(line)
  }
  const [left, right] = from < to ? [from, to] : [to, from]
  write(line, left + 1, "─".repeat(right - left - 1))
  write(line, left + 1 + Math.floor((right - left - step.text.length - 1) / 2) - 1, ` ${step.text} `)
  write(line, from, from < to ? "├" : "┤")
  write(line, from < to ? to - 1 : to + 1, from < to ? "▶" : "◀")
  return text(line)
}

const write = (line: Array<string>, at: number, what: string): void => {
  Array.from(what).forEach((character, i) => void (line[at + i] = character))
}

const text = (line: ReadonlyArray<string>): string => Array.from(line, (character) => character ?? " ").join("")
