/**
 * The command line of the emulator: everything that its layer can do.
 */
import { PhoneNumber } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Console, Duration, Effect, Option, Redacted, Result, Schema, Stdio, Stream } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { existsSync } from "node:fs"
import * as Callee from "../Callee.ts"
import * as CompanyRecord from "../CompanyRecord.ts"
import * as PhoneCompany from "../PhoneCompany.ts"
import * as PhoneLine from "../PhoneLine.ts"
import * as TelesignEmulator from "../TelesignEmulator.ts"
import * as duration from "./duration.ts"

const isUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** The example that the repository rings with, and its settings; an installed package has neither. */
const example = "--env-file=examples/emulator.env examples/appointment/main.ts"
const hasExamples = existsSync(new URL("../../../../examples/emulator.env", import.meta.url))

/** How this command is typed. */
const program = hasExamples ? "npm run emulator --" : "npx @ringback/testing emulator"

/** Where the examples listen. */
const usualEvents = "http://127.0.0.1:4020/telesign/events"

/** What makes it ring, if the settings of the example, or of an application that `ringback init` wrote, fit. */
const ringing = (url: string): string =>
  `${url.endsWith(":4010") ? "" : `TELESIGN_BASE_URL=${url} `}${
    hasExamples
      ? `npm run example -- ${example} +15550170001`
      : "npm start -- +15550170001 order-1 (where ringback init wrote an application)"
  }`

/** What makes it ring for an application in any language. */
const dialling = (url: string, customerId: string): string =>
  `curl -u ${customerId}:${Redacted.value(TelesignEmulator.credentials.apiKey)} -H 'content-type: application/json' ` +
  `-d '{"method":"dial","params":{"to":"15550170001","caller_id_number":"15550170009"}}' ${url}/v2/voice`

// Flags of one kind. The command line puts "Expected" before what a reader throws.

const reading = <A>(name: string, metavar: string, description: string, read: (text: string) => A, expected?: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.mapTryCatch(
      read,
      (error) => expected ?? (error instanceof Error ? error.message.replace(/^Expected /, "") : "something else")
    )
  )

const many = <A>(flag: Flag.Flag<A>) => Flag.between(flag, 0, 1000)

const on = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

