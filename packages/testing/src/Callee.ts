/**
 * A scripted person at the far end of a call, as plain data that reads like a person.
 *
 * ```ts
 * Callee.answers("3 seconds").hears(/press 1/i).presses("1").hangsUp()
 * ```
 *
 * How a script is followed. At the start of each prompt the person goes on with the script:
 *
 * - `hears` waits for a prompt that matches; prompts before it are listened to. Each `hears` takes a prompt of its own.
 * - `presses` and `staysSilent` are used by the next prompt that collects digits; one that collects none is just heard.
 * - `hangsUp` ends the call in the middle of the next prompt, or of the next talk with somebody else.
 * - `talks` takes part in the next talk with somebody else; prompts before it are listened to. With `hangsUp` after it, the
 *   person leaves in the middle of that talk.
 * - `hangsUpDuring(n)` does so in the middle of the n-th prompt of the call, `hangsUpAfter(n)` shortly after its end. A
 *   script that comes to such a step too late acts in the prompt that it has reached.
 * - One prompt may use several steps: `hears` and the keys pressed on it, keys and `hangsUpAfter`.
 * - When the script is used up, the person stays on the line and says nothing.
 * - `whenever` has no place in the order: whenever a prompt matches that collects digits, these are pressed, and the script stays where it is.
 *   Nor has `hangsUpAt`, which goes by the time since the answer, or since the call.
 *
 * Keys are pressed after the prompt has been heard, unless they are said to be pressed into it, and belong to that prompt: there is no typing
 * ahead, and keys beyond what the prompt takes are lost, as are those that come later than it waits. Nothing public says what Telesign does with
 * them.
 *
 * @since 0.1.0
 */
import { Duration, Option, Pipeable, Predicate, Result, Schema, SchemaTransformation } from "effect"
import * as duration from "./internal/duration.ts"
import * as usersCode from "./internal/usersCode.ts"

/**
 * How a number is reached: it is busy, rings until the network gives up, fails with a status of the carrier, is answered
 * by a person, is picked up by a machine that records for a while, or is steered by hand.
 *
 * @since 0.1.0
 */
export type Reach =
  | { readonly _tag: "Busy" }
  | { readonly _tag: "NoAnswer" }
  | { readonly _tag: "Fails"; readonly status: string }
  | { readonly _tag: "Answers"; readonly afterMillis: number; readonly oneCall?: true }
  | {
    readonly _tag: "Voicemail"
    readonly afterMillis: number
    readonly greetingMillis?: number
    readonly recordingMillis?: number
  }
  | { readonly _tag: "ByHand" }

/**
 * One step of a script. `prompt` numbers the prompts of a call from 1, `bridge` its bridges. `HeardMore` is not for writing: it is what becomes of
 * `HearsNoMore` when a prompt comes all the same. A `Whenever` is `used` once it was.
 *
 * @since 0.1.0
 */
export type Step =
  | Hears
  | { readonly _tag: "Presses"; readonly digits: string; readonly everyMillis?: number; readonly into?: true }
  | { readonly _tag: "Whenever"; readonly heard: Hears; readonly digits: string; readonly used?: true }
  | { readonly _tag: "HangsUpAt"; readonly afterMillis: number }
  | { readonly _tag: "StaysSilent" }
  | { readonly _tag: "HearsNoMore" }
  | { readonly _tag: "HeardMore" }
  | { readonly _tag: "Talks" }
  | { readonly _tag: "HangsUp" }
  | { readonly _tag: "HangsUpDuring"; readonly prompt: number }
  | { readonly _tag: "HangsUpAfter"; readonly prompt: number }
  | { readonly _tag: "HangsUpWhileBridging"; readonly bridge: number }
  | { readonly _tag: "HangsUpAfterBridging"; readonly bridge: number }

type Hears =
  | { readonly _tag: "Hears"; readonly text: string }
  | { readonly _tag: "HearsMatch"; readonly source: string; readonly flags: string }

/**
 * How keys are pressed: one every so often, instead of the half second of `keyMillis`, and `into` the middle of the words. A prompt that waits for
 * less than that between two keys goes on without the rest.
 *
 * @since 0.1.0
 */
