/**
 * What stands behind `EmulatorApi`.
 */
import type { Action, Webhook } from "@ringback/core"
import { Ladder } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Duration, Effect, Fiber, Layer, Option, Result, Schedule, Stream } from "effect"
import type { Schema } from "effect"
import { HttpApiBuilder, HttpApiMiddleware } from "effect/http-api"
import * as Callee from "../../Callee.ts"
import * as CompanyLadder from "../../CompanyLadder.ts"
import type * as CompanyRecord from "../../CompanyRecord.ts"
import * as EmulatorApi from "../../EmulatorApi.ts"
import type * as PhoneCompany from "../../PhoneCompany.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import * as asTest from "./asTest.ts"
import type { Followers } from "./followers.ts"
import * as Knobs from "./knobs.ts"

export interface Settings extends TelesignWire.Options {
  readonly company: PhoneCompany.PhoneCompany["Service"]
  readonly knobs: Knobs.Knobs
  readonly eventsUrl: () => string | null
  readonly reportTo: (url: string) => Effect.Effect<void>
  readonly reset: Effect.Effect<void>
  readonly skip: (duration: Duration.Input | undefined) => Effect.Effect<number>
  readonly followers: Followers
}

/** The routes of the API. */
export const layer = (settings: Settings) =>
  HttpApiBuilder.layer(EmulatorApi.EmulatorApi, { openapiPath: "/emulator/openapi.json" }).pipe(
    Layer.provide([calls(settings), phones(settings), people(settings), record(settings), day(settings)]),
    Layer.provide(HttpApiMiddleware.layerSchemaErrorTransform(
      EmulatorApi.Readable,
      ({ cause }) => Effect.fail(new EmulatorApi.Problem({ problem: cause.message }))
    ))
  )

const calls = ({ company }: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "calls", (handlers) =>
    handlers.handleAll({
      call: ({ payload }) => Effect.map(company.incoming(payload), (reference_id) => ({ reference_id })),
      list: () => Effect.map(company.lines, (lines) => lines.map(shown)),
      hangUp: Effect.fnUntraced(function*({ params, query }) {
        const line = yield* known(company, params.reference_id)
        yield* company.hangUp(line.referenceId, query.whose)
      })
    }))

type Company = PhoneCompany.PhoneCompany["Service"]

const known = Effect.fnUntraced(function*(company: Company, referenceId: string) {
  const line = (yield* company.lines).find((line) => line.referenceId === referenceId)
  return line ?? (yield* new EmulatorApi.NoSuchCall())
})

const shown = (line: PhoneLine.PhoneLine): typeof EmulatorApi.Line.Type => {
  const { state } = line
  const script = PhoneLine.asScript(line)
  const leg = state._tag === "Bridging" || state._tag === "Talking" ? state.leg : undefined
  return {
    reference_id: line.referenceId,
    ...(line.externalId === undefined ? {} : { external_id: line.externalId }),
    direction: line.direction,
    to: line.to,
    from: line.from,
    state: state._tag,
    awaits: line.awaits ?? null,
    since: utc(line.createdAt),
    by_hand: line.hand !== undefined,
    other_by_hand: leg?.byHand ?? false,
    rings: (["first", "second"] as const).filter((whose) => PhoneLine.ringsByHand(line, whose)),
    other: leg?.to ?? null,
    prompt: state._tag === "Prompting" ? { words: state.words, collects: state.collects } : null,
    keys: state._tag === "Prompting" && script !== undefined ? state.reaction.digits ?? "" : "",
    listens_for: PhoneLine.listensFor(line),
    script: script === undefined ? null : Callee.describe(script)
  }
}

