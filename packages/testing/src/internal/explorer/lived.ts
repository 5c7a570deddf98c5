/** A call that the engine has lived, as laws see it. */
import { type CallEvent, type LiveCall, Replay } from "@ringback/core"
import type { Law, LineState, Moment, What } from "../../Law.ts"
import { isBroken } from "../../Law.ts"
import { before } from "./choices.ts"
import { momentAt } from "./search.ts"

type Happened = Extract<Replay.Moment, { readonly _tag: "Happened" }>

const whatOf = ({ what }: Happened): What => {
  if (what._tag !== "Stopped") return what
  switch (what.why._tag) {
    case "Cancelled":
    case "Overdue":
    case "Expired":
      return { _tag: what.why._tag }
    case "Defect":
      return { _tag: "Died" }
  }
}

/** Whether the flow holds a line afterwards. */
const holds = (held: boolean, { step, what }: Happened): boolean => {
  switch (step.request._tag) {
    case "Dial":
      return what._tag === "Responded" && (what.response as { readonly _tag: string })._tag === "Answered"
    case "Answer":
      return true
    case "Leave":
      return false
    default:
      return held
  }
}

/** What is recorded of an end. What was thrown is not. */
const exitOf = ({ exit }: Extract<Replay.Moment, { readonly _tag: "Ended" }>): Extract<
  Moment,
  { readonly _tag: "Ended" }
>["exit"] => {
  if (exit._tag !== "Stopped") return exit
  const { reason } = exit
  switch (reason._tag) {
    case "Cancelled":
    case "Overdue":
      return { _tag: "Stopped", why: reason }
    default: {
      const defect = new Error("message" in reason ? reason.message : reason._tag)
      return { _tag: "Stopped", why: { _tag: "Defect", defect } }
    }
  }
}

/** What the flow of a call did, from its log. */
export const moments = (
  id: CallEvent.CallId,
  definition: LiveCall.AnyDefinition,
  events: ReadonlyArray<CallEvent.CallEvent>
): ReadonlyArray<Moment> => {
  let held = false
  return Replay.moments(id, definition, events).map((moment): Moment => {
    if (moment._tag === "Happened") held = holds(held, moment)
    const line: LineState = !held ? "none" : moment.isOpen ? "open" : "gone"
    switch (moment._tag) {
      case "Asked":
        return momentAt(moment.step, { ...before, line })
      case "Happened":
        return { _tag: "Happened", request: moment.step.request, what: whatOf(moment), line }
      case "Ended":
        return { _tag: "Ended", exit: exitOf(moment), line }
    }
  })
}

/** Why a law does not hold over these moments. */
export const problem = (
  law: Extract<Law, { readonly _tag: "Machine" | "Ends" }>,
  moments: ReadonlyArray<Moment>
): string | undefined => {
  if (law._tag === "Ends") return moments.at(-1)?._tag === "Ended" ? undefined : "it has not ended"
  let state = law.initial
  for (const moment of moments) {
    const verdict = law.next(state as never, moment)
    if (isBroken(verdict)) return verdict.why
    state = verdict
  }
  return undefined
}
