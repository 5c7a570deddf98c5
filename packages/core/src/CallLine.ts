/**
 * One line of a call: how far it has come, what each fact does to it, and what it answers.
 *
 * @since 0.1.0
 */
import * as Action from "./Action.ts"
import type { CallEvent, CallId, Obstacle } from "./CallEvent.ts"
import { chanceOf } from "./internal/digits.ts"
import type { Request } from "./Request.ts"
import type * as Settings from "./Settings.ts"

/**
 * How far a line has come: `Planned` (nothing sent), `Attempted` (the `POST` is under way), `Ringing` (it was accepted),
 * `Unknown` (its response was lost), `Owing` (an event came and no action answers it yet), `Acting` (an action is in
 * flight), `Bridged` (a bridging dial is in flight or two people talk), `Settling` (the call ended while an answer was outstanding), `Closed` (by evidence).
 *
 * @since 0.1.0
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

/**
 * An action that answered an event, or waits to. `n` is the decision it comes from, 0 for a hold of the engine's.
 *
 * @since 0.1.0
 */
export interface Pending {
  readonly n: number
  readonly action: Action.Action
  readonly kind: "prompt" | "goodbye" | "hold"
}

/**
 * The action in flight.
 *
 * @since 0.1.0
 */
export interface InFlight extends Pending {
  /** When it was recorded. */
  readonly at: number
  /** Its reply was perhaps not delivered. */
  readonly doubtful: boolean
  /** It is a bridging dial, and the leg that it dialled has answered. */
  readonly legAnswered: boolean
}

/**
 * What was asked of a dial.
 *
 * @since 0.1.0
 */
export type Dialling = Omit<Extract<Request, { readonly _tag: "Dial" }>, "_tag">

/**
 * One line of a call.
 *
 * @since 0.1.0
 */
