/**
 * The times and limits by which calls are decided.
 *
 * @since 0.1.0
 */
import { Config, type Duration, Option, Result, Schema } from "effect"
import * as Action from "./Action.ts"
import { longestWait, millisOf } from "./internal/bounds.ts"
import * as spoken from "./internal/spoken.ts"
import * as Prompt from "./Prompt.ts"

/**
 * How webhooks are answered.
 *
 * @since 0.1.0
 */
export interface ReplySettings {
  /** How long a webhook may wait for the flow before it is answered with a hold; default 2 s. */
  readonly deadline: Duration.Input
  /** A reply written this long after its webhook came was perhaps not delivered; default 4 s. */
  readonly lateAfter: Duration.Input
  /** A reply recorded this shortly before a crash was perhaps not delivered; default 2 s. */
  readonly unsureBeforeCrash: Duration.Input
  /** What a callee hears while the flow waits outside of a `Line.hold`. */
  readonly hold: Prompt.Prompt
  /** How many holds in a row a line gets that the store is too late to record, before it is hung up; default 3. */
  readonly unrecordedHolds: number
}

/**
 * How lines are looked after. These times are the carrier's: `speed` divides them.
 *
 * @since 0.1.0
 */
export interface LineSettings {
  /** How many holds in a row a line bears before it is left; default 60. */
  readonly holds: number
  /** How long a phone may ring at all, after which a dial of unknown fate is given up; default 3 minutes. */
  readonly ringLimit: Duration.Input
  /** The longest that events of the carrier take to arrive; added to the limits that it keeps; default 1 minute. */
  readonly eventDelay: Duration.Input
  /** How long after the end of a call an outstanding answer is waited for; default 3 s. */
  readonly settle: Duration.Input
  /** How long after a hang-up a line is presumed closed; default 30 s. */
  readonly afterHangup: Duration.Input
  /** How long after the longest that an action can last a line counts as lost; default 2 minutes. */
  readonly silence: Duration.Input
}

/**
 * How dials are sent, and what the carrier's words for them mean.
 *
 * @since 0.1.0
 */
export interface DialSettings {
  /**
   * At most so many dials a second, spread evenly, of all processes on one store together; default 40. Telesign documents no
   * limit. Second-hand, an account may make 50 requests of all kinds a second unless its support has raised that. `Infinity`
   * for no pace. After a 429 the pace is half, and comes back within a minute. `speed` multiplies it.
   */
  readonly perSecond: number
  /**
   * At most so many lines that ring or talk, of all calls and all processes on one store together: what would be one more
   * waits. Calls that come in count and are never refused. Each process has its share; with fewer lines than processes, as many
   * processes as there are lines dial for all that know the same flows. Default `Infinity`.
   */
  readonly linesAtMost: number
  /**
   * How long after its flow has asked for it a dial may wait to be sent at most: for its place in the pace and among the
   * lines, and for a carrier that throttles it (429). Then the flow is told that it was not sent. One that was held because the
   * store was a copy may wait as long when it may go, and its flow is then told `unknown`. Default 24 hours. `speed` divides it.
   */
  readonly waitAtMost: Duration.Input
  /**
   * How long a dial waits at most while the carrier does not accept the credentials, is not reached, or does not take the number
   * that it is from: counted from when its flow asked for it, or from when that began if that was later. Meanwhile one attempt
   * at a time probes, after 1 s at first and up to 1 minute later. Default 1 hour. `speed` divides it.
   */
  readonly giveUpAfter: Duration.Input
  /** A dial is sent this soon after its record or not at all; default 10 s. */
  readonly sendWithin: Duration.Input
  /** How long the carrier may take to answer a dial, before its response counts as lost; default 30 s. */
  readonly answerWithin: Duration.Input
  /** How often a dial that surely did nothing is tried in all, those not counted that the carrier throttled; default 5. */
  readonly attempts: number
  /** The wait before the second attempt; each further one doubles it, up to `longestBackoff`; default 1 s. `speed` divides it. */
  readonly backoff: Duration.Input
  /**
   * The longest wait for the next attempt of a dial that surely did nothing, also if the carrier wishes a longer one
   * (`Retry-After`); default 5 minutes.
   */
  readonly longestBackoff: Duration.Input
  /** The statuses of a dial (`DialCompleted`) that mean busy. Telesign publishes only `answered`, so none by default. */
  readonly busy: ReadonlyArray<string>
  /** The statuses of a dial that mean that nobody answered. None by default. */
  readonly noAnswer: ReadonlyArray<string>
  /** The statuses of a dial that mean nothing yet, such as still ringing. None by default. */
  readonly ignored: ReadonlyArray<string>
}