const phones = (settings: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "phones", (handlers) => {
    const { company } = settings
    const steer = Effect.fnUntraced(function*(
      { reference_id }: { readonly reference_id: string },
      deed: PhoneCompany.Deed,
      whose: PhoneLine.Whose | undefined,
      problem: string
    ) {
      const line = yield* known(company, reference_id)
      if (!(yield* company.steer(line.referenceId, deed, whose))) return yield* new EmulatorApi.NotNow({ problem })
    })
    const silent = "No phone that is steered by hand rings there"
    return handlers.handleAll({
      answer: ({ params, query }) => steer(params, { _tag: "Answer" }, query.whose, silent),
      decline: ({ params, query }) => steer(params, { _tag: "Decline" }, query.whose, silent),
      machine: ({ params }) => steer(params, { _tag: "LetMachineAnswer" }, undefined, silent),
      press: ({ params, payload }) =>
        steer(params, { _tag: "Press", keys: payload.keys }, undefined, "Nobody listens to keys there now"),
      ladder: Effect.fnUntraced(function*({ params }) {
        const { referenceId, settings } = yield* known(company, params.reference_id)
        return Ladder.html(Ladder.fold(CompanyLadder.fromLog(yield* logOf(company, referenceId))), settings)
      }),
      test: Effect.fnUntraced(function*({ params }) {
        return asTest.code(yield* known(company, params.reference_id))
      }),
      live: ({ query }) => Effect.succeed(live(settings, query.attend ?? false))
    })
  })

const logOf = (company: Company, referenceId: string) =>
  Effect.map(
    company.log,
    (log) => log.filter((entry) => entry._tag !== "Refused" && entry.referenceId === referenceId)
  )

/** Who listens only begins to when the first state is told, so it is told once more a little later. */
const live = (settings: Settings, isAttended: boolean) => {
  const beats = Stream.fromSchedule(Schedule.spaced("15 seconds"))
  const signs: ReadonlyArray<Stream.Stream<unknown>> = [
    Stream.make(0),
    Stream.fromEffect(Effect.sleep("200 millis")),
    settings.company.moves,
    beats
  ]
  const states = Stream.mapEffect(
    Stream.mergeAll(signs, { concurrency: "unbounded" }),
    () => Effect.map(stateOf(settings, isAttended), (data) => ({ id: undefined, event: "state" as const, data }))
  )
  return isAttended ? Stream.unwrap(Effect.as(settings.company.attend, states)) : states
}

const stateOf = Effect.fnUntraced(function*(settings: Settings, attended: boolean) {
  return {
    now: utc(yield* Clock.currentTimeMillis),
    lines: (yield* settings.company.lines).map(shown),
    settings: turned(settings.knobs),
    events_url: settings.eventsUrl(),
    attended
  }
})

const turned = (
  { askAgainAfter, copies, late, losses, slow, speed }: Knobs.Knobs
): typeof EmulatorApi.Settings.Type => ({
  speed,
  late: Duration.toSeconds(late),
  slow: Duration.toSeconds(slow),
  copies,
  ask_again: askAgainAfter.map(Duration.toSeconds),
  lose_events: losses.events.get(Knobs.any) ?? 0,
  lose_replies: losses.replies.get(Knobs.any) ?? 0
})

const turn = (knobs: Knobs.Knobs, changes: Partial<typeof EmulatorApi.Settings.Type>): void => {
  const { ask_again, copies, late, lose_events, lose_replies, slow, speed } = changes
  if (speed !== undefined) knobs.speed = speed
  if (late !== undefined) knobs.late = Duration.seconds(late)
  if (slow !== undefined) knobs.slow = Duration.seconds(slow)
  if (copies !== undefined) knobs.copies = copies
  if (ask_again !== undefined) knobs.askAgainAfter = ask_again.map(Duration.seconds)
  if (lose_events !== undefined) knobs.losses.events.set(Knobs.any, lose_events)
  if (lose_replies !== undefined) knobs.losses.replies.set(Knobs.any, lose_replies)
}

const people = ({ company }: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "people", (handlers) =>
    handlers.handleAll({
      callee: ({ params, payload }) => company.callee(params.number, payload.callees),
      everyone: ({ payload }) => company.everyone(payload.callees),
      leftover: () => company.leftover,
      refuse: ({ params, payload }) => company.block(params.number, payload.status),
      accept: ({ params }) => company.unblock(params.number)
    }))

const record = (settings: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "record", (handlers) =>
    handlers.handleAll({
      rings: () =>
        Effect.map(settings.company.rings, (rings) =>
          rings.map((ring) => ({
            at: utc(ring.at),
            number: ring.number,
            reference_id: ring.referenceId,
            ...(ring.externalId === undefined ? {} : { external_id: ring.externalId })
          }))),
      entries: ({ query }) => entries(settings, query)
    }))

