/**
 * The state of a call and how each fact changes it. A call is one flow and its lines, one line per dial or incoming call.
 */
import type { Action } from "../../Action.ts"
import type { CallEvent, CallId, Exit } from "../../CallEvent.ts"
import type { PhoneNumber } from "../../PhoneNumber.ts"

/**
 * How far a line has come: `Planned` (nothing sent), `Attempted` (the `POST` is under way), `Ringing` (it was accepted),
 * `Unknown` (its response was lost), `Owing` (an event came and no action answers it yet), `Acting` (an action is in
 * flight), `Bridged` (a bridging dial is in flight or two people talk), `Settling` (the call ended while an answer was outstanding), `Closed` (by evidence).
 */
export type Phase =
  | "Planned"
  | "Attempted"
  | "Ringing"
  | "Unknown"
  | "Owing"
  | "Acting"
  | "Bridged"
  | "Settling"
  | "Closed"

/** An action that answered an event, or waits to. `n` is the decision it comes from, 0 for a hold of the engine's. */
export interface Pending {
  readonly n: number
  readonly action: Action
  readonly kind: "prompt" | "goodbye" | "hold"
}

/** The action in flight. */
export interface InFlight extends Pending {
  /** When it was recorded. */
  readonly at: number
  /** Its reply was perhaps not delivered. */
  readonly doubtful: boolean
  /** It is a bridging dial, and the leg that it dialled has answered. */
  readonly legAnswered: boolean
}

/** What was asked of a dial. */
export interface Dialling {
  readonly to: PhoneNumber
  readonly from: PhoneNumber
  readonly ringForMillis: number
  readonly maxCallDurationSeconds: number
  readonly sendDtmf?: string
  readonly evenIfUnknown?: boolean
}

/** One line of a call. */
export interface CallLine {
  readonly id: number
  readonly direction: "outbound" | "inbound"
  readonly to: string | undefined
  readonly from: string | undefined
  /** What was asked of the dial; absent on a line that came in. */
  readonly dialling?: Dialling
  /** When the flow asked for the dial: what surely did nothing is tried again as a new line. */
  readonly dialledAt: number
  /** How many attempts this dial has had, this one included and those not that the carrier throttled. */
  readonly attempt: number
  /** How many attempts of this dial the carrier has throttled. */
  readonly throttled: number
  /** Not to be sent before this time. */
  readonly notBefore: number
  /** Since when it is not sent although its time has come, because its phone may have rung already. */
  readonly heldSince: number | undefined
  /** Our own id of it, which the carrier may send back: of a dial always, of a line that came in with `marks`. */
  readonly externalId?: string
  /** The process that recorded the attempt and alone may send it. */
  readonly process?: string
  readonly referenceId?: string
  /** Sessions of the same attempt that are not the line: one `POST` that was carried out twice. */
  readonly otherReferenceIds: ReadonlyArray<string>
  readonly phase: Phase
  /** When the line was first recorded, of a dial when it was attempted; and when its present phase began. */
  readonly openedAt: number
  readonly phaseAt: number
  /** By how much the clock was set forward since: that time has not passed on the line. */
  readonly jumpedMillis: number
  readonly answered: boolean
  /** The flow does not want it any more. While it shows life it is hung up on. */
  readonly left: boolean
  /** The flow does not hold it any more: it has left it itself, or another attempt takes its place. */
  readonly released: boolean
  readonly hungUpAt?: number
  /** Its timers are over; it is still answered. */
  readonly presumed: boolean
  readonly closedBy?: "refused" | "not sent" | "failed" | "given up" | "ended" | "left" | "settled"
  /** It was given up without knowing whether it rang. */
  readonly unknown: boolean
  readonly inFlight: InFlight | undefined
  /** What the flow decided while something else was in flight. */
  readonly next: Pending | undefined
  /** How many holds the line has had in a row. */
  readonly holds: number
  /** How many actions have been in flight, with those that find out about a bridge. */
  readonly actions: number
  /** Since when a hold finds out whether a bridge began; `undefined` if none does. */
  readonly probing: number | undefined
  /** The contents of the webhooks so far. */
  readonly seen: ReadonlyArray<string>
}

/** Whether a session is that of a line, or was taken for it before. */
export const isOfSession = ({ otherReferenceIds, referenceId }: CallLine, session: string): boolean =>
  referenceId === session || otherReferenceIds.includes(session)

/** What a line is to its call: the heads of the decision table. */
export type Status = "Planned" | "Dialing" | "Owing" | "Acting" | "Bridged" | "Closing" | "Settling" | "Closed"

