/** What a webhook is to the call that it came to: a message, which may find that it is another's. */
import { Effect, Option } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type { Received } from "../../CallInput.ts"
import type { StoreError } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import type * as Webhook from "../../Webhook.ts"
import type { Addresses } from "./addresses.ts"
import { type Arrival, isIncoming } from "./arrival.ts"
import type { Message, Taken } from "./message.ts"
import type { Parts } from "./parts.ts"
import type { Decided, Replies } from "./replies.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"

/** What was found of a webhook at its call: a decision; that it is another call's, or of two calls; nothing if it is nobody's. */
export type Found = Decided | { readonly owner: CallId } | { readonly contested: true } | undefined

/** Whether a webhook has come to a call, and not to another one or to nobody. */
export const isTaken = (found: Found): boolean => found !== undefined && !("contested" in found) && !("owner" in found)

/** A webhook on its way to its call, and who is told what was found of it. It may be answered later, when the flow has decided. */
export type AsMessage = (arrival: Arrival, taken: (exit: Taken<Found>) => void) => Message<Found>

/** The flow that answers at the number which a webhook calls, if it is of a call that comes in. */
export type Answering = (webhook: Webhook.Webhook) => LiveCall.AnyDefinition | undefined

const contested = { instead: { contested: true } } as const

/** What a call is told of a webhook: what it says, and what this process knows of the reply before it. */
const receivedOf = (arrival: Arrival, line: number, { elapsed, now }: Reading): Received => {
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

/** To the calls of an engine. */
export const make = (
  { store }: Surroundings,
  { loading, sessions }: Parts,
  addresses: Addresses,
  replies: Replies,
  answering: Answering
): AsMessage => {
  /** Whether a webhook has the session of one call and names a dial of another: the carrier gave it to both. */
  const isContested = (webhook: Webhook.Webhook, owner: CallId): boolean => {
    const named = addresses.attemptOf(webhook)?.call
    return named !== undefined && named !== owner
  }

  /** The call that has the session of a webhook. Not the one that it names, or would begin, if another had it before. */
  const ownerOf = ({ entity, webhook }: Arrival): Effect.Effect<CallId | undefined, StoreError> => {
    const inMemory = Effect.sync(() => sessions.ownerOf(webhook.referenceId))
    const known = isIncoming(webhook) ? inMemory : Effect.andThen(loading.loaded(entity), inMemory)
    return Effect.flatMap(
      known,
      (owner) =>
        owner === undefined ? Effect.map(store.find(webhook.referenceId), Option.getOrUndefined) : Effect.succeed(owner)
    )
  }

  /**
   * What a message is asked comes in this order: `route`, which finds whether it begins the call; `input`, which finds its line,
   * again after a conflict; `mustAsk`; `look`.
   */
  return (arrival, taken) => {
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
        return begins ?? { _tag: "Webhook", line, received: receivedOf(arrival, line, reading) }
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
      taken
    }
  }
}
