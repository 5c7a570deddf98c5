/** What comes from a flow's input is named in a drawing by its place there, in braces: so the drawing is that of all inputs. */

/** A value and its name. */
type Named = readonly [value: string, name: string]

/** Shorter values would be found in words that have nothing to do with them. */
const shortest = 4

const leaves = (value: unknown, path: ReadonlyArray<string>): ReadonlyArray<Named> => {
  if (typeof value === "string") return [[value, path.join(".")]]
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([field, inner]) => leaves(inner, /^\d+$/.test(field) ? path : [...path, field]))
}

/** Names what is of an input, and what has been given a name. */
export class Naming {
  private readonly named: ReadonlyArray<Named>
  private readonly inWords: ReadonlyArray<Named>

  constructor(input: unknown, given: { readonly [value: string]: string }) {
    const own = leaves(input, [])
    this.named = [...Object.entries(given), ...own].filter(([value, name]) => value !== "" && name !== "")
    this.inWords = [...Object.entries(given), ...own.filter(([value]) => value.length >= shortest)]
      .filter(([value, name]) => value !== "" && name !== "")
      .toSorted(([a], [b]) => b.length - a.length)
  }

  /** The name of a whole value, if it has one. */
  of(value: string): string | undefined {
    const found = this.named.find(([known]) => known === value)
    return found === undefined ? undefined : `{${found[1]}}`
  }

  /** Words with names for what is of the input. */
  in(words: string): string {
    return this.inWords.reduce((text, [value, name]) => text.split(value).join(`{${name}}`), words)
  }
}