const day = ({ company, followers, knobs, reportTo, reset, skip }: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "day", (handlers) =>
    handlers.handleAll({
      settings: () => Effect.sync(() => turned(knobs)),
      change: Effect.fnUntraced(function*({ payload }) {
        turn(knobs, payload)
        yield* company.setSpeed(knobs.speed)
        return turned(knobs)
      }),
      reportTo: ({ payload }) => reportTo(payload.url),
      skipped: ({ query: { beyond, wait = 0 } }) =>
        Effect.map(followers.follow(beyond, Duration.seconds(wait)), (millis) => ({ millis })),
      skip: ({ payload }) =>
        Effect.map(
          skip(payload?.seconds === undefined ? undefined : Duration.seconds(payload.seconds)),
          (millis) => ({ skipped: millis / 1000 })
        ),
      reset: () => reset
    }))

type Asked = { readonly [Field in keyof typeof EmulatorApi.Asked]?: (typeof EmulatorApi.Asked)[Field]["Type"] }

type Entry = typeof EmulatorApi.Entry.Type

/** Whoever waits listens before they look, so that nothing is missed between. */
const entries = Effect.fnUntraced(function*(settings: Settings, asked: Asked) {
  const { company } = settings
  const look = Effect.map(company.log, (log) => {
    const all = log.map((entry, n) => written(settings, entry, n))
    const fitting = all.slice(asked.from ?? 0).filter((entry) => fits(asked, entry))
    return { entries: fitting, next: all.length }
  })
  const { wait = 0 } = asked
  if (wait === 0) return yield* look
  const news = company.changes.pipe(
    Stream.mapEffect(() => look),
    Stream.filter((found) => found.entries.length > 0),
    Stream.runHead
  )
  const later = yield* Effect.forkChild(news, { startImmediately: true })
  const found = yield* look
  if (found.entries.length > 0) return found
  const heard = yield* Effect.timeoutOption(Fiber.join(later), Duration.seconds(wait))
  return Option.getOrElse(Option.flatten(heard), () => found)
})

const fits = ({ event, kind, reference_id }: Asked, entry: Entry): boolean =>
  (kind === undefined || entry.kind === kind) &&
  (event === undefined || ("event" in entry && entry.event.event === event)) &&
  (reference_id === undefined || ("reference_id" in entry && entry.reference_id === reference_id))

const written = (options: TelesignWire.Options, entry: CompanyRecord.Entry, n: number): Entry => {
  const said = { n, at: utc(entry.at) }
  if (entry._tag === "Refused") {
    const { action, problem, status } = entry
    return {
      ...said,
      kind: "refused",
      status,
      ...(action === undefined ? {} : { action: envelope(options, action) }),
      ...(problem === undefined ? {} : { problem })
    }
  }
  const on = { ...said, reference_id: entry.referenceId }
  switch (entry._tag) {
    case "Requested":
      return { ...on, kind: "requested", action: envelope(options, entry.action) }
    case "Called":
      return { ...on, kind: "called", to: entry.to, from: entry.from }
    case "Posted":
      return { ...on, kind: "posted", event: event(entry.webhook) }
    case "Replied":
      return { ...on, kind: "replied", event: event(entry.webhook), action: reply(options, entry.action) }
    case "Rejected": {
      const { action, reason, webhook } = entry
      return { ...on, kind: "rejected", event: event(webhook), action: reply(options, action), reason }
    }
    case "Copied":
      return { ...on, kind: "copied", event: event(entry.webhook), action: reply(options, entry.action) }
    case "Unanswered":
      return { ...on, kind: "unanswered", event: event(entry.webhook), problem: entry.problem }
  }
}

const utc = (at: number): string => new Date(at).toISOString()

const event = (webhook: Webhook.Webhook) => TelesignWire.encodeWebhook(webhook) as typeof EmulatorApi.Event.Type

const reply = (options: TelesignWire.Options, action: Action.Action | undefined) =>
  action === undefined ? null : envelope(options, action)

type Fields = { readonly [field: string]: Schema.Json }

/** The one action that cannot be written down is `send_dtmf` without a name for its parameter. */
const envelope = (options: TelesignWire.Options, action: Action.Action) =>
  Result.match(TelesignWire.encodeAction(action, options), {
    onSuccess: ({ method, params }) => ({ method, params: params as Fields }),
    onFailure: () => ({ method: "send_dtmf", params: {} })
  })