/**
 * How many callers are let in. Nobody asks before somebody calls, so whoever can send events could begin calls without a bound. The
 * caller who is one too many gets what one gets at a number without a flow (`refusal`), and nothing is recorded.
 *
 * @since 0.1.0
 */
export interface InboundSettings {
  /** At most so many calls come in a second, by one process; default 50. `speed` multiplies it. */
  readonly perSecond: number
  /** At most so many lines that came in are open at a time, by one process; default 1,000. */
  readonly linesAtMost: number
}

/**
 * How a second delivery of a webhook is told from a new one.
 *
 * @since 0.1.0
 */
export interface CopySettings {
  /** At most so many copies of one event are answered alike; the next counts as new; default 5. */
  readonly atMost: number
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
}

/**
 * What one call may bear.
 *
 * @since 0.1.0
 */
export interface CallSettings {
  /** At most so many signals wait until their flow waits for them; what is told beyond that is refused; default 1,000. */
  readonly signals: number
  /** At most so many of these have one name; default 100. */
  readonly signalsOfName: number
  /** At most so many events that change nothing are stored; default 20. */
  readonly strays: number
  /**
   * How long a call waits for its flow, where that is overdue and no living process has registered it in the version of the
   * call, before the call ends without it; default 1 hour.
   */
  readonly flowPatience: Duration.Input
}

/**
 * How long speech, audio and key presses last.
 *
 * @since 0.1.0
 */
export interface SpeechSettings {
  /** Speech is no faster than this many characters a second; default 20. */
  readonly fastest: number
  /** Speech is no slower than this many characters a second; default 5. */
  readonly slowest: number
  /** Nobody hears a prompt and presses keys faster than this; default 0.4 s. */
  readonly shortestKeyPress: Duration.Input
  /** How long audio of unknown length may play; default 10 minutes. */
  readonly longestAudio: Duration.Input
  /** How long a `<break>` may last that does not say how long; default 3 s. */
  readonly longestBreak: Duration.Input
  /** How much longer an action may last that collects digits; default 1 minute. */
  readonly longestCollect: Duration.Input
}

/**
 * How the store is waited for, and shared.
 *
 * @since 0.1.0
 */
export interface StoreSettings {
  /** How long a start, a signal or a cancel waits for the store before it fails; default 5 s. */
  readonly patience: Duration.Input
  /** How many webhooks may wait for the store; what comes on top is refused; default 10,000. */
  readonly waiting: number
  /**
   * Where several processes share a store: how often each looks for calls that another left behind, and how late a call may
   * be before another sees to it than the one that should; default 5 s.
   */
  readonly lookEvery: Duration.Input
  /**
   * Where several processes share a store: for how long a process may say nothing until the others take its calls over, though its
   * connection stands; default 15 s, 6 s at least. It says that it lives each second, so one that hangs, or is cut off, is passed after so long and
   * one look. Shorter than `dial.sendWithin` it makes nothing ring twice, but takes dials for `unknown` that may yet go out; too
   * short, it passes processes that only pause.
   */
  readonly lease: Duration.Input
}

