/** What an engine cannot be set up with. */
import { type Duration, Result } from "effect"
import type { Action } from "../../Action.ts"
import * as ActionModule from "../../Action.ts"
import * as PhoneNumber from "../../PhoneNumber.ts"
import * as Settings from "../../Settings.ts"
import { longestWait, millisOf } from "../bounds.ts"

/** What is checked before there is an engine. */
interface Setup {
  readonly inbound?: Readonly<Record<string, unknown>>
  readonly namespace?: string
  readonly refusal?: Action
  readonly restored?: { readonly dials: string }
  readonly settings?: Settings.Options
}

/** What an engine goes by. Throws `Settings.InvalidSettings`. */
export const settingsOf = ({ inbound = {}, namespace, refusal, restored, settings = {} }: Setup): Settings.Settings => {
  const problems = [
    ...inboundProblems(Object.keys(inbound)),
    ...refusalProblems(refusal),
    ...(namespace === undefined || isNamespace(namespace)
      ? []
      : [{ setting: "namespace", problem: "Expected 1 to 10 letters, digits, - or _" }]),
    ...(restored === undefined || verdicts.includes(restored.dials)
      ? []
      : [{ setting: "restored.dials", problem: `Expected ${verdicts.map((verdict) => `"${verdict}"`).join(" or ")}` }])
  ]
  if (problems.length > 0) throw new Settings.InvalidSettings({ problems })
  return Settings.make(settings)
}

/**
 * For how long a process drains, in milliseconds. Throws `Settings.InvalidSettings`: what is wrong is told when it is written, and not
 * when a process ends.
 */
export const drainTimes = (
  { atLeast = 0, within }: { readonly within: Duration.Input; readonly atLeast?: Duration.Input | undefined }
): { readonly within: number; readonly atLeast: number } => {
  const most = timeUpTo(longestWait, within)
  const least = timeUpTo(most ?? longestWait, atLeast)
  if (most !== undefined && least !== undefined) return { within: most, atLeast: least }
  const problems = [
    ...(most === undefined
      ? [{ setting: "drain.within", problem: `Expected a duration such as "10 seconds", from 0 to 10 years` }]
      : []),
    ...(least === undefined
      ? [{ setting: "drain.atLeast", problem: `Expected a duration such as "4 seconds", and no longer than within` }]
      : [])
  ]
  throw new Settings.InvalidSettings({ problems })
}

const timeUpTo = (most: number, time: Duration.Input): number | undefined => {
  const millis = millisOf(time)
  return millis !== undefined && millis >= 0 && millis <= most ? millis : undefined
}

type Problems = Settings.InvalidSettings["problems"]

/** A number that is not written as the carrier writes it is never found, and whoever calls it is hung up on. */
const inboundProblems = (numbers: ReadonlyArray<string>): Problems => {
  const known = new Set<string>()
  return numbers.flatMap((number) => {
    const read = PhoneNumber.from(number)
    const isTwice = Result.isSuccess(read) && known.has(read.success)
    known.add(PhoneNumber.digits(number))
    if (Result.isSuccess(read) && !isTwice) return []
    const problem = Result.isFailure(read) ? read.failure.message : "This number is there twice, with and without a +"
    return [{ setting: `inbound.${PhoneNumber.mask(number)}`, problem }]
  })
}

const refusalProblems = (refusal: Action | undefined): Problems => {
  try {
    if (refusal !== undefined) ActionModule.checked(refusal)
    return []
  } catch (error) {
    return [{
      setting: "refusal",
      problem: error instanceof ActionModule.InvalidAction ? error.problem : "Expected an action"
    }]
  }
}

const isNamespace = (name: unknown): boolean => typeof name === "string" && /^[0-9A-Za-z_-]{1,10}$/.test(name)

const verdicts: ReadonlyArray<string> = ["hold", "dial", "give up"]
