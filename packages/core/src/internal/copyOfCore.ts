/**
 * Which copy of this package this is. An installer may bring two: each has classes of its own, so neither takes the flows of the other
 * for flows, nor its errors for those that it knows. What comes from another copy is told by a mark, because `instanceof` cannot.
 */
import { version } from "./version.ts"

/** A copy: its version, and where its files lie. */
export interface CopyOfCore {
  readonly version: string
  readonly folder: string
}

/** Where a module of ours lies. A bundle is its own file. */
const folderOf = (url: string | undefined): string =>
  url === undefined
    ? "a bundle"
    : decodeURIComponent(
      url.replace(/[?#].*$/, "").replace(/^file:\/\//, "").replace(/\/(dist|src)\/internal\/\w+\.[jt]s$/, "")
    )

/** This one. */
export const here: CopyOfCore = { version, folder: folderOf(import.meta.url) }

/** Under this name what a copy has made says by which it was made. */
export const mark: unique symbol = Symbol.for("@ringback/core/copy")

/** The other copy that has made a value, if one has. */
export const another = (value: unknown): CopyOfCore | undefined => {
  if (typeof value !== "object" || value === null || !(mark in value)) return undefined
  return value[mark] as CopyOfCore
}

/** A copy in words. */
export const words = ({ folder, version }: CopyOfCore): string => `${version} in ${folder}`

/** What is to be done about two. */
export const remedy = "`npm ls @ringback/core` shows who asks for which: install one"
