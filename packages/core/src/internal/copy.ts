/**
 * Copies of data, so that nobody shares with a flow what it may change.
 */
import * as Masked from "./masked.ts"

/** Deeper than anything that can be recorded. */
const deepest = 500

/** A copy of plain arrays and objects, all the way down. What has a class of its own is what it is, and is not copied. */
export const copyOf = <A>(value: A): A => typeof value !== "object" || value === null ? value : copied(value) as A

/** `seen` is for what is reached by two ways, and begins where something lies inside of something. */
const copied = (value: object, seen?: Map<object, object>, depth = 0): object => {
  const known = seen?.get(value)
  if (known !== undefined) return known
  if (depth === deepest || !(Array.isArray(value) || Masked.isPlain(value))) return value
  const copy: object = Array.isArray(value)
    ? Array.from({ length: value.length })
    : Masked.isMasked(value)
    ? Masked.blank()
    : {}
  let found = seen?.set(value, copy)
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (typeof item !== "object" || item === null) put(copy, key, item)
    else put(copy, key, copied(item, found ??= new Map([[value, copy]]), depth + 1))
  }
  return copy
}

/** Sets a key of its own, whatever its name. */
export const put = (target: object, key: string, value: unknown): void => {
  if (key !== "__proto__") (target as Record<string, unknown>)[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}
