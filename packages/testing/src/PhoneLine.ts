/**
 * One line as the carrier and the person at its far end live it: a pure model of what happens next and when.
 *
 * A line is plain data. `dial` and `incoming` open one, `elapse` tells what time has brought, `reply` is the answer to the
 * event that awaits one, `hangUp` lets the far end leave. Where the callee is `Callee.byHand`, `answer`, `decline`,
 * `letMachineAnswer` and `press` are what somebody does with the phone, and `asScript` is a callee who does the same again.
 * Each gives the line afterwards and the webhooks to post, in order; `nextAt` tells when to call `elapse` again. Nothing here reads a clock or draws a number: whoever drives the
 * model says when it is and what the line is called, and may set `steps` before each `reply` to try every reaction.
 *
 * What Telesign's public documents leave open is a setting whose default is marked as ours. Times are milliseconds since
 * 1970; durations are as people live them and pass `speed` times as fast.
 *
 * @since 0.1.0
 */
import type { Action, Webhook } from "@ringback/core"
import { Prompt } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import * as Callee from "./Callee.ts"
import * as rules from "./internal/rules.ts"

/**
 * How long things take, and what the public documents do not say.
 *
 * @since 0.1.0
 */
export interface Settings {
  /** How many times faster than life time passes on a line. 1 by default. */
  readonly speed: number
  /** How fast text is spoken: 15 characters a second. */
  readonly charactersPerSecond: number
  /** How long a `<break>` of SSML lasts that does not say so: 1 s. Ours; the lengths are not documented. */
  readonly breakMillis: number
  /** How long an audio file plays whose length is not known: 5 s. */
  readonly audioMillis: number
  /** How long after a prompt the first key is pressed, and each further key after that: 0.5 s. */
  readonly keyMillis: number
  /** How long a prompt that collects waits for a (further) key: 5 s. Ours; Telesign's time-out is not public. */
  readonly silenceMillis: number
  /**
   * Whether a key that is pressed by hand into a prompt that collects cuts its words off. `true`, ours: whether Telesign does
   * that is not public. Scripted callees press after the words.
   */
  readonly keysCutIn: boolean
  /** How long a phone rings that nobody answers: 45 s. Ours. */
  readonly ringMillis: number
  /** How long it takes to find out that a number is busy or cannot be reached: 1 s. Ours. */
  readonly failMillis: number
  /** How long hanging up takes, whoever does it: 0.3 s. Ours. */
  readonly hangUpMillis: number
  /** How long two people talk who have been bridged, until the one who was dialled hangs up: 60 s. */
  readonly talkMillis: number
  /** How long a voicemail records after it has picked up: 60 s. */
  readonly recordingMillis: number
  /** The longest that a line stays open after its answer if nothing else is asked for: 4 h ("Voice - Actions"; documented). */
  readonly limitMillis: number
  /**
   * Which replies are allowed. `false`, the default: what Telesign's own demos send, which includes `dial` after a prompt or
   * a leg. `true`: only the documented lists, where `dial` answers nothing but `incoming_call`.
   */
  readonly strict: boolean
  /** Send `dial_completed` for the second leg of a bridge too. `false`, ours: only `call_leg_completed` tells of it. */
  readonly legAnswers: boolean
  /** Send `call_completed` after a dial that failed. `true`, ours. */
  readonly endsFailedDials: boolean
  /** The event that ends a `send_dtmf` reply. None by default, for none is public; then nothing can follow it. */
  readonly dtmfCompleted: string | undefined
  /** Send the `external_id` of a prompt back in the event that ends it. `false`; not documented, see `marks` of the engine. */
  readonly echoesMarks: boolean
  /** Words for what happened. Only `answered`, `speak_successful` and `hangup` are Telesign's; the rest is ours. */
  readonly statuses: {
    readonly busy: string
    readonly noAnswer: string
    readonly spoken: string
    readonly played: string
    readonly hungUp: string
    readonly limit: string
  }
}

/**
 * The settings that are used where nothing else is said.
 *
 * @since 0.1.0
 */
export const defaults: Settings = {
  speed: 1,
  charactersPerSecond: 15,
  breakMillis: 1_000,
  audioMillis: 5_000,
  keyMillis: 500,
  silenceMillis: 5_000,
  keysCutIn: true,
  ringMillis: 45_000,
  failMillis: 1_000,
  hangUpMillis: 300,
  talkMillis: 60_000,
  recordingMillis: 60_000,
  limitMillis: 14_400_000,
  strict: false,
  legAnswers: false,
  endsFailedDials: true,
  dtmfCompleted: undefined,
  echoesMarks: false,
  statuses: {
    busy: "busy",
    noAnswer: "no_answer",
    spoken: "speak_successful",
    played: "play_successful",
    hungUp: "hangup",
    limit: "max_call_duration"
  }
}

/**
 * Some settings, to be taken instead of the defaults.
 *
 * @since 0.1.0
 */
