/** What a search did not see, as far as nobody has accepted it. */

/** Something that was not seen: its name, why, and what to do. */
interface Unseen {
  readonly name: string
  readonly why: string
  readonly remedy: string
}

/** What stands in the way of a proof, less what is accepted by name; and names that accept nothing. */
export const unaccepted = (unseen: ReadonlyArray<Unseen>, accept: ReadonlyArray<string>): ReadonlyArray<Unseen> => [
  ...unseen.filter(({ name }) => !accept.includes(name)),
  ...accept.filter((name) => unseen.every((found) => found.name !== name)).map((name) => ({
    name: `accept ${JSON.stringify(name)}`,
    why: "nothing of this name was unseen",
    remedy: `leave it out of "accept"`
  }))
]

/** In one line. */
export const inWords = ({ name, remedy, why }: Unseen): string => `${name}: ${why}; ${remedy}`
