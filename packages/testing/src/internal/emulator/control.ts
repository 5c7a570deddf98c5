/**
 * What stands behind `EmulatorApi`.
 */
import type { Action, Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Duration, Effect, Fiber, Layer, Option, Result, Stream } from "effect"
import type { Schema } from "effect"
import { HttpApiBuilder, HttpApiMiddleware } from "effect/http-api"
import type * as CompanyRecord from "../../CompanyRecord.ts"
import * as EmulatorApi from "../../EmulatorApi.ts"
import type * as PhoneCompany from "../../PhoneCompany.ts"
import type { Followers } from "./followers.ts"

export interface Settings extends TelesignWire.Options {
  readonly company: PhoneCompany.PhoneCompany["Service"]
  readonly reportTo: (url: string) => Effect.Effect<void>
  readonly reset: Effect.Effect<void>
  readonly skip: (duration: Duration.Input | undefined) => Effect.Effect<number>
  readonly followers: Followers
}

/** The routes of the API. */
export const layer = (settings: Settings) =>
  HttpApiBuilder.layer(EmulatorApi.EmulatorApi, { openapiPath: "/emulator/openapi.json" }).pipe(
    Layer.provide([calls(settings), people(settings), record(settings), day(settings)]),
    Layer.provide(HttpApiMiddleware.layerSchemaErrorTransform(
      EmulatorApi.Readable,
      ({ cause }) => Effect.fail(new EmulatorApi.Problem({ problem: cause.message }))
    ))
  )

const calls = ({ company }: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "calls", (handlers) =>
    handlers.handleAll({
      call: ({ payload }) => Effect.map(company.incoming(payload), (reference_id) => ({ reference_id })),
      list: () =>
        Effect.map(company.lines, (lines) =>
          lines.map((line) => ({
            reference_id: line.referenceId,
            ...(line.externalId === undefined ? {} : { external_id: line.externalId }),
            direction: line.direction,
            to: line.to,
            from: line.from,
            state: line.state._tag,
            awaits: line.awaits ?? null
          }))),
      hangUp: Effect.fnUntraced(function*({ params }) {
        const lines = yield* company.lines
        if (!lines.some((line) => line.referenceId === params.reference_id)) return yield* new EmulatorApi.NoSuchCall()
        yield* company.hangUp(params.reference_id)
      })
    }))

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

const day = ({ followers, reportTo, reset, skip }: Settings) =>
  HttpApiBuilder.group(EmulatorApi.EmulatorApi, "day", (handlers) =>
    handlers.handleAll({
      reportTo: ({ payload }) => reportTo(payload.url),
      skipped: ({ query: { beyond, wait = 0 } }) =>
        Effect.map(followers.follow(beyond, Duration.seconds(wait)), (millis) => ({ millis })),
      skip: ({ payload: { seconds } }) =>
        Effect.map(
          skip(seconds === undefined ? undefined : Duration.seconds(seconds)),
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
