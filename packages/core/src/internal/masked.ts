/**
 * How what holds numbers, digits and words prints: without them. Raw values are asked for by name, and nothing that is printed
 * as a whole (by `inspect`, as JSON, by a logger) shows them.
 */
import { symbolRedactable } from "effect/Redactable"
import { mask } from "../PhoneNumber.ts"
import { masked as withoutNumbers } from "./defect.ts"

const hidden = "•••"

/** A word of somebody else's in a line of ours: as it is if it can hold no number and breaks no line. */
export const word = (text: string): string => /^[\p{L}][\p{L}\p{M} _-]{0,63}$/u.test(text) ? text : "not shown"

/** Words that are shown as they are, as most names are. */
const plain = /^[^\p{Nd}\p{Cc}\u2028\u2029]{0,200}$/u

/** Words of somebody else's in a line of ours: cut, without numbers, and without breaks of the line. */
export const line = (text: string): string =>
  plain.test(text) ? text : withoutNumbers(text).replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")

/** Texts that the program itself has written. */
const ours = new Set([
  "_tag",
  "flow",
  "phase",
  "direction",
  "name",
  "kind",
  "who",
  "why",
  "leg",
  "activity",
  "language"
])

/** Words of the carrier and of those between. */
const words = new Set(["reason", "status", "problem", "event", "message", "method", "completedBy"])

/** What the application has given. */
const foreign = new Set(["input", "value", "error", "data", "params", "parameters", "extra"])

const textOf = (text: string, field: string): string => {
  if (field === "to" || field === "from") return mask(text)
  if (ours.has(field)) return line(text)
  return words.has(field) ? word(text) : hidden
}

const nameOf = (field: string): string => /^[A-Za-z_]\w{0,39}$/.test(field) && !/\d{4}/.test(field) ? field : hidden

/** What is shown of a value: its shape, the texts that hold nothing of what people said or dialled, and numbers that count. */
export const shown = (value: unknown, field = ""): unknown => {
  if (typeof value === "string") return textOf(value, field)
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value
  if (typeof value !== "object") return undefined
  if (Array.isArray(value)) return value.map((item) => shown(item, field))
  if (value instanceof Map || value instanceof Set) return `${value.size} of them`
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      nameOf(name),
      foreign.has(name) && item !== undefined ? hidden : shown(item, name)
    ])
  )
}

const inspected = Symbol.for("nodejs.util.inspect.custom")

function print(this: object): unknown {
  return shown(this)
}

let isStored = false

/** Runs what writes the whole of masked values as JSON. */
export const whole = <A>(write: () => A): A => {
  const before = isStored
  isStored = true
  try {
    return write()
  } finally {
    isStored = before
  }
}

function toJson(this: object): unknown {
  return isStored ? this : shown(this)
}

const printed = {
  [inspected]: { value: print },
  [symbolRedactable]: { value: print },
  toJSON: { value: toJson },
  toString: { value: () => hidden }
}

/**
 * Plain data that prints masked. Its prototype has no `constructor` of its own and nothing that can be enumerated: so it is plain
 * data to Effect's `Equal` and `Hash`, and to what compares in tests.
 */
const Masked = function() {} as unknown as new() => object
Reflect.deleteProperty(Masked.prototype, "constructor")
Object.defineProperties(Masked.prototype, printed)

/** The prototype of what prints masked. */
export const prototype: object = Masked.prototype

/** An object without fields that will print masked: the cheapest way to make many. */
export const blank = (): object => new Masked()

/** The fields of an object in one that prints masked: cheaper than its prototype to set. What lies inside of it prints by itself. */
export const from = <A extends object>(fields: A): A => Object.assign(blank(), fields)

/** The same with its time. */
export const withAt = <A extends object>(fields: object, at: number): A => {
  const made = from(fields) as A & { at: number }
  made.at = at
  return made
}

/** Has an object that nobody else holds yet print masked. What lies inside of it prints whole by itself. */
export const made = <A extends object>(fields: A): A => Object.setPrototypeOf(fields, prototype) as A

/** The same data, printing masked. */
export const masking = <A extends object>(value: A): A => isMasked(value) ? value : made({ ...value })

/** Whether an object prints masked. */
export const isMasked = (value: object): boolean => Object.getPrototypeOf(value) === prototype

/** Whether an object is plain data: whatever it prints as, all of it is in its fields. */
export const isPlain = (value: object): boolean => {
  const found: unknown = Object.getPrototypeOf(value)
  return found === Object.prototype || found === null || found === prototype
}

/** A copy of plain data that prints masked, as a whole and in each of its parts, and is equal to it. */
export const copy = <A>(value: A): A => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return Object.defineProperties(value.map(copy), printed) as A
  if (value instanceof Map) return Object.defineProperties(new Map(value), printed) as A
  if (value instanceof Set) return Object.defineProperties(new Set(value), printed) as A
  return made(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item)]))) as A
}
