/**
 * What foreign code threw, in words that may be recorded and logged: bounded, and without the digits of numbers.
 */

/** So many characters of what foreign code says are kept. */
const longest = 500

/** So deep are the causes of an error followed. */
const deepest = 3

/**
 * The code of a database, which is kept, or four digits or more, also if they stand in groups, as those of phone numbers do,
 * or in a list. A colon parts them: it stands in times.
 */
const numbers = /SQLSTATE [0-9A-Z]{5}\b|\p{Nd}(?:(?:(?!:)[\s\p{P}]){0,4}\p{Nd}){3,}/gu

/** Text of foreign code without the digits of numbers, and cut. */
export const masked = (text: string): string => {
  const few = text.length > longest ? `${text.slice(0, longest - 1)}…` : text
  return few.replaceAll(numbers, (found) => found.startsWith("S") ? found : "•".repeat(found.length))
}

/** What a thrown value says. Nothing that it does can throw again. */
const said = (thrown: unknown): string => {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return "something that cannot be shown"
  }
}

/** The death of an activity, as its flow is told of it. What was thrown is logged where the activity ran. */
export class ActivityDeath extends Error {}

/** Whether that is what was thrown. Some of what is thrown, such as a proxy that was revoked, throws when it is asked. */
export const isActivityDeath = (thrown: unknown): boolean => {
  try {
    return thrown instanceof ActivityDeath
  } catch {
    return false
  }
}

/** What was thrown, in words that may be recorded. */
export const message = (thrown: unknown): string => masked(said(thrown))

/** The errors that led to one, itself first. */
const chain = (thrown: unknown, depth = 0): ReadonlyArray<unknown> => {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof Error && depth < deepest ? [thrown, ...chain(cause, depth + 1)] : [thrown]
}

/** What was thrown and what led to it, in words that may be recorded. What an error says of its cause is said once. */
export const story = (thrown: unknown): string => {
  try {
    return masked(
      chain(thrown).map(said).reduce((told, words) => told.includes(words) ? told : `${told}: ${words}`)
    )
  } catch {
    return message(thrown)
  }
}

/** The places in the code that an error came through. */
const frames = (thrown: Error): string => {
  const stack = typeof thrown.stack === "string" ? thrown.stack : ""
  const before = stack.indexOf(thrown.message)
  const behind = before < 0 ? stack : stack.slice(before + thrown.message.length)
  return behind.split("\n").filter((line) => line.startsWith("    at ")).map((line) => `\n${line}`).join("")
}

const shown = (thrown: unknown, depth: number): Error => {
  const { cause, name } = thrown instanceof Error ? thrown : { cause: undefined, name: "Error" }
  const error = new Error(
    message(thrown),
    cause === undefined || depth === deepest ? {} : { cause: shown(cause, depth + 1) }
  )
  error.name = masked(String(name))
  error.stack = `${error.name}: ${error.message}${thrown instanceof Error ? frames(thrown) : ""}`
  return error
}

/** What was thrown, as an error that may be logged: its words as `message` gives them, with its stack and its causes. */
export const error = (thrown: unknown): Error => {
  try {
    return shown(thrown, 0)
  } catch {
    return new Error("something that cannot be shown")
  }
}