/**
 * What is kept in memory.
 *
 * @since 0.1.0
 */
export interface MemorySettings {
  /**
   * How many calls that have neither a line nor an activity are kept in memory; default 1,000. The others are left to the
   * store, and read again when something comes for them.
   */
  readonly calls: number
}

/**
 * How an engine ends.
 *
 * @since 0.1.0
 */
export interface ClosingSettings {
  /**
   * How long an engine takes to close at most: to answer the webhooks and dials that it has in hand, and to record what
   * became of them; default 10 s. What is left then is left to the next process.
   */
  readonly within: Duration.Input
}

interface Groups {
  readonly reply: ReplySettings
  readonly line: LineSettings
  readonly dial: DialSettings
  readonly inbound: InboundSettings
  readonly copies: CopySettings
  readonly call: CallSettings
  readonly speech: SpeechSettings
  readonly store: StoreSettings
  readonly memory: MemorySettings
  readonly closing: ClosingSettings
}

type Changes<Group> = { readonly [Setting in keyof Group]?: Group[Setting] | undefined }

/**
 * What is to be other than the defaults; what is `undefined` is not changed. A time is a duration such as `"2 seconds"`, or a
 * number of milliseconds. The defaults are ours: Telesign documents none of them but the longest call.
 *
 * @since 0.1.0
 */
export type Options = { readonly [Group in keyof Groups]?: Changes<Groups[Group]> | undefined } & {
  /** How much faster than life the carrier runs; 1 in life, more in an emulator. Divides what the carrier's speed decides. */
  readonly speed?: number | undefined
}

type Resolved<Value> = Duration.Input extends Value ? number : Value

/**
 * The settings of an engine: all times in milliseconds, and what is the carrier's at its `speed`.
 *
 * @since 0.1.0
 */
export type Settings =
  & {
    readonly [Group in keyof Groups]: { readonly [Setting in keyof Groups[Group]]: Resolved<Groups[Group][Setting]> }
  }
  & { readonly speed: number }

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

// ---------------------------------------------------------------------------------------------------------------------
// Rules
// ---------------------------------------------------------------------------------------------------------------------

/** One setting: its default, what it may be, and how it is read from the environment. */
interface Rule {
  readonly initial: unknown
  readonly expected: string
  /** What the engine gets for a value; nothing if it is none. */
  readonly resolve: (value: unknown, speed: number) => Option.Option<unknown>
  readonly config: (name: string) => Config.Config<unknown>
}

const rule = (
  initial: unknown,
  expected: string,
  takes: (value: unknown) => boolean,
  config: Rule["config"]
): Rule => ({ initial, expected, resolve: (value) => takes(value) ? Option.some(value) : Option.none(), config })

const isAtLeast = (least: number) => (value: unknown): boolean => typeof value === "number" && value >= least
const isCount = (value: unknown): boolean => Number.isInteger(value) || value === Infinity

const timeOf = (initial: Duration.Input, least: "0" | "more", isOfCarrier: boolean): Rule => ({
  initial,
  expected: `Expected a duration such as "2 seconds", ${
    least === "0" ? "from 0 to" : "more than 0 and at most"
  } 10 years`,
  resolve: (value, speed) => {
    const millis = millisOf(value as Duration.Input)
    const fits = millis !== undefined && millis <= longestWait && (least === "0" ? millis >= 0 : millis > 0)
    return fits ? Option.some(isOfCarrier ? millis / speed : millis) : Option.none()
  },
  config: (name) => Config.Duration(name)
})

const time = (initial: Duration.Input): Rule => timeOf(initial, "0", false)
const someTime = (initial: Duration.Input): Rule => timeOf(initial, "more", false)
const carrierTime = (initial: Duration.Input): Rule => timeOf(initial, "0", true)
/** A process says that it lives each second, and gives an answer to that 5: a shorter lease would pass one that is well. */
const leaseTime = (initial: Duration.Input): Rule => {
  const { resolve, ...whole } = someTime(initial)
  return {
    ...whole,
    expected: "Expected a duration of 6 seconds at least, and at most 10 years",
    resolve: (value, speed) => Option.filter(resolve(value, speed), isAtLeast(6_000))
  }
}
const someCarrierTime = (initial: Duration.Input): Rule => timeOf(initial, "more", true)