/** The state of a line as the table names it. */
export const status = (line: CallLine): Status => {
  switch (line.phase) {
    case "Closed":
    case "Settling":
      return line.phase
    case "Planned":
      return line.left ? "Closing" : "Planned"
    case "Attempted":
    case "Ringing":
    case "Unknown":
      return line.left ? "Closing" : "Dialing"
    case "Owing":
    case "Acting":
    case "Bridged":
      return line.left ? "Closing" : line.phase
  }
}

/** Whether a phone may ring for it: it was attempted and nobody knows yet what became of that. */
export const isRinging = (line: CallLine): boolean =>
  line.phase === "Attempted" || line.phase === "Ringing" || line.phase === "Unknown"

/** What the action in flight is known by, if the carrier echoes it; `undefined` on a line without an id of ours. */
export const markOf = (line: CallLine): string | undefined =>
  line.externalId === undefined ? undefined : `${line.externalId}.${line.actions}`

/** What a running flow waits for. */
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

/** A call as its events tell it. Plain data: rebuilt from the log at any time, and equal to what is in memory. */
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
  readonly lines: ReadonlyArray<CallLine>
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

/** A call before its first event. */
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

const newLine = (id: number, at: number): Omit<CallLine, "direction" | "to" | "from" | "phase"> => ({
  id,
  dialledAt: at,
  attempt: 1,
  throttled: 0,
  notBefore: 0,
  heldSince: undefined,
  otherReferenceIds: [],
  openedAt: at,
  phaseAt: at,
  jumpedMillis: 0,
  answered: false,
  left: false,
  released: false,
  presumed: false,
  unknown: false,
  inFlight: undefined,
  next: undefined,
  holds: 0,
  actions: 0,
  probing: undefined,
  seen: []
})

/** A line by its number: they are numbered from 1, in their order. */
export const lineOf = ({ lines }: Call, id: number): CallLine | undefined => lines[id - 1]

/** Whether time brings nothing to a line any more. That stays so. */
const isQuiet = (line: CallLine): boolean => line.phase === "Closed" || line.presumed

/** The lines that are neither closed nor presumed so, and some that are. */
export const liveLines = ({ lines, quiet }: Call): ReadonlyArray<CallLine> => quiet === 0 ? lines : lines.slice(quiet)

const onLine = (self: Call, id: number, change: (line: CallLine) => CallLine): Call => {
  const line = lineOf(self, id)
  if (line === undefined) return self
  const lines = self.lines.with(id - 1, change(line))
  let quiet = self.quiet
  for (let next = lines[quiet]; next !== undefined && isQuiet(next); next = lines[quiet]) quiet++
  return { ...self, lines, quiet }
}

const to = (line: CallLine, phase: Phase, at: number): CallLine => ({ ...line, phase, phaseAt: at })

const closed = (line: CallLine, closedBy: NonNullable<CallLine["closedBy"]>, at: number): CallLine => ({
  ...to(line, "Closed", at),
  closedBy
})

/** So many contents of webhooks are told apart on one line: what comes again after as many others is no copy any more. */
const rememberedContents = 1_000

const heard = (line: CallLine, content: string, referenceId?: string): CallLine => {
  const isFirst = referenceId !== undefined && line.referenceId === undefined
  if (!isFirst && line.seen.includes(content)) return line
  const seen = line.seen.includes(content) ? line.seen : [...line.seen.slice(-(rememberedContents - 1)), content]
  return isFirst ? { ...line, referenceId, seen } : { ...line, seen }
}

const begin = (line: CallLine, action: Pending, at: number): CallLine => ({
  ...line,
  phase: action.action._tag === "Dial" ? "Bridged" : "Acting",
  phaseAt: at,
  inFlight: { ...action, at, doubtful: false, legAnswered: false },
  actions: line.actions + 1
})

/** An attempt has two sessions if the carrier carried out one `POST` twice: this one is the line from now on. */
const ofSession = (line: CallLine, event: { readonly content: string; readonly referenceId: string }): CallLine => {
  const { content, referenceId } = event
  const earlier = line.referenceId
  return {
    ...heard(line, content),
    referenceId,
    otherReferenceIds: earlier === undefined || earlier === referenceId
      ? line.otherReferenceIds
      : [...line.otherReferenceIds, earlier]
  }
}

/** Somebody answered: whichever session of an attempt that is. */
const answered = (line: CallLine, event: { readonly content: string; readonly referenceId: string }): CallLine => ({
  ...ofSession(line, event),
  answered: true
})

/** Puts an action on a line: in flight if an event waits for it, else behind what is in flight. */
const decided = (line: CallLine, action: Pending, at: number): CallLine =>
  line.phase === "Owing" ? begin(line, action, at) : { ...line, next: action }

