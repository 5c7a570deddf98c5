/**
 * The webhooks of an engine. Each is put behind those that came before it for the same call, recorded as soon as the store
 * allows, and answered when that is durable; or before, with a hold, if the store is late and somebody waits on the line.
 */
import { Cause, Effect, Exit, Option, Result } from "effect"
import type { Scope } from "effect"
import type * as Action from "../../Action.ts"
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type { Received } from "../../CallInput.ts"
import { Late, StoreError } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import * as Reply from "../../Reply.ts"
import * as Webhook from "../../Webhook.ts"
import * as Defect from "../defect.ts"
import * as ids from "../ids.ts"
import * as Addresses from "./addresses.ts"
import { type Answer, Arrival } from "./arrival.ts"
import type * as Callers from "./callers.ts"
import * as Closing from "./closing.ts"
import { reportOver } from "./entity.ts"
import * as LateReplies from "./lateReplies.ts"
import type { Message, Taken } from "./message.ts"
import type { Parts } from "./parts.ts"
import * as Refusals from "./refusals.ts"
import * as Replies from "./replies.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"

/** How calls come in. */
export interface Options {
  readonly answering: (number: string) => LiveCall.AnyDefinition | undefined
  readonly refusal: Action.Action
}

/** Takes webhooks in. */
export interface Webhooks {
  readonly receive: (webhook: Webhook.Webhook, answer: Answer) => void
  /** Whether the store is so late that what can wait had better not be asked of it. */
  readonly isLate: () => boolean
  /** How many webhooks are not recorded. */
  readonly waiting: () => number
}

/** What was found of a webhook at its call: a decision; that it is another call's, or of two calls; nothing if it is nobody's. */
type Found = Replies.Decided | { readonly owner: CallId } | { readonly contested: true } | undefined

/** Whether a webhook has come to a call, and not to another one or to nobody. */
const isTaken = (found: Found): boolean => found !== undefined && !("contested" in found) && !("owner" in found)

const contested = { instead: { contested: true } } as const

/** The place of a webhook among all webhooks and replies, and when it came. */
interface Came {
  readonly place: number
  readonly since: number
}

const isIncoming = (webhook: Webhook.Webhook): boolean => Webhook.kind(webhook) === "IncomingCall"
const unclaimed = Exit.succeed(Reply.make(undefined, "unclaimed"))
const closed = Exit.fail(Closing.closed)
const notInTime = new StoreError({ operation: "read", reason: new Late({ problem: "It did not answer in time" }) })