const count = (initial: number): Rule =>
  rule(initial, "Expected a whole number, 0 or more", (value) => isAtLeast(0)(value) && isCount(value), Config.Number)
const someCount = (initial: number): Rule =>
  rule(initial, "Expected a whole number, 1 or more", (value) => isAtLeast(1)(value) && isCount(value), Config.Number)

const isRate = (value: unknown): boolean => isAtLeast(0)(value) && value !== 0
const rate = (initial: number): Rule => rule(initial, "Expected a number above 0", isRate, Config.Number)

const carrierRate = (initial: number): Rule => ({
  ...rate(initial),
  resolve: (value, speed) => isRate(value) ? Option.some(value as number * speed) : Option.none()
})

const isWords = (value: unknown): boolean => Array.isArray(value) && value.every((word) => typeof word === "string")
const splitWords = (text: string): ReadonlyArray<string> => text.split(",").map((word) => word.trim())
const words: Rule = rule([], "Expected a list of words", isWords, (name) => Config.map(Config.String(name), splitWords))

const rules: { readonly [Group in keyof Groups]: { readonly [Setting in keyof Groups[Group]]: Rule } } = {
  reply: {
    deadline: time("2 seconds"),
    lateAfter: time("4 seconds"),
    unsureBeforeCrash: time("2 seconds"),
    hold: rule(
      Prompt.speech("One moment, please."),
      "Expected a Prompt",
      Schema.is(Schema.toType(Prompt.Prompt)),
      (name) => Config.map(Config.String(name), (text) => Prompt.speech(text))
    ),
    unrecordedHolds: count(3)
  },
  line: {
    holds: count(60),
    ringLimit: carrierTime("3 minutes"),
    eventDelay: carrierTime("1 minute"),
    settle: carrierTime("3 seconds"),
    afterHangup: carrierTime("30 seconds"),
    silence: carrierTime("2 minutes")
  },
  dial: {
    perSecond: carrierRate(40),
    linesAtMost: someCount(Infinity),
    waitAtMost: someCarrierTime("24 hours"),
    giveUpAfter: carrierTime("1 hour"),
    sendWithin: time("10 seconds"),
    answerWithin: someTime("30 seconds"),
    attempts: someCount(5),
    backoff: carrierTime("1 second"),
    longestBackoff: time("5 minutes"),
    busy: words,
    noAnswer: words,
    ignored: words
  },
  inbound: {
    perSecond: carrierRate(50),
    linesAtMost: someCount(1_000)
  },
  copies: {
    atMost: count(5),
    eventKey: rule(
      undefined,
      "Expected the name of a field",
      (value) => value === undefined || typeof value === "string",
      Config.String
    ),
    marks: rule(false, "Expected true or false", (value) => typeof value === "boolean", Config.Boolean)
  },
  call: {
    signals: count(1_000),
    signalsOfName: count(100),
    strays: count(20),
    flowPatience: time("1 hour")
  },
  speech: {
    fastest: rate(20),
    slowest: rate(5),
    shortestKeyPress: carrierTime("400 millis"),
    longestAudio: time("10 minutes"),
    longestBreak: time("3 seconds"),
    longestCollect: time("1 minute")
  },
  store: {
    patience: time("5 seconds"),
    waiting: someCount(10_000),
    lookEvery: someTime("5 seconds"),
    lease: leaseTime("15 seconds")
  },
  memory: { calls: count(1_000) },
  closing: { within: time("10 seconds") }
}