/** The action in flight is over; what the flow decided meanwhile takes its place. */
const completed = (line: CallLine, at: number): CallLine => {
  const { next } = line
  return next === undefined
    ? { ...line, phase: "Owing", phaseAt: at, inFlight: undefined }
    : { ...begin(line, next, at), next: undefined }
}

const ended = (self: Call, line: CallLine, at: number): CallLine => {
  if (line.left) return closed(line, "ended", at)
  switch (line.phase) {
    case "Attempted":
    case "Ringing":
    case "Unknown":
      return to(line, "Settling", at)
    case "Acting": {
      const waitedFor = self.wait?._tag === "Prompt" && self.wait.n === line.inFlight?.n
      return waitedFor && line.inFlight.kind === "prompt" ? to(line, "Settling", at) : closed(line, "ended", at)
    }
    case "Planned":
    case "Owing":
    case "Bridged":
    case "Settling":
    case "Closed":
      return closed(line, "ended", at)
  }
}

const left = (before: CallLine, at: number): CallLine => {
  const line: CallLine = { ...before, left: true, released: true }
  switch (line.phase) {
    case "Planned":
      return closed(line, "left", at)
    case "Owing":
      return before.left ? line : { ...line, hungUpAt: at }
    case "Attempted":
    case "Ringing":
    case "Unknown":
    case "Acting":
    case "Bridged":
    case "Settling":
    case "Closed":
      return line
  }
}

/** A dial that surely did nothing: the line is closed, and where another attempt is due it is planned as a new line. */
const notSent = (self: Call, event: Extract<CallEvent, { readonly _tag: "DialNotSent" }>): Call => {
  const isLast = event.retryAt === undefined
  const after = onLine(self, event.line, (line) => ({ ...closed(line, "not sent", event.at), released: !isLast }))
  const line = lineOf(after, event.line)
  if (event.retryAt === undefined || line?.dialling === undefined) return after
  const id = after.lines.length + 1
  const again: CallLine = {
    ...newLine(id, event.at),
    direction: "outbound",
    to: line.to,
    from: line.from,
    dialling: line.dialling,
    dialledAt: line.dialledAt,
    attempt: event.throttled === true ? line.attempt : line.attempt + 1,
    throttled: event.throttled === true ? line.throttled + 1 : line.throttled,
    notBefore: event.retryAt,
    phase: "Planned"
  }
  const wait = self.wait?._tag === "Dial" && self.wait.line === event.line ? { ...self.wait, line: id } : self.wait
  return { ...after, lines: [...after.lines, again], wait }
}

const plan = (self: Call, event: Extract<CallEvent, { readonly _tag: "DialPlanned" }>): Call => {
  const { _tag, at, line: id, n, ...dialling } = event
  const line: CallLine = {
    ...newLine(id, at),
    direction: "outbound",
    to: event.to,
    from: event.from,
    dialling,
    phase: "Planned"
  }
  return { ...self, decisions: n, lines: [...self.lines, line], wait: { _tag: "Dial", n, line: id } }
}

/** How many keys of signals a call remembers: one that is told again after more than so many others is new. */
const rememberedKeys = 1_000

const givenUp = (self: Call, event: Extract<CallEvent, { readonly _tag: "DialGivenUp" }>): Call => {
  const unknown = event.reason === "unknown"
  const isSent = lineOf(self, event.line)?.phase !== "Planned"
  const after = onLine(
    self,
    event.line,
    (line) =>
      isSent ? { ...line, left: true, unknown, presumed: unknown } : { ...closed(line, "given up", event.at), unknown }
  )
  return unknown && isSent ? { ...after, unknown: [...self.unknown, event.line] } : after
}

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

const restartedLine = (line: CallLine, event: Extract<CallEvent, { readonly _tag: "Restarted" }>): CallLine => ({
  ...line,
  jumpedMillis: line.jumpedMillis + (event.jumpedMillis ?? 0),
  inFlight: event.doubtful && line.inFlight !== undefined ? { ...line.inFlight, doubtful: true } : line.inFlight
})

