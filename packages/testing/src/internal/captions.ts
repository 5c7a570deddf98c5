/** What a flow asks for and how it ends, in the words of a drawing or a failure. Words and keys are shown: they come from a test. */
import { Action, Explain, PhoneNumber } from "@ringback/core"
import type { Request, Step } from "@ringback/core"
import * as PhoneLine from "../PhoneLine.ts"

const cut = (text: string, length = 70): string => text.length > length ? `${text.slice(0, length - 1)}…` : text

const time = (millis: number): string => {
  if (!Number.isFinite(millis)) return "for ever"
  const seconds = millis / 1000
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} s`
}

/** A request in words, and whether anybody is on the line to hear it. */
export const ofRequest = (request: Request.Request, line: "none" | "open" | "gone"): string => {
  switch (request._tag) {
    case "Dial":
      return `dial ${PhoneNumber.mask(request.to)}`
    case "Answer":
      return "a call comes in"
    case "Prompt": {
      const words = PhoneLine.words(request.action)
      const said = words === "" ? Explain.action(request.action) : `“${cut(words)}”`
      return line === "open" ? said : `${said} (to nobody)`
    }
    case "Bridge":
      return `bridge to ${PhoneNumber.mask(request.action.to)}`
    case "Leave":
      return line === "open" ? "hang up" : ""
    case "Sleep":
      return `wait ${time(request.millis)}`
    case "Activity":
      return `activity ${request.name}`
    case "Signal":
      return `signal ${request.name}, at most ${time(request.withinMillis)}`
    case "Note":
      return `note ${request.name}`
    case "Now":
      return "the time"
    case "Random":
      return "draw a number"
    case "SetDeadline":
    case "LiftDeadline":
      return ""
  }
}

const isKeys = (label: string): boolean => /^[0-9*#]+$/.test(label)

/** Many keys that lead to the same place. */
export const anotherKey = "another key"

/** Choices that lead to the same place, in words: many keys are one. */
export const ofChoices = (labels: ReadonlyArray<string>): string => {
  const [keys, rest] = [labels.filter(isKeys), labels.filter((label) => !isKeys(label))]
  const all = [...keys.length > 4 ? [anotherKey] : keys, ...rest]
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`
}

/** How a flow ended, in words. Values are in their stored form. */
export const ofExit = (exit: Step.Exit<unknown, unknown>): string => {
  switch (exit._tag) {
    case "Success":
      return exit.value === undefined || exit.value === null ? "ends" : cut(JSON.stringify(exit.value))
    case "Failure":
      return `fails: ${tagOf(exit.error)}`
    case "Stopped":
      return `stopped: ${stopOf(exit.why)}`
  }
}

/** An activity died, which is no defect of the flow. */
export class ActivityDied extends Error {
  override readonly name = "ActivityDied"
}

const stopOf = (why: Step.Stop): string => {
  switch (why._tag) {
    case "Cancelled":
      return "it was cancelled"
    case "Overdue":
      return "an activity took too long"
    case "Expired":
      return "a scope ended outside of itself"
    case "Defect":
      return why.defect instanceof ActivityDied ? "an activity died" : `it threw ${nameOf(why.defect)}`
  }
}

const nameOf = (defect: unknown): string => {
  const name = defect instanceof Error ? defect.name : typeof defect
  return `${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}`
}

const tagOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null || !("_tag" in error)) return cut(JSON.stringify(error))
  return "reason" in error ? `${String(error._tag)} (${String(error.reason)})` : String(error._tag)
}

/** How long a request may keep somebody on the line, in seconds: what is said, and what is waited for. */
export const seconds = (request: Request.Request): { readonly spoken: number; readonly waited: number } => {
  switch (request._tag) {
    case "Prompt":
      return { spoken: spoken(request.action), waited: Action.digits(request.action) > 0 ? silence : 0 }
    case "Sleep":
      return { spoken: 0, waited: request.millis / 1000 }
    case "Signal":
      return { spoken: 0, waited: request.withinMillis / 1000 }
    default:
      return { spoken: 0, waited: 0 }
  }
}

const silence = PhoneLine.defaults.silenceMillis / 1000

const spoken = (action: Action.Action): number => {
  if (action._tag === "Play" || action._tag === "Raw") return (action.millis ?? PhoneLine.defaults.audioMillis) / 1000
  return PhoneLine.words(action).length / PhoneLine.defaults.charactersPerSecond
}
