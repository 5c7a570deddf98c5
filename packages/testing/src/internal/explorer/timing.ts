/**
 * How long things last on a path, as bounds: what a deadline is measured by, and what the time is where the flow asks for it.
 * Nobody knows how fast a carrier speaks, so what is spoken takes any time up to twice the estimate and some seconds.
 */
import { Action, type Request } from "@ringback/core"
import type { What } from "../../Law.ts"
import * as captions from "../captions.ts"

/** How long something may last, in milliseconds, and how long it is taken to last where the flow looks at the time. */
export interface Lasts {
  readonly least: number
  readonly most: number
  readonly usual: number
}

/** A deadline: how long it is, and how much of it may be over. */
export interface Deadline {
  readonly millis: number
  readonly least: number
  readonly most: number
}

/** What time it is: what it was when the flow first asked, and what has passed since. */
export interface Clock {
  readonly since: number | undefined
  readonly elapsed: number
}

/** What nobody can put a bound to: a webhook that is late, a reply under way. */
const slackMillis = 10_000

/** A dial whose fate nobody knows is given up this much later than it may ring. */
const unknownMillis = 300_000

const instant: Lasts = { least: 0, most: 0, usual: 0 }

const upTo = (most: number, usual = 0): Lasts => ({ least: 0, most, usual })

const exactly = (millis: number): Lasts => ({ least: millis, most: millis, usual: millis })

const prompt = (request: Extract<Request.Request, { readonly _tag: "Prompt" }>, what: What): Lasts => {
  const { spoken, waited } = captions.seconds(request)
  const keys = Math.max(1, Action.digits(request.action))
  const isSilent = what._tag === "Responded" && (what.response as { readonly digits?: string }).digits === ""
  return upTo(2000 * (spoken + keys * waited) + slackMillis, 1000 * (spoken + (isSilent ? waited : 0)))
}

/** How long a request lasts that comes to this. */
export const lasts = (request: Request.Request, what: What): Lasts => {
  switch (request._tag) {
    case "Sleep":
      return what._tag === "Responded" ? exactly(request.millis) : upTo(request.millis)
    case "Signal":
      return what._tag === "Responded" && (what.response as { readonly _tag: string })._tag === "Expired"
        ? exactly(request.withinMillis)
        : upTo(request.withinMillis)
    case "Activity":
      return what._tag === "Overdue" ? exactly(request.withinMillis) : upTo(request.withinMillis)
    case "Dial":
      return upTo(request.ringForMillis + unknownMillis)
    case "Bridge":
      return upTo(1000 * request.action.maxCallDurationSeconds + slackMillis)
    case "Prompt":
      return prompt(request, what)
    default:
      return instant
  }
}

/** The longest that a request may last, whatever it comes to. */
const longest = (request: Request.Request): number => lasts(request, { _tag: "HungUp" }).most

export const deadline = (millis: number): Deadline => ({ millis, least: 0, most: 0 })

/** A deadline that has passed, and does so once. */
export const gone: Deadline = deadline(Infinity)

/** Into how many parts a deadline is divided: what may be over is rounded up to one, so that loops come back to a place. */
const parts = 16

/** A deadline when some time has passed. */
export const later = (self: Deadline, { least, most }: Lasts): Deadline => {
  if (self.millis === Infinity) return self
  const part = self.millis / parts
  const rounded = part === 0 ? 0 : Math.ceil((self.most + most) / part) * part
  return {
    millis: self.millis,
    least: Math.min(self.millis, self.least + least),
    most: Math.min(self.millis, least === most ? self.most + most : rounded)
  }
}

/** The least and the most that is left of a deadline. */
const left = ({ least, millis, most }: Deadline): { readonly least: number; readonly most: number } =>
  millis === Infinity ? { least: Infinity, most: Infinity } : { least: millis - most, most: millis - least }

/** Whether something that lasts so long can end before all deadlines. */
export const isInTime = ({ least }: Lasts, deadlines: ReadonlyArray<Deadline>): boolean =>
  deadlines.every((deadline) => least <= left(deadline).most)

/** Whether a deadline can pass while a request is waited for: it may be that soon, and no other one surely passes before. */
export const canPass = (request: Request.Request, n: number, deadlines: ReadonlyArray<Deadline>): boolean => {
  const own = deadlines[n]
  if (own === undefined || own.millis === Infinity) return false
  const soonest = left(own).least
  return soonest <= longest(request) && deadlines.every((deadline) => soonest <= left(deadline).most)
}

/** How long it takes until a deadline passes. */
export const untilPassed = (self: Deadline): Lasts => {
  const { least, most } = left(self)
  return { least, most, usual: most }
}

/** The time when some of it has passed, where it counts. */
export const tick = (clock: Clock | undefined, { usual }: Lasts): Clock | undefined =>
  clock === undefined || !Number.isFinite(usual) ? clock : { ...clock, elapsed: clock.elapsed + usual }