const restarted = (self: Call, event: Extract<CallEvent, { readonly _tag: "Restarted" }>): Call => ({
  ...self,
  listeningSince: event.at,
  lines: event.doubtful || event.jumpedMillis !== undefined
    ? self.lines.map((line) => line.phase === "Closed" ? line : restartedLine(line, event))
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
        lines: [{
          ...newLine(event.line, at),
          direction: "inbound",
          to: event.to,
          from: event.from,
          referenceId: event.referenceId,
          ...(event.externalId === undefined ? {} : { externalId: event.externalId }),
          phase: "Owing",
          answered: true,
          seen: [event.content]
        }]
      }

    case "DialPlanned":
      return plan(self, event)
    case "ActionDecided":
      return {
        ...onLine(
          self,
          event.line,
          (line) =>
            decided(line, { n: event.n, action: event.action, kind: event.goodbye === true ? "goodbye" : "prompt" }, at)
        ),
        decisions: event.n,
        wait: { _tag: event.action._tag === "Dial" ? "Bridge" : "Prompt", n: event.n, line: event.line }
      }
    case "LineLeft":
      return onLine(self, event.line, (line) => left(line, at))
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

    case "DialHeld":
      return onLine(self, event.line, (line) => ({ ...line, notBefore: event.until, heldSince: line.heldSince ?? at }))
    case "DialAttempted":
      return onLine(self, event.line, (line) => ({
        ...to(line, "Attempted", at),
        openedAt: at,
        jumpedMillis: 0,
        heldSince: undefined,
        externalId: event.externalId,
        process: event.process
      }))
    case "DialAccepted":
      return onLine(self, event.line, (line) => ({
        ...line,
        phase: line.phase === "Attempted" || line.phase === "Unknown" ? "Ringing" : line.phase,
        referenceId: line.referenceId ?? event.referenceId
      }))
    case "DialRefused":
      return onLine(self, event.line, (line) => closed(line, "refused", at))
    case "DialNotSent":
      return notSent(self, event)
    case "DialUnknown":
      return onLine(self, event.line, (line) => to(line, "Unknown", at))
    case "DialGivenUp":
      return givenUp(self, event)

    case "CallAnswered":
      return onLine(self, event.line, (line) => ({
        ...answered(line, event),
        ...(line.phase === "Settling" ? {} : { phase: "Owing", phaseAt: at })
      }))
    case "LateAnswer":
      return onLine(self, event.line, (line) => ({ ...to(answered(line, event), "Owing", at), hungUpAt: at }))
    case "DialFailed":
      return onLine(self, event.line, (line) => closed(heard(line, event.content, event.referenceId), "failed", at))
    case "SecondLine":
      return onLine(self, event.line, (line) => ({
        ...line,
        otherReferenceIds: [...line.otherReferenceIds, event.referenceId]
      }))
    case "PromptCompleted":
      return onLine(self, event.line, (line) =>
        line.phase === "Settling"
          ? closed(heard(line, event.content), "ended", at)
          : { ...completed(heard(line, event.content), at), holds: 0 })
    case "HoldAnswered":
      return onLine(
        self,
        event.line,
        (line) =>
          line.phase === "Bridged" ? { ...line, probing: at, actions: line.actions + 1 } : {
            ...begin({ ...line, next: line.inFlight }, { n: 0, action: event.action, kind: "hold" }, at),
            holds: line.holds + 1
          }
      )
    case "HoldCompleted":
      return onLine(self, event.line, (line) =>
        line.phase === "Bridged"
          ? { ...heard(line, event.content), probing: undefined }
          : completed(heard(line, event.content), at))
    case "LegAnswered":
      return onLine(self, event.line, (line) => ({
        ...heard(line, event.content),
        probing: undefined,
        ...(line.inFlight === undefined ? {} : { inFlight: { ...line.inFlight, legAnswered: true } })
      }))
    case "LegFailed":
    case "LegEnded":
      return onLine(self, event.line, (line) => ({ ...completed(heard(line, event.content), at), probing: undefined }))
    case "CallEnded":
      return onLine(
        self,
        event.line,
        (line) => ended(self, line.answered ? heard(line, event.content) : ofSession(line, event), at)
      )
    case "Stray":
      return {
        ...onLine(self, event.line, (line) => ({
          ...heard(line, event.content),
          ...(event.hungUp && line.hungUpAt === undefined && line.phase !== "Planned" ? { hungUpAt: at } : {})
        })),
        strays: self.strays + 1
      }
    case "ReplyBroken":
      return onLine(
        self,
        event.line,
        (line) => line.inFlight === undefined ? line : { ...line, inFlight: { ...line.inFlight, doubtful: true } }
      )

    case "SettleElapsed":
      return onLine(self, event.line, (line) => closed(line, "settled", at))
    case "HoldExpired":
      return onLine(self, event.line, (line) => ({ ...line, holds: 0 }))
    case "LineSilent":
      return onLine(self, event.line, (line) => ({ ...line, left: true }))
    case "LinePresumedClosed":
      return onLine(self, event.line, (line) => ({ ...line, left: true, presumed: true }))
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

/** Changes the state by one fact. Total: what happened, happened. */
export const evolve = (self: Call, event: CallEvent): Call => {
  const at = Math.max(self.at, event.at)
  return apply(self.at === at ? self : { ...self, at }, event)
}
