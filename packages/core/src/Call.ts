/**
 * The call as its events tell it: one flow and its lines, one line per dial or incoming call. Plain data and pure functions.
 *
 * @since 0.1.0
 */
import { Equal } from "effect"
import type { CallEvent, CallId, Exit } from "./CallEvent.ts"
import * as CallLine from "./CallLine.ts"
import * as Masked from "./internal/masked.ts"
import type * as Settings from "./Settings.ts"

/**
 * What a running flow waits for.
 *
 * @since 0.1.0
 */
export type Wait =
  | { readonly _tag: "Dial"; readonly n: number; readonly line: number }
  | { readonly _tag: "Prompt"; readonly n: number; readonly line: number }
  | { readonly _tag: "Bridge"; readonly n: number; readonly line: number }
  | { readonly _tag: "Sleep"; readonly n: number; readonly until: number }
  | {
    readonly _tag: "Activity"
    readonly n: number
    readonly name: string
    readonly since: number
    readonly until: number
  }
  | { readonly _tag: "Signal"; readonly n: number; readonly name: string; readonly until: number }

/**
 * A call as its events tell it. Plain data: rebuilt from the log at any time, and equal to what is in memory.
 *
 * @since 0.1.0
 */
export interface Call {
  readonly id: CallId
  /** When the first event happened, and when the last; 0 before the first. */
  readonly startedAt: number
  readonly at: number
  readonly flow: string
  readonly flowVersion: number
  readonly input: unknown
  readonly key?: string
  /** How many decisions the flow has taken. */
  readonly decisions: number
  readonly wait: Wait | undefined
  /** The application has cancelled it; a finalizer may still wait. */
  readonly cancelled: boolean
  readonly exit: Exit | undefined
  readonly lines: ReadonlyArray<CallLine.CallLine>
  /** So many lines, from the first, are closed or presumed so: time brings nothing to them any more. */
  readonly quiet: number
  /** The lines that were given up without knowing whether they rang. */
  readonly unknown: ReadonlyArray<number>
  readonly strays: number
  /** The deadlines in force over parts of the flow. */
  readonly deadlines: ReadonlyArray<{ readonly n: number; readonly until: number }>
  /** What the application told and the flow has not heard yet. */
  readonly signals: ReadonlyArray<{ readonly name: string; readonly value: unknown }>
  /** The keys of the last `rememberedKeys` signals, by which one that is told twice is known. */
  readonly signalKeys: ReadonlyArray<string>
  /** Since when this installation listens without a gap, if it was restarted during the call. */
  readonly listeningSince: number
  /** Since when facts are recorded that the flow has not heard, by processes that have not registered it. */
  readonly unheardSince: number | undefined
}

/**
 * A call before its first event.
 *
 * @since 0.1.0
 */
export const initial = (id: CallId): Call => ({
  id,
  startedAt: 0,
  at: 0,
  flow: "",
  flowVersion: 0,
  input: null,
  decisions: 0,
  wait: undefined,
  cancelled: false,
  exit: undefined,
  lines: [],
  quiet: 0,
  unknown: [],
  strays: 0,
  deadlines: [],
  signals: [],
  signalKeys: [],
  listeningSince: 0,
  unheardSince: undefined
})

/**
 * A line by its number: they are numbered from 1, in their order.
 *
 * @since 0.1.0
 */
export const lineOf = ({ lines }: Call, id: number): CallLine.CallLine | undefined => lines[id - 1]

/**
 * The lines that are neither closed nor presumed so, and some that are.
 *
 * @since 0.1.0
 */
export const liveLines = ({ lines, quiet }: Call): ReadonlyArray<CallLine.CallLine> =>
  quiet === 0 ? lines : lines.slice(quiet)

const withLine = (self: Call, id: number, line: CallLine.CallLine): Call => {
  const lines = self.lines.with(id - 1, line)
  let quiet = self.quiet
  for (let next = lines[quiet]; next !== undefined && CallLine.isQuiet(next); next = lines[quiet]) quiet++
  return { ...self, lines, quiet }
}

type OfLine = Extract<CallLine.LineEvent, { readonly line: number }>