export interface Changes extends Partial<Omit<Settings, "statuses">> {
  readonly statuses?: Partial<Settings["statuses"]>
}

/** What they may be. */
const ruled: rules.Rules<Changes> = {
  speed: rules.speed,
  charactersPerSecond: rules.above0,
  breakMillis: rules.millis,
  audioMillis: rules.millis,
  keyMillis: rules.millis,
  silenceMillis: rules.millis,
  keysCutIn: rules.truth,
  ringMillis: rules.millis,
  failMillis: rules.millis,
  hangUpMillis: rules.millis,
  talkMillis: rules.millis,
  recordingMillis: rules.millis,
  limitMillis: rules.millis,
  strict: rules.truth,
  legAnswers: rules.truth,
  endsFailedDials: rules.truth,
  dtmfCompleted: rules.text,
  echoesMarks: rules.truth,
  statuses: rules.record
}

const ruledStatuses: rules.Rules<Settings["statuses"]> = {
  busy: rules.text,
  noAnswer: rules.text,
  spoken: rules.text,
  played: rules.text,
  hungUp: rules.text,
  limit: rules.text
}

/**
 * The settings with some of them changed. Throws a `RangeError` if one is out of range, such as a `speed` that is not above 0, or is none.
 *
 * @since 0.1.0
 */
export const settings = (changes: Changes): Settings => {
  rules.check("The phone company", changes, ruled)
  rules.check("The phone company's statuses", changes.statuses ?? {}, ruledStatuses)
  return { ...defaults, ...changes, statuses: { ...defaults.statuses, ...changes.statuses } }
}

/**
 * What is going on on a line, and until when. `Quiet` is an open line on which nothing is heard; only a reply, the far
 * end or the limit changes that. `isAfterBridge` says that a bridge was the last before it. `Prompting` knows its words, until when they are heard, and how many keys it collects (0 for
 * none).
 *
 * @since 0.1.0
 */
export type State =
  | { readonly _tag: "Ringing"; readonly until: number; readonly outcome: string }
  | { readonly _tag: "KeyingIn"; readonly until: number; readonly event: string | undefined }
  | { readonly _tag: "Quiet"; readonly isAfterBridge?: true }
  | {
    readonly _tag: "Prompting"
    readonly until: number
    /** Since when it is heard. */
    readonly since: number
    readonly event: string
    readonly words: string
    readonly heardUntil: number
    readonly collects: number
    readonly reaction: Reaction
    readonly mark?: string
  }
  | { readonly _tag: "Bridging"; readonly until: number; readonly leg: Leg; readonly outcome: string }
  | { readonly _tag: "Talking"; readonly until: number; readonly leg: Leg }
  | { readonly _tag: "Leaving"; readonly until: number; readonly status: string }
  | { readonly _tag: "Ended"; readonly at: number }

type Reaction = { readonly digits?: string; readonly hangsUp: Callee.Reaction["hangsUp"] }
/**
 * What somebody has done with a phone that is steered by hand: how it was reached, once that is decided, and the steps of a
 * script that does the same.
 *
 * @since 0.1.0
 */
export interface Hand {
  readonly reach?: Callee.Reach
  readonly steps: ReadonlyArray<Callee.Step>
}

type Leg = { readonly to: string; readonly from: string; readonly talkMillis: number; readonly byHand: boolean }

/**
 * Whose phone is meant: that of the far end of the line, or that of who is dialled by its bridge.
 *
 * @since 0.1.0
 */
export type Whose = "first" | "second"

/**
 * One line: who is on it, what is going on, and which event awaits its reply.
 *
 * @since 0.1.0
 */
export interface PhoneLine {
  readonly settings: Settings
  readonly direction: "outbound" | "inbound"
  readonly referenceId: string
  readonly externalId?: string
  readonly to: string
  readonly from: string
  readonly createdAt: number
  readonly answeredAt?: number
  /** When the carrier ends the call, once somebody has answered. */
  readonly limitAt?: number
  /** When the far end hangs up, if that is decided. */
  readonly leavesAt?: number
  /** What is left of the far end's script. */
  readonly steps: ReadonlyArray<Callee.Step>
  /** What was done by hand so far; nothing on a line whose far end follows a script. */
  readonly hand?: Hand
  /** How many prompts have been started. */
  readonly prompts: number
  /** Who was dialled by the bridges of the line, in their order, and how they were reached. */
  readonly legs: ReadonlyArray<{ readonly to: string; readonly reach: Callee.Reach }>
  /** The event whose reply is awaited. */
  readonly awaits?: string
  readonly limitMillis: number
  readonly tonesMillis: number
  /** How long the machine records that picks up, how long it greets before, when its tone comes, and what it has recorded since. */
  readonly recordingMillis?: number
  readonly greetingMillis?: number
  readonly toneAt?: number
  readonly tape?: ReadonlyArray<string>
  readonly state: State
}