/** What stands before and after the first of these marks; nothing after it if there is none. */
const cut = (text: string, mark: ":" | "="): readonly [before: string, after: string | undefined] => {
  const at = text.indexOf(mark)
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

const finite = (words: string): Duration.Duration => {
  const read = Option.filter(Duration.fromInput(duration.parse(words)), (found) => Duration.isFinite(found))
  return Option.getOrThrowWith(read, () => new Error("a time such as 2s, 500ms or 1m"))
}

const decodeCallee = Schema.decodeUnknownResult(Callee.Words)

/** Who answers, everywhere or at the number before the colon. */
const calleeOf = (text: string): { readonly number?: string; readonly callee: Callee.Script } => {
  const [before, after] = /^\+?\d+\s*:/.test(text) ? cut(text, ":") : [undefined, text]
  const callee = decodeCallee(after)
  if (Result.isFailure(callee)) throw new Error(callee.failure.message)
  return before === undefined
    ? { callee: callee.success }
    : { number: PhoneNumber.make(before), callee: callee.success }
}

/** Who calls which number, written with a colon between them. */
const partiesOf = (text: string): { readonly from: string; readonly to: string } => {
  const [from, to = ""] = cut(text, ":")
  return { from: PhoneNumber.make(from), to: PhoneNumber.make(to) }
}

const refusals: ReadonlyArray<string> = Object.values(TelesignWire.refusals).flat()

const isRefusal = (status: string): status is TelesignWire.Refusal => refusals.includes(status)

const refusalOf = (text: string): readonly [number: string, status: TelesignWire.Refusal] => {
  const [number, status = "to_number_blocked_by_customer"] = cut(text, ":")
  if (!isRefusal(status)) throw new Error(`one of ${refusals.join(", ")} after the number`)
  return [PhoneNumber.make(number), status]
}

const lossOf = (text: string): readonly [event: string, times: number] => {
  const [event, times] = cut(text, ":")
  if (event === "" || (times !== undefined && !/^\d+$/.test(times))) {
    throw new Error("an event, and how many after a colon")
  }
  return [event, times === undefined ? Infinity : Number(times)]
}

const methodOf = (text: string): readonly [method: string, event: string] => {
  const [method, event = ""] = cut(text, "=")
  if (method === "" || event === "") throw new Error("a method, then = and an event")
  return [method, event]
}

type Numbers = { [K in keyof PhoneLine.Settings]: PhoneLine.Settings[K] extends number ? K : never }

type Wait = Exclude<Numbers[keyof PhoneLine.Settings], "speed" | "charactersPerSecond">

/** What the waits of a line are called on the command line. */
const waits: Record<Wait, string> = {
  ringMillis: "ring",
  failMillis: "fail",
  keyMillis: "key",
  silenceMillis: "silence",
  breakMillis: "break",
  audioMillis: "audio",
  hangUpMillis: "hangup",
  talkMillis: "talk",
  recordingMillis: "recording",
  limitMillis: "limit"
}

/** What may be under way for a while: each event, each reply as of a slow application, and a copy after the event before it. */
const delays = { late: "event", slow: "reply", copies: "copy" } as const

const statuses: Record<keyof PhoneLine.Settings["statuses"], string> = {
  busy: "busy",
  noAnswer: "no-answer",
  spoken: "spoken",
  played: "played",
  hungUp: "hung-up",
  limit: "limit"
}

const namesOf = (names: object) => Object.values(names).join(", ")

const named = <Key extends string>(names: Record<Key, string>, text: string): readonly [key: Key, value: string] => {
  const [name, value = ""] = cut(text, "=")
  const found = Object.keys(names).find((key) => names[key as Key] === name)
  if (found === undefined || value === "") throw new Error(`one of ${namesOf(names)}, then = and a value`)
  return [found as Key, value]
}

const waitOf = (text: string): readonly [setting: Wait, millis: number] => {
  const [setting, value] = named(waits, text)
  return [setting, Duration.toMillis(finite(value))]
}

const delayOf = (text: string): readonly [what: keyof typeof delays, delay: Duration.Duration] => {
  const [what, value] = named(delays, text)
  return [what, finite(value)]
}

const flags = {
  port: Flag.Int("port").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Where to listen (4010); 0 is any free port"),
    Flag.filter((port) => port >= 0 && port <= 65_535, () => "Expected a port from 0 to 65535"),
    Flag.withDefault(4010)
  ),
  host: text("host", "NAME", "On which address (127.0.0.1)"),
  eventsUrl: Flag.String("events-url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(`Where events are posted to (${usualEvents})`),
    Flag.filter(isUrl, () => "Expected an address that begins with http:// or https://"),
    Flag.withDefault(usualEvents)
  ),
  customerId: Flag.String("customer-id").pipe(
    Flag.withMetavar("ID"),
    Flag.withDescription("Whose requests are taken; the id that is printed at the start if not given"),
    Flag.filter((id) => id !== "" && !id.includes(":"), () => "Expected a customer id without a colon"),
    Flag.withDefault(Redacted.value(TelesignEmulator.credentials.customerId))
  ),
  apiKey: Flag.Redacted("api-key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription("Their key, base64 text, which signs events too; likewise"),
    Flag.optional
  ),
  speed: Flag.Finite("speed").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("How many times faster than life calls go (1)"),
    Flag.filter((speed) => speed > 0, () => "Expected a speed greater than 0"),
    Flag.withDefault(1)
  ),
  callees: many(reading(
    "callee",
    "[NUMBER:]WORDS",
    "Who answers, such as \"answers 2s; presses 1; hangs up\"; once per ring if repeated",
    calleeOf
  )),
  incoming: reading(
    "incoming",
    "FROM:TO",
    "Who calls one of your numbers whenever you press Enter; follows --callee",
    partiesOf,
    "two phone numbers with a colon between them, such as 15550170044:15550170009"
  ).pipe(Flag.optional),
  skip: on("skip", "Pass over the wait that is under way whenever you type s, over ten minutes at s 10m"),
  blocked: many(reading("refuse", "NUMBER[:STATUS]", "Refuse dials to it (to_number_blocked_by_customer)", refusalOf)),
  owned: many(reading("owned", "NUMBER", "A caller id that is yours; then others are refused", PhoneNumber.make)),
  requestsPerSecond: Flag.Int("rate").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("More requests than this in a second get 429"),
    Flag.filter((rate) => rate >= 0, () => "Expected a number from 0"),
    Flag.optional
  ),
  signedWithin: reading("signed-within", "TIME", "How far the date of a signed request may be from now (15m)", finite)
    .pipe(Flag.optional),
  timeout: reading("reply-timeout", "TIME", "How long a reply is waited for (5s)", finite).pipe(Flag.optional),
  askAgainAfter: many(reading("ask-again", "TIME", "Wait so long without a reply, then post the event again", finite)),
  copies: Flag.Int("copies").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("How many times each event is posted (1)"),
    Flag.filter((count) => count >= 1 && count <= 100, () => "Expected a number from 1 to 100"),
    Flag.withDefault(1)
  ),
  delays: many(reading("delay", "NAME=TIME", `How long it is under way (0s): ${namesOf(delays)}`, delayOf)),
  lostEvents: many(reading("lose", "EVENT[:N]", "Never post the first N of these events; all without N", lossOf)),
  lostReplies: many(reading("lose-reply", "EVENT[:N]", "Post them, but lose the reply", lossOf)),
  waits: many(reading("wait", "NAME=TIME", `How long something takes: ${namesOf(waits)}`, waitOf)),
  charactersPerSecond: Flag.Finite("characters").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("How many characters are spoken in a second (15)"),
    Flag.filter((rate) => rate > 0, () => "Expected a number greater than 0"),
    Flag.optional
  ),
  statuses: many(reading("status", "NAME=WORD", `The word for ${namesOf(statuses)}`, (text) => named(statuses, text))),
  strict: on("strict", "Refuse replies that only Telesign's demos show, such as dial after a prompt"),
  legAnswers: on("leg-events", "Post dial_completed for the second leg of a bridge too"),
  silentFailures: on("silent-failures", "Post no call_completed after a dial that failed"),
  keysWait: on("keys-wait", "Let a prompt be heard to its end when keys are pressed into it by hand"),
  echoesMarks: on("echo-ids", "Send a prompt's external_id back with its completion"),
  partiesOnTop: on("parties-on-top", "Write to and from beside data too, where one demo reads them"),
  eventsUrlParameter: text("events-url-parameter", "NAME", "Parameter of dial with an events URL of its call: a guess"),
  sendDtmfParameter: text("send-dtmf-parameter", "NAME", "Parameter of the reply send_dtmf with its tones: a guess"),
  dtmfCompleted: text("dtmf-completed", "EVENT", "The event that ends send_dtmf: a guess"),
  methods: many(
    reading("method", "NAME=EVENT", "A reply that only your documents describe, and what ends it", methodOf)
  )
}