const onLine = (self: Call, event: OfLine): Call => {
  const line = lineOf(self, event.line)
  const awaited = self.wait?._tag === "Prompt" ? self.wait.n : undefined
  return line === undefined ? self : withLine(self, event.line, CallLine.evolve(line, event, awaited))
}

/** A dial that surely did nothing: the line is closed, and where another attempt is due it is planned as a new line. */
const notSent = (self: Call, event: Extract<CallEvent, { readonly _tag: "DialNotSent" }>): Call => {
  const after = onLine(self, event)
  const id = after.lines.length + 1
  const line = lineOf(after, event.line)
  const again = line === undefined ? undefined : CallLine.again(line, id, event)
  if (again === undefined) return after
  const wait = self.wait?._tag === "Dial" && self.wait.line === event.line ? { ...self.wait, line: id } : self.wait
  return { ...after, lines: [...after.lines, again], wait }
}

const givenUp = (self: Call, event: Extract<CallEvent, { readonly _tag: "DialGivenUp" }>): Call => {
  const isSent = lineOf(self, event.line)?.phase !== "Planned"
  const after = onLine(self, event)
  return event.reason === "unknown" && isSent ? { ...after, unknown: [...self.unknown, event.line] } : after
}

/** How many keys of signals a call remembers: one that is told again after more than so many others is new. */
const rememberedKeys = 1_000

const withKey = (keys: ReadonlyArray<string>, key: string | undefined): ReadonlyArray<string> =>
  key === undefined ? keys : [...keys.slice(-(rememberedKeys - 1)), key]

const withoutFirst = (signals: Call["signals"], name: string, count: number): Call["signals"] => {
  let left = count
  return signals.filter((signal) => signal.name !== name || left-- <= 0)
}

const awaited = (self: Call, event: Extract<CallEvent, { readonly _tag: "SignalAwaited" }>): Call => {
  const { heard = false, n, name, unfit = 0, until } = event
  const told = unfit + (heard ? 1 : 0)
  const signals = told === 0 ? self.signals : withoutFirst(self.signals, name, told)
  return { ...self, decisions: n, signals, wait: heard ? self.wait : { _tag: "Signal", n, name, until } }
}

const restarted = (self: Call, event: Extract<CallEvent, { readonly _tag: "Restarted" }>): Call => ({
  ...self,
  listeningSince: event.at,
  lines: event.doubtful || event.jumpedMillis !== undefined
    ? self.lines.map((line) => CallLine.evolve(line, event, undefined))
    : self.lines,
  wait: self.wait?._tag === "Activity"
    ? { ...self.wait, since: event.at, until: event.at + self.wait.until - self.wait.since }
    : self.wait
})