/** Into the calls of an engine. Watches until its scope closes. */
export const make = Effect.fnUntraced(function*(
  surroundings: Surroundings,
  parts: Parts,
  callers: Callers.Callers,
  options: Options
): Effect.fn.Return<Webhooks, never, Scope.Scope> {
  const { closing, elapsed, namespace, formerNamespace, run, settings, store } = surroundings
  const { entities, intake, loading, sessions } = parts
  const context = yield* Effect.context<never>()
  let stamps = 0
  let waiting = 0
  const stamp = () => ++stamps
  const addresses = Addresses.make(namespace, formerNamespace)
  const lateReplies = yield* LateReplies.make(surroundings, addresses)
  const replies = Replies.make(surroundings, parts, lateReplies, stamp)
  const refusals = Refusals.make(surroundings, addresses)

  // -------------------------------------------------------------------------------------------------------------------
  // Whose it is
  // -------------------------------------------------------------------------------------------------------------------

  const receive: Webhooks["receive"] = (reported, answer) => {
    const bounded = Webhook.bounded(reported)
    if (Result.isFailure(bounded)) return answer(Exit.fail(bounded.failure))
    const webhook = bounded.success
    if (webhook.leftOut !== undefined) Refusals.fieldsLeftOut.updateUnsafe(webhook.leftOut, context)
    const came = { place: stamp(), since: elapsed() }
    const known = sessions.find(webhook.referenceId)
    const id = known ?? (isIncoming(webhook) ? incoming(webhook) : addresses.attemptOf(webhook)?.call)
    if (known === undefined && id !== undefined && isIncoming(webhook) && !callers.letsIn(id)) answer(refusal)
    else if (id !== undefined) accept(webhook, id, came, answer)
    else run(search(webhook, came, answer))
  }

  const answering = (webhook: Webhook.Webhook): LiveCall.AnyDefinition | undefined =>
    isIncoming(webhook) && webhook.to !== undefined ? options.answering(webhook.to) : undefined

  /** The call that a caller begins, if there is a flow at the number that was called. */
  const incoming = (webhook: Webhook.Webhook): CallId | undefined =>
    answering(webhook) === undefined ? undefined : ids.namedCallId("incoming", webhook.referenceId)

  const refusal = Exit.succeed(Reply.make(options.refusal, "refused"))

  /** Looks for the call of a session that is not in memory. An incoming call that nobody has and nobody takes is refused. */
  const search = (webhook: Webhook.Webhook, came: Came, answer: Answer): Effect.Effect<void> => {
    const searching = Effect.timeoutOrElse(store.find(webhook.referenceId), {
      duration: settings.reply.deadline,
      orElse: () => Effect.fail(notInTime)
    })
    const found = (exit: Exit.Exit<Option.Option<CallId>, StoreError>) => {
      if (Exit.isSuccess(exit) && Option.isSome(exit.value)) {
        return void accept(webhook, exit.value.value, came, answer)
      }
      if (isIncoming(webhook)) return void answer(refusal)
      if (Exit.isFailure(exit)) {
        answer(Exit.hasInterrupts(exit) ? closed : Exit.failCause(exit.cause))
        return Exit.hasInterrupts(exit) ? undefined : refusals.failed(Defect.message(Cause.squash(exit.cause)))
      }
      answer(unclaimed)
      return Effect.logDebug(`An event ${Webhook.shown(webhook)} belongs to no call of this installation`)
    }
    return Effect.ignore(Effect.onExitPrimitive(searching, found))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // To its call
  // -------------------------------------------------------------------------------------------------------------------

  /** Puts a webhook behind the others of its call. One that was answered before, elsewhere, has no `answer`. */
  const accept = (webhook: Webhook.Webhook, id: CallId, { place, since }: Came, answer: Answer | undefined): void => {
    if (waiting >= settings.store.waiting) return refusals.turnAway(answer)
    const entity = entities.of(id)
    if (closing.isOver()) return answer?.(lateReplies.parting(entity, webhook))
    const arrival = new Arrival(entity, webhook, place, since, answer)
    if (isIncoming(webhook)) sessions.expect(webhook.referenceId, id)
    if (Webhook.kind(webhook) === "CallCompleted") reportOver(entity, webhook.referenceId)
    lateReplies.watch(arrival)
    waiting++
    closing.begin()
    intake.post(entity, asMessage(arrival))
  }

  /**
   * A webhook to its call. It may be answered later, when the flow has decided. What it is asked comes in this order: `route`,
   * which finds whether it begins the call; `input`, which finds its line, again after a conflict; `mustAsk`; `look`.
   */
  const asMessage = (arrival: Arrival): Message<Found> => {
    const { entity, webhook } = arrival
    const definition = answering(webhook)
    let begins: CallInput.CallInput | undefined
    let line: number | undefined
    return {
      route: () => {
        const known = sessions.ownerOf(webhook.referenceId)
        if (known !== undefined && isContested(webhook, known)) return Effect.succeed(contested)
        if (known === entity.id) return undefined
        return Effect.map(ownerOf(arrival), (owner) => {
          if (owner !== undefined && isContested(webhook, owner)) return contested
          if (owner !== undefined && owner !== entity.id) return { instead: { owner } }
          const isNew = owner === undefined && definition !== undefined
          begins = isNew ? { _tag: "Arrive", flow: definition.name, version: definition.version, webhook } : undefined
          return { isNew }
        })
      },
      input: ({ call }, reading) => {
        line = begins === undefined ? addresses.lineOf(call, webhook)?.id : 1
        if (line === undefined) return { _tag: "Wake" }
        return begins ?? { _tag: "Webhook", line, received: received(arrival, line, reading) }
      },
      ...(definition === undefined ? {} : { fresh: () => LiveCall.prepare(entity.id, definition, {}) }),
      asks: true,
      mustAsk: () => line === undefined, // the line may be one that another process has recorded
      whileDown: "again",
      look: (call, decided) => {
        if (line === undefined) return undefined
        const looked = replies.look(arrival, line, call, decided)
        return begins === undefined ? looked : { ...looked, isCopy: false }
      },
      taken: (exit) => taken(arrival, exit)
    }
  }

  /** Whether a webhook has the session of one call and names a dial of another: the carrier gave it to both. */
  const isContested = (webhook: Webhook.Webhook, owner: CallId): boolean => {
    const named = addresses.attemptOf(webhook)?.call
    return named !== undefined && named !== owner
  }

  /** The call that has the session of a webhook. Not the one that it names, or would begin, if another had it before. */
  const ownerOf = ({ entity, webhook }: Arrival): Effect.Effect<CallId | undefined, StoreError> => {
    const inMemory = Effect.sync(() => sessions.ownerOf(webhook.referenceId))
    const known = isIncoming(webhook) || entity.live !== undefined
      ? inMemory
      : Effect.andThen(loading.loaded(entity), inMemory)
    return Effect.flatMap(
      known,
      (owner) =>
        owner === undefined ? Effect.map(store.find(webhook.referenceId), Option.getOrUndefined) : Effect.succeed(owner)
    )
  }

  const received = (arrival: Arrival, line: number, { elapsed, now }: Reading): Received => {
    const { afterHold, entity, place, since, webhook } = arrival
    const delivery = entity.deliveries.get(line)
    return {
      webhook,
      receivedAt: now + entity.ahead - (elapsed - since),
      before: delivery !== undefined && (delivery.written === undefined || place < delivery.written),
      copies: delivery?.copies ?? 0,
      // A hold takes no digits. Another process that went on with the line knows of no hold, and gave its reply.
      unsent: afterHold && (webhook.digits ?? "") === "" && delivery?.isOurs === true
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What came of it
  // -------------------------------------------------------------------------------------------------------------------

  /** A webhook is recorded, or never will be. */
  const taken = (arrival: Arrival, exit: Taken<Found>): void => {
    done(arrival)
    if (Exit.isFailure(exit)) {
      callers.forget(arrival.entity.id)
      return closing.isOver() ? lateReplies.part(arrival) : refusals.refuse(arrival, exit.cause)
    }
    refusals.over()
    if (isIncoming(arrival.webhook) && !isTaken(exit.value)) callers.forget(arrival.entity.id)
    if (exit.value === undefined) refusals.lost(arrival)
    else if ("contested" in exit.value) refusals.contested(arrival)
    else if ("owner" in exit.value) forward(arrival, exit.value.owner)
    else replies.reply(arrival, exit.value)
  }

  /** A webhook waits no longer. */
  const done = (arrival: Arrival): void => {
    arrival.isDone = true
    if (isIncoming(arrival.webhook)) sessions.expectNoMore(arrival.webhook.referenceId, arrival.entity.id)
    waiting--
    closing.end()
    lateReplies.settled(arrival)
  }

  /** Gives a webhook to the call that it belongs to, behind what came in there. */
  const forward = (arrival: Arrival, owner: CallId): void => {
    const { answer } = arrival
    arrival.answer = arrival.watched.item = undefined
    accept(arrival.webhook, owner, { place: arrival.place, since: arrival.since }, answer)
  }

  return { receive, isLate: lateReplies.isLate, waiting: () => waiting }
})
