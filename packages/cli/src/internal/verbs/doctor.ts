/** `ringback doctor`: what is set up, what is reached, and what to do about the rest. */
import { Settings } from "@ringback/core"
import { Telesign } from "@ringback/http"
import { Config, Effect, Exit, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import * as Connecting from "../connecting.ts"
import { fail, type Failure } from "../failure.ts"
import * as Printing from "../printing.ts"
import { root } from "../root.ts"

/** What was looked at, and what is to be done. */
interface Finding {
  readonly what: string
  readonly state: "ok" | "note" | "wrong"
  readonly words: string
}

const found = (state: Finding["state"]) => (what: string, words: string): Finding => ({ what, state, words })

const [ok, note, wrong] = [found("ok"), found("note"), found("wrong")] as const

const oldest = [22, 19] as const

const node = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
    ? ok("Node", process.versions.node)
    : wrong("Node", `${process.versions.node} is too old: install ${oldest.join(".")} or newer`)
}

/** The settings of an engine, as the environment has them. */
const settings = Effect.gen(function*() {
  const read = yield* Effect.exit(
    Effect.flatMap(Settings.config, (options) => Effect.try(() => Settings.make(options)))
  )
  return Exit.isSuccess(read)
    ? ok("settings", "RINGBACK_… can be used")
    : wrong("settings", `An engine would not start with them. ${wordsOf(read)}`)
})

const wordsOf = (exit: Exit.Exit<unknown, unknown>): string => {
  const error = Exit.findErrorOption(exit)
  const thrown = Option.isSome(error) ? error.value : undefined
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  return cause instanceof Error ? cause.message : "They cannot be read"
}

/** The credentials of Telesign, as the environment has them. They are not sent anywhere. */
const credentials = Effect.gen(function*() {
  const names = ["TELESIGN_CUSTOMER_ID", "TELESIGN_API_KEY"]
  const missing = names.filter((name) => process.env[name] === undefined)
  if (missing.length === names.length) {
    return note("credentials", "None are set here. The application needs TELESIGN_CUSTOMER_ID and TELESIGN_API_KEY")
  }
  const built = yield* Effect.exit(
    Effect.scoped(Layer.build(Layer.provide(Telesign.layerConfig, FetchHttpClient.layer)))
  )
  return Exit.isSuccess(built)
    ? ok("credentials", "They have the right form. Whether Telesign accepts them shows at the first dial")
    : wrong("credentials", wordsOf(built))
})

/** What the application, or the database, says. */
const calls = Effect.gen(function*() {
  const connected = yield* Effect.exit(Connecting.connection)
  if (Exit.isFailure(connected)) return [unreached(connected)]
  const { api, kind, where } = connected.value
  const asked = yield* Effect.exit(Connecting.ask(Effect.all([api.engine.me(), api.calls.counts({ query: {} })])))
  if (Exit.isFailure(asked)) return [wrong(kind, wordsOf(asked))]
  const [{ actor, scopes }, { running }] = asked.value
  const reached = ok(kind, `${where} knows you as ${actor} (${scopes.join(", ")}); running calls: ${running}`)
  if (kind === "database") return [reached]
  const obstacles = yield* Effect.orElseSucceed(Connecting.ask(api.engine.obstacles()), () => [])
  return [
    reached,
    ...obstacles.length === 0
      ? [ok("dials", "Nothing stands in their way")]
      : obstacles.map(({ from, since, todo, words }) =>
        wrong(
          "dials",
          `Nobody is rung${from === undefined ? "" : ` from ${from}`}, since ${Printing.time(since)}: ${words}. ${todo}`
        )
      )
  ]
})

const unreached = (exit: Exit.Exit<unknown, Failure>): Finding => {
  const error = Exit.findErrorOption(exit)
  const isUnsaid = Option.isSome(error) && error.value === Connecting.unsaid
  return isUnsaid ? note("calls", wordsOf(exit)) : wrong("calls", wordsOf(exit))
}

/** So long may an answer take, in milliseconds: a carrier does not wait for it either. */
const patience = 10_000

/** Whether events arrive at the application, and strangers are kept out. */
const events = Effect.fnUntraced(function*(url: string) {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return wrong("events", "The URL is none of http or https")
  }
  const body = JSON.stringify({ event: "ringback_doctor", reference_id: "ringback-doctor", data: {} })
  const asked = yield* Effect.exit(
    Effect.tryPromise(() =>
      fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(patience)
      })
    )
  )
  if (Exit.isFailure(asked)) {
    return wrong(
      "events",
      "Nobody answers there: is the application running, and does the proxy let POST through to it?"
    )
  }
  return answered(asked.value.status, new URL(url).protocol)
})

const answered = (status: number, protocol: string): Finding => {
  if (status === 401) {
    return protocol === "https:"
      ? ok("events", "The URL is reached, and what is not signed is refused")
      : note("events", "The URL is reached, and what is not signed is refused. Telesign should be told one with https")
  }
  if (status === 200) {
    return wrong("events", "What is not signed was taken: set verify to \"required\" (TelesignWebhook)")
  }
  if (status === 404) {
    return wrong("events", "There is nothing at this path: it has to be the path of TelesignWebhook, to the letter")
  }
  if (status >= 300 && status < 400) {
    return wrong("events", `It redirects (${status}), which a carrier need not follow: give the URL that it leads to`)
  }
  return wrong("events", `The answer is ${status}: something else than TelesignWebhook is there, or in front of it`)
}

const marks = { ok: Printing.paint.green("✓"), note: Printing.paint.yellow("·"), wrong: Printing.paint.red("✗") }

const config = {
  events: Flag.String("events-url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "Where Telesign reports to; default RINGBACK_EVENTS_URL. One event that is not signed is sent there"
    ),
    Flag.withFallbackConfig(Config.String("RINGBACK_EVENTS_URL")),
    Flag.optional
  )
}

/** The verb. */
export const command = Command.make("doctor", config, (given) =>
  Effect.scoped(Effect.gen(function*() {
    const { json } = yield* root
    const reached = Option.isSome(given.events)
      ? yield* Printing.waiting("Asking the events URL", events(given.events.value))
      : note("events", "Give --events-url to see whether Telesign's events arrive")
    const findings = [
      node(),
      yield* settings,
      yield* credentials,
      ...(yield* Printing.waiting("Asking", calls)),
      reached
    ]
    yield* json
      ? Effect.forEach(findings, Printing.json, { discard: true })
      : Effect.forEach(
        findings,
        ({ state, what, words }) => Printing.painted(`${marks[state]} ${what.padEnd(12)} ${Printing.plain(words)}`),
        { discard: true }
      )
    if (findings.some(({ state }) => state === "wrong")) return yield* fail("failed", "Something is to be done")
  }))).pipe(
    Command.withDescription(
      "Looks at settings, credentials, the application or its database, and the events URL, and says what to do"
    ),
    Command.withExamples([{
      command: "ringback doctor --url https://example.com/ringback --events-url https://example.com/telesign/events",
      description: "Everything"
    }])
  )