const apply = (self: Call, event: CallEvent): Call => {
  const at = event.at
  switch (event._tag) {
    case "CallStarted":
      return {
        ...self,
        startedAt: at,
        flow: event.flow,
        flowVersion: event.version,
        input: event.input,
        unheardSince: event.inTransaction === true ? at : undefined,
        ...(event.key === undefined ? {} : { key: event.key })
      }
    case "CallArrived":
      return {
        ...self,
        startedAt: at,
        flow: event.flow,
        flowVersion: event.version,
        input: {},
        lines: [CallLine.arrived(event)]
      }

    case "DialPlanned":
      return {
        ...self,
        decisions: event.n,
        lines: [...self.lines, CallLine.planned(event)],
        wait: { _tag: "Dial", n: event.n, line: event.line }
      }
    case "ActionDecided":
      return {
        ...onLine(self, event),
        decisions: event.n,
        wait: { _tag: event.action._tag === "Dial" ? "Bridge" : "Prompt", n: event.n, line: event.line }
      }
    case "SleepStarted":
      return { ...self, decisions: event.n, wait: { _tag: "Sleep", n: event.n, until: event.until } }
    case "ActivityStarted":
      return {
        ...self,
        decisions: event.n,
        wait: { _tag: "Activity", n: event.n, name: event.name, since: at, until: event.until }
      }
    case "SignalAwaited":
      return awaited(self, event)
    case "DeadlineSet":
      return { ...self, decisions: event.n, deadlines: [...self.deadlines, { n: event.n, until: event.until }] }
    case "DeadlineLifted":
    case "DeadlinePassed":
      return { ...self, deadlines: self.deadlines.filter((deadline) => deadline.n !== event.n) }
    case "Drawn":
      return { ...self, decisions: event.n }
    case "Noted":
      return { ...self, decisions: event.n }
    case "FlowEnded":
      return { ...self, exit: event.exit, wait: undefined, deadlines: [], unheardSince: undefined }

    case "DialNotSent":
      return notSent(self, event)
    case "DialGivenUp":
      return givenUp(self, event)
    case "Stray":
      return { ...onLine(self, event), strays: self.strays + 1 }
    case "LineLeft":
    case "DialHeld":
    case "DialAttempted":
    case "DialAccepted":
    case "DialRefused":
    case "DialUnknown":
    case "CallAnswered":
    case "LateAnswer":
    case "DialFailed":
    case "SecondLine":
    case "PromptCompleted":
    case "HoldAnswered":
    case "HoldCompleted":
    case "LegAnswered":
    case "LegFailed":
    case "LegEnded":
    case "CallEnded":
    case "ReplyBroken":
    case "SettleElapsed":
    case "HoldExpired":
    case "LineSilent":
    case "LinePresumedClosed":
      return onLine(self, event)

    case "SleepElapsed":
    case "SignalExpired":
    case "ActivityOverdue":
    case "ActivityCompleted":
    case "ActivityDied":
      return { ...self, wait: undefined }
    case "Cancelled":
      // What a finalizer waits for stays: it goes on to its end. Any other wait gives way to what the flow does next.
      return { ...self, cancelled: true }
    case "SignalReceived": {
      const isAwaited = self.wait?._tag === "Signal" && self.wait.name === event.name
      return {
        ...self,
        signalKeys: withKey(self.signalKeys, event.key),
        ...(isAwaited
          ? { wait: undefined }
          : { signals: [...self.signals, { name: event.name, value: event.value }] })
      }
    }
    case "Restarted":
      return restarted(self, event)
    case "FlowAwaited":
      return { ...self, unheardSince: at }
    case "FlowResumed":
      return { ...self, unheardSince: undefined }
  }
}

/**
 * Changes the state by one fact. Total: what happened, happened.
 *
 * @since 0.1.0
 */
export const evolve = (self: Call, event: CallEvent): Call => {
  const at = Math.max(self.at, event.at)
  return apply(self.at === at ? self : { ...self, at }, event)
}

/**
 * The state that a history tells.
 *
 * @since 0.1.0
 */
export const fold = (id: CallId, events: ReadonlyArray<CallEvent>): Call => events.reduce(evolve, initial(id))

/**
 * Whether nothing is left to do: the flow has ended and every line is closed, or presumed so.
 *
 * @since 0.1.0
 */
export const isOver = (self: Call): boolean => self.exit !== undefined && self.quiet === self.lines.length

/**
 * Whether a restart has to look at the call at once: somebody may be on a line or is being dialled, or an activity runs. Its
 * process alone knows how far that has come.
 *
 * @since 0.1.0
 */
export const isUrgent = (self: Call): boolean =>
  self.wait?._tag === "Activity" ||
  liveLines(self).some(CallLine.isOpen)

/**
 * How many lines of a call ring or talk, as far as is known: those that were attempted and are neither closed nor presumed so.
 *
 * @since 0.1.0
 */
export const openLines = (self: Call): number =>
  liveLines(self).reduce((count, line) => CallLine.isOpen(line) ? count + 1 : count, 0)

/**
 * Whether a call began with this input, in its stored form. The order of keys does not count.
 *
 * @since 0.1.0
 */
export const isSameInput = (self: Call, input: unknown): boolean => Equal.equals(stored(self.input), stored(input))

/** A value as it comes back from a store. */
const stored = (value: unknown): unknown => JSON.parse(Masked.whole(() => JSON.stringify(value ?? null)))

/**
 * What a line answers: an action, nothing, or not yet, because the flow waits for something else.
 *
 * @since 0.1.0
 */
export const reply = (
  self: Call,
  line: number,
  answer: CallLine.Answer,
  settings: Settings.Settings
): CallLine.Owed => {
  const found = lineOf(self, line)
  return found === undefined ? { _tag: "Nothing" } : CallLine.reply(found, answer, settings)
}
