/** Times as people read them, on the clock that they chose. */

/** Whose clock: the visitor's, UTC, that of who was called, or the time since the call began. */
export const kinds = ["mine", "utc", "callee", "since"] as const

/** Whose clock. */
export type Kind = (typeof kinds)[number]

/** A clock that can be shown: the callee's has the zone that the application gave. */
export type Clock =
  | { readonly kind: "mine" | "utc" }
  | { readonly kind: "callee"; readonly zone: string }
  | { readonly kind: "since"; readonly start: number }

const zoneOf = (clock: Clock): string | undefined =>
  clock.kind === "utc" ? "UTC" : clock.kind === "callee" ? clock.zone : undefined

const formats = new Map<string, Intl.DateTimeFormat>()

const format = (name: string, zone: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = `${name} ${zone ?? ""}`
  const known = formats.get(key)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat("en-GB", zone === undefined ? options : { ...options, timeZone: zone })
  formats.set(key, made)
  return made
}

const time = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const
const date = { day: "numeric", month: "short" } as const

/** A length of time in at most two units: `4.2 s`, `12 min 3 s`, `2 d 4 h`. */
export const span = (millis: number): string => {
  const seconds = Math.max(0, millis) / 1000
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`
  const whole = Math.floor(seconds)
  if (whole < 60) return `${whole} s`
  const parts: ReadonlyArray<readonly [number, string]> = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"]
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(
    " "
  )
}

/** What is left as a countdown: `0:24`, `1:02:03`, `2 d 4 h`. */
export const countdown = (millis: number): string => {
  const whole = Math.max(0, Math.ceil(millis / 1000))
  if (whole >= 86_400) return span(whole * 1000)
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const tail = `${hours > 0 ? String(minutes).padStart(2, "0") : minutes}:${String(seconds).padStart(2, "0")}`
  return hours > 0 ? `${hours}:${tail}` : tail
}

/** A time of day, to the second, or the time since the start. */
export const timeOf = (at: number, clock: Clock): string => {
  if (clock.kind === "since") {
    const millis = at - clock.start
    return millis < 60_000 ? `+${(millis / 1000).toFixed(1)} s` : `+${countdown(Math.floor(millis / 1000) * 1000)}`
  }
  return format("time", zoneOf(clock), time).format(at)
}

/** A day and a time of day. */
export const momentOf = (at: number, clock: Clock): string => {
  if (clock.kind === "since") return timeOf(at, clock)
  return format("moment", zoneOf(clock), { ...date, ...time }).format(at).replace(",", "")
}

/** The day, to tell times of different days apart. */
export const dayOf = (at: number, clock: Clock): string =>
  clock.kind === "since" ? "" : format("day", zoneOf(clock), { weekday: "short", ...date, year: "numeric" }).format(at)

/** How far the clock is from UTC: where it is set twice a year, an hour comes twice or not at all. */
export const offsetOf = (at: number, clock: Clock): string => {
  if (clock.kind === "since" || clock.kind === "utc") return ""
  const parts = format("offset", zoneOf(clock), { timeZoneName: "shortOffset" }).formatToParts(at)
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? ""
}

/** The whole of a time, with its zone and its thousandths: what a mouse that rests on it, and a screen reader, are told. */
export const exact = (at: number): string => new Date(at).toISOString()
