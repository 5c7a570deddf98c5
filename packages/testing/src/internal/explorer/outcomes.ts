/** What may happen at a place, in the form of a log and in words. */
import { Action, FlowDrawing, PhoneNumber, type Request } from "@ringback/core"
import type { What } from "../../Law.ts"
import type { Waiting } from "./choices.ts"
import type { Naming } from "./naming.ts"
import type { Edge } from "./search.ts"

/** One thing that may happen: in the form of a log, in words, and whether it may happen at any place alike. */
export interface Outcome {
  readonly on: string
  readonly words: string
  readonly isAnywhere: boolean
}

const { cancelled, died, expired, hungUp, overdue } = FlowDrawing.outcomes

const logged = (request: Request.Request, what: What): string => {
  switch (what._tag) {
    case "Responded":
      return FlowDrawing.outcome(request._tag, what.response)
    case "HungUp":
      return hungUp
    case "Expired":
      return expired
    case "Overdue":
      return overdue
    case "Died":
      return died
    case "Cancelled":
      return cancelled
  }
}

const anywhere = new Set([hungUp, expired, overdue, died, cancelled])

/** Keys in the words of whoever is to press them. */
const keyWords = (
  { accepts, action, question }: Extract<Request.Request, { readonly _tag: "Prompt" }>,
  keys: string
): string => {
  const meaning = question?.choices?.[keys]
  if (meaning !== undefined) return meaning === keys ? keys : `${keys}: ${meaning}`
  if (accepts?.(keys) === false) return Action.digits(action) === 1 ? "another key" : "wrong keys"
  return keys
}

/** Longer values say less than that there is one. */
const longestValue = 24

/** A value in a word, without a number of somebody. */
const valueWords = (value: unknown, naming: Naming): string => {
  if (value === null || value === undefined) return "nothing"
  if (typeof value === "string") {
    return naming.of(value) ?? (PhoneNumber.is(value) ? PhoneNumber.mask(value) : short(value))
  }
  if (typeof value === "object") return "_tag" in value ? String(value._tag) : "something"
  return String(value)
}

const short = (text: string): string => text.length > longestValue ? "something" : text

const answerWords = ({ from }: Request.Responses["Answer"], naming: Naming): string => {
  const name = from === undefined ? undefined : naming.of(from)
  return from === undefined
    ? "somebody calls without a number"
    : name === undefined
    ? "somebody calls"
    : `${name} calls`
}

const responseWords = (
  request: Request.Request,
  response: Request.Response,
  { label }: Edge,
  naming: Naming
): string => {
  switch (request._tag) {
    case "Answer":
      return answerWords(response as Request.Responses["Answer"], naming)
    case "Activity": {
      const { ok, value } = response as Request.ActivityResult
      return ok ? valueWords(value, naming) : `fails: ${valueWords(value, naming)}`
    }
    case "Signal": {
      const told = response as Request.Responses["Signal"]
      if (told._tag === "Expired") return "not told"
      return told.value === null ? "told" : valueWords(told.value, naming)
    }
    case "Sleep":
      return ""
    case "Prompt":
      return label === "hears it" || label === "completed" ? "" : label
    default:
      return label
  }
}

const wordsOf = (step: Waiting, edge: Edge, keys: string | undefined, naming: Naming): string => {
  const { hungUp: isHungUp, label, what } = edge
  if (isHungUp) return "hangs up"
  switch (what._tag) {
    case "HungUp":
      return "hangs up"
    case "Overdue":
      return "takes too long"
    case "Responded":
      return step.request._tag === "Prompt" && keys !== undefined
        ? keyWords(step.request, keys)
        : responseWords(step.request, what.response, edge, naming)
    case "Expired":
    case "Died":
    case "Cancelled":
      return label
  }
}

/** All that an edge of a search stands for. */
export const outcomesOf = (step: Waiting, edge: Edge, naming: Naming): ReadonlyArray<Outcome> => {
  const all = edge.keys ?? [undefined]
  return all.map((keys) => {
    const on = keys === undefined ? logged(step.request, edge.what) : `keys:${keys}`
    return { on, words: wordsOf(step, edge, keys, naming), isAnywhere: edge.hungUp || anywhere.has(on) }
  })
}