export interface Pressing {
  readonly every?: Duration.Input
  readonly into?: boolean
}

/**
 * Everything there is to know about a callee, as plain data. Whatever takes a callee takes this.
 *
 * @since 0.1.0
 */
export interface Script {
  readonly reach: Reach
  readonly steps: ReadonlyArray<Step>
}

/**
 * A person who answers: a `Script` whose steps can be added one after another.
 *
 * @since 0.1.0
 */
export interface Callee extends Script, Pipeable.Pipeable {
  /**
   * Listens until a prompt contains this text, in upper or lower case, or matches this expression. A prompt that plays a
   * file is matched by its address.
   */
  readonly hears: (words: string | RegExp) => Callee
  /** Presses these keys (`0-9 A-D * #`) after the next prompt that collects digits, or into it. */
  readonly presses: (digits: string, how?: Pressing) => Callee
  /** Presses these keys at each prompt that collects digits and matches, whenever it comes. */
  readonly whenever: (words: string | RegExp, digits: string) => Callee
  /** Lets the next prompt that collects digits pass without pressing a key. */
  readonly staysSilent: () => Callee
  /** Expects no further prompt. If one comes, the script is not followed, and `TestCalls.followed` says so. */
  readonly hearsNoMore: () => Callee
  /** Waits for the next talk with somebody else, and talks. */
  readonly talks: () => Callee
  /** Hangs up in the middle of the next prompt or talk. */
  readonly hangsUp: () => Callee
  /** Hangs up in the middle of the n-th prompt of the call, counted from 1. */
  readonly hangsUpDuring: (prompt: number) => Callee
  /** Hangs up shortly after the n-th prompt of the call; with 0, shortly after answering, or after calling. */
  readonly hangsUpAfter: (prompt: number) => Callee
  /** Hangs up so long after answering, or after calling, whatever is said then. */
  readonly hangsUpAt: (time: Duration.Input) => Callee
  /** Is busy to whoever else rings during a call with this person. */
  readonly takesOneCall: () => Callee
  /** Hangs up while somebody else is rung by the n-th bridge of the call, counted from 1, or by a later one. */
  readonly hangsUpWhileBridging: (bridge: number) => Callee
  /** Hangs up shortly after the n-th bridge of the call is over, whether there was a talk or nobody answered. */
  readonly hangsUpAfterBridging: (bridge: number) => Callee
}

/**
 * A script cannot be followed. `problem` says what was expected; keys and words that were given are not repeated.
 *
 * @since 0.1.0
 */
export class InvalidCallee extends Schema.TaggedError<InvalidCallee>()("InvalidCallee", { problem: Schema.String }) {
  override get message() {
    return `This callee makes no sense. ${this.problem}`
  }
}

/**
 * Turns plain data into a callee whose steps can be added to. Nothing is checked.
 *
 * @since 0.1.0
 */
export const make = (script: Script): Callee => new Person(script.reach, script.steps)

/**
 * A number that is engaged. The word for it in `dial_completed` is a setting, because Telesign's own is not public.
 *
 * @since 0.1.0
 */
export const busy: Script = { reach: { _tag: "Busy" }, steps: [] }

/**
 * A number that rings until the network gives up; how long that takes is a setting.
 *
 * @since 0.1.0
 */
export const noAnswer: Script = { reach: { _tag: "NoAnswer" }, steps: [] }

/**
 * A number whose dial ends with this status in `dial_completed`: one word. Throws `InvalidCallee` for `answered`.
 *
 * @since 0.1.0
 */
export const fails = (status: string): Script => {
  if (!/^[^\s;]+$/.test(status) || status === "answered") throw expected("one word other than answered after \"fails\"")
  return { reach: { _tag: "Fails", status }, steps: [] }
}

/**
 * A person who picks up after `after` (2 seconds if not said) and listens. Throws `InvalidCallee` if that is no finite
 * time.
 *
 * @since 0.1.0
 */
export const answers = (after: Duration.Input = "2 seconds"): Callee => {
  return new Person({ _tag: "Answers", afterMillis: finite(after, "answers") }, [])
}

