/**
 * The webhooks of an engine: which call and line each belongs to, and the reply that it gets.
 */
import { Deferred, Effect, Option } from "effect"
import * as Action from "../Action.ts"
import * as Call from "../Call.ts"
import type { CallId } from "../CallEvent.ts"
import type { StoreError } from "../EventStore.ts"
import * as Webhook from "../Webhook.ts"
import type * as table from "./callTable.ts"
import { type Cell, type Cells, type Engine } from "./cells.ts"
import * as ids from "./ids.ts"

/** What to answer to a webhook, and how to say what became of the answer. */
export interface Reply {
  readonly action: Action.Action | undefined
  readonly sent: (whole: boolean) => Effect.Effect<void>
}

const silent: Reply = { action: undefined, sent: () => Effect.void }

/** How calls come in. */
export interface Options {
  readonly answering: (number: string) => Call.AnyDefinition | undefined
  readonly refusal: Action.Action
}

/** Takes webhooks in. */
export const make = ({ namespace, now, settings, store }: Engine, cells: Cells, options: Options) => {
  const ours = new RegExp(
    `^${namespace.replaceAll(/[^0-9a-zA-Z]/g, "\\$&")}\\.([0-9a-z]{20})\\.([0-9]+)(?:\\.[0-9]+)?$`
  )
  let stamps = 0

  const waitForReply = (cell: Cell, line: number): Deferred.Deferred<table.Reply> => {
    const waiter = Deferred.makeUnsafe<table.Reply>()
    const waiting = cell.waiters.get(line)
    if (waiting === undefined) cell.waiters.set(line, new Set([waiter]))
    else waiting.add(waiter)
    return waiter
  }

  /** The reply of a line that waits for its flow: when the flow has decided, else a hold at the reply deadline. */
  const awaitReply = (
    cell: Cell,
    line: number,
    waiter: Deferred.Deferred<table.Reply>
  ): Effect.Effect<table.Reply, StoreError> =>
    Deferred.await(waiter).pipe(
      Effect.timeoutOrElse({
        duration: settings.replyDeadline,
        orElse: () => cells.take(cell, { _tag: "ReplyDue", line }, (call) => Call.reply(call, line, "line", settings))
      }),
      Effect.ensuring(Effect.sync(() => cell.waiters.get(line)?.delete(waiter)))
    )

  const toReply = (cell: Cell, line: number, receivedAt: number, reply: table.Reply, isCopy = false): Reply => {
    if (reply._tag !== "Act") return silent
    const delivery = cell.deliveries.get(line)
    const sent = (whole: boolean) =>
      Effect.suspend(() => {
        if (delivery !== undefined) {
          delivery.written = ++stamps
          if (isCopy && !whole) delivery.copies-- // nobody has heard this one: the next is a copy as much as it was
        }
        const surely = whole && now() - receivedAt <= settings.lateReply
        return surely || reply.n < 0 ? Effect.void : cells.takeSurely(cell, { _tag: "ReplyBroke", line, n: reply.n })
      })
    return { action: reply.action, sent }
  }

  /** The call and the line that an event belongs to: by its session if that is known, else by our own id in it. */
  const route = Effect.fnUntraced(function*(webhook: Webhook.Webhook) {
    const matched = webhook.externalId === undefined ? null : ours.exec(webhook.externalId)
    const named = matched === null ? undefined : matched[1] as CallId
    const inMemory = cells.bySession(webhook.referenceId) ??
      (named !== undefined && cells.has(named) ? named : undefined)
    const id = inMemory ?? Option.getOrElse(yield* store.find(webhook.referenceId), () => named)
    return { id, line: matched === null ? undefined : Number(matched[2]) }
  })

  const lineOf = (call: Call.Call, webhook: Webhook.Webhook, named: number | undefined): number | undefined => {
    const byReference = call.lines.find((line) =>
      line.referenceId === webhook.referenceId || line.otherReferenceIds.includes(webhook.referenceId)
    )
    return byReference?.id ?? call.lines.find((line) => line.id === named && line.externalId !== undefined)?.id
  }

  const receive = Effect.fnUntraced(function*(webhook: Webhook.Webhook) {
    const arrival = ++stamps
    const receivedAt = now()
    if (Webhook.kind(webhook) === "IncomingCall") return yield* arrive(webhook, receivedAt)
    const { id, line } = yield* route(webhook)
    if (id !== undefined) {
      const cell = cells.of(id)
      if (cell.live === undefined) {
        const found = yield* cells.inMemory(cell)
        if (found === undefined) return yield* lostCall(webhook)
      }
      return yield* onLine(cell, webhook, line, arrival, receivedAt)
    }
    yield* Effect.logDebug(`An event ${webhook.event} belongs to no call of this installation`)
    return silent
  })

  const onLine: (
    cell: Cell,
    webhook: Webhook.Webhook,
    named: number | undefined,
    arrival: number,
    receivedAt: number
  ) => Effect.Effect<Reply, StoreError> = Effect.fnUntraced(function*(cell, webhook, named, arrival, receivedAt) {
    let lineId: number | undefined
    const input = ({ call }: Call.Live): Call.Input => {
      lineId = lineOf(call, webhook, named)
      if (lineId === undefined) return { _tag: "Wake" }
      const delivery = cell.deliveries.get(lineId)
      return {
        _tag: "Webhook",
        line: lineId,
        received: {
          webhook,
          receivedAt: receivedAt + cell.ahead,
          before: delivery !== undefined && (delivery.written === undefined || arrival < delivery.written),
          copies: delivery?.copies ?? 0,
          unsent: false
        }
      }
    }
    const decided = yield* cells.take(cell, input, (call, decided) => {
      if (lineId === undefined) return undefined
      const reply = Call.reply(call, lineId, decided.answer, settings)
      const delivery = cell.deliveries.get(lineId)
      const again = decided.events.length === 0 && reply._tag === "Act"
      const isCopy = again && delivery?.written !== undefined && arrival > delivery.written
      if (isCopy) delivery.copies++
      return { reply, isCopy, line: lineId, waiter: reply._tag === "Wait" ? waitForReply(cell, lineId) : undefined }
    }, { asks: true })
    if (decided === undefined) {
      if (!(yield* cells.isBehind(cell))) return yield* lostCall(webhook)
      cell.live = undefined
      return yield* onLine(cell, webhook, named, arrival, receivedAt)
    }
    const reply = decided.waiter === undefined
      ? decided.reply
      : yield* awaitReply(cell, decided.line, decided.waiter)
    return toReply(cell, decided.line, receivedAt, reply, decided.isCopy)
  })

  /** An event that carries our namespace but belongs to no call that is stored: a store was lost. Nobody may be left on it. */
  const lostCall = (webhook: Webhook.Webhook): Effect.Effect<Reply> =>
    Webhook.kind(webhook) === "CallCompleted" ? Effect.succeed(silent) : Effect.as(
      Effect.logWarning(
        `An event ${webhook.event} names a call of this installation that is not stored; it is hung up on`
      ),
      { action: Action.hangup, sent: () => Effect.void }
    )

  const arrive = Effect.fnUntraced(function*(webhook: Webhook.Webhook, receivedAt: number) {
    const definition = webhook.to === undefined ? undefined : options.answering(webhook.to)
    if (definition === undefined) return { action: options.refusal, sent: () => Effect.void }
    const cell = cells.of(ids.namedCallId("incoming", webhook.referenceId))
    const input: Call.Input = { _tag: "Arrive", flow: definition.name, version: definition.version, webhook }
    const decided = yield* cells.take(
      cell,
      input,
      (call, decided) => {
        const reply = Call.reply(call, 1, decided.answer, settings)
        return { reply, waiter: reply._tag === "Wait" ? waitForReply(cell, 1) : undefined }
      },
      { asks: true, fresh: () => Call.prepare(cell.id, definition, {}) }
    )
    const reply = decided.waiter === undefined ? decided.reply : yield* awaitReply(cell, 1, decided.waiter)
    return toReply(cell, 1, receivedAt, reply)
  })

  return { receive }
}
