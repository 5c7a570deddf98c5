/**
 * What the carrier reports, as data: an event of a call before anything has been decided about it.
 *
 * @since 0.1.0
 */

/**
 * One event as it came in. All fields beyond the first two are optional and all strings are open, because the public
 * documents are incomplete ("Voice - Events"): `event` may be a name that Ringback does not know.
 *
 * @since 0.1.0
 */
export interface Webhook {
  /** The carrier's name of the event, such as `dial_completed`. */
  readonly event: string
  /** The session, made by the carrier. Opaque. */
  readonly referenceId: string
  /** Our own id of the attempt, if the carrier sent it back. */
  readonly externalId?: string
  readonly status?: string
  /** Keys pressed, `""` if none. Absent where the event says nothing about keys. */
  readonly digits?: string
  readonly to?: string
  readonly from?: string
  readonly durationSeconds?: number
  /** Fields that are not known here, kept as they came. */
  readonly extra?: { readonly [field: string]: unknown }
}

/**
 * What an event means to a call: which row of the decision table it belongs to.
 *
 * @since 0.1.0
 */
export type Kind = "IncomingCall" | "DialCompleted" | "PromptCompleted" | "LegCompleted" | "CallCompleted" | "Unknown"

/**
 * Tells what an event means.
 *
 * @since 0.1.0
 */
export const kind = (webhook: Webhook): Kind => {
  switch (webhook.event) {
    case "incoming_call":
      return "IncomingCall"
    case "dial_completed":
      return "DialCompleted"
    case "speak_completed":
    case "play_completed":
      return "PromptCompleted"
    case "call_leg_completed":
      return "LegCompleted"
    case "call_completed":
      return "CallCompleted"
    default:
      return "Unknown"
  }
}

/**
 * The value by which a webhook is known from all others, if the application knows a field that holds one: looked for among
 * the fields that are not known here, at the top and in `data`. `undefined` if there is no text or number of that name.
 *
 * @since 0.1.0
 */
export const identity = (webhook: Webhook, field: string | undefined): string | undefined => {
  if (field === undefined) return undefined
  const value = webhook.extra?.[field] ?? (webhook.extra?.["data"] as { readonly [field: string]: unknown })?.[field]
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined
}

/**
 * The content by which a copy is told from something new: the known fields in a fixed order. No id of a webhook is
 * documented, so equal content is all that two deliveries of one webhook have in common. If the application knows a field
 * that identifies a webhook and the webhook has it, that value alone is the content.
 *
 * @since 0.1.0
 */
export const content = (webhook: Webhook, identifiedBy?: string): string => {
  const id = identity(webhook, identifiedBy)
  if (id !== undefined) return JSON.stringify([id])
  return JSON.stringify([
    webhook.event,
    webhook.status ?? null,
    webhook.digits ?? "",
    webhook.to ?? null,
    webhook.from ?? null,
    webhook.durationSeconds ?? null
  ])
}
