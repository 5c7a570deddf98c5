/**
 * The command line of the emulator.
 */
import { PhoneNumber } from "@ringback/core"
import { Console, Effect, Option, Redacted, Result, Stdio, Stream } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as Callee from "../Callee.ts"
import * as PhoneCompany from "../PhoneCompany.ts"
import * as TelesignEmulator from "../TelesignEmulator.ts"

const isUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** The command line puts "Expected" before it. */
const expectation = (error: unknown) =>
  error instanceof Callee.InvalidCallee ? error.problem.replace(/^Expected /, "") : "a callee"

/** Who calls which number, written with a colon between them. */
const partiesOf = (text: string): { readonly from: string; readonly to: string } => {
  const [from = "", to = "", ...rest] = text.split(":")
  if (rest.length > 0) throw new Error("more than two numbers")
  return { from: PhoneNumber.make(from), to: PhoneNumber.make(to) }
}

const flags = {
  port: Flag.Int("port").pipe(
    Flag.withDescription("The port to listen on (4010); 0 is any free one"),
    Flag.filter((port) => port >= 0 && port <= 65_535, () => "Expected a port from 0 to 65535"),
    Flag.withDefault(4010)
  ),
  eventsUrl: Flag.String("events-url").pipe(
    Flag.withDescription("Where events are posted to; without it they go nowhere"),
    Flag.filter(isUrl, () => "Expected an address that begins with http:// or https://"),
    Flag.optional
  ),
  customerId: Flag.String("customer-id").pipe(
    Flag.withDescription(
      "The customer id that requests have to bring; the one that is printed at the start if not given"
    ),
    Flag.filter((id) => id !== "" && !id.includes(":"), () => "Expected a customer id without a colon"),
    Flag.withDefault(Redacted.value(TelesignEmulator.credentials.customerId))
  ),
  apiKey: Flag.Redacted("api-key").pipe(
    Flag.withDescription("The API key, base64 text, that requests have to bring and events are signed with; likewise"),
    Flag.optional
  ),
  speed: Flag.Finite("speed").pipe(
    Flag.withDescription("How many times faster than life calls go (1)"),
    Flag.filter((speed) => speed > 0, () => "Expected a speed greater than 0"),
    Flag.withDefault(1)
  ),
  callees: Flag.String("callee").pipe(
    Flag.withDescription("Who answers, such as \"answers 2s; presses 1; hangs up\"; once per ring if repeated"),
    Flag.mapTryCatch((text) => Result.getOrThrow(Callee.parse(text)), expectation),
    Flag.between(0, 100)
  ),
  incoming: Flag.String("incoming").pipe(
    Flag.withDescription("Who calls one of your numbers, caller first, whenever you press Enter; follows --callee"),
    Flag.mapTryCatch(partiesOf, () => "two phone numbers with a colon between them, such as 15550170044:15550170009"),
    Flag.optional
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Refuse replies that only Telesign's demos show, such as dial after a prompt"),
    Flag.withDefault(false)
  )
}

type Given = Command.Command.Config.Infer<typeof flags>

const optionsOf = (given: Given): TelesignEmulator.Options => ({
  port: given.port,
  eventsUrl: Option.getOrUndefined(given.eventsUrl),
  credentials: {
    customerId: Redacted.make(given.customerId),
    apiKey: Option.getOrElse(given.apiKey, () => TelesignEmulator.credentials.apiKey)
  },
  callee: given.callees.length === 0 ? undefined : given.callees,
  line: { speed: given.speed, strict: given.strict }
})

const greet = ({ apiKey, customerId, eventsUrl }: Given, url: string) => {
  const key = Option.isSome(apiKey)
    ? "the API key given"
    : `API key ${Redacted.value(TelesignEmulator.credentials.apiKey)}`
  const events = Option.match(eventsUrl, {
    onNone: () => "go nowhere: give --events-url",
    onSome: (url) => `go to ${url}`
  })
  return Console.log(`Telesign emulator at ${url} (customer id ${customerId}, ${key}). Events ${events}`)
}

const print = (entry: PhoneCompany.Entry) =>
  Console.log(`${new Date(entry.at).toISOString().slice(11, 23)} ${PhoneCompany.describe(entry)}`)

/** The callers follow the scripts of `--callee` in their order, the last one again and again. */
const receive = Effect.fnUntraced(function*({ callees, incoming }: Given) {
  if (Option.isNone(incoming)) return
  const { stdin } = yield* Stdio.Stdio
  const { from, to } = incoming.value
  yield* Console.log("Press Enter to call")
  let calls = 0
  const call = Effect.suspend(() => {
    const callee = callees[Math.min(calls++, callees.length - 1)]
    return PhoneCompany.incoming({ from, to, ...(callee === undefined ? {} : { callee }) })
  })
  yield* Effect.forkChild(Stream.runForEach(Stream.splitLines(Stream.decodeText(stdin)), () => call))
})

const serve = Effect.fnUntraced(function*(given: Given) {
  yield* Effect.forkChild(Stream.runForEach(PhoneCompany.changes, print), { startImmediately: true })
  yield* greet(given, yield* TelesignEmulator.url)
  yield* receive(given)
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
    Command.withDescription("A Telesign Voice on localhost: takes dials, rings scripted people, posts signed events"),
    Command.withExamples([
      {
        command:
          "npm run emulator -- --events-url http://127.0.0.1:4020/telesign/events --callee \"answers 2s; presses 1\"",
        description: "Somebody answers every call and presses 1 at the first menu"
      },
      {
        command:
          "npm run emulator -- --callee busy --callee \"answers; hears /press 1/i; presses 1; hangs up\" --speed 10",
        description:
          "The first call meets a busy number, the next ones somebody who listens; ten times faster than life"
      },
      {
        command:
          "npm run emulator -- --events-url http://127.0.0.1:4020/telesign/events --incoming 15550170044:15550170009",
        description: "A call comes in to 15550170009 whenever you press Enter"
      }
    ])
  )
