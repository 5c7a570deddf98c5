/**
 * Random values of the domain, for properties: numbers, webhooks, events, callees, whole conversations. Plain data all of
 * them, so that a failing property prints what it failed for, and shrinks it.
 *
 * ```ts
 * it.prop("no webhook makes it throw", [Arbitraries.webhook], ([webhook]) => {
 *   Webhook.content(webhook)
 * })
 * ```
 *
 * @since 0.1.0
 */
import { CallEvent, Flow, Line, PhoneNumber } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import { Arbitrary, Schema } from "effect"
import type * as Callee from "./Callee.ts"
import type * as FlowExplorer from "./FlowExplorer.ts"
import * as optionRules from "./internal/explorer/optionRules.ts"
import * as proof from "./internal/explorer/search.ts"
import { defaults, trialOf } from "./internal/explorer/trying.ts"
import * as unseen from "./internal/explorer/unseen.ts"
import * as walking from "./internal/explorer/walking.ts"
import { given } from "./internal/given.ts"
import * as rules from "./internal/rules.ts"
import * as usersCode from "./internal/usersCode.ts"

/**
 * A telephone number of 7 to 15 digits. Nearly all belong to nobody, but some may: never dial one outside of a test.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const phoneNumber: Arbitrary.Arbitrary<PhoneNumber.PhoneNumber> = Arbitrary.schema(
  Schema.toType(PhoneNumber.PhoneNumber)
)

/**
 * Any event that a log may hold, with any values: also such as no call ever had.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const callEvent: Arbitrary.Arbitrary<CallEvent.CallEvent> = Arbitrary.schema(CallEvent.CallEvent)

/**
 * A log of any events in any order, the oldest first.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const history: Arbitrary.Arbitrary<ReadonlyArray<CallEvent.CallEvent>> = Arbitrary.array(callEvent)

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const keys = (minimum: number, maximum: number) =>
  Schema.String.check(Schema.isPattern(new RegExp(`^[0-9*#]{${minimum},${maximum}}$`)))

const reported = {
  referenceId: Schema.String.check(Schema.isPattern(/^[0-9A-F]{32}$/)),
  externalId: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Schema.Union([Schema.Literals(["answered", "busy", "hangup"]), Schema.String])),
  digits: Schema.optionalKey(keys(0, 6)),
  to: Schema.optionalKey(Schema.toType(PhoneNumber.PhoneNumber)),
  from: Schema.optionalKey(Schema.toType(PhoneNumber.PhoneNumber)),
  durationSeconds: Schema.optionalKey(int(0, 14_400)),
  extra: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
}

const named = (kind: Webhook.Kind, event: Schema.Codec<string>) =>
  Schema.Struct({ kind: Schema.Literal(kind), event, ...reported })

const other = Schema.String.check(Schema.isPattern(/^[a-z]{1,8}_[a-z]{1,8}$/))

const Reported = Schema.Union([
  named("IncomingCall", Schema.Literal("incoming_call")),
  named("DialCompleted", Schema.Literal("dial_completed")),
  named("SpeakCompleted", Schema.Literal("speak_completed")),
  named("PlayCompleted", Schema.Literal("play_completed")),
  named("LegCompleted", Schema.Literal("call_leg_completed")),
  named("CallCompleted", Schema.Literal("call_completed")),
  named("OtherCompleted", other),
  named("Unknown", other)
])

/**
 * An event of the carrier: one of those that are known, or another, with or without each of its fields.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const webhook: Arbitrary.Arbitrary<Webhook.Webhook> = Arbitrary.schema(Reported)

const hearing = {
  Hears: { text: Schema.String.check(Schema.isPattern(/^[a-z]{1,6}$/)) },
  HearsMatch: { source: Schema.Literals(["press", "code", "."]), flags: Schema.Literals(["", "i"]) }
}

const Step = Schema.TaggedUnion({
  ...hearing,
  Presses: {
    digits: keys(1, 6),
    everyMillis: Schema.optionalKey(int(100, 8_000)),
    into: Schema.optionalKey(Schema.Literal(true))
  },
  Whenever: { heard: Schema.TaggedUnion(hearing), digits: keys(1, 6) },
  HangsUpAt: { afterMillis: int(0, 60_000) },
  StaysSilent: {},
  HangsUp: {},
  HangsUpDuring: { prompt: int(1, 5) },
  HangsUpAfter: { prompt: int(0, 5) },
  HangsUpWhileBridging: { bridge: int(1, 3) },
  HangsUpAfterBridging: { bridge: int(1, 3) }
})

const Reach = Schema.TaggedUnion({
  Busy: {},
  NoAnswer: {},
  Fails: { status: Schema.String.check(Schema.isPattern(/^not_[a-z]{1,8}$/)) },
  Answers: { afterMillis: int(0, 20_000), oneCall: Schema.optionalKey(Schema.Literal(true)) },
  Voicemail: { afterMillis: Schema.Literal(20_000), greetingMillis: Schema.optionalKey(int(0, 30_000)) }
})

/**
 * Somebody at the far end: reached or not, with a script of up to a few steps if a person answers.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const callee: Arbitrary.Arbitrary<Callee.Script> = Arbitrary.schema(
  Schema.Struct({ reach: Reach, steps: Schema.Array(Step).check(Schema.isMaxLength(6)) })
).pipe(Arbitrary.map(({ reach, steps }) => ({ reach, steps: reach._tag === "Answers" ? steps : [] })))

/**
 * Everybody at the far ends of one call: who is rung at which number, call after call, and who calls, where somebody does. `People.meet`
 * lets a flow meet them, `People.arrive` says in a `PhoneCompany` that they are there. Prints as scripts in words.
 *
 * @since 0.1.0
 */
