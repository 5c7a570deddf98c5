/**
 * The bounds of what a flow is made of. What breaks one is refused where it is made: once it were recorded, the call could
 * not be read any more, or would never end.
 */
import { Duration, Schema } from "effect"
import { recordable } from "./json.ts"

/** A part of a flow breaks a bound: see `Flow.InvalidFlow`. */
export class InvalidFlow extends Schema.TaggedError<InvalidFlow>()("InvalidFlow", {
  where: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `${this.where}: ${this.problem}`
  }
}

/** The longest wait: ten years, in milliseconds. */
export const longestWait = Duration.toMillis(Duration.days(3650))

/** The longest that a phone may ring: as long as a call may last ("Voice - Actions"; documented), in milliseconds. */
const longestRing = Duration.toMillis(Duration.hours(4))

const longestName = 255

const fail = (where: string, problem: string): never => {
  throw new InvalidFlow({ where, problem })
}

const units = ["weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"] as const

/** Whether a duration that is given in parts has some. `Duration` takes what has none, and NaN, for nothing. */
const hasParts = (duration: Duration.Input): boolean => {
  if (typeof duration !== "object" || Duration.isDuration(duration)) return true
  const parts = Array.isArray(duration)
    ? duration
    : units.flatMap((unit) => (duration as Duration.DurationObject)[unit] ?? [])
  return parts.length > 0 && parts.every((part) => typeof part === "number" && !Number.isNaN(part))
}

/** A duration in milliseconds, if it is one. A number is given as it is: `Duration` takes NaN for nothing. */
export const millisOf = (duration: Duration.Input): number | undefined => {
  if (typeof duration === "number") return duration
  try {
    return hasParts(duration) ? Duration.toMillis(Duration.fromInputUnsafe(duration)) : undefined
  } catch {
    return undefined
  }
}

/** A duration in milliseconds. */
export const millis = (where: string, duration: Duration.Input): number =>
  millisOf(duration) ?? fail(where, `Expected a duration such as "10 minutes", or a number of milliseconds`)

/** A wait that may be nothing. */
export const wait = (where: string, millis: number): void => {
  if (!(millis >= 0 && millis <= longestWait)) fail(where, `Expected a duration of 0 to 10 years, got ${millis} ms`)
}

/** A time in which something has to happen. */
export const within = (where: string, millis: number): void => {
  if (!(millis > 0 && millis <= longestWait)) {
    fail(where, `Expected a time of more than 0, and at most 10 years, got ${millis} ms`)
  }
}

/** What a menu offers. */
export const choices = (where: string, keys: ReadonlyArray<string>): void => {
  if (keys.length === 0) fail(where, "Expected at least one choice")
  const wrong = keys.find((key) => !/^[0-9*#]$/.test(key))
  if (wrong !== undefined) fail(where, `Expected a choice to be one key: 0 to 9, * or #, got ${JSON.stringify(wrong)}`)
}

/** How long a phone rings. */
export const ring = (where: string, millis: number): void => {
  if (!(millis > 0 && millis <= longestRing)) {
    fail(where, `Expected to ring for more than 0, and at most 4 hours, got ${millis} ms`)
  }
}

/** How often more something is tried: without an end, or a number of times. */
export const times = (where: string, times: number): void => {
  if (times !== Infinity && !(Number.isSafeInteger(times) && times >= 0)) {
    fail(where, `Expected a whole number of times, 0 or more, or Infinity, got ${times}`)
  }
}

/** A whole number between two others. */
export const count = (where: string, what: string, value: number, least: number, most: number): void => {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    fail(where, `Expected ${what} of ${least} to ${most}, got ${value}`)
  }
}

/** A name that stands in logs and in the record. */
export const name = (where: string, name: string): void => {
  const problem = nameProblem(name)
  if (problem !== undefined) fail(where, problem)
}

const isShort = (text: unknown): boolean => typeof text === "string" && text.length > 0 && text.length <= longestName

/** Why a text is no name. */
export const nameProblem = (name: unknown): string | undefined =>
  isShort(name) ? undefined : `Expected a name of 1 to ${longestName} characters`

/** Why a text is no key, by which something is done once. */
export const keyProblem = (key: unknown): string | undefined =>
  isShort(key) ? undefined : `Expected a key of 1 to ${longestName} characters`

/** The version of a flow. */
export const version = (where: string, version: number): void => {
  if (!(Number.isSafeInteger(version) && version >= 1)) {
    fail(where, `Expected a version of 1, 2, 3 and so on, at most ${Number.MAX_SAFE_INTEGER}, got ${version}`)
  }
}

/** A copy of a value that can be recorded. */
export const data = (where: string, value: unknown): unknown => {
  const result = recordable(value)
  return result._tag === "Success" ? result.success : fail(where, result.failure)
}