const finite = (time: Duration.Input, after: string): number => {
  const millis = Option.map(Duration.fromInput(time), Duration.toMillis)
  if (Option.isNone(millis) || !(millis.value >= 0 && millis.value < Infinity)) {
    throw expected(`a finite time, such as 3 seconds, after "${after}"`)
  }
  return millis.value
}

const voicemailMillis = 20_000

/**
 * A machine that picks up after 20 seconds, presses nothing, and hangs up when its tape is full, in the middle of
 * whatever is said. To the carrier it is an answer like any other.
 *
 * @since 0.1.0
 */
export const voicemail: Script = { reach: { _tag: "Voicemail", afterMillis: voicemailMillis }, steps: [] }

/**
 * A machine with a greeting and a tone of its own: it picks up `after` so long (20 seconds), `greets` until its tone, and then `records` until its
 * tape is full, which is the setting `recordingMillis` if it is not said. What was spoken after the tone is the `tape` of its `PhoneLine`.
 *
 * @since 0.1.0
 */
export const machine = (options: {
  readonly after?: Duration.Input
  readonly greets: Duration.Input
  readonly records?: Duration.Input
}): Script => ({
  reach: {
    _tag: "Voicemail",
    afterMillis: finite(options.after ?? voicemailMillis, "machine"),
    greetingMillis: finite(options.greets, "greets"),
    ...options.records === undefined ? {} : { recordingMillis: finite(options.records, "records") }
  },
  steps: []
})

/**
 * A phone without a script: somebody steers it while it rings and after, by `answer`, `press`, `hangUp` and their like of
 * `PhoneLine` or `PhoneCompany`, or on the page of the emulator. It rings until the network gives up.
 *
 * @since 0.1.0
 */
export const byHand: Script = { reach: { _tag: "ByHand" }, steps: [] }

/**
 * A prompt as the callee hears it: its number in the call, its words, and how many digits it takes (0 for none).
 *
 * @since 0.1.0
 */
export interface Heard {
  readonly number: number
  readonly words: string
  readonly collects: number
}

/**
 * What the callee does about a prompt, and the steps that are left. `digits` fit what the prompt takes, and are `""` where
 * nothing is pressed.
 *
 * @since 0.1.0
 */
export interface Reaction {
  readonly digits: string
  /** How long each key takes, if it is said, and whether they are pressed into the words. */
  readonly everyMillis?: number
  readonly into?: true
  readonly hangsUp: "never" | "during" | "after"
  readonly steps: ReadonlyArray<Step>
}

/**
 * Follows a script through one prompt. Pure.
 *
 * @since 0.1.0
 */
export const listen = (script: ReadonlyArray<Step>, heard: Heard): Reaction => {
  const { standing, steps } = parted(script)
  const at = standing.findIndex((step) =>
    step._tag === "Whenever" && heard.collects > 0 && matches(step.heard, heard.words)
  )
  const always = standing[at]
  if (always?._tag === "Whenever") {
    const used = standing.with(at, { ...always, used: true })
    return { digits: always.digits.slice(0, heard.collects), hangsUp: "never", steps: [...used, ...steps] }
  }
  const reaction = follow(steps, heard)
  return standing.length === 0 ? reaction : { ...reaction, steps: [...standing, ...reaction.steps] }
}

/** The steps that have no place in the order, and those that have. */
const parted = (script: ReadonlyArray<Step>) => ({
  standing: script.filter(isStanding),
  steps: script.filter((step) => !isStanding(step))
})

const isStanding = ({ _tag }: Step): boolean => _tag === "Whenever" || _tag === "HangsUpAt"