type Given = Command.Command.Config.Infer<typeof flags>

/** All of them named, so that one that is new cannot be forgotten here. */
type All<Settings> = { readonly [Name in keyof Required<Settings>]: Settings[Name] }

const optionsOf = (given: Given): All<TelesignEmulator.Options> => optionsWith(given, Object.fromEntries(given.delays))

type Delays = { readonly [What in keyof typeof delays]?: Duration.Duration }

const optionsWith = (given: Given, delays: Delays): All<TelesignEmulator.Options> => ({
  port: given.port,
  host: Option.getOrUndefined(given.host),
  eventsUrl: given.eventsUrl,
  credentials: {
    customerId: Redacted.make(given.customerId),
    apiKey: Option.getOrElse(given.apiKey, () => TelesignEmulator.credentials.apiKey)
  },
  callee: everywhere(given),
  callees: atNumbers(given),
  blocked: Object.fromEntries(given.blocked),
  owned: given.owned.length === 0 ? undefined : given.owned,
  requestsPerSecond: Option.getOrUndefined(given.requestsPerSecond),
  signedWithin: Option.getOrUndefined(given.signedWithin),
  replies: { timeout: Option.getOrUndefined(given.timeout), askAgainAfter: given.askAgainAfter },
  copies: { count: given.copies, delay: delays.copies },
  lost: { events: Object.fromEntries(given.lostEvents), replies: Object.fromEntries(given.lostReplies) },
  late: delays.late,
  slow: delays.slow,
  partiesOnTop: given.partiesOnTop,
  methods: Object.fromEntries(given.methods),
  eventsUrlParameter: Option.getOrUndefined(given.eventsUrlParameter),
  sendDtmfParameter: Option.getOrUndefined(given.sendDtmfParameter),
  line: lineOf(given)
})

const lineOf = (given: Given): All<Omit<PhoneLine.Settings, Wait>> => ({
  ...Object.fromEntries(given.waits),
  charactersPerSecond: Option.getOrElse(given.charactersPerSecond, () => PhoneLine.defaults.charactersPerSecond),
  statuses: { ...PhoneLine.defaults.statuses, ...Object.fromEntries(given.statuses) },
  dtmfCompleted: Option.getOrUndefined(given.dtmfCompleted),
  speed: given.speed,
  strict: given.strict,
  legAnswers: given.legAnswers,
  endsFailedDials: !given.silentFailures,
  keysCutIn: !given.keysWait,
  echoesMarks: given.echoesMarks
})

const everywhere = ({ callees }: Given): ReadonlyArray<Callee.Script> | undefined => {
  const scripts = callees.filter(({ number }) => number === undefined).map(({ callee }) => callee)
  return scripts.length === 0 ? undefined : scripts
}

