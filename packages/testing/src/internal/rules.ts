/**
 * What the options of a test may be. A wrong one, and one of a name that there is not, is told at the line that gave it: none is silent,
 * and none comes to light further inside.
 */
import * as usersCode from "./usersCode.ts"

/** What one option may be, and that in words. */
export interface Rule {
  readonly takes: (value: unknown) => boolean
  readonly expected: string
}

/** A rule for each option: one that is forgotten does not compile. */
export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule }

const rule = (expected: string, takes: Rule["takes"]): Rule => ({ takes, expected })

/** A whole number that is at least so large. */
export const whole = (least: number): Rule =>
  rule(
    `a whole number${least === -Infinity ? "" : ` of ${least} or more`}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least
  )

/** A number above 0, which may be without an end. */
export const above0 = rule("a number above 0", (value) => typeof value === "number" && value > 0)

/** Seconds that something may take, which may be without an end. */
export const seconds = rule("seconds, 0 or more", (value) => typeof value === "number" && value >= 0)

/** A factor of time: nothing takes no time, and nothing for ever. */
export const speed = rule("a number above 0", (value) => typeof value === "number" && value > 0 && value < Infinity)

/** Milliseconds that pass. */
export const millis = rule(
  "milliseconds, 0 or more",
  (value) => typeof value === "number" && value >= 0 && value < Infinity
)

/** Milliseconds since 1970. */
export const moment = rule("milliseconds since 1970", (value) => Number.isFinite(value))

export const truth = rule("true or false", (value) => typeof value === "boolean")

export const text = rule("a text", (value) => typeof value === "string")

/** A key of a phone. */
export const key = rule("a key of a phone", (value) => typeof value === "string" && /^[0-9A-D*#]$/.test(value))

/** What is drawn by chance, or how often something happens. */
export const draw = rule(
  "a number from 0 to less than 1",
  (value) => typeof value === "number" && value >= 0 && value < 1
)

export const chance = rule("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1)

export const word = (...words: ReadonlyArray<string>): Rule =>
  rule(words.map((each) => JSON.stringify(each)).join(" or "), (value) => words.includes(value as string))

export const callback = rule("a function", (value) => typeof value === "function")

/** A list, and of what. */
export const list = (of: Rule): Rule =>
  rule(`a list, each of it ${of.expected}`, (value) => Array.isArray(value) && value.every((each) => of.takes(each)))

export const record = rule("an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value))

/** What has a shape that is looked at where it is used. */
export const anything = rule("something", () => true)

/** What it is, without a word of what it may hold. */
const shown = (value: unknown): string => {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value)
  return Array.isArray(value) ? "a list of something else" : typeof value === "string" ? "a text" : `a ${typeof value}`
}

/** What is wrong with options, each in a sentence. */
const problems = (given: unknown, rules: { readonly [name: string]: Rule }): ReadonlyArray<string> => {
  if (!record.takes(given)) return [`Options are an object, and not ${shown(given)}`]
  return Object.entries(given as object).flatMap(([name, value]) => {
    const known = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (known === undefined) return [`There is no option "${name}": there are ${Object.keys(rules).join(", ")}`]
    return value === undefined || known.takes(value)
      ? []
      : [`${name} has to be ${known.expected}, and is ${shown(value)}`]
  })
}

/** What is wrong with options, as an error at the line of whoever gave them. */
export const problem = <Options extends object>(
  of: string,
  given: Options,
  rules: Rules<Options>,
  at: ReadonlyArray<string> = usersCode.here()
): RangeError | undefined => {
  const found = problems(given, rules)
  if (found.length === 0) return undefined
  return usersCode.from(new RangeError(`${of} cannot be set up so.\n- ${found.join("\n- ")}`), at)
}

/** Throws if something is wrong with options. */
export const check = <Options extends object>(of: string, given: Options, rules: Rules<Options>): void => {
  const found = problem(of, given, rules)
  if (found !== undefined) throw found
}
