/**
 * What may be recorded of what user code makes: JSON that reads back as it is, of a size that a call can keep.
 */
import { Result } from "effect"
import { put } from "./copy.ts"

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

/** Why a value cannot be recorded. Thrown and caught in here. */
class Unfit {
  readonly problem: string
  constructor(problem: string) {
    this.problem = problem
  }
}

const tooLong = `Expected at most 64 KiB as JSON: record a reference to it instead`

/**
 * A copy of a value that has a faithful form in JSON, or the problem of one that has not. The copy shares nothing with the
 * value, so that what is recorded stays as it was. The problem names the place, never the value.
 */
export const recordable = (value: unknown): Result.Result<unknown, string> => {
  try {
    const copying = new Copying()
    const copy = copying.copy(value, 0)
    return copying.size * 6 > longest && bytesOf(JSON.stringify(copy)) > longest
      ? Result.fail(tooLong)
      : Result.succeed(copy)
  } catch (error) {
    if (error instanceof Unfit) return Result.fail(error.problem)
    throw error
  }
}

/** Mutable, and never leaves `recordable`. */
class Copying {
  /** The characters so far, without what JSON escapes. */
  size = 0
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
        if (!Number.isFinite(value)) throw this.unfit(`${value} has no form in JSON`)
        this.add(String(value).length)
        return value === 0 ? 0 : value // JSON knows no -0
      case "undefined":
        throw this.unfit("undefined has no form in JSON: leave it out, or use null")
      case "object":
        return value === null ? null : this.copyAll(value, depth)
      default:
        throw this.unfit(`A ${typeof value} has no form in JSON`)
    }
  }

  private copyAll(value: object, depth: number): object {
    if (depth === deepest) throw this.unfit(`It is nested over ${deepest} levels deep, or in a circle`)
    return Array.isArray(value)
      ? Array.from(value, (item, index) => this.within(String(index), item, depth))
      : this.copyFields(value, depth)
  }

  private copyFields(value: object, depth: number): object {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      throw this.unfit(`An object of the class ${className(value)} has no form in JSON: encode it by a schema`)
    }
    const copy = {}
    for (const key of Object.keys(value)) {
      this.add(key.length + 2)
      put(copy, key, this.within(key, (value as Record<string, unknown>)[key], depth))
    }
    return copy
  }

  private within(key: string, value: unknown, depth: number): unknown {
    this.path.push(key)
    const copy = this.copy(value, depth + 1)
    this.path.pop()
    return copy
  }

  private add(characters: number): void {
    this.size += characters
    if (this.size > 2 * longest) throw new Unfit(tooLong)
  }

  private unfit(problem: string): Unfit {
    const place = this.path.slice(0, 5).map((key) => `[${JSON.stringify(key.slice(0, 40))}]`).join("")
    return new Unfit(place === "" ? problem : `${problem}\n  at ${place}`)
  }
}

const className = (value: object): string => {
  const made: unknown = value.constructor
  return typeof made === "function" ? made.name : "unknown"
}