const follow = (steps: ReadonlyArray<Step>, heard: Heard): Reaction => {
  let digits = ""
  let pace: Pick<Reaction, "everyMillis" | "into"> = {}
  let [listened, keyed] = [false, false]
  const react = (hangsUp: Reaction["hangsUp"], used: number): Reaction => ({
    digits,
    ...pace,
    hangsUp,
    steps: steps.slice(used)
  })
  for (const [used, step] of steps.entries()) {
    switch (step._tag) {
      case "Hears":
      case "HearsMatch":
        if (listened || keyed || !matches(step, heard.words)) return react("never", used)
        listened = true
        break
      case "Presses":
      case "StaysSilent":
        if (keyed || heard.collects === 0) return react("never", used)
        if (step._tag === "Presses") {
          const { digits: all, _tag: _, ...how } = step
          digits = all.slice(0, heard.collects)
          pace = how
        }
        keyed = true
        break
      case "HearsNoMore":
        return listened || keyed ? react("never", used) : { digits, hangsUp: "never", steps: [{ _tag: "HeardMore" }] }
      case "HeardMore":
      case "Talks":
      case "Whenever":
      case "HangsUpAt":
      case "HangsUpWhileBridging":
      case "HangsUpAfterBridging":
        return react("never", used)
      case "HangsUp":
        return keyed ? react("never", used) : react("during", used + 1)
      case "HangsUpDuring":
        return keyed || heard.number < step.prompt ? react("never", used) : react("during", used + 1)
      case "HangsUpAfter":
        return heard.number < step.prompt ? react("never", used) : react("after", used + 1)
    }
  }
  return react("never", steps.length)
}

/**
 * What somebody does in a talk with somebody else, and the steps that are left after it. Pure.
 *
 * @since 0.1.0
 */
export const converse = (script: ReadonlyArray<Step>): Pick<Reaction, "steps"> & { readonly hangsUp: boolean } => {
  const { standing, steps } = parted(script)
  const rest = steps[0]?._tag === "Talks" ? steps.slice(1) : steps
  const hangsUp = rest[0]?._tag === "HangsUp"
  return { hangsUp, steps: [...standing, ...hangsUp ? rest.slice(1) : rest] }
}

/**
 * When somebody hangs up who has just answered, or called, if the script says so by the time: in milliseconds from now. Pure.
 *
 * @since 0.1.0
 */
export const leavesAfter = (
  script: ReadonlyArray<Step>,
  atOnceMillis: number
): Pick<Reaction, "steps"> & { readonly millis: number | undefined } => {
  const { standing, steps: [first, ...rest] } = parted(script)
  const isAtOnce = first?._tag === "HangsUpAfter" && first.prompt === 0
  const times = standing.flatMap((step) => step._tag === "HangsUpAt" ? [step.afterMillis] : [])
  const soonest = Math.min(...times, isAtOnce ? atOnceMillis : Infinity)
  return { millis: soonest === Infinity ? undefined : soonest, steps: isAtOnce ? [...standing, ...rest] : script }
}

/**
 * What somebody does while a bridge rings somebody else, or when it is over, and the steps that are left. `number` counts the
 * bridges of a call from 1. Pure.
 *
 * @since 0.1.0
 */
export const beBridged = (
  script: ReadonlyArray<Step>,
  bridge: { readonly number: number; readonly isOver: boolean }
): Pick<Reaction, "steps"> & { readonly hangsUp: boolean } => {
  const { standing, steps: [step, ...rest] } = parted(script)
  const tag = bridge.isOver ? "HangsUpAfterBridging" : "HangsUpWhileBridging"
  const hangsUp = step?._tag === tag && bridge.number >= step.bridge
  return { hangsUp, steps: hangsUp ? [...standing, ...rest] : script }
}

/**
 * The steps of a script, or of what is left of one, in words. A test that wants every step used asserts that none are
 * left over. Words and keys are shown, for they come from a test.
 *
 * @since 0.1.0
 */
export const leftover = (script: { readonly steps: ReadonlyArray<Step> }): ReadonlyArray<string> =>
  script.steps.filter((step) => step._tag !== "HearsNoMore" && !(step._tag === "Whenever" && step.used))
    .map(describeStep)

/**
 * The callee in the words that `parse` reads, such as `answers 2s; presses 1; hangs up`. Words and keys are shown, for
 * they come from a test.
 *
 * @since 0.1.0
 */
export const describe = (script: Script): string =>
  [...describeReach(script.reach), ...script.steps.map(describeStep)].join("; ")

