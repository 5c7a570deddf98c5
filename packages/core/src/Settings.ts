/**
 * The times and limits by which calls are decided, as data.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import * as Action from "./Action.ts"
import { longestWait } from "./internal/bounds.ts"
import * as Prompt from "./Prompt.ts"

/**
 * All times are in milliseconds. The defaults are ours: Telesign documents none of them but the longest call.
 *
 * @since 0.1.0
 */
export interface Settings {
  /** A reply written this long after its webhook came was perhaps not delivered; default 4 s. */
  readonly lateReply: number
  /** How long a webhook may wait for the flow before it is answered with a hold; default 2 s. */
  readonly replyDeadline: number
  /** What a callee hears while the flow waits outside of a `Line.hold`. */
  readonly hold: Prompt.Prompt
  /** How many holds in a row a line gets that the store is too late to record, before it is hung up; default 3. */
  readonly maxUnrecordedHolds: number
  /** How long a start, a signal or a cancel waits for the store before it fails; default 5 s. */
  readonly storePatience: number
  /** How many webhooks and requests may wait for the store; what comes on top is refused; default 10,000. */
  readonly maxWaiting: number
  /** How many holds in a row a line bears before it is left; default 60. */
  readonly maxHolds: number
  /** How long a phone may ring at all, after which a dial of unknown fate is given up; default 3 minutes. */
  readonly ringLimit: number
  /** What is added to limits that the carrier keeps, for its events to arrive; default 1 minute. */
  readonly grace: number
  /** How long after the end of a call an outstanding answer is waited for; default 3 s. */
  readonly settle: number
  /** How long after a hang-up a line is presumed closed; default 30 s. */
  readonly afterHangup: number
  /** How long after the longest that an action can last a line counts as lost; default 2 minutes. */
  readonly silence: number
  /** A reply recorded this shortly before a crash was perhaps not delivered; default 2 s. */
  readonly doubt: number
  /** A dial is sent this soon after its record or not at all; default 10 s. */
  readonly sendWindow: number
  /** How long the carrier may take to answer a dial, before its response counts as lost; default 30 s. */
  readonly sendLimit: number
  /**
   * How long an engine takes to close at most: to answer the webhooks and dials that it has in hand, and to record what
   * became of them; default 10 s. What is left then is left to the next process.
   */
  readonly closeWithin: number
  /**
   * Where several processes share a store: how often each looks for calls that another left behind, and how late a call may
   * be before another sees to it than the one that should; default 5 s.
   */
  readonly lookEvery: number
  /**
   * How long a call waits for its flow, where that is overdue and no living process has registered it in the version of the
   * call, before the call ends without it; default 1 hour.
   */
  readonly flowPatience: number
  /** How often a dial that surely did nothing is tried in all, those not counted that the carrier throttled; default 5. */
  readonly maxAttempts: number
  /** The wait before the second attempt; each further one doubles it, up to `longestRetryAfter`; default 1 s. */
  readonly backoff: number
  /**
   * The longest wait for the next attempt of a dial that surely did nothing, also if the carrier wishes a longer one
   * (`Retry-After`); default 5 minutes.
   */
  readonly longestRetryAfter: number
  /**
   * At most so many dials a second, spread evenly, of all processes on one store together; default 40. Telesign documents no
   * limit. Second-hand, an account may make 50 requests of all kinds a second unless its support has raised that. `Infinity`
   * for no pace. After a 429 the pace is half, and comes back within a minute.
   */
  readonly dialsPerSecond: number
  /**
   * At most so many lines that ring or talk, of all calls and all processes on one store together: what would be one more
   * waits. Calls that come in count and are never refused. Each process has its share: one without any dials nobody. Default
   * `Infinity`.
   */
  readonly linesAtMost: number
  /**
   * How long after its flow has asked for it a dial may wait to be sent at most: for its place in the pace and among the
   * lines, and for a carrier that throttles it (429). Then the flow is told that it was not sent. Default 24 hours.
   */
  readonly dialWaitAtMost: number
  /** At most so many copies of one event are answered alike; the next counts as new; default 5. */
  readonly maxCopies: number
  /**
   * The field of a webhook that identifies it, such as an id of the event: two deliveries are copies exactly if it is equal.
   * Telesign documents none, so there is none by default. It is looked for at the top of the JSON and in `data`.
   */
  readonly eventKey: string | undefined
  /**
   * Whether each prompt carries an `external_id` of its own, so that its end is known from the end of any other if the
   * carrier sends it back. Telesign documents neither the parameter (but on `dial`) nor the echo: off by default.
   */
  readonly marks: boolean
  /** At most so many signals of one call wait until its flow waits for them; what is told beyond that is refused; default 1,000. */
  readonly maxSignals: number
  /** At most so many of these have one name; default 100. */
  readonly maxSignalsOfName: number
  /** At most so many events that change nothing are stored for one call; default 20. */
  readonly maxStrays: number
  /** Speech is no faster than this many characters a second; default 20. */
  readonly fastestSpeech: number
  /** Speech is no slower than this many characters a second; default 5. */
  readonly slowestSpeech: number
  /** Nobody hears a prompt and presses keys faster than this; default 0.4 s. */
  readonly shortestKeyPress: number
  /** How long audio of unknown length may play; default 10 minutes. */
  readonly longestAudio: number
  /** How much longer an action may last that collects digits; default 1 minute. */
  readonly longestCollect: number
  /** The statuses of `dial_completed` that mean busy. Telesign publishes only `answered`, so none by default. */
  readonly busy: ReadonlyArray<string>
  /** The statuses of `dial_completed` that mean that nobody answered. None by default. */
  readonly noAnswer: ReadonlyArray<string>
  /** The statuses of `dial_completed` that mean nothing yet, such as still ringing. None by default. */
  readonly ignored: ReadonlyArray<string>
  /**
   * How many calls that have neither a line nor an activity are kept in memory; default 1,000. The others are left to the
   * store, and read again when something comes for them.
   */
  readonly keep: number
  /** How much faster than life the carrier runs; 1 in life, more in an emulator. Divides what the carrier's speed decides. */
  readonly speed: number
}