/**
 * What a step of the model brings: the line afterwards, and the webhooks to post in this order.
 *
 * @since 0.1.0
 */
export interface Exchange {
  readonly line: PhoneLine
  readonly webhooks: ReadonlyArray<Webhook.Webhook>
}

/**
 * Opens a line by a dial that the carrier has accepted: the phone of `callee` begins to ring.
 *
 * @since 0.1.0
 */
export const dial = (options: {
  readonly referenceId: string
  readonly action: Action.Dial
  readonly callee: Callee.Script
  readonly now: number
  readonly settings?: Settings
}): PhoneLine => {
  const { action, callee, now, settings = defaults } = options
  const ring = ringing(callee.reach, settings)
  return {
    settings,
    direction: "outbound",
    referenceId: options.referenceId,
    ...(action.externalId === undefined ? {} : { externalId: action.externalId }),
    to: action.to,
    from: action.from,
    createdAt: now,
    steps: callee.steps,
    prompts: 0,
    legs: [],
    limitMillis: Math.min(settings.limitMillis, action.maxCallDurationSeconds * 1000),
    tonesMillis: tonesMillis(action.sendDtmf ?? ""),
    ...machineOf(callee.reach, settings),
    ...handOf(callee),
    state: { _tag: "Ringing", until: now + scaled(settings, ring.millis), outcome: ring.outcome }
  }
}

/**
 * Opens a line by a call to one of our numbers. The caller hears it ring until the first reply, then follows the script;
 * how `callee` would be reached does not matter, but for one who is steered by hand.
 *
 * @since 0.1.0
 */
export const incoming = (options: {
  readonly referenceId: string
  readonly to: string
  readonly from: string
  readonly callee: Callee.Script
  readonly now: number
  readonly settings?: Settings
}): Exchange => {
  const { callee, from, now, referenceId, settings = defaults, to } = options
  const line: PhoneLine = {
    settings,
    direction: "inbound",
    referenceId,
    to,
    from,
    createdAt: now,
    limitAt: now + scaled(settings, settings.limitMillis),
    steps: callee.steps,
    ...handOf(callee),
    prompts: 0,
    legs: [],
    limitMillis: settings.limitMillis,
    tonesMillis: 0,
    state: { _tag: "Quiet" }
  }
  return ask(leavingAtOnce(line, now), "incoming_call")
}

/**
 * When something happens on the line if nobody does anything; `undefined` once it has ended.
 *
 * @since 0.1.0
 */
export const nextAt = (line: PhoneLine): number | undefined => {
  if (line.state._tag === "Ended") return undefined
  const soonest = Math.min(stateUntil(line.state), line.leavesAt ?? Infinity, line.limitAt ?? Infinity)
  return soonest === Infinity ? undefined : soonest
}

/**
 * Everything that time has brought up to `now`. Calling it too early or twice changes nothing.
 *
 * @since 0.1.0
 */
export const elapse = (line: PhoneLine, now: number): Exchange => {
  let exchange: Exchange = { line, webhooks: [] }
  for (let at = nextAt(line); at !== undefined && at <= now; at = nextAt(exchange.line)) {
    const next = happen(exchange.line, at)
    exchange = { line: next.line, webhooks: [...exchange.webhooks, ...next.webhooks] }
  }
  return exchange
}

/**
 * Why the carrier would not carry out this reply now, or `undefined` if it would.
 *
 * @since 0.1.0
 */
export const refusal = (line: PhoneLine, action: Action.Action): string | undefined => {
  if (action._tag === "Hangup") return undefined
  if (line.state._tag === "Ended") return "the call is over"
  if (line.awaits === undefined) return "no event awaits a reply"
  if (line.state._tag === "Leaving") return "nobody is on the line"
  if (line.state._tag === "Talking") return "two people are talking"
  return legal(line.awaits, line.settings.strict).includes(action._tag)
    ? undefined
    : `unsupported_call_state: ${action._tag} does not answer ${line.awaits}`
}

/**
 * Carries out the reply to the event that awaits one. No action, or one that is refused, leaves the call as it is: open
 * and silent, until the far end or a limit ends it. `callee` is who is rung by a bridging dial.
 *
 * @since 0.1.0
 */
export const reply = (
  line: PhoneLine,
  action: Action.Action | undefined,
  now: number,
  callee: Callee.Script = Callee.answers()
): Exchange => {
  if (action === undefined || refusal(line, action) !== undefined) {
    return { line: without(line, "awaits"), webhooks: [] }
  }
  if (action._tag === "Hangup") return { line: leave(without(line, "awaits"), now), webhooks: [] }
  const open = answered(without(line, "awaits"), now)
  switch (action._tag) {
    case "Speak":
    case "Play":
    case "Raw":
      return { line: prompt(open, action, now), webhooks: [] }
    case "SendDtmf": {
      const until = now + scaled(line.settings, tonesMillis(action.tones))
      return { line: { ...open, state: { _tag: "KeyingIn", until, event: line.settings.dtmfCompleted } }, webhooks: [] }
    }
    case "Dial":
      return { line: bridge(open, action, now, callee), webhooks: [] }
  }
}

