/**
 * What may be recorded of what user code makes: JSON that reads back as it is, of a size that a call can keep.
 */
import { Result } from "effect"
import { put } from "./copy.ts"
import * as Masked from "./masked.ts"

/** The longest that one recorded value may be, in bytes of JSON: 64 KiB. */
export const longest = 65_536

/** The deepest that one may be nested: far less than what a stack bears. */
const deepest = 100

const encoder = new TextEncoder()

/** The bytes of a text in JSON. */
const bytesOf = (json: string): number => encoder.encode(json).length

/** A character takes six bytes at the most (`\u0000`), so most texts need not be measured. */
export const isTooLong = (text: string): boolean =>
  text.length * 6 + 2 > longest && (text.length > longest || bytesOf(JSON.stringify(text)) > longest)

const tooLong = `Expected at most 64 KiB as JSON: record a reference to it instead`

/**
 * A copy of a value that has a faithful form in JSON, or the problem of one that has not. The copy shares nothing with the
 * value, so that what is recorded stays as it was. The problem names the place, never the value.
 */
export const recordable = (value: unknown): Result.Result<unknown, string> => {
  const copying = new Copying()
  try {
    const copy = copying.copy(value, 0)
    return copying.size * 6 > longest && bytesOf(JSON.stringify(copy)) > longest
      ? Result.fail(tooLong)
      : Result.succeed(copy)
  } catch {
    return Result.fail(copying.problem)
  }
}

/** Leads out of a value that cannot be recorded. */
const unfit = new Error("unfit")

/** Mutable, and never leaves `recordable`. */
class Copying {
  /** The characters so far, without what JSON escapes. */
  size = 0
  private unfit: string | undefined
  private readonly path: Array<string> = []

  copy(value: unknown, depth: number): unknown {
    this.add(2)
    switch (typeof value) {
      case "string":
        this.add(value.length)
        return value
      case "boolean":
        this.add(3)
        return value
      case "number":
        if (!Number.isFinite(value)) return this.refuse(`${value} has no form in JSON`)
        this.add(String(value).length)
        return value === 0 ? 0 : value // JSON knows no -0
      case "undefined":
        return this.refuse("undefined has no form in JSON: leave it out, or use null")
      case "object":
        return value === null ? null : this.copyAll(value, depth)
      default:
        return this.refuse(`A ${typeof value} has no form in JSON`)
    }
  }

  private copyAll(value: object, depth: number): object {
    if (depth === deepest) return this.refuse(`It is nested over ${deepest} levels deep, or in a circle`)
    return Array.isArray(value)
      ? Array.from(value, (item, index) => this.within(String(index), () => item, depth))
      : this.copyFields(value, depth)
  }

  private copyFields(value: object, depth: number): object {
    if (!Masked.isPlain(value)) {
      return this.refuse(`An object of the class ${className(value)} has no form in JSON: encode it by a schema`)
    }
    const copy = {}
    for (const key of Object.keys(value)) {
      this.add(key.length + 2)
      put(copy, key, this.within(key, () => (value as Record<string, unknown>)[key], depth))
    }
    return copy
  }

  private within(key: string, read: () => unknown, depth: number): unknown {
    this.path.push(key)
    const copy = this.copy(read(), depth + 1)
    this.path.pop()
    return copy
  }

  private add(characters: number): void {
    this.size += characters
    if (this.size <= 2 * longest) return
    this.unfit = tooLong
    throw unfit
  }

  /** Why it was given up. A getter or a proxy may throw anything, of which nothing is repeated. */
  get problem(): string {
    return this.unfit ?? this.atPlace("It cannot be read: reading it throws")
  }

  private refuse(problem: string): never {
    this.unfit = this.atPlace(problem)
    throw unfit
  }

  private atPlace(problem: string): string {
    const place = this.path.slice(0, 5).map((key) => `[${JSON.stringify(key.slice(0, 40))}]`).join("")
    return place === "" ? problem : `${problem}\n  at ${place}`
  }
}

const className = (value: object): string => {
  const made: unknown = value.constructor
  return typeof made === "function" ? made.name : "unknown"
}