export interface CallLine {
  readonly id: number
  readonly direction: "outbound" | "inbound"
  readonly to: string | undefined
  readonly from: string | undefined
  /** What was asked of the dial; absent on a line that came in. */
  readonly dialling?: Dialling
  /** When the flow asked for the dial: what surely did nothing is tried again as a new line. */
  readonly dialledAt: number
  /** How many attempts this dial has had, this one included and those not that do not count. */
  readonly attempt: number
  /** How many attempts of this dial do not count: the carrier has throttled them, or something stood in the way of all. */
  readonly uncounted: number
  /** What stood in the way of the attempt before this one. */
  readonly obstacle?: Obstacle
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

/**
 * Whether a session is that of a line, or was taken for it before.
 *
 * @since 0.1.0
 */
export const isOfSession = ({ otherReferenceIds, referenceId }: CallLine, session: string): boolean =>
  referenceId === session || otherReferenceIds.includes(session)

/**
 * What a line is to its call: the heads of the decision table.
 *
 * @since 0.1.0
 */
export type Status = "Planned" | "Dialing" | "Owing" | "Acting" | "Bridged" | "Closing" | "Settling" | "Closed"

/**
 * The state of a line as the table names it.
 *
 * @since 0.1.0
 */
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

/**
 * Whether a phone may ring for it: it was attempted and nobody knows yet what became of that.
 *
 * @since 0.1.0
 */
export const isRinging = (line: CallLine): boolean =>
  line.phase === "Attempted" || line.phase === "Ringing" || line.phase === "Unknown"

/**
 * The `external_id` of a dial: the namespace of the installation, the call, and 8 digits of chance (40 bits) that is drawn when the
 * dial is attempted, so that whoever knows a call's id cannot make it. 36 characters with a namespace of 6.
 *
 * @since 0.1.0
 */
export const externalId = (namespace: string, callId: CallId, line: number, chance: string): string =>
  `${namespace}.${callId}.${chanceOf(chance, line)}`

/**
 * What the action in flight is known by, if the carrier echoes it; `undefined` on a line without an id of ours.
 *
 * @since 0.1.0
 */
export const markOf = (line: CallLine): string | undefined =>
  line.externalId === undefined ? undefined : `${line.externalId}.${line.actions}`

/**
 * Whether a line rings or talks, as far as is known: it was attempted, and is neither closed nor presumed so.
 *
 * @since 0.1.0
 */
export const isOpen = (line: CallLine): boolean => line.phase !== "Planned" && line.phase !== "Closed" && !line.presumed

/**
 * Whether time brings nothing to a line any more. That stays so.
 *
 * @since 0.1.0
 */
export const isQuiet = (line: CallLine): boolean => line.phase === "Closed" || line.presumed

// ---------------------------------------------------------------------------------------------------------------------
// Facts
// ---------------------------------------------------------------------------------------------------------------------

const newLine = (id: number, at: number): Omit<CallLine, "direction" | "to" | "from" | "phase"> => ({
  id,
  dialledAt: at,
  attempt: 1,
  uncounted: 0,
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

/**
 * The line of a call that came in.
 *
 * @since 0.1.0
 */
export const arrived = (event: Extract<CallEvent, { readonly _tag: "CallArrived" }>): CallLine => ({
  ...newLine(event.line, event.at),
  direction: "inbound",
  to: event.to,
  from: event.from,
  referenceId: event.referenceId,
  ...(event.externalId === undefined ? {} : { externalId: event.externalId }),
  phase: "Owing",
  answered: true,
  seen: [event.content]
})

/**
 * The line of a dial that the flow has asked for.
 *
 * @since 0.1.0
 */
export const planned = (event: Extract<CallEvent, { readonly _tag: "DialPlanned" }>): CallLine => {
  const { _tag, at, line: id, n: _, ...dialling } = event
  return { ...newLine(id, at), direction: "outbound", to: event.to, from: event.from, dialling, phase: "Planned" }
}

type NotSent = Extract<CallEvent, { readonly _tag: "DialNotSent" }>

/**
 * The line of the next attempt of a dial that surely did nothing; `undefined` if there is none.
 *
 * @since 0.1.0
 */
export const again = (
  line: CallLine,
  id: number,
  { at, obstacle, retryAt, throttled }: NotSent
): CallLine | undefined => {
  if (retryAt === undefined || line.dialling === undefined) return undefined
  const isUncounted = throttled === true || obstacle !== undefined
  return {
    ...newLine(id, at),
    direction: "outbound",
    to: line.to,
    from: line.from,
    dialling: line.dialling,
    dialledAt: line.dialledAt,
    attempt: isUncounted ? line.attempt : line.attempt + 1,
    uncounted: isUncounted ? line.uncounted + 1 : line.uncounted,
    ...(obstacle === undefined ? {} : { obstacle }),
    notBefore: retryAt,
    phase: "Planned"
  }
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

const ended = (line: CallLine, at: number, awaited: number | undefined): CallLine => {
  if (line.left) return closed(line, "ended", at)
  switch (line.phase) {
    case "Attempted":
    case "Ringing":
    case "Unknown":
      return to(line, "Settling", at)
    case "Acting": {
      const isAwaited = awaited !== undefined && awaited === line.inFlight?.n
      return isAwaited && line.inFlight.kind === "prompt" ? to(line, "Settling", at) : closed(line, "ended", at)
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

const givenUp = (line: CallLine, { at, reason }: Extract<CallEvent, { readonly _tag: "DialGivenUp" }>): CallLine => {
  const unknown = reason === "unknown"
  return line.phase === "Planned"
    ? { ...closed(line, "given up", at), unknown }
    : { ...line, left: true, unknown, presumed: unknown }
}

const holding = (line: CallLine, { action, at }: Extract<CallEvent, { readonly _tag: "HoldAnswered" }>): CallLine =>
  line.phase === "Bridged" ? { ...line, probing: at, actions: line.actions + 1 } : {
    ...begin({ ...line, next: line.inFlight }, { n: 0, action, kind: "hold" }, at),
    holds: line.holds + 1
  }

const restarted = (line: CallLine, event: Extract<CallEvent, { readonly _tag: "Restarted" }>): CallLine => ({
  ...line,
  jumpedMillis: line.jumpedMillis + (event.jumpedMillis ?? 0),
  inFlight: event.doubtful && line.inFlight !== undefined ? { ...line.inFlight, doubtful: true } : line.inFlight
})

/**
 * A fact that changes a line. The two that begin one are not among them.
 *
 * @since 0.1.0
 */
export type LineEvent =
  | Exclude<Extract<CallEvent, { readonly line: number }>, { readonly _tag: "CallArrived" | "DialPlanned" }>
  | Extract<CallEvent, { readonly _tag: "Restarted" }>

/**
 * Changes a line by one fact. Total, like `Call.evolve`. `awaited` numbers the prompt that the flow waits for, if it waits for
 * one: its answer may still come when the call is over.
 *
 * @since 0.1.0
 */
export const evolve = (line: CallLine, event: LineEvent, awaited: number | undefined): CallLine => {
  const at = event.at
  switch (event._tag) {
    case "ActionDecided": {
      const kind = event.goodbye === true ? "goodbye" : "prompt"
      return decided(line, { n: event.n, action: event.action, kind }, at)
    }
    case "LineLeft":
      return left(line, at)

    case "DialHeld":
      return { ...line, notBefore: event.until, heldSince: line.heldSince ?? at }
    case "DialAttempted":
      return {
        ...to(line, "Attempted", at),
        openedAt: at,
        jumpedMillis: 0,
        heldSince: undefined,
        externalId: event.externalId,
        process: event.process
      }
    case "DialAccepted":
      return {
        ...line,
        phase: line.phase === "Attempted" || line.phase === "Unknown" ? "Ringing" : line.phase,
        referenceId: line.referenceId ?? event.referenceId
      }
    case "DialRefused":
      return closed(line, "refused", at)
    case "DialNotSent":
      return { ...closed(line, "not sent", at), released: event.retryAt !== undefined }
    case "DialUnknown":
      return to(line, "Unknown", at)
    case "DialGivenUp":
      return givenUp(line, event)

    case "CallAnswered":
      return { ...answered(line, event), ...(line.phase === "Settling" ? {} : { phase: "Owing", phaseAt: at }) }
    case "LateAnswer":
      return { ...to(answered(line, event), "Owing", at), hungUpAt: at }
    case "DialFailed":
      return closed(heard(line, event.content, event.referenceId), "failed", at)
    case "SecondLine":
      return { ...line, otherReferenceIds: [...line.otherReferenceIds, event.referenceId] }
    case "PromptCompleted":
      return line.phase === "Settling"
        ? closed(heard(line, event.content), "ended", at)
        : { ...completed(heard(line, event.content), at), holds: 0 }
    case "HoldAnswered":
      return holding(line, event)
    case "HoldCompleted":
      return line.phase === "Bridged"
        ? { ...heard(line, event.content), probing: undefined }
        : completed(heard(line, event.content), at)
    case "LegAnswered":
      return {
        ...heard(line, event.content),
        probing: undefined,
        ...(line.inFlight === undefined ? {} : { inFlight: { ...line.inFlight, legAnswered: true } })
      }
    case "LegFailed":
    case "LegEnded":
      return { ...completed(heard(line, event.content), at), probing: undefined }
    case "CallEnded":
      return ended(line.answered ? heard(line, event.content) : ofSession(line, event), at, awaited)
    case "Stray":
      return {
        ...heard(line, event.content),
        ...(event.hungUp && line.hungUpAt === undefined && line.phase !== "Planned" ? { hungUpAt: at } : {})
      }
    case "ReplyBroken":
      return line.inFlight === undefined ? line : { ...line, inFlight: { ...line.inFlight, doubtful: true } }

    case "SettleElapsed":
      return closed(line, "settled", at)
    case "HoldExpired":
      return { ...line, holds: 0 }
    case "LineSilent":
      return { ...line, left: true }
    case "LinePresumedClosed":
      return { ...line, left: true, presumed: true }
    case "Restarted":
      return line.phase === "Closed" ? line : restarted(line, event)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// What it answers
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What a webhook is answered with: what the line owes (an action in flight, a hang-up if the line is not wanted, a wait if
 * the flow has not decided yet), a hang-up, or nothing.
 *
 * @since 0.1.0
 */
export type Answer = "line" | "hangup" | "nothing"

/**
 * What a line owes to a webhook: an action, nothing, or not yet, because its flow waits for something else.
 *
 * @since 0.1.0
 */
export type Owed =
  /** `n` is the number of the action in flight, of which it has to be known whether it arrived; a hang-up has none. */
  | { readonly _tag: "Act"; readonly action: Action.Action; readonly n: number | undefined }
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Wait" }

/** The action of a reply, known from all others of its line by a mark of its own where those are asked for. */
const act = (
  line: CallLine,
  { action, n }: { readonly action: Action.Action; readonly n: number },
  settings: Settings.Settings
): Owed => {
  const mark = settings.copies.marks ? markOf(line) : undefined
  return { _tag: "Act", action: mark === undefined ? action : Action.mark(action, mark), n }
}

const nothing: Owed = { _tag: "Nothing" }
const hangup: Owed = { _tag: "Act", action: Action.hangup, n: undefined }

/** While it is being found out whether a bridge began the reply is a hold; else the bridging dial itself. */
const bridgedReply = (line: CallLine, settings: Settings.Settings): Owed => {
  if (line.probing !== undefined) return act(line, { action: Action.prompt(settings.reply.hold), n: 0 }, settings)
  return line.inFlight === undefined ? nothing : act(line, line.inFlight, settings)
}

/**
 * The reply that a line gives, read from its state.
 *
 * @since 0.1.0
 */
export const reply = (line: CallLine, answer: Answer, settings: Settings.Settings): Owed => {
  if (answer === "nothing") return nothing
  if (answer === "hangup") return hangup
  switch (status(line)) {
    case "Owing":
      return { _tag: "Wait" }
    case "Acting":
      return line.inFlight === undefined ? nothing : act(line, line.inFlight, settings)
    case "Bridged":
      return bridgedReply(line, settings)
    case "Closing":
      return hangup
    case "Planned":
    case "Dialing":
    case "Settling":
    case "Closed":
      return nothing
  }
}
