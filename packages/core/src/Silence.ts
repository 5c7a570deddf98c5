/**
 * How long somebody on a line heard nothing of ours, from the events of a call alone.
 *
 * @since 0.1.0
 */
import { Result, Schema } from "effect"
import type { Action } from "./Action.ts"
import * as Call from "./Call.ts"
import type { CallEvent, CallId } from "./CallEvent.ts"
import type { CallLine } from "./CallLine.ts"
import * as spoken from "./internal/spoken.ts"

/**
 * The codec of `Silence`.
 *
 * @since 0.1.0
 */
export const Silence = Schema.Struct({
  line: Schema.Int,
  answeredAt: Schema.Finite,
  beforeFirstWord: Schema.optionalKey(Schema.Finite),
  longest: Schema.Struct({ millis: Schema.Finite, from: Schema.Finite })
})

/**
 * The silence of one line that was answered. `beforeFirstWord` is from the answer to the first word of ours, in milliseconds; it
 * is missing where nothing has been said. `longest` is the longest pause, that before the first word included, and when
 * it began, in milliseconds since 1970. A pause that has not ended counts as far as the log goes.
 *
 * A prompt is heard from its record to the event that ends it, so the time in which keys may be pressed is no silence. A
 * hold, or any prompt, that says nothing is silence. Audio counts as words, for nobody here knows what is in it, and so
 * does a bridge. What is measured is the record: a reply reaches the carrier some milliseconds later.
 *
 * @since 0.1.0
 */
export type Silence = typeof Silence.Type

/**
 * Whether somebody hears something of an action. What is in audio, in tones and in an action of its own is not known: it counts.
 *
 * @since 0.1.0
 */
export const isHeard = (action: Action): boolean => {
  switch (action._tag) {
    case "Speak":
      return isSpoken(action.text)
    case "Play":
    case "SendDtmf":
    case "Raw":
    case "Dial":
      return true
    case "Hangup":
      return false
  }
}

const isSpoken = (text: string): boolean => {
  if (!spoken.isMarkup(text)) return spoken.isAudible(text)
  const heard = spoken.read(text)
  return Result.isFailure(heard) || heard.success.files > 0 || spoken.isAudible(heard.success.words)
}

/**
 * A pause on a line: since when nothing of ours was heard, until when, and the number of the event that ended it, from 1; none
 * for one that lasts as far as the log goes. Times are in milliseconds since 1970.
 *
 * @since 0.1.0
 */
export interface Pause {
  readonly line: number
  readonly from: number
  readonly until: number
  readonly ended: number | undefined
}

/** A line that somebody listens on. */
interface Listening {
  readonly answeredAt: number
  readonly firstWordAt: number | undefined
  /** Since when nothing is heard; not there while something is, and when it is over. */
  readonly quietSince: number | undefined
}

const isEnded = (line: CallLine): boolean => line.left || line.phase === "Closed" || line.phase === "Settling"

const hears = ({ inFlight }: CallLine): boolean => inFlight !== undefined && isHeard(inFlight.action)

/** Listens to all lines of a call, event by event. */
class Listener {
  private call = Call.initial("" as CallId)
  private number = 0
  readonly lines = new Map<number, Listening>()
  readonly pauses: Array<Pause> = []

  hear(event: CallEvent): void {
    const before = this.call
    this.number++
    this.call = Call.evolve(before, event)
    if (this.call.lines === before.lines) return
    for (const line of this.call.lines) if (before.lines[line.id - 1] !== line) this.listen(line)
  }

  private listen(line: CallLine): void {
    const { at } = this.call
    const known = this.lines.get(line.id) ?? (line.answered && !isEnded(line) ? begun(at) : undefined)
    if (known === undefined) return
    const isLoud = !isEnded(line) && hears(line)
    if ((isLoud || isEnded(line)) && known.quietSince !== undefined) this.pause(line.id, known.quietSince, this.number)
    this.lines.set(line.id, {
      answeredAt: known.answeredAt,
      firstWordAt: known.firstWordAt ?? (isLoud ? at : undefined),
      quietSince: isLoud || isEnded(line) ? undefined : known.quietSince ?? at
    })
  }

  private pause(line: number, from: number, ended: number | undefined): void {
    if (this.call.at > from) this.pauses.push({ line, from, until: this.call.at, ended })
  }

  /** The pauses that have not ended count as far as the log goes. */
  close(): void {
    for (const [line, { quietSince }] of this.lines) {
      if (quietSince !== undefined) this.pause(line, quietSince, undefined)
    }
  }
}

const begun = (at: number): Listening => ({ answeredAt: at, firstWordAt: undefined, quietSince: at })

const listened = (events: ReadonlyArray<CallEvent>): Listener => {
  const listener = new Listener()
  for (const event of events) listener.hear(event)
  listener.close()
  return listener
}

/**
 * All pauses of a call, in the order in which they ended. Total, like `ofCall`.
 *
 * @since 0.1.0
 */
export const pauses = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Pause> => listened(events).pauses

/**
 * The silence of each line that was answered, in the order of the lines. Total: any events give an answer.
 *
 * @since 0.1.0
 */
export const ofCall = (events: ReadonlyArray<CallEvent>): ReadonlyArray<Silence> => {
  const { lines, pauses } = listened(events)
  const longest = new Map<number, Silence["longest"]>()
  for (const { from, line, until } of pauses) {
    if (until - from > (longest.get(line)?.millis ?? 0)) longest.set(line, { millis: until - from, from })
  }
  return Array.from(lines, ([line, { answeredAt, firstWordAt }]): Silence => ({
    line,
    answeredAt,
    longest: longest.get(line) ?? { millis: 0, from: answeredAt },
    ...(firstWordAt === undefined ? {} : { beforeFirstWord: firstWordAt - answeredAt })
  })).toSorted((a, b) => a.line - b.line)
}