/** All settings, each under its name, such as `reply.deadline`. */
const all: ReadonlyArray<readonly [name: string, group: string, setting: string, Rule]> = Object.entries(rules).flatMap(
  ([group, settings]) =>
    Object.entries(settings as Record<string, Rule>).map(([setting, rule]) =>
      [`${group}.${setting}`, group, setting, rule] as const
    )
)

type Values = { readonly [group: string]: { readonly [setting: string]: unknown } | undefined }

/** Group by group, what is given for each setting. */
const grouped = (valueOf: (group: string, setting: string, rule: Rule) => unknown): Record<string, object> => {
  const found: Record<string, Record<string, unknown>> = {}
  for (const [, group, setting, rule] of all) {
    found[group] = { ...found[group], [setting]: valueOf(group, setting, rule) }
  }
  return found
}

// ---------------------------------------------------------------------------------------------------------------------
// Making
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The defaults with some of them changed. Throws `InvalidSettings`, which names each setting that cannot be used, one that
 * does not exist among them.
 *
 * @example
 * Settings.make({ reply: { deadline: "1 second" }, dial: { perSecond: 10 } })
 * @since 0.1.0
 */
export const make = (options: Options = {}): Settings => {
  if (typeof options !== "object" || options === null) {
    throw new InvalidSettings({ problems: [{ setting: "settings", problem: "Expected settings" }] })
  }
  const problems = unknownIn(options)
  const speed = options.speed ?? 1
  if (!isRate(speed) || speed === Infinity) problems.push({ setting: "speed", problem: "Expected a number above 0" })
  const settings = grouped((group, setting, { expected, initial, resolve }) => {
    const value = (options as unknown as Values)[group]?.[setting]
    const resolved = resolve(value === undefined ? initial : value, speed)
    if (Option.isSome(resolved)) return resolved.value
    problems.push({ setting: `${group}.${setting}`, problem: expected })
    return undefined
  })
  if (problems.length > 0) throw new InvalidSettings({ problems })
  return { ...settings, speed } as unknown as Settings
}

type Problem = { readonly setting: string; readonly problem: string }

/** The settings that do not exist: a name that is misspelt must not be passed over. */
const unknownIn = (options: Options): Array<Problem> => {
  const known = new Set(all.map(([name]) => name))
  return Object.entries(options).flatMap(([group, settings]) => {
    if (group === "speed" || settings === undefined) return []
    if (!Object.hasOwn(rules, group)) return [{ setting: group, problem: "There is no such setting" }]
    if (typeof settings !== "object" || settings === null) return [{ setting: group, problem: "Expected settings" }]
    return Object.keys(settings).flatMap((setting) =>
      known.has(`${group}.${setting}`)
        ? []
        : [{ setting: `${group}.${setting}`, problem: "There is no such setting" }]
    )
  })
}

/**
 * The settings for real telephones.
 *
 * @since 0.1.0
 */
export const defaults: Settings = make()

/**
 * What two say is to be other than the defaults; where both say something, the second is right.
 *
 * @since 0.1.0
 */
export const merge = (self: Options, that: Options): Options => {
  const [first, second] = [self as unknown as Values, that as unknown as Values]
  const merged = Object.keys({ ...first, ...second }).map((name) => {
    const [one, other] = [first[name], second[name]]
    const areGroups = [one, other].every((value) => typeof value === "object" && value !== null)
    return [name, areGroups ? { ...one, ...other } : other ?? one] as const
  })
  return Object.fromEntries(merged)
}

/** `reply.lateAfter` is `REPLY_LATE_AFTER`. */
const variable = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).replace(".", "_").toUpperCase()

