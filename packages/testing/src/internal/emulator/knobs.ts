/**
 * What can be turned while the emulator runs: how fast calls go, and what goes wrong on the way of events and replies.
 */
import { Duration } from "effect"

export interface Knobs {
  speed: number
  late: Duration.Duration
  slow: Duration.Duration
  copies: number
  copyDelay: Duration.Duration
  askAgainAfter: ReadonlyArray<Duration.Duration>
  /** How many are still to be lost, by the name of their event or of whichever comes next (`any`). They are counted down. */
  losses: { readonly events: Map<string, number>; readonly replies: Map<string, number> }
}

/** The name under which losses of any event are counted. */
export const any = "*"

export interface Options {
  readonly line?: { readonly speed?: number } | undefined
  readonly late?: Duration.Input | undefined
  readonly slow?: Duration.Input | undefined
  readonly replies?: { readonly askAgainAfter?: ReadonlyArray<Duration.Input> | undefined } | undefined
  readonly copies?: { readonly count: number; readonly delay?: Duration.Input | undefined } | undefined
  readonly lost?: {
    readonly events?: { readonly [event: string]: number } | undefined
    readonly replies?: { readonly [event: string]: number } | undefined
  } | undefined
}

/** As they are at the start. */
export const make = ({ copies, late, line, lost, replies, slow }: Options): Knobs => ({
  speed: line?.speed ?? 1,
  late: Duration.fromInputUnsafe(late ?? 0),
  slow: Duration.fromInputUnsafe(slow ?? 0),
  copies: copies?.count ?? 1,
  copyDelay: Duration.fromInputUnsafe(copies?.delay ?? 0),
  askAgainAfter: (replies?.askAgainAfter ?? []).map(Duration.fromInputUnsafe),
  losses: {
    events: new Map(Object.entries(lost?.events ?? {})),
    replies: new Map(Object.entries(lost?.replies ?? {}))
  }
})