/**
 * Reads a callee written in words: how the number is reached, then steps, parted by `;`.
 *
 * - `busy`, `no answer`, `fails some_status`, `voicemail`, `by hand`, `answers`, `answers 2s` (also `500ms`, `1m`, `3 seconds`);
 *   `machine 4s; greets 6s; records 30s`
 * - `hears "press 1"`, `hears /press \d/i`, `presses 1`, `presses 1234 every 2s`, `presses 1 into it`, `whenever "your name" presses 1`,
 *   `stays silent`, `hears no more`, `talks`, `hangs up`, `hangs up at 12s`, `hangs up during 2`, `hangs up after 1`,
 *   `hangs up while bridging 1`, `hangs up after bridging 1`, `takes one call`; only `answers` takes these.
 *
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<Script, InvalidCallee> =>
  Result.try({
    try: () => {
      const [first, ...rest] = split(text)
      const script = parseReach(first ?? "")
      if (script instanceof Person) return rest.reduce(parseStep, script)
      if (first?.startsWith("machine")) return parseMachine(script, rest)
      if (rest.length > 0) throw expected("no steps after a callee who does not answer")
      return script
    },
    catch: (error) => {
      if (error instanceof InvalidCallee) return error
      throw error
    }
  })

/**
 * The codec of a callee in words, as `parse` reads them: what the emulator's command and its HTTP API take.
 *
 * @since 0.1.0
 */
export const Words = Schema.String.annotate({
  description: "Who answers, in words: how they are reached, then steps, parted by semicolons",
  examples: [
    "answers 2s; hears \"press 1\"; presses 1; hangs up",
    "busy",
    "no answer",
    "fails unreachable",
    "voicemail"
  ]
}).check(
  Schema.makeFilter((text) => Result.match(parse(text), { onSuccess: () => true, onFailure: ({ problem }) => problem }))
).pipe(
  Schema.decodeTo(
    Schema.declare((value): value is Script => Predicate.hasProperty(value, "reach")),
    SchemaTransformation.transform({ decode: (text: string) => Result.getOrThrow(parse(text)), encode: describe })
  )
)

class Person extends Pipeable.Class implements Callee {
  readonly reach: Reach
  readonly steps: ReadonlyArray<Step>

  constructor(reach: Reach, steps: ReadonlyArray<Step>) {
    super()
    this.reach = reach
    this.steps = steps
  }

  private and(step: Step): Callee {
    return new Person(this.reach, [...this.steps, step])
  }

  hears(words: string | RegExp): Callee {
    return this.and(hearing(words, "hears"))
  }

  presses(digits: string, { every, into = false }: Pressing = {}): Callee {
    return this.and({
      _tag: "Presses",
      digits: keysOf(digits),
      ...every === undefined ? {} : { everyMillis: finite(every, "every") },
      ...into ? { into } : {}
    })
  }

  whenever(words: string | RegExp, digits: string): Callee {
    return this.and({ _tag: "Whenever", heard: hearing(words, "whenever"), digits: keysOf(digits) })
  }

  hangsUpAt(time: Duration.Input): Callee {
    return this.and({ _tag: "HangsUpAt", afterMillis: finite(time, "hangs up at") })
  }

  takesOneCall(): Callee {
    return this.reach._tag === "Answers" ? new Person({ ...this.reach, oneCall: true }, this.steps) : this
  }

  staysSilent(): Callee {
    return this.and({ _tag: "StaysSilent" })
  }

  hearsNoMore(): Callee {
    return this.and({ _tag: "HearsNoMore" })
  }

  talks(): Callee {
    return this.and({ _tag: "Talks" })
  }

  hangsUp(): Callee {
    return this.and({ _tag: "HangsUp" })
  }

  hangsUpDuring(prompt: number): Callee {
    if (!Number.isInteger(prompt) || prompt < 1) {
      throw expected("the number of a prompt, from 1, after \"hangs up during\"")
    }
    return this.and({ _tag: "HangsUpDuring", prompt })
  }

