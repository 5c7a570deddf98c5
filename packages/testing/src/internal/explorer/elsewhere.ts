/**
 * Runs code where the clock stands and chance is no chance, and notes who looked at them: a flow that does gives another path when
 * it runs again, at another time. What was there is put back, whatever happens.
 */

/** What no answer of a call gives. */
export type Beside = "the clock (Date)" | "Math.random"

/** When it is, what `Math.random` gives, and which of the two were asked for. */
export interface Moment {
  readonly millis: number
  readonly random: number
  readonly looked: Set<Beside>
}

/** Effect numbers objects by chance, and so it is no flow that asks. */
const isFlow = (): boolean => !/[\\/]effect[\\/](?:dist|src)[\\/]/.test(new Error().stack?.split("\n")[3] ?? "")

export const run = <A>({ looked, millis, random }: Moment, inside: () => A): A => {
  const { Date: clock } = globalThis
  const chance = Math.random
  const now = (): number => {
    looked.add("the clock (Date)")
    return millis
  }
  Math.random = () => {
    if (!isFlow()) return chance()
    looked.add("Math.random")
    return random
  }
  globalThis.Date = new Proxy(clock, {
    construct: (target, args: Array<unknown>): Date =>
      args.length === 0 ? new target(now()) : Reflect.construct(target, args) as Date,
    apply: (target) => new target(now()).toString(),
    get: (target, name, receiver) => name === "now" ? now : Reflect.get(target, name, receiver)
  })
  try {
    return inside()
  } finally {
    globalThis.Date = clock
    Math.random = chance
  }
}
