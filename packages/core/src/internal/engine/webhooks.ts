/** The webhooks of an engine: whose each is, so that it comes to its call, and what is answered to one that is nobody's. */
import { Cause, Effect, Exit, Option, Result } from "effect"
import type { Scope } from "effect"
import type * as Action from "../../Action.ts"
import type { CallId } from "../../CallEvent.ts"
import * as CallMetrics from "../../CallMetrics.ts"
import { Late, StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import * as Reply from "../../Reply.ts"
import * as Webhook from "../../Webhook.ts"
import * as Defect from "../defect.ts"
import * as ids from "../ids.ts"
import * as Addresses from "./addresses.ts"
import { type Answer, isIncoming } from "./arrival.ts"
import * as Arrivals from "./arrivals.ts"
import type * as Callers from "./callers.ts"
import * as Closing from "./closing.ts"
import * as LateReplies from "./lateReplies.ts"
import type { Parts } from "./parts.ts"
import * as Refusals from "./refusals.ts"
import * as Replies from "./replies.ts"
import type { Surroundings } from "./surroundings.ts"
import * as WebhookMessage from "./webhookMessage.ts"

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
  /** How long webhooks have waited for the store, and how many did. */
  readonly failing: LateReplies.LateReplies["failing"]
  /** How many webhooks are not recorded. */
  readonly waiting: () => number
}

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
  const { elapsed, formerNamespace, namespace, run, settings, store } = surroundings
  const { sessions } = parts
  const context = yield* Effect.context<never>()
  let stamps = 0
  let inSearch = 0
  const stamp = () => ++stamps
  const refusal = Exit.succeed(Reply.make(options.refusal, "refused"))

  const answering: WebhookMessage.Answering = (webhook) =>
    isIncoming(webhook) && webhook.to !== undefined ? options.answering(webhook.to) : undefined

  const addresses = Addresses.make(namespace, formerNamespace)
  const lateReplies = yield* LateReplies.make(surroundings, addresses)
  const replies = Replies.make(surroundings, parts, lateReplies, stamp)
  const refusals = Refusals.make(surroundings, addresses)
  const asMessage = WebhookMessage.make(surroundings, parts, addresses, replies, answering)
  const arrivals = Arrivals.make(surroundings, parts, { asMessage, callers, lateReplies, refusals, replies })

  const receive: Webhooks["receive"] = (reported, answer) => {
    const bounded = Webhook.bounded(reported)
    if (Result.isFailure(bounded)) return answer(Exit.fail(bounded.failure))
    const webhook = bounded.success
    if (webhook.leftOut !== undefined) CallMetrics.fieldsLeftOut.updateUnsafe(webhook.leftOut, context)
    const came = { place: stamp(), since: elapsed() }
    const known = sessions.find(webhook.referenceId)
    const id = known ?? (isIncoming(webhook) ? incoming(webhook) : addresses.attemptOf(webhook)?.call)
    const isLetIn = known !== undefined || !isIncoming(webhook) || id !== undefined && callers.letsIn(id)
    if (id !== undefined && isLetIn) return arrivals.accept(webhook, id, came, answer)
    if (waiting() >= settings.store.waiting) return refusals.turnAway(answer)
    inSearch++
    run(search(webhook, came, answer)) // There is no room for a caller here, whom another process may have let in.
  }

  const waiting = () => arrivals.waiting() + inSearch

  /** The call that a caller begins, if there is a flow at the number that was called. */
  const incoming = (webhook: Webhook.Webhook): CallId | undefined =>
    answering(webhook) === undefined ? undefined : ids.namedCallId("incoming", webhook.referenceId)

  /** Looks for the call of a session that is not in memory. */
  const search = (webhook: Webhook.Webhook, came: Arrivals.Came, answer: Answer): Effect.Effect<void> => {
    const searching = Effect.timeoutOrElse(store.find(webhook.referenceId), {
      duration: settings.reply.deadline,
      orElse: () => Effect.fail(notInTime)
    })
    const searched = (exit: Exit.Exit<Option.Option<CallId>, StoreError>) => {
      inSearch--
      if (Exit.isFailure(exit) || Option.isNone(exit.value)) return notFound(webhook, exit, answer)
      return void arrivals.accept(webhook, exit.value.value, came, answer)
    }
    return Effect.ignore(Effect.onExitPrimitive(searching, searched))
  }

  /** An incoming call that nobody has and nobody takes is refused. Another event is nobody's, if that could be found out. */
  const notFound = (
    webhook: Webhook.Webhook,
    exit: Exit.Exit<unknown, StoreError>,
    answer: Answer
  ): Effect.Effect<void> | undefined => {
    if (isIncoming(webhook)) {
      if (incoming(webhook) !== undefined) callers.turnAway()
      return void answer(refusal)
    }
    if (Exit.isSuccess(exit)) {
      answer(unclaimed)
      return Effect.logDebug(`An event ${Webhook.shown(webhook)} belongs to no call of this installation`)
    }
    answer(Exit.hasInterrupts(exit) ? closed : Exit.failCause(exit.cause))
    return Exit.hasInterrupts(exit) ? undefined : refusals.failed(Defect.message(Cause.squash(exit.cause)))
  }

  const { failing, isLate } = lateReplies
  return { receive, isLate, failing, waiting }
})