const second = 1000
const minute = 60 * second

/**
 * The settings for real telephones.
 *
 * @since 0.1.0
 */
export const defaults: Settings = {
  replyDeadline: 2 * second,
  lateReply: 4 * second,
  hold: Prompt.speech("One moment, please."),
  maxUnrecordedHolds: 3,
  storePatience: 5 * second,
  maxWaiting: 10_000,
  maxHolds: 60,
  ringLimit: 3 * minute,
  grace: minute,
  settle: 3 * second,
  afterHangup: 30 * second,
  silence: 2 * minute,
  doubt: 2 * second,
  sendWindow: 10 * second,
  sendLimit: 30 * second,
  closeWithin: 10 * second,
  lookEvery: 5 * second,
  flowPatience: 60 * minute,
  maxAttempts: 5,
  backoff: second,
  longestRetryAfter: 5 * minute,
  dialsPerSecond: 40,
  linesAtMost: Infinity,
  dialWaitAtMost: 24 * 60 * minute,
  maxCopies: 5,
  eventKey: undefined,
  marks: false,
  maxSignals: 1_000,
  maxSignalsOfName: 100,
  maxStrays: 20,
  fastestSpeech: 20,
  slowestSpeech: 5,
  shortestKeyPress: 400,
  longestAudio: 10 * minute,
  longestCollect: minute,
  busy: [],
  noAnswer: [],
  ignored: [],
  keep: 1000,
  speed: 1
}

/**
 * Settings cannot be used. Each of the `problems` names one and says what is allowed; no value is kept.
 *
 * @since 0.1.0
 */
export class InvalidSettings extends Schema.TaggedError<InvalidSettings>()("InvalidSettings", {
  problems: Schema.Array(Schema.Struct({ setting: Schema.String, problem: Schema.String }))
}) {
  override get message() {
    const lines = this.problems.map(({ problem, setting }) => `${setting}: ${problem}`)
    return ["The engine cannot be set up so.", ...lines].join("\n- ")
  }
}

interface Rule {
  readonly takes: (value: unknown) => boolean
  readonly expected: string
}

const isAtLeast = (least: number) => (value: unknown): boolean => typeof value === "number" && value >= least
const isCount = (value: unknown): boolean => Number.isInteger(value) || value === Infinity

