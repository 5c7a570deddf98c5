/** Whose a webhook is: the call, the attempt and the line that it names. */
import type * as Call from "../../Call.ts"
import type { CallId } from "../../CallEvent.ts"
import type * as CallLine from "../../CallLine.ts"
import { isOfSession } from "../../CallLine.ts"
import type * as Webhook from "../../Webhook.ts"
import type { Entity } from "./entity.ts"

/** Reads the addresses of webhooks. */
export interface Addresses {
  /** The call that the `external_id` of an event names, and the id without the mark of an action, if it is one of ours. */
  readonly attemptOf: (webhook: Webhook.Webhook) => { readonly call: CallId; readonly externalId: string } | undefined
  /** The line of a call that an event belongs to: by its session if that is known, else by the attempt that it names. */
  readonly lineOf: (call: Call.Call, webhook: Webhook.Webhook) => CallLine.CallLine | undefined
  /** The same of the call as it was last known in memory. */
  readonly knownLineOf: (entity: Entity, webhook: Webhook.Webhook) => CallLine.CallLine | undefined
}

const quoted = (text: string): string => text.replaceAll(/[^0-9a-zA-Z]/g, "\\$&")

/**
 * Of the calls of one installation. `former` is the namespace of the ids that it made before they had chance in them: those end
 * in the number of the attempt, and are good until their calls end.
 */
export const make = (namespace: string, former: string): Addresses => {
  const ours = new RegExp(
    `^(${quoted(namespace)}\\.([0-9a-z]{20})\\.[0-9a-z]{8}|${quoted(former)}\\.([0-9a-z]{20})\\.[0-9]+)(?:\\.[0-9]+)?$`
  )

  const attemptOf: Addresses["attemptOf"] = ({ externalId }) => {
    const matched = externalId === undefined ? null : ours.exec(externalId)
    return matched === null ? undefined : { call: (matched[2] ?? matched[3]) as CallId, externalId: matched[1]! }
  }

  const lineOf: Addresses["lineOf"] = (call, webhook) => {
    const ofSession = call.lines.findLast((line) => isOfSession(line, webhook.referenceId))
    if (ofSession !== undefined) return ofSession
    const attempt = attemptOf(webhook)
    return call.lines.find((line) => line.externalId !== undefined && line.externalId === attempt?.externalId)
  }

  return {
    attemptOf,
    lineOf,
    knownLineOf: ({ known, live }, webhook) => {
      const call = live?.call ?? known
      return call === undefined ? undefined : lineOf(call, webhook)
    }
  }
}
