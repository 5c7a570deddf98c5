/** The places of a flow that its author thinks of, and what each is in a drawing. */
import { Action, type FlowDrawing, PhoneNumber, Prompt } from "@ringback/core"
import { Step } from "@ringback/core"
import type { Request } from "@ringback/core"
import * as PhoneLine from "../../PhoneLine.ts"
import type { Waiting } from "./choices.ts"
import type { Naming } from "./naming.ts"
import type { Place } from "./search.ts"

/** What a place is: its kind, its words, and which recorded decisions are of it. */
export type Look = Pick<FlowDrawing.Box, "kind" | "label" | "matches">

type Of<Tag extends Request.Request["_tag"]> = Extract<Request.Request, { readonly _tag: Tag }>

/** Whether nobody looks for a place: it only keeps count, or speaks to nobody. What has more than one way on is looked for. */
export const isPassed = ({ edges, step, world }: Place): boolean => {
  if (step._tag === "Done" || edges.length !== 1) return false
  switch (step.request._tag) {
    case "Leave":
    case "SetDeadline":
    case "LiftDeadline":
    case "Note":
    case "Now":
    case "Random":
      return true
    case "Prompt":
    case "Bridge":
      return world.line !== "open"
    case "Answer":
      return world.caller === "answered" || world.caller === "left"
    case "Dial":
    case "Sleep":
    case "Activity":
    case "Signal":
      return false
  }
}

const longest = 132

const cut = (text: string): string => text.length > longest ? `${text.slice(0, longest - 1).trimEnd()}…` : text

const units: ReadonlyArray<readonly [string, number]> = [["day", 86_400], ["hour", 3_600], ["minute", 60]]

/** Such as `10 minutes`. */
export const duration = (millis: number): string => {
  if (!Number.isFinite(millis)) return "for ever"
  const seconds = millis / 1000
  const [unit, size] = units.find(([, size]) => seconds >= size && seconds % size === 0) ?? ["second", 1]
  const count = seconds / size
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

const party = (number: string, naming: Naming): string => naming.of(number) ?? PhoneNumber.mask(number)

/** What is heard while the flow waits. */
const heldWords = (step: Waiting, naming: Naming): string => {
  const hold = Step.scopes(step).map(({ scope }) => scope).find((scope) => scope._tag === "Hold")
  const words = hold === undefined ? "" : Prompt.words(hold.prompt)
  return words === "" ? "" : ` under “${cut(naming.in(words))}”`
}

const promptLook = ({ action, question }: Of<"Prompt">, naming: Naming): Look => {
  const collect = Action.digits(action)
  const own = naming.in(PhoneLine.words(action))
  const asked = question === undefined ? own : naming.in(Prompt.words(question.asked))
  const words = asked === "" ? soundOf(action) : `“${cut(asked)}”`
  return {
    kind: collect === 0 ? "says" : "asks",
    label: collect > 1 ? `${words} (up to ${collect} keys)` : words,
    matches: { _tag: "Prompt", words: [own === "" ? action._tag : own], collect }
  }
}

const soundOf = (action: Action.Action): string => {
  switch (action._tag) {
    case "Play":
      return "play audio"
    case "SendDtmf":
      return "key in tones"
    case "Raw":
      return action.method.replaceAll("_", " ")
    case "Speak":
    case "Dial":
    case "Hangup":
      return action._tag.toLowerCase()
  }
}

/** What a place is in a drawing. */
export const lookOf = ({ step }: Place, naming: Naming): Look => {
  if (step._tag === "Done") return endLook(step.exit, naming)
  const { request } = step
  switch (request._tag) {
    case "Dial":
      return { kind: "dials", label: `dial ${party(request.to, naming)}`, matches: { _tag: "Dial" } }
    case "Answer":
      return { kind: "begins", label: "a call comes in", matches: { _tag: "Arrival" } }
    case "Prompt":
      return promptLook(request, naming)
    case "Bridge":
      return {
        kind: "connects",
        label: `connect with ${party(request.action.to, naming)}`,
        matches: { _tag: "Bridge" }
      }
    case "Sleep":
      return {
        kind: "waits",
        label: `wait ${duration(request.millis)}${heldWords(step, naming)}`,
        matches: { _tag: "Sleep", millis: request.millis }
      }
    case "Activity":
      return {
        kind: "does",
        label: `${request.name}${heldWords(step, naming)}`,
        matches: { _tag: "Activity", name: request.name }
      }
    case "Signal":
      return {
        kind: "waits",
        label: `wait for ${request.name}, ${duration(request.withinMillis)} at most${heldWords(step, naming)}`,
        matches: { _tag: "Signal", name: request.name }
      }
    case "Random":
      return { kind: "does", label: "draw a number", matches: { _tag: "Draw" } }
    case "Now":
      return { kind: "does", label: "look at the time", matches: { _tag: "Nothing" } }
    case "Note":
    case "Leave":
    case "SetDeadline":
    case "LiftDeadline":
      return { kind: "does", label: request._tag, matches: { _tag: "Nothing" } }
  }
}

const endLook = (exit: Step.Exit<unknown, unknown>, naming: Naming): Look => {
  switch (exit._tag) {
    case "Success":
      return {
        kind: "ends",
        label: cut(shown(exit.value, naming)),
        matches: { _tag: "End", exit: "Success", values: [JSON.stringify(exit.value ?? null)] }
      }
    case "Failure":
      return {
        kind: "fails",
        label: tagOf(exit.error),
        matches: { _tag: "End", exit: "Failure", values: [tagOf(exit.error)] }
      }
    case "Stopped":
      return { kind: "fails", label: "stopped", matches: { _tag: "End", exit: "Stopped", values: [] } }
  }
}

const shown = (value: unknown, naming: Naming): string => {
  if (value === undefined || value === null) return "end"
  if (typeof value === "string") return naming.of(value) ?? value
  if (typeof value !== "object" || Array.isArray(value)) return JSON.stringify(value)
  return Object.entries(value).map(([field, inner]) => `${field}: ${shown(inner, naming)}`).join(", ")
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "an error"