const time: Rule = {
  takes: (value) => isAtLeast(0)(value) && (value as number) <= longestWait,
  expected: "Expected milliseconds, from 0 to 10 years"
}
const someTime: Rule = {
  takes: (value) => value !== 0 && time.takes(value),
  expected: "Expected milliseconds, more than 0 and at most 10 years"
}
const count: Rule = {
  takes: (value) => isAtLeast(0)(value) && isCount(value),
  expected: "Expected a whole number, 0 or more"
}
const someCount: Rule = {
  takes: (value) => isAtLeast(1)(value) && isCount(value),
  expected: "Expected a whole number, 1 or more"
}
const rate: Rule = { takes: (value) => isAtLeast(0)(value) && value !== 0, expected: "Expected a number above 0" }
const words: Rule = {
  takes: (value) => Array.isArray(value) && value.every((word) => typeof word === "string"),
  expected: "Expected a list of words"
}
const prompt: Rule = { takes: Schema.is(Schema.toType(Prompt.Prompt)), expected: "Expected a Prompt" }
const truth: Rule = { takes: (value) => typeof value === "boolean", expected: "Expected true or false" }
const name: Rule = {
  takes: (value) => value === undefined || typeof value === "string",
  expected: "Expected the name of a field"
}

const rules: { readonly [Setting in keyof Settings]: Rule } = {
  replyDeadline: time,
  lateReply: time,
  hold: prompt,
  maxUnrecordedHolds: count,
  storePatience: time,
  maxWaiting: someCount,
  maxHolds: count,
  ringLimit: time,
  grace: time,
  settle: time,
  afterHangup: time,
  silence: time,
  doubt: time,
  sendWindow: time,
  sendLimit: someTime,
  closeWithin: time,
  lookEvery: someTime,
  flowPatience: time,
  maxAttempts: someCount,
  backoff: time,
  longestRetryAfter: time,
  dialsPerSecond: rate,
  linesAtMost: someCount,
  dialWaitAtMost: someTime,
  maxCopies: count,
  eventKey: name,
  marks: truth,
  maxSignals: count,
  maxSignalsOfName: count,
  maxStrays: count,
  fastestSpeech: rate,
  slowestSpeech: rate,
  shortestKeyPress: time,
  longestAudio: time,
  longestCollect: time,
  busy: words,
  noAnswer: words,
  ignored: words,
  keep: count,
  speed: { takes: (value) => rate.takes(value) && value !== Infinity, expected: rate.expected }
}

/**
 * The defaults with some of them changed; what is `undefined` stays as it is. Throws `InvalidSettings`.
 *
 * @since 0.1.0
 */
export const make = (changes: { readonly [Setting in keyof Settings]?: Settings[Setting] | undefined }): Settings => {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
  const settings: Settings = { ...defaults, ...given }
  const problems = Object.entries(rules).flatMap(([setting, { expected, takes }]) =>
    takes(settings[setting as keyof Settings]) ? [] : [{ setting, problem: expected }]
  )
  if (problems.length > 0) throw new InvalidSettings({ problems })
  return settings
}

const spokenCharacters = (text: string): number =>
  plainWords.test(text) ? text.length : text.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim().length

/** Words with one space between them and no markup: all of it is spoken. Asked at every turn. */
const plainWords = /^[^\s<]+(?: [^\s<]+)*$/

/**
 * The longest that an action can last, digits included. In milliseconds, at the speed of the carrier.
 *
 * @since 0.1.0
 */
export const longest = (self: Settings, action: Action.Action): number => {
  const collecting = Action.digits(action) > 0 ? self.longestCollect : 0
  switch (action._tag) {
    case "Speak":
      return (spokenCharacters(action.text) / self.slowestSpeech * second + collecting) / self.speed
    case "Play":
      return ((action.millis ?? self.longestAudio) + collecting) / self.speed
    case "SendDtmf":
      return (action.tones.length * second) / self.speed
    case "Dial":
    case "Hangup":
      return 0
  }
}

/**
 * The soonest that an action can have ended, by which an equal webhook that comes sooner shows as a copy. In milliseconds,
 * at the speed of the carrier.
 *
 * @since 0.1.0
 */
export const shortest = (self: Settings, action: Action.Action, options: { readonly withDigits: boolean }): number => {
  if (options.withDigits) return self.shortestKeyPress / self.speed
  switch (action._tag) {
    case "Speak":
      return (spokenCharacters(action.text) / self.fastestSpeech * second) / 2 / self.speed
    case "Play":
      return (action.millis ?? 0) / self.speed
    case "SendDtmf":
    case "Dial":
    case "Hangup":
      return 0
  }
}

/**
 * How long to listen for a sign of a dial whose fate is not known.
 *
 * @since 0.1.0
 */
export const horizon = (self: Settings): number => (self.ringLimit + self.grace) / self.speed