export type People = walking.People

/**
 * Random people who get through the questions of a flow: each goes some way along the places that `FlowExplorer` has seen, towards one of the
 * outcomes or one of the answers, and then on by chance. They are reached or not, press, are silent, hang up and talk. What the
 * application does is drawn, too, but left to the application.
 *
 * It shrinks to people with a shortest script. Activities and signals whose values are not few need samples, as for `FlowExplorer`; without
 * them it throws and says so.
 *
 * @example
 * it.effect.prop("nobody is reminded twice", [Arbitraries.calleeOf(Reminder, input)], ([callee]) =>
 *   Effect.map(People.meet(Reminder, input, callee), ({ heard }) => heard.length <= 1)
 * )
 * @stability unstable
 * @since 0.1.0
 */
export const calleeOf = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: NoInfer<Input>,
  options?: Samples
): Arbitrary.Arbitrary<People> => {
  const walks = walksOf(flow, input, options)
  return Arbitrary.map(
    Arbitrary.schema(Draws, { shrink: (drawn) => walks.smaller(drawn).map((numbers) => numbers.slice()) }),
    (drawn) => walks.people(drawn)
  )
}

/**
 * The people of `calleeOf` by numbers from 0, for property tests by another library: any list of any length is somebody, a shorter list of
 * smaller numbers does less, and none at all is whoever answers and listens.
 *
 * @example
 * const callee = fc.array(fc.nat()).map(Arbitraries.calleeFrom(Reminder, input))
 * @since 0.1.0
 */
export const calleeFrom = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: NoInfer<Input>,
  options?: Samples
): (numbers: ReadonlyArray<number>) => People => {
  const walks = walksOf(flow, input, options)
  return (numbers) => walks.people(numbers)
}

/**
 * What is tried where a flow leaves it open, as for `FlowExplorer`.
 *
 * @since 0.1.0
 */
export type Samples = Omit<FlowExplorer.Options, "accept" | "cancel">

const Draws = Schema.Array(int(0, 2 ** 30)).check(Schema.isMaxLength(20))

/** Beyond so many places people are not looked for. */
const mostPlaces = 5_000

const mistaken = (problem: string, remedy: string): Error =>
  usersCode.from(new Error(`${problem}. ${remedy.slice(0, 1).toUpperCase()}${remedy.slice(1)}.`), usersCode.here())