/**
 * Somebody hangs up now, whatever their script says. A phone that still rings is declined, which counts as busy. A line that
 * is being left stays as it is.
 *
 * @since 0.1.0
 */
export const hangUp = (line: PhoneLine, now: number, whose: Whose = "first"): Exchange => {
  const { settings, state } = line
  if (whose === "second") return legHangsUp(line, now)
  switch (state._tag) {
    case "Ended":
    case "Leaving":
      return { line, webhooks: [] }
    case "Ringing":
      return dialFailed(reached(line, { _tag: "Busy" }), now, settings.statuses.busy)
    case "Quiet":
    case "KeyingIn":
    case "Prompting":
    case "Bridging":
    case "Talking":
      return end(doing(line, ...leaving(line)), now, settings.statuses.hungUp)
  }
}

/**
 * Whether a phone rings now that is steered by hand.
 *
 * @since 0.1.0
 */
export const ringsByHand = ({ hand, state }: PhoneLine, whose: Whose = "first"): boolean =>
  whose === "second"
    ? state._tag === "Bridging" && state.leg.byHand
    : hand !== undefined && state._tag === "Ringing"

/**
 * Somebody picks up a phone that rings and is steered by hand. Any other line stays as it is.
 *
 * @since 0.1.0
 */
export const answer = (line: PhoneLine, now: number, whose: Whose = "first"): Exchange => {
  if (!ringsByHand(line, whose)) return { line, webhooks: [] }
  return line.state._tag === "Bridging"
    ? talk(legReached(line, Callee.answers().reach), line.state.leg, now)
    : pickUp(reached(line, { _tag: "Answers", afterMillis: rungMillis(line, now) }), now)
}

/**
 * Somebody declines a call to a phone that rings and is steered by hand, which counts as busy. Any other line stays as it is.
 *
 * @since 0.1.0
 */
export const decline = (line: PhoneLine, now: number, whose: Whose = "first"): Exchange =>
  ringsByHand(line, whose) ? hangUp(line, now, whose) : { line, webhooks: [] }

/**
 * A machine picks up a phone that rings and is steered by hand: it presses nothing, and hangs up when its tape is full. Any
 * other line stays as it is.
 *
 * @since 0.1.0
 */
export const letMachineAnswer = (line: PhoneLine, now: number): Exchange => {
  if (!ringsByHand(line)) return { line, webhooks: [] }
  const machine: Callee.Reach = { _tag: "Voicemail", afterMillis: rungMillis(line, now) }
  return pickUp({ ...reached(line, machine), recordingMillis: line.settings.recordingMillis }, now)
}

/**
 * How many keys are listened to now: by a prompt that collects, on a line that is steered by hand.
 *
 * @since 0.1.0
 */
export const listensFor = ({ hand, recordingMillis, state }: PhoneLine): number =>
  hand === undefined || recordingMillis !== undefined || state._tag !== "Prompting"
    ? 0
    : state.collects - (state.reaction.digits ?? "").length

/**
 * Somebody presses keys (`0-9 A-D * #`) on a phone that is steered by hand. They belong to the prompt that is under way, if it
 * collects; else nobody hears them, and keys beyond what it takes are lost. The prompt ends with its last key, or when no
 * further one comes for `silenceMillis`. Which keys a prompt takes is documented; that they may be pressed into its words, and
 * what becomes of others, is not public.
 *
 * @since 0.1.0
 */