const atNumbers = ({ callees }: Given): { readonly [number: string]: ReadonlyArray<Callee.Script> } => {
  const scripts: { [number: string]: Array<Callee.Script> } = {}
  for (const { callee, number } of callees) {
    if (number !== undefined) (scripts[number] ??= []).push(callee)
  }
  return scripts
}

const greet = ({ apiKey, customerId, eventsUrl }: Given, url: string) => {
  const key = Option.isSome(apiKey)
    ? "the API key given"
    : `API key ${Redacted.value(TelesignEmulator.credentials.apiKey)}`
  const lines = [
    `Telesign emulator at ${url} (customer id ${customerId}, ${key}). Events go to ${eventsUrl}`,
    `Open ${url} and you are the callee: numbers without a --callee ring there while that page is open`,
    ...(Option.isNone(apiKey)
      ? [`Let it ring, in a second terminal: ${eventsUrl === usualEvents ? ringing(url) : dialling(url, customerId)}`]
      : [])
  ]
  return Console.log(lines.join("\n"))
}

const print = (entry: CompanyRecord.Entry) =>
  Console.log(`${new Date(entry.at).toISOString().slice(11, 23)} ${CompanyRecord.describe(entry)}`)

/** Reads what is typed: Enter is a call, s and Enter skips a wait, s 10m and Enter skips ten minutes. */
const listen = Effect.fnUntraced(function*(given: Given) {
  if (Option.isNone(given.incoming) && !given.skip) return
  const { stdin } = yield* Stdio.Stdio
  if (Option.isSome(given.incoming)) yield* Console.log("Press Enter to call")
  if (given.skip) yield* Console.log("Type s and Enter to skip a wait")
  const call = calling(given)
  const typed = (
    line: string
  ): Effect.Effect<void, never, PhoneCompany.PhoneCompany | TelesignEmulator.TelesignEmulator> => {
    if (line.trim() === "") return Effect.asVoid(call)
    return given.skip && /^s\b/.test(line.trim()) ? skip(line.trim().slice(1).trim()) : Effect.void
  }
  yield* Effect.forkChild(Stream.runForEach(Stream.splitLines(Stream.decodeText(stdin)), typed))
})

const skip = Effect.fnUntraced(function*(words: string) {
  const time = Result.try(() => words === "" ? undefined : finite(words))
  if (Result.isFailure(time)) return yield* Console.log("Type s, or s and a time such as 2s, 500ms or 1m")
  const emulator = yield* TelesignEmulator.TelesignEmulator
  yield* Console.log(`Skipped ${(yield* emulator.skip(time.success)) / 1000} s`)
})

/** The callers follow the scripts of their number, else those for everybody, in their order, the last one again and again. */
const calling = (given: Given) => {
  if (Option.isNone(given.incoming)) return Effect.void
  const { from, to } = given.incoming.value
  const scripts = atNumbers(given)[from] ?? everywhere(given) ?? []
  let calls = 0
  return Effect.suspend(() => {
    const callee = scripts[Math.min(calls++, scripts.length - 1)]
    return PhoneCompany.incoming({ from, to, ...(callee === undefined ? {} : { callee }) })
  })
}

const serve = Effect.fnUntraced(function*(given: Given) {
  yield* Effect.forkChild(Stream.runForEach(PhoneCompany.changes, print), { startImmediately: true })
  yield* greet(given, yield* TelesignEmulator.url)
  yield* listen(given)
  return yield* Effect.never
})

const explain = (error: { readonly _tag: "InvalidApiKey" | "ServeError"; readonly message: string }, port: number) => {
  const problem = error._tag === "ServeError"
    ? `It cannot listen on port ${port}: it is taken or not allowed`
    : error.message
  return new CliError.UserError({ cause: error, userMessage: problem })
}

/** The command, which serves until it is interrupted. */
export const command = Command.make("emulator", flags, (given) =>
  serve(given).pipe(
    Effect.provide(TelesignEmulator.layer(optionsOf(given))),
    Effect.mapError((error) => explain(error, given.port))
  )).pipe(
    Command.withDescription(
      "A Telesign Voice on localhost, with a phone in the browser: open the address that it prints, and numbers without a --callee " +
        "ring there, for as long as the page is open. What flags do at the start, an HTTP API does later: see /emulator/openapi.json"
    ),
    Command.withExamples([
      {
        command: `${program} --callee "15550170001: busy" --callee "answers; hears /press 1/i; presses 1"`,
        description: "One number is busy; at the others somebody listens, and presses 1 where that is asked for"
      }
    ])
  )