const walksOf = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  input: Input,
  options: Samples = {}
): walking.Walks => {
  rules.check("Arbitraries.calleeOf", options, optionRules.samples)
  const { depth = 1_000, max = mostPlaces, seconds = Infinity, ...said } = options
  const trial = trialOf(flow, { ...defaults, ...said })
  const found = proof.search(given(flow, input), [], trial, { max, depth, seconds, onwards: walking.onwards })
  for (const [name, { remedy, why }] of found.findings.missing) {
    throw mistaken(`Nobody gets past the ${name}: ${why}`, remedy)
  }
  const [unasked] = found.cut.length > 0 ? [] : unseen.unasked(trial.samples, said.digits ?? [], found.findings)
  if (unasked !== undefined) throw mistaken(`The ${unasked.name} are for nobody: ${unasked.why}`, unasked.remedy)
  return new walking.Walks(found)
}

const text = Schema.Literals(["Hello.", "Your table is ready.", "Press a key.", "One moment.", "That is not right."])

const turns = {
  Speak: { text },
  Collect: { text, max: int(1, 6), min: int(1, 2), attempts: int(1, 3) },
  Menu: { text, keys: int(1, 3), attempts: int(1, 3) },
  Confirm: { text },
  Pause: { seconds: int(1, 60) },
  HeldSleep: { text, seconds: int(1, 60) },
  Note: { name: Schema.Literals(["seen", "done"]) },
  Hangup: {}
}

const Turn = Schema.TaggedUnion(turns)

const few = Schema.Array(Turn).check(Schema.isMaxLength(3))

const Part = Schema.TaggedUnion({
  ...turns,
  Within: { seconds: int(1, 120), turns: few },
  Again: { times: int(1, 2), turns: few },
  EvenIfUnanswered: { turns: few }
})

/**
 * A conversation as plain data: what is said and asked, one after the other, parts of it under a deadline, repeated, or
 * with silence forgiven. `talk` makes a flow of it.
 *
 * @since 0.1.0
 */
export type Conversation = ReadonlyArray<typeof Part.Type>

/**
 * A conversation of up to four parts.
 *
 * @stability unstable
 * @since 0.1.0
 */
export const conversation: Arbitrary.Arbitrary<Conversation> = Arbitrary.schema(
  Schema.Array(Part).check(Schema.isMaxLength(4))
)

type Talk = Flow.Flow<void, Flow.HungUp | Flow.NoInput | Flow.TimedOut, Flow.Line>

const nothing = (flow: Flow.Flow<unknown, Flow.HungUp | Flow.NoInput | Flow.TimedOut, Flow.Line>): Talk =>
  Flow.as(flow, undefined)

/**
 * A conversation as a flow that needs a line: `talk(conversation).pipe(Flow.dial({ to, from }))`.
 *
 * @since 0.1.0
 */
export const talk = (conversation: Conversation): Talk => nothing(Flow.forEach(conversation, part))

const part = (part: typeof Part.Type): Talk => {
  switch (part._tag) {
    case "Within":
      return Flow.timeout(talk(part.turns), `${part.seconds} seconds`)
    case "Again":
      return Flow.repeat(talk(part.turns), { times: part.times })
    case "EvenIfUnanswered":
      return Flow.catchTag(talk(part.turns), "NoInput", () => Flow.succeed(undefined))
    case "Speak":
      return Line.speak(part.text)
    case "Collect":
      return nothing(
        Line.collect(part.text, { max: part.max, min: Math.min(part.min, part.max), attempts: part.attempts })
      )
    case "Menu":
      return nothing(Line.menu(part.text, { choices: choices(part.keys), attempts: part.attempts }))
    case "Confirm":
      return nothing(Line.confirm(part.text))
    case "Pause":
      return Line.pause(`${part.seconds} seconds`)
    case "HeldSleep":
      return Line.hold(Flow.sleep(`${part.seconds} seconds`), part.text)
    case "Note":
      return Flow.note(part.name)
    case "Hangup":
      return Line.hangup
  }
}

/** The first keys of a menu. */
const choices = (count: number): { readonly "1": string; readonly "2"?: string; readonly "3"?: string } => ({
  "1": "first",
  ...(count > 1 ? { "2": "second" } : {}),
  ...(count > 2 ? { "3": "third" } : {})
})
