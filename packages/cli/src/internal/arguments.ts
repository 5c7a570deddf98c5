/** Arguments and flags that several verbs take. */
import { Duration, Effect, Option, Schema } from "effect"
import { Argument, Flag, Prompt } from "effect/cli"
import { fail } from "./failure.ts"

/** The call that is meant. */
export const call = Argument.String("call").pipe(
  Argument.withDescription("The id of a call: 20 letters and digits"),
  Argument.filter(
    (text) => /^[0-9a-z]{20}$/.test(text),
    () => "Expected the id of a call. `ringback calls` finds it, by --number and --key too"
  )
)

/** Why somebody steers. */
export const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why, for the record of the call"),
  Flag.withSchema(Schema.String.check(Schema.isMaxLength(500))),
  Flag.optional
)

/** Whether a header can carry a text: one in the letters of ASCII, for others are carried differently by each program on the way. */
export const isSendable = (text: string): boolean => /^[!-~]([ -~]*[!-~])?$/.test(text)

/** A key under which something is told or started. */
export const key = (description: string) =>
  Flag.String("key").pipe(
    Flag.withDescription(description),
    Flag.withSchema(Schema.String.check(Schema.isBetweenLength(1, 255))),
    Flag.optional
  )

/** That nobody is to be asked. */
export const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do not ask"),
  Flag.withoutNegation,
  Flag.withDefault(false)
)

/** Whoever is there is asked; nobody is taken to have said yes. */
export const confirmed = Effect.fnUntraced(function*(yes: boolean, message: string) {
  if (yes) return true
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    return yield* fail("usage", "Nobody is there to be asked: say --yes")
  }
  return yield* Prompt.Confirm({ message, initial: false })
})

const units: { readonly [unit: string]: (amount: number) => Duration.Duration } = {
  s: Duration.seconds,
  m: Duration.minutes,
  h: Duration.hours,
  d: Duration.days,
  w: Duration.weeks
}

/**
 * A date, alone or with a time and its zone. `Date.parse` takes nearly everything for some time: to it `45`, which somebody meant as
 * days, is the year 2045.
 */
const date = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/

/** Whether a day is in the calendar: to `Date` the 30th of February is the 2nd of March. */
const isDay = (day: string): boolean => {
  const at = new Date(day)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)
}

/** A time as people give it, in milliseconds since 1970: `2h` ago, or a date. */
export const instant = (text: string, now: number): number | undefined => {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  if (amount !== undefined && unit !== undefined) return now - Duration.toMillis(units[unit]!(Number(amount)))
  const [, day] = date.exec(text) ?? []
  const at = day === undefined || !isDay(day) ? NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

/** A flag that takes a time. */
export const time = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription(`${description}: 30m, 2h, 7d ago, or a date such as 2026-03-01T09:00Z`),
    Flag.mapTryCatch(
      (text) => {
        const at = instant(text, Date.now())
        if (at === undefined) throw new Error(text)
        return at
      },
      () => "a time such as 2h, or a date such as 2026-03-01 (UTC) or 2026-03-01T09:00Z"
    ),
    Flag.optional
  )

/** The fields that were given. */
export const given = <A extends { readonly [name: string]: unknown }>(
  fields: { readonly [K in keyof A]: Option.Option<A[K]> | A[K] | undefined }
): Partial<A> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const known = Option.isOption(value) ? Option.getOrUndefined(value) : value
      return known === undefined ? [] : [[name, known]]
    })
  ) as Partial<A>