/**
 * What the configuration says is to be other than the defaults: `RINGBACK_REPLY_DEADLINE="1 second"` is `reply.deadline`,
 * `RINGBACK_DIAL_PER_SECOND=10` is `dial.perSecond`, `RINGBACK_DIAL_BUSY="busy,user_busy"` is `dial.busy`, and so on for each. Fails
 * with a `ConfigError` for what is no such value; what an engine cannot be set up with, `make` refuses.
 * A variable that is misspelt is not noticed, for a configuration cannot be asked what it holds.
 *
 * @example
 * const CallsLive = Layer.unwrap(Effect.map(Settings.config, (settings) => Calls.layer({ flows, settings })))
 * @since 0.1.0
 */
export const config: Config.Config<Options> = Config.map(
  Config.all([
    ...all.map(([name, , , { config }]) => Config.option(config(`RINGBACK_${variable(name)}`))),
    Config.option(Config.Number("RINGBACK_SPEED"))
  ]),
  (found) => {
    const values = new Map(all.map(([name], place) => [name, Option.getOrUndefined(found[place]!)]))
    const speed = Option.getOrUndefined(found.at(-1)!) as number | undefined
    return {
      ...grouped((group, setting) => values.get(`${group}.${setting}`)),
      ...(speed === undefined ? {} : { speed })
    } as Options
  }
)

// ---------------------------------------------------------------------------------------------------------------------
// What follows
// ---------------------------------------------------------------------------------------------------------------------

const second = 1_000

const spokenCharacters = (text: string): number => plainWords.test(text) ? text.length : markupOf(text).words.length

/** Words with one space between them and no markup: all of it is spoken. Asked at every turn. */
const plainWords = /^[^\s<]+(?: [^\s<]+)*$/

/** What is heard of a text. All of it, if it is plain, or markup that cannot be read. */
const markupOf = (text: string): spoken.Heard => {
  const heard = spoken.isMarkup(text) ? spoken.read(text) : undefined
  return heard !== undefined && Result.isSuccess(heard)
    ? heard.success
    : { words: spoken.collapsed(text), pauseMillis: 0, pauses: 0, files: 0 }
}

const longestSpeech = (text: string, speech: Settings["speech"]): number => {
  if (plainWords.test(text)) return text.length / speech.slowest * second
  const { files, pauseMillis, pauses, words } = markupOf(text)
  const silent = pauseMillis + pauses * speech.longestBreak + files * speech.longestAudio
  return words.length / speech.slowest * second + silent
}

/**
 * The longest that an action can last, digits included: the words of a text, and where it is SSML its breaks and its audio.
 * In milliseconds, at the speed of the carrier.
 *
 * @since 0.1.0
 */
export const longest = ({ speech, speed }: Settings, action: Action.Action): number => {
  const collecting = Action.digits(action) > 0 ? speech.longestCollect : 0
  switch (action._tag) {
    case "Speak":
      return (longestSpeech(action.text, speech) + collecting) / speed
    case "Play":
    case "Raw":
      return ((action.millis ?? speech.longestAudio) + collecting) / speed
    case "SendDtmf":
      return (action.tones.length * second) / speed
    case "Dial":
    case "Hangup":
      return 0
  }
}

/**
 * The soonest that an action can have ended, by which an equal webhook that comes sooner shows as a copy. Of a text only the
 * words count, for a break may be passed over. In milliseconds, at the speed of the carrier.
 *
 * @since 0.1.0
 */
export const shortest = (
  { speech, speed }: Settings,
  action: Action.Action,
  options: { readonly withDigits: boolean }
): number => {
  if (options.withDigits) return speech.shortestKeyPress
  switch (action._tag) {
    case "Speak":
      return (spokenCharacters(action.text) / speech.fastest * second) / 2 / speed
    case "Play":
      return (action.millis ?? 0) / speed
    case "SendDtmf":
    case "Raw":
    case "Dial":
    case "Hangup":
      return 0
  }
}

/**
 * How long to listen for a sign of a dial whose fate is not known. In milliseconds, at the speed of the carrier.
 *
 * @since 0.1.0
 */
export const horizon = ({ line }: Settings): number => line.ringLimit + line.eventDelay