export const press = (line: PhoneLine, keys: string, now: number): Exchange => {
  const { settings, state } = line
  const taken = keys.replaceAll(/[^0-9A-D*#]/g, "").slice(0, listensFor(line))
  if (taken === "" || state._tag !== "Prompting") return { line, webhooks: [] }
  const digits = (state.reaction.digits ?? "") + taken
  const heardUntil = settings.keysCutIn ? Math.min(now, state.heardUntil) : state.heardUntil
  const more = digits.length < state.collects ? scaled(settings, settings.silenceMillis) : 0
  const until = Math.max(now, heardUntil) + more
  const pressed: State = { ...state, heardUntil, until, reaction: { ...state.reaction, digits } }
  return elapse({ ...line, state: pressed }, now)
}

/**
 * A callee who does by a script what somebody has done by hand so far; nothing for a line whose far end follows a script. Played
 * again with the same replies it brings the same webhooks, at other times: a script presses its keys at its own pace. Who hangs
 * up while tones are keyed in hangs up after the last prompt before.
 *
 * @since 0.1.0
 */
export const asScript = ({ direction, hand }: PhoneLine): Callee.Script | undefined => {
  if (hand === undefined) return undefined
  const { reach, steps } = hand
  if (direction === "inbound") return Callee.make({ ...Callee.answers(), steps })
  if (reach === undefined) return Callee.noAnswer
  if (reach._tag !== "Voicemail") return reach._tag === "Answers" ? Callee.make({ reach, steps }) : { reach, steps }
  const isCutOff = steps.some(({ _tag }) => _tag.startsWith("HangsUp"))
  return isCutOff ? Callee.make({ reach: { ...reach, _tag: "Answers" }, steps }) : Callee.voicemail
}

/**
 * The words of a prompt as they are heard, without markup; of a file, its address; of an action whose parameters are not
 * public, whatever text is among them.
 *
 * @since 0.1.0
 */
export const words = (action: Action.Action): string => {
  if (action._tag === "Play") return action.url
  if (action._tag === "Raw") return textsIn(action.params).join(" ")
  if (action._tag !== "Speak") return ""
  return action.text.trimStart().startsWith("<speak")
    ? Prompt.words({ _tag: "Ssml", text: action.text })
    : action.text
}

const machineOf = (reach: Callee.Reach, settings: Settings) =>
  reach._tag === "Voicemail"
    ? {
      recordingMillis: reach.recordingMillis ?? settings.recordingMillis,
      greetingMillis: reach.greetingMillis ?? 0
    }
    : {}

/** What a machine has recorded of a prompt that is over, or broken off. */
const taped = (line: PhoneLine, at: number): PhoneLine => {
  const { state, toneAt } = line
  if (toneAt === undefined || state._tag !== "Prompting") return line
  const { heardUntil, since, words } = state
  const place = (time: number) =>
    Math.round(words.length * Math.min(1, Math.max(0, (time - since) / (heardUntil - since || 1))))
  const heard = words.slice(place(toneAt), state.reaction.hangsUp === "during" ? place(at) : Infinity).trim()
  return heard === "" ? line : { ...line, tape: [...line.tape ?? [], heard] }
}

const handOf = ({ reach }: Callee.Script): { readonly hand?: Hand } =>
  reach._tag === "ByHand" ? { hand: { steps: [] } } : {}

const reached = (line: PhoneLine, reach: Callee.Reach): PhoneLine =>
  line.hand === undefined ? line : { ...line, hand: { ...line.hand, reach } }

/** Remembers what was done by hand, in the words of a script. */
const doing = (line: PhoneLine, ...steps: ReadonlyArray<Callee.Step>): PhoneLine =>
  line.hand === undefined ? line : { ...line, hand: { ...line.hand, steps: [...line.hand.steps, ...steps] } }

/** What it is for a script to hang up as things are. */
const leaving = ({ legs: { length: bridge }, prompts, state }: PhoneLine): ReadonlyArray<Callee.Step> => {
  switch (state._tag) {
    case "Prompting":
      return [{ _tag: "HangsUpDuring", prompt: prompts }]
    case "Talking":
      return [{ _tag: "HangsUp" }]
    case "Bridging":
      return [{ _tag: "HangsUpWhileBridging", bridge }]
    case "Quiet":
      if (state.isAfterBridge) return [{ _tag: "HangsUpAfterBridging", bridge }]
      return [{ _tag: "HangsUpAfter", prompt: prompts }]
    case "KeyingIn":
      return [{ _tag: "HangsUpAfter", prompt: prompts }]
    case "Ringing":
    case "Leaving":
    case "Ended":
      return []
  }
}

/** What it is for a script to have heard this prompt and pressed these keys. */
const keyed = (words: string, digits: string): ReadonlyArray<Callee.Step> => {
  const sentence = lastSentence(words)
  return [
    ...(sentence === "" || !words.toLowerCase().includes(sentence.toLowerCase())
      ? []
      : [{ _tag: "Hears", text: sentence } as const]),
    digits === "" ? { _tag: "StaysSilent" } : { _tag: "Presses", digits }
  ]
}

const lastSentence = (words: string): string => words.trim().split(/(?<=[.!?])\s+/).at(-1) ?? ""

const rungMillis = ({ createdAt, settings }: PhoneLine, now: number): number =>
  Math.round((now - createdAt) * settings.speed)

const textsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : []
}

const legal = (event: string, strict: boolean): ReadonlyArray<Action.Action["_tag"]> => {
  switch (event) {
    case "incoming_call":
      return ["Speak", "Play", "Raw", "Dial"]
    case "dial_completed":
      return strict ? ["Speak", "Play", "Raw", "SendDtmf"] : ["Speak", "Play", "Raw", "SendDtmf", "Dial"]
    default:
      return strict ? ["Speak", "Play", "Raw"] : ["Speak", "Play", "Raw", "Dial"]
  }
}

const happen = (line: PhoneLine, at: number): Exchange => {
  const { hungUp, limit } = line.settings.statuses
  if (stateUntil(line.state) === at) return stateOver(line, at)
  if (line.leavesAt !== at) return end(line, at, limit)
  return end({ ...line, steps: line.steps.filter(({ _tag }) => _tag !== "HangsUpAt") }, at, hungUp)
}

const stateOver = (line: PhoneLine, at: number): Exchange => {
  const state = line.state
  switch (state._tag) {
    case "Ringing":
      return state.outcome === "answered"
        ? pickUp(line, at)
        : dialFailed(reached(line, { _tag: "NoAnswer" }), at, state.outcome)
    case "KeyingIn":
      return state.event === undefined ? quiet(line) : ask(line, state.event, dialEnds(state.event))
    case "Prompting":
      return promptOver(line, state, at)
    case "Bridging":
      return state.outcome === "answered" ? talk(line, state.leg, at) : legFailed(line, state, at)
    case "Talking":
      return legOver(line, "call_leg_completed", parties(state.leg), at)
    case "Leaving":
      return end(line, at, state.status)
    case "Quiet":
    case "Ended":
      return { line, webhooks: [] }
  }
}

/** A script may hang up before it has heard anything, or by the time. */
const leavingAtOnce = (line: PhoneLine, at: number): PhoneLine => {
  const { millis, steps } = Callee.leavesAfter(line.steps, line.settings.hangUpMillis)
  return millis === undefined ? line : { ...line, steps, ...leavingBy(line, at + scaled(line.settings, millis)) }
}

/** Nobody stays longer than was decided before. */
const leavingBy = ({ leavesAt = Infinity }: PhoneLine, at: number) => ({ leavesAt: Math.min(leavesAt, at) })

const pickUp = (line: PhoneLine, at: number): Exchange => {
  const millis = (duration: number) => scaled(line.settings, duration)
  const open: PhoneLine = {
    ...leavingAtOnce(line, at),
    answeredAt: at,
    limitAt: at + millis(line.limitMillis),
    ...(line.recordingMillis === undefined ? {} : {
      toneAt: at + millis(line.greetingMillis ?? 0),
      leavesAt: at + millis((line.greetingMillis ?? 0) + line.recordingMillis)
    })
  }
  return line.tonesMillis === 0
    ? ask(open, "dial_completed", dialEnds("dial_completed"))
    : {
      line: { ...open, state: { _tag: "KeyingIn", until: at + millis(line.tonesMillis), event: "dial_completed" } },
      webhooks: []
    }
}

const dialEnds = (event: string) => event === "dial_completed" ? { status: "answered" } : {}

const dialFailed = (line: PhoneLine, at: number, status: string): Exchange => {
  const told = ask(line, "dial_completed", { status })
  const over: State = line.settings.endsFailedDials
    ? { _tag: "Leaving", until: at + scaled(line.settings, line.settings.hangUpMillis), status }
    : { _tag: "Ended", at }
  return { ...told, line: { ...told.line, state: over } }
}

type Heard = Extract<Action.Action, { readonly _tag: "Speak" | "Play" | "Raw" }>

const completion = (action: Heard): string =>
  action._tag === "Raw" ? action.completedBy : action._tag === "Speak" ? "speak_completed" : "play_completed"

const prompt = (
  line: PhoneLine,
  action: Heard,
  now: number
): PhoneLine => {
  const { settings } = line
  const number = line.prompts + 1
  const collects = action.collect?.max ?? 0
  const reaction = Callee.listen(line.steps, { number, words: words(action), collects })
  const { hangsUp, steps } = reaction
  const whole = promptMillis(action, settings)
  const { digits, heard, lasts } = hangsUp === "during"
    ? { digits: "", heard: whole, lasts: whole / 2 }
    : keying(reaction, { whole, collects, settings })
  return {
    ...line,
    steps,
    prompts: number,
    state: {
      _tag: "Prompting",
      until: now + scaled(settings, lasts),
      since: now,
      event: completion(action),
      words: words(action),
      heardUntil: now + scaled(settings, Math.min(heard, lasts)),
      collects,
      reaction: collects === 0 ? { hangsUp } : { digits, hangsUp },
      ...(settings.echoesMarks && action._tag !== "Raw" && action.externalId !== undefined
        ? { mark: action.externalId }
        : {})
    }
  }
}

const promptOver = (before: PhoneLine, state: Extract<State, { readonly _tag: "Prompting" }>, at: number): Exchange => {
  const line = taped(before, at)
  const { hangUpMillis, statuses } = line.settings
  const { hangsUp, ...digits } = state.reaction
  if (hangsUp === "during") return end(line, at, statuses.hungUp)
  const leaves = hangsUp === "after" ? leavingBy(line, at + scaled(line.settings, hangUpMillis)) : {}
  const status = state.event === "speak_completed" ? statuses.spoken : statuses.played
  const mark = state.mark === undefined ? {} : { externalId: state.mark }
  const isKeyed = state.collects > 0 && line.recordingMillis === undefined
  const steps = isKeyed ? keyed(state.words, digits.digits ?? "") : []
  return ask({ ...doing(line, ...steps), ...leaves }, state.event, { status, ...digits, ...mark })
}

const bridge = (line: PhoneLine, action: Action.Dial, now: number, callee: Callee.Script): PhoneLine => {
  const { settings } = line
  const ring = ringing(callee.reach, settings)
  const leg: Leg = {
    to: action.to,
    from: action.from,
    talkMillis: Math.min(talkMillis(callee, settings), action.maxCallDurationSeconds * 1000),
    byHand: callee.reach._tag === "ByHand"
  }
  // A phone in somebody's hand is one that nobody answers, until somebody does.
  const legs = [...line.legs, { to: action.to, reach: leg.byHand ? Callee.noAnswer.reach : callee.reach }]
  const { hangsUp, steps } = Callee.beBridged(line.steps, { number: legs.length, isOver: false })
  const millis = ring.millis + tonesMillis(action.sendDtmf ?? "")
  const leaves = hangsUp ? leavingBy(line, now + scaled(settings, millis / 2)) : {}
  const until = hangsUp ? Infinity : now + scaled(settings, millis)
  return { ...line, legs, steps, ...leaves, state: { _tag: "Bridging", until, leg, outcome: ring.outcome } }
}

const talkMillis = (callee: Callee.Script, settings: Settings): number => {
  if (callee.reach._tag === "ByHand") return Infinity
  if (callee.reach._tag === "Voicemail") {
    return (callee.reach.greetingMillis ?? 0) + (callee.reach.recordingMillis ?? settings.recordingMillis)
  }
  return Callee.converse(callee.steps).hangsUp ? settings.talkMillis / 2 : settings.talkMillis
}

const talk = (line: PhoneLine, leg: Leg, at: number): Exchange => {
  const { hangsUp, steps } = Callee.converse(line.steps)
  const lasts = leg.byHand ? Math.min(leg.talkMillis, line.settings.talkMillis) : leg.talkMillis
  const leaves = hangsUp ? leavingBy(line, at + scaled(line.settings, lasts / 2)) : {}
  const state: State = { _tag: "Talking", until: at + scaled(line.settings, leg.talkMillis), leg }
  const talking: PhoneLine = { ...doing(line, { _tag: "Talks" }), steps, ...leaves, state }
  if (!line.settings.legAnswers) return { line: talking, webhooks: [] }
  const told = ask(line, "dial_completed", { ...parties(leg), status: "answered" })
  return { ...told, line: { ...talking, awaits: "dial_completed" } }
}

/** It turns out how the last who was dialled is reached. */
const legReached = (line: PhoneLine, reach: Callee.Reach): PhoneLine => ({
  ...line,
  legs: line.legs.map((leg, n) => n === line.legs.length - 1 ? { ...leg, reach } : leg)
})

/** Who was dialled by a bridge declines, or leaves the talk. */
const legHangsUp = (line: PhoneLine, now: number): Exchange => {
  const { settings, state } = line
  if (state._tag === "Talking") return legOver(line, "call_leg_completed", parties(state.leg), now)
  return state._tag === "Bridging"
    ? legFailed(legReached(line, Callee.busy.reach), { ...state, outcome: settings.statuses.busy }, now)
    : { line, webhooks: [] }
}

const legFailed = (line: PhoneLine, state: Extract<State, { readonly _tag: "Bridging" }>, at: number): Exchange =>
  line.settings.legAnswers
    ? legOver(line, "dial_completed", { ...parties(state.leg), status: state.outcome }, at)
    : legOver(line, "call_leg_completed", parties(state.leg), at)

/** A bridge is over, however it went: the far end is alone on the line. */
const legOver = (line: PhoneLine, event: string, data: Partial<Webhook.Webhook>, at: number): Exchange => {
  const { hangsUp, steps } = Callee.beBridged(line.steps, { number: line.legs.length, isOver: true })
  const leaves = hangsUp ? leavingBy(line, at + scaled(line.settings, line.settings.hangUpMillis)) : {}
  const { line: asked, webhooks } = ask(line, event, data)
  return { line: { ...asked, steps, ...leaves, state: { _tag: "Quiet", isAfterBridge: true } }, webhooks }
}

const leave = (line: PhoneLine, now: number): PhoneLine => {
  if (line.state._tag === "Ended" || line.state._tag === "Leaving") return line
  const until = now + scaled(line.settings, line.settings.hangUpMillis)
  return { ...line, state: { _tag: "Leaving", until, status: line.settings.statuses.hungUp } }
}

const end = (line: PhoneLine, at: number, status: string): Exchange => ({
  line: { ...cutOff(line, at), state: { _tag: "Ended", at } },
  webhooks: [webhook(line, "call_completed", {
    status,
    durationSeconds: Math.round((lived(line, at) - line.createdAt) / 1000),
    extra: { data: ending(line, at) }
  })]
})

/** What a machine has recorded of a prompt in whose middle a line ends. */
const cutOff = (line: PhoneLine, at: number): PhoneLine =>
  line.state._tag === "Prompting" && line.state.reaction.hangsUp !== "during"
    ? taped({ ...line, state: { ...line.state, reaction: { hangsUp: "during" } } }, at)
    : line

/** What `call_completed` says beside the known fields, by the names of Telesign's demos. */
const ending = (line: PhoneLine, at: number) => ({
  direction: line.direction,
  created_on_utc: utc(line.createdAt),
  answered_on_utc: line.answeredAt === undefined ? null : utc(lived(line, line.answeredAt)),
  ended_on_utc: utc(lived(line, at)),
  audio_recording_file_name: null
})

/** The time at which it would have happened in life, so that all times of a line agree with its durations. */
const lived = ({ createdAt, settings }: PhoneLine, at: number): number =>
  createdAt + Math.round((at - createdAt) * settings.speed)

/** Posts an event that a reply can follow; the line is quiet meanwhile. */
const ask = (line: PhoneLine, event: string, data: Partial<Webhook.Webhook> = {}): Exchange => ({
  line: { ...line, awaits: event, state: { _tag: "Quiet" } },
  webhooks: [webhook(line, event, data)]
})

const quiet = (line: PhoneLine): Exchange => ({ line: { ...line, state: { _tag: "Quiet" } }, webhooks: [] })

/** An event tells of the parties of its line if it does not tell of others: demos read them on whichever comes. */
const webhook = (line: PhoneLine, event: string, data: Partial<Webhook.Webhook>): Webhook.Webhook => ({
  kind: TelesignWire.kind(event),
  event,
  referenceId: line.referenceId,
  ...(line.externalId === undefined ? {} : { externalId: line.externalId }),
  ...parties(line),
  ...data
})

const answered = (line: PhoneLine, now: number): PhoneLine =>
  line.direction === "inbound" && line.answeredAt === undefined ? { ...line, answeredAt: now } : line

const without = (line: PhoneLine, key: "awaits"): PhoneLine => {
  const { [key]: _, ...rest } = line
  return rest
}

const parties = ({ from, to }: { readonly to: string; readonly from: string }) => ({ to, from })

const stateUntil = (state: State): number => "until" in state ? state.until : Infinity

const scaled = (settings: Settings, millis: number): number => Math.ceil(millis / settings.speed)

const ringing = (reach: Callee.Reach, settings: Settings): { readonly millis: number; readonly outcome: string } => {
  switch (reach._tag) {
    case "Busy":
      return { millis: settings.failMillis, outcome: settings.statuses.busy }
    case "NoAnswer":
    case "ByHand":
      return { millis: settings.ringMillis, outcome: settings.statuses.noAnswer }
    case "Fails":
      return { millis: settings.failMillis, outcome: reach.status }
    case "Answers":
    case "Voicemail":
      return { millis: reach.afterMillis, outcome: "answered" }
  }
}

const promptMillis = (
  action: Heard,
  settings: Settings
): number =>
  action._tag !== "Speak"
    ? action.millis ?? settings.audioMillis
    : words(action).length / settings.charactersPerSecond * 1000 + breaksMillis(action.text, settings)

const breaksMillis = (text: string, { breakMillis }: Settings): number => {
  const breaks = text.trimStart().startsWith("<speak") ? text.matchAll(/<break\b([^>]*)/g) : []
  let millis = 0
  for (const [, attributes = ""] of breaks) {
    const [, length, unit] = /\btime="([\d.]+)(ms|s)"/.exec(attributes) ?? []
    millis += length === undefined ? breakMillis : Number(length) * (unit === "s" ? 1000 : 1)
  }
  return millis
}

/** The keys that a prompt takes, how long its words are heard, and how long all of it lasts. */
const keying = (
  { digits, everyMillis, into }: Callee.Reaction,
  { collects, settings, whole }: { readonly whole: number; readonly collects: number; readonly settings: Settings }
): { readonly digits: string; readonly heard: number; readonly lasts: number } => {
  const { keyMillis, keysCutIn, silenceMillis } = settings
  const every = everyMillis ?? keyMillis
  const first = into === true ? whole / 2 : whole + every
  const heard = into === true && keysCutIn && digits !== "" ? first : whole
  let [taken, last] = ["", heard]
  for (const key of digits) {
    const at = taken === "" ? first : first + taken.length * every
    if (at - last > silenceMillis) break
    taken += key
    last = Math.max(heard, at)
  }
  return { digits: taken, heard, lasts: taken.length < collects ? last + silenceMillis : last }
}

/** A tone takes 0.1 s, which is ours; `w` waits 0.5 s ("Voice - Actions"; documented). */
const tonesMillis = (tones: string): number => {
  let millis = 0
  for (const tone of tones) millis += tone === "w" ? 500 : 100
  return millis
}

const utc = (at: number): string => new Date(at).toISOString().slice(0, -1)
