/**
 * What values hold, as text: two values have one text only if they are equal.
 *
 * A value counts by its content if all of its content can be seen: data, and objects that say by themselves what they are
 * equal to. Any other object may hide something, so it is equal to itself only, and its kind is reported. Nothing here
 * recurses, for the depth of a value is its author's.
 */
import { Equal, Hash, Schema } from "effect"
import * as Masked from "../masked.ts"

/** What a value holds, and the kinds of what in it is equal to itself only. */
export class Content {
  readonly text: string
  readonly opaque: ReadonlyArray<string>
  constructor(text: string, opaque: ReadonlyArray<string> = none) {
    this.text = text
    this.opaque = opaque
  }
}

const none: ReadonlyArray<string> = []

/** Numbers of what is told apart by reference. */
const identities = new WeakMap<WeakKey, number>()
let identified = 0

const identity = (value: WeakKey): number => {
  const known = identities.get(value)
  if (known !== undefined) return known
  identities.set(value, ++identified)
  return identified
}

/** Objects that say what they are equal to: the first of each, by their hash. */
const firsts = new Map<number, ReadonlyArray<WeakRef<object>>>()

/** The first object that an object says it is equal to; itself if it cannot be asked. */
const first = (value: object): object => {
  try {
    const hash = Hash.hash(value)
    const living = (firsts.get(hash) ?? []).filter((other) => other.deref() !== undefined)
    const found = living.find((other) => Equal.equals(other.deref(), value))?.deref()
    firsts.set(hash, found === undefined ? [...living, new WeakRef(value)] : living)
    return found ?? value
  } catch {
    return value
  }
}

/** What an object is written as: a name, and its parts in their order. */
interface Parts {
  readonly name: string
  readonly parts: ReadonlyArray<unknown>
}

const hole = Symbol("hole")

/** The own fields of an object as names and values; `undefined` if one of them is hidden or computed. */
const fields = (value: object, hidden: ReadonlyArray<string | symbol>): ReadonlyArray<unknown> | undefined => {
  const parts: Array<unknown> = []
  for (const key of Reflect.ownKeys(value)) {
    if (hidden.includes(key)) continue
    const descriptor = Object.getOwnPropertyDescriptor(value, key)
    if (descriptor?.enumerable !== true || !("value" in descriptor)) return undefined
    parts.push(key, descriptor.value)
  }
  return parts
}

const named = (name: string, parts: ReadonlyArray<unknown> | undefined): Parts | undefined =>
  parts === undefined ? undefined : { name, parts }

const isPrimitive = (value: unknown): boolean =>
  typeof value !== "object" && typeof value !== "function" || value === null

const isDense = (value: ReadonlyArray<unknown>, keys: ReadonlyArray<PropertyKey>): boolean => {
  if (keys.length !== value.length + 1) return false
  for (let i = 0; i < value.length; i++) if (!Object.hasOwn(value, i)) return false
  return true
}

const ofArray = (value: ReadonlyArray<unknown>): Parts | undefined => {
  const keys = Reflect.ownKeys(value)
  if (isDense(value, keys)) return { name: "Array", parts: value }
  const hasMore = keys.some((key) => key !== "length" && !/^\d+$/.test(String(key)))
  return hasMore ? undefined : { name: "Array", parts: Array.from(value, (item, i) => i in value ? item : hole) }
}

const own = (value: object, key: string): unknown => Object.getOwnPropertyDescriptor(value, key)?.value

/** Effect's errors keep what they were made of a second time. */
const plainArguments = Symbol.for("effect/Data/Error/plainArgs")

/** An error, without the place where it was made. */
const ofError = (value: Error): Parts | undefined => {
  const rest = fields(value, ["stack", "message", "cause", plainArguments])
  const name = `error#${identity(Object.getPrototypeOf(value))} `
  return named(name, rest && [own(value, "message"), Object.hasOwn(value, "cause"), own(value, "cause"), ...rest])
}

const ofBytes = (value: Uint8Array): Parts | undefined =>
  Reflect.ownKeys(value).length === value.length
    ? {
      name: Object.prototype.toString.call(value),
      parts: Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    }
    : undefined

const ofMap = (value: Map<unknown, unknown>): Parts | undefined =>
  Array.from(value.keys()).every(isPrimitive) ? bare(value, "Map", Array.from(value).flat()) : undefined

const ofSet = (value: Set<unknown>): Parts | undefined =>
  Array.from(value).every(isPrimitive) ? bare(value, "Set", Array.from(value)) : undefined

/** What matches next is a part of it: where the last match ended. */
const ofRegExp = (value: RegExp): Parts | undefined =>
  Reflect.ownKeys(value).length === 1
    ? { name: "RegExp", parts: [value.source, value.flags, value.lastIndex] }
    : undefined