  hangsUpAfter(prompt: number): Callee {
    if (!Number.isInteger(prompt) || prompt < 0) {
      throw expected("the number of a prompt, from 0, after \"hangs up after\"")
    }
    return this.and({ _tag: "HangsUpAfter", prompt })
  }

  hangsUpWhileBridging(bridge: number): Callee {
    return this.and({ _tag: "HangsUpWhileBridging", bridge: numberOf(bridge, "hangs up while bridging") })
  }

  hangsUpAfterBridging(bridge: number): Callee {
    return this.and({ _tag: "HangsUpAfterBridging", bridge: numberOf(bridge, "hangs up after bridging") })
  }
}

const hearing = (words: string | RegExp, after: string): Hears => {
  if (words instanceof RegExp) return { _tag: "HearsMatch", source: words.source, flags: words.flags }
  if (words.trim() === "") throw expected(`some words after "${after}"`)
  return { _tag: "Hears", text: words }
}

const keysOf = (digits: string): string => {
  if (!/^[0-9A-D*#]+$/.test(digits)) throw expected("keys 0-9, A-D, * and # after \"presses\"")
  return digits
}

const numberOf = (bridge: number, words: string): number => {
  if (!Number.isInteger(bridge) || bridge < 1) throw expected(`the number of a bridge, from 1, after "${words}"`)
  return bridge
}

const expected = (what: string) => usersCode.from(new InvalidCallee({ problem: `Expected ${what}.` }), usersCode.here())

const matches = (step: Hears, words: string): boolean =>
  step._tag === "Hears"
    ? words.toLowerCase().includes(step.text.toLowerCase())
    : new RegExp(step.source, step.flags).test(words)

const timeOf = (millis: number): string => millis % 1000 === 0 ? `${millis / 1000}s` : `${millis}ms`

const describeReach = (reach: Reach): ReadonlyArray<string> => {
  switch (reach._tag) {
    case "Busy":
      return ["busy"]
    case "NoAnswer":
      return ["no answer"]
    case "Fails":
      return [`fails ${reach.status}`]
    case "Answers":
      return [`answers ${timeOf(reach.afterMillis)}`, ...reach.oneCall === true ? ["takes one call"] : []]
    case "Voicemail": {
      const { afterMillis, greetingMillis, recordingMillis } = reach
      if (greetingMillis === undefined) return ["voicemail"]
      const records = recordingMillis === undefined ? [] : [`records ${timeOf(recordingMillis)}`]
      return [`machine ${timeOf(afterMillis)}`, `greets ${timeOf(greetingMillis)}`, ...records]
    }
    case "ByHand":
      return ["by hand"]
  }
}

const describeStep = (step: Step): string => {
  switch (step._tag) {
    case "Hears":
      return `hears ${JSON.stringify(step.text)}`
    case "HearsMatch":
      return `hears /${step.source}/${step.flags}`
    case "Presses": {
      const every = step.everyMillis === undefined ? "" : ` every ${timeOf(step.everyMillis)}`
      return `presses ${step.digits}${every}${step.into === true ? " into it" : ""}`
    }
    case "Whenever":
      return `whenever ${describeStep(step.heard).slice("hears ".length)} presses ${step.digits}`
    case "HangsUpAt":
      return `hangs up at ${timeOf(step.afterMillis)}`
    case "StaysSilent":
      return "stays silent"
    case "HearsNoMore":
      return "hears no more"
    case "HeardMore":
      return "heard a prompt that was not expected"
    case "Talks":
      return "talks"
    case "HangsUp":
      return "hangs up"
    case "HangsUpDuring":
      return `hangs up during ${step.prompt}`
    case "HangsUpAfter":
      return `hangs up after ${step.prompt}`
    case "HangsUpWhileBridging":
      return `hangs up while bridging ${step.bridge}`
    case "HangsUpAfterBridging":
      return `hangs up after bridging ${step.bridge}`
  }
}

const quoted = String.raw`(?:hears|whenever)\s+"(?:[^"\\]|\\.)*"[^;]*?`
const expression = String.raw`(?:hears|whenever)\s+/(?:[^/\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/[a-z]*[^;]*?`
const part = new RegExp(String.raw`\s*(${quoted}|${expression}|[^;]*?)\s*(?:;|$)`, "gy")

const split = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(part), (match) => match[1]!).filter((words) => words !== "")

const parseReach = (words: string): Script => {
  if (words === "busy") return busy
  if (words === "no answer") return noAnswer
  if (words === "voicemail") return voicemail
  if (words === "by hand") return byHand
  if (words === "answers") return answers()
  const [verb, ...rest] = words.split(/\s+/)
  if (verb === "answers") return answers(duration.parse(rest.join(" ")))
  if (verb === "fails") return fails(rest.join(" "))
  if (verb === "machine") {
    return machine({ greets: 0, ...rest.length === 0 ? {} : { after: duration.parse(rest.join(" ")) } })
  }
  throw expected(
    `"busy", "no answer", "fails <status>", "voicemail", "machine <time>", "by hand" or "answers <time>" first`
  )
}

const parseMachine = ({ reach }: Script, words: ReadonlyArray<string>): Script => {
  const times: Record<string, Duration.Input> = {}
  for (const said of words) {
    const [, verb, time] = /^(greets|records)\s+(.+)$/.exec(said) ?? []
    if (verb === undefined || time === undefined) throw expected(`"greets <time>" or "records <time>" after "machine"`)
    times[verb] = duration.parse(time)
  }
  const after = reach._tag === "Voicemail" ? reach.afterMillis : 0
  const { greets = 0, records } = times
  return machine({ after, greets, ...records === undefined ? {} : { records } })
}

const steps =
  `"hears", "presses", "whenever <words> presses <keys>", "stays silent", "talks", "hangs up", "hangs up at <time>", ` +
  `"hangs up during <n>", "hangs up after <n>", "hangs up while bridging <n>", "hangs up after bridging <n>" or "takes one call"`

const parseStep = (callee: Callee, words: string, index: number): Callee => {
  if (words === "stays silent") return callee.staysSilent()
  if (words === "hears no more") return callee.hearsNoMore()
  if (words === "talks") return callee.talks()
  if (words === "hangs up") return callee.hangsUp()
  if (words === "takes one call") return callee.takesOneCall()
  const [, verb, rest] =
    /^(hears|presses|whenever|hangs up (?:at|during|while bridging|after(?: bridging)?))(?:\s+([^]*))?$/.exec(words) ??
      []
  switch (verb) {
    case "hears":
      return callee.hears(parseWords(rest ?? ""))
    case "presses": {
      const [, keys = "", every, into] = /^(\S*)(?:\s+every\s+(.+?))?(\s+into it)?$/.exec(rest ?? "") ?? []
      const pace = every === undefined ? {} : { every: duration.parse(every) }
      return callee.presses(keys, { ...pace, into: into !== undefined })
    }
    case "whenever": {
      const [, heard, keys] = /^([^]+)\s+presses\s+(\S+)$/.exec(rest ?? "") ?? []
      if (heard === undefined || keys === undefined) throw expected("words and \"presses <keys>\" after \"whenever\"")
      return callee.whenever(parseWords(heard), keys)
    }
    case "hangs up at":
      return callee.hangsUpAt(duration.parse(rest ?? ""))
    case "hangs up during":
      return callee.hangsUpDuring(Number(rest))
    case "hangs up after":
      return callee.hangsUpAfter(rest === undefined ? NaN : Number(rest))
    case "hangs up while bridging":
      return callee.hangsUpWhileBridging(Number(rest))
    case "hangs up after bridging":
      return callee.hangsUpAfterBridging(Number(rest))
    default:
      throw expected(`${steps} as step ${index + 1}`)
  }
}

const parseWords = (words: string): string | RegExp => {
  const regex = /^\/([^]+)\/([a-z]*)$/.exec(words)
  if (regex === null && !words.startsWith("\"")) return words
  try {
    return regex === null ? String(JSON.parse(words)) : new RegExp(regex[1]!, regex[2])
  } catch {
    throw expected("words, \"words in quotes\" or a /regular expression/ after \"hears\"")
  }
}
