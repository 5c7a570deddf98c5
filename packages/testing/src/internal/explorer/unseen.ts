/** What a search did not see, as far as nobody has accepted it. */
import type * as Choices from "./choices.ts"
import type { Proof } from "./rerunning.ts"

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

/** Samples that nothing takes. */
export const unasked = (
  { activities, signals }: Choices.Samples,
  digits: ReadonlyArray<string>,
  { asked, taken }: Choices.Findings
): ReadonlyArray<Unseen> => [
  ...[
    ...Object.keys(activities).map((name) => ["activities", `activity ${name}`] as const),
    ...Object.keys(signals).map((name) => ["signals", `signal ${name}`] as const)
  ].filter(([, name]) => !asked.has(name)).map(([under, name]) => ({
    name: `samples of ${name}`,
    why: "no path asks for it",
    remedy: `mend its name, or leave it out of "${under}"`
  })),
  ...digits.filter((input) => !taken.has(input)).map((input) => ({
    name: `digits ${JSON.stringify(input)}`,
    why: "no prompt on any path takes them",
    remedy: `mend them, or leave them out of "digits"`
  }))
]

const instead = { "the clock (Date)": "Flow.now", "Math.random": "Flow.random" } as const

/** What a flow looked at beside its answers, though at no moment that was tried did it go otherwise. */
export const unsteady = ({ looked, otherwise }: Proof): ReadonlyArray<Unseen> =>
  otherwise !== undefined ? [] : [...looked].map((name) => ({
    name,
    why: "the flow looks at it, and went the same ways at each moment that was tried: at another one it may not",
    remedy: `use ${instead[name]}, whose answer is recorded`
  }))
