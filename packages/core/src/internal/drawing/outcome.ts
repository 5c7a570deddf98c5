/**
 * What may happen at a place of a flow, as text: in one form for who tries it and for who reads it in a log. What cannot be known
 * before (a value of an activity, other keys) is compared by its kind where it is not equal.
 */
import type * as Request from "../../Request.ts"

const json = (value: unknown): string => JSON.stringify(value ?? null) ?? "null"

/** What a request was answered with. */
export const ofResponse = (tag: Request.Request["_tag"], response: Request.Response): string => {
  switch (tag) {
    case "Dial": {
      const reached = response as Request.Responses["Dial"]
      return reached._tag === "Answered" ? "answered" : `not answered:${reached.reason}`
    }
    case "Answer":
      return "calls"
    case "Prompt": {
      const heard = response as Request.Responses["Prompt"]
      if (heard._tag === "HungUp") return hungUp
      return heard.digits === "" ? "heard" : `keys:${heard.digits}`
    }
    case "Bridge": {
      const talked = response as Request.Responses["Bridge"]
      if (talked._tag === "HungUp") return hungUp
      return talked._tag === "NotConnected" ? "not connected" : `left:${talked.who}`
    }
    case "Activity": {
      const result = response as Request.ActivityResult
      return `${result.ok ? "done" : "failed"}:${json(result.value)}`
    }
    case "Signal": {
      const told = response as Request.Responses["Signal"]
      return told._tag === "Received" ? `told:${json(told.value)}` : "not told"
    }
    case "Random":
      return `drawn:${json(response)}`
    case "Now":
      return `now:${json(response)}`
    case "Sleep":
      return "waited"
    case "Leave":
    case "SetDeadline":
    case "LiftDeadline":
    case "Note":
      return "goes on"
  }
}

export const hungUp = "hung up"
export const expired = "time is up"
export const overdue = "overdue"
export const died = "died"
export const cancelled = "cancelled"

const kindOf = (outcome: string): string => outcome.slice(0, outcome.indexOf(":") + 1 || outcome.length)

/** How far something that happened is from what was tried: 0 if it is the same, 1 if only its kind is, nothing if it is another. */
export const distance = (on: ReadonlyArray<string>, happened: string): number | undefined => {
  if (on.includes(happened)) return 0
  return on.some((each) => kindOf(each) === kindOf(happened)) ? 1 : undefined
}