type Seen = (value: never) => Parts | undefined

const each = (constructors: ReadonlyArray<{ readonly prototype: object }>, seen: Seen) =>
  constructors.map(({ prototype }) => [prototype, seen] as const)

/** What is known of objects by their prototype. */
const builtIns = new Map<unknown, Seen>([
  [null, (value: object) => named("null", fields(value, []))],
  ...[Object.prototype, Masked.prototype].map((prototype) =>
    [prototype, (value: object) => named("", fields(value, []))] as const
  ),
  [Array.prototype, ofArray],
  [Date.prototype, (value: Date) => bare(value, "Date", [value.getTime()])],
  [RegExp.prototype, ofRegExp],
  [Map.prototype, ofMap],
  [Set.prototype, ofSet],
  ...each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError], ofError),
  ...each([Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array], ofBytes),
  ...each([Float32Array, Float64Array, BigInt64Array, BigUint64Array], ofBytes)
])

/** An object whose content is not in fields, and that has none. */
const bare = (value: object, name: string, parts: ReadonlyArray<unknown>): Parts | undefined =>
  Reflect.ownKeys(value).length === 0 ? { name, parts } : undefined

/** What an object holds, if all of it can be seen. The classes of `Schema` hold their fields. */
const partsOf = (value: object): Parts | undefined => {
  try {
    const prototype: object | null = Object.getPrototypeOf(value)
    const builtIn = builtIns.get(prototype)
    if (builtIn !== undefined) return builtIn(value as never)
    if (Equal.isEqual(value)) return named(`equal#${identity(first(value))} `, fields(value, []))
    if (!Schema.isSchema(prototype?.constructor)) return undefined
    return value instanceof Error ? ofError(value) : named(`class#${identity(prototype!)} `, fields(value, []))
  } catch {
    return undefined
  }
}

/** Writes values one after the other. An object that comes again is written as a reference to its first time. */
class Writer {
  text = ""
  readonly opaque = new Set<string>()
  private readonly seen = new Map<object, number>()
  private readonly rest: Array<unknown> = []
  private readonly nameOf: (value: object) => string | undefined
  constructor(nameOf: (value: object) => string | undefined) {
    this.nameOf = nameOf
  }

  write(value: unknown): void {
    this.rest.push(value)
    while (this.rest.length > 0) this.one(this.rest.pop())
  }

  private one(value: unknown): void {
    if (value instanceof Token) this.text += value.text
    else if (typeof value === "object" && value !== null) this.object(value)
    else {
      if (isOwnOnly(value)) this.opaque.add(typeof value)
      this.text += plain(value)
    }
  }

  private object(value: object): void {
    const known = this.seen.get(value)
    if (known !== undefined) {
      this.text += `@${known} `
      return
    }
    this.seen.set(value, this.seen.size)
    const name = this.nameOf(value)
    if (name === undefined) this.parts(value, partsOf(value))
    else this.text += `${name} `
  }

  private parts(value: object, found: Parts | undefined): void {
    if (found === undefined) {
      this.opaque.add(kindOf(value))
      this.text += `object#${identity(value)} `
      return
    }
    this.text += `${found.name}(`
    this.rest.push(close)
    for (let i = found.parts.length - 1; i >= 0; i--) this.rest.push(found.parts[i])
  }
}

/** What is written as it is. */
class Token {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const close = new Token(")")

const kindOf = (value: object): string => {
  const made: unknown = (Object.getPrototypeOf(value) as { readonly constructor?: unknown } | null)?.constructor
  return typeof made === "function" && made.name !== "" ? made.name : "object"
}

/** Whether a value that is no object is equal to itself only. */
const isOwnOnly = (value: unknown): boolean =>
  typeof value === "function" || typeof value === "symbol" && value !== hole && Symbol.keyFor(value) === undefined

/** What is no object, each kind in a form of its own. */
const plain = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return `${value.length}"${value}`
    case "number":
      return Object.is(value, -0) ? "-0 " : `${value} `
    case "bigint":
      return `${value}n `
    case "symbol":
      return Symbol.keyFor(value) === undefined
        ? `symbol#${identity(value)} `
        : `symbol${plain(Symbol.keyFor(value))}`
    case "function":
      return `function#${identity(value)} `
    default:
      return `${String(value)} `
  }
}

/** What a value holds now. `nameOf` names objects that are known by a name. */
export const contentOf = (value: unknown, nameOf: (value: object) => string | undefined): Content => {
  const writer = new Writer(nameOf)
  writer.write(value)
  return new Content(writer.text, writer.opaque.size === 0 ? none : Array.from(writer.opaque))
}
