/**
 * What a telephone company writes down: every phone that rang, and every request, event and reply.
 *
 * @since 0.1.0
 */
import { type Action, Explain, PhoneNumber } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import { Schema } from "effect"

/**
 * A phone that rang because of a dial, first legs and bridged ones alike.
 *
 * @since 0.1.0
 */
export interface Ring {
  readonly at: number
  readonly number: PhoneNumber.PhoneNumber
  readonly referenceId: string
  readonly externalId?: string
}

/**
 * Something that happened, as it happened: numbers and digits are not masked here. `describe` makes it fit to be seen.
 *
 * `Requested` is a dial that was accepted, `Refused` one that was not, `Called` an incoming call, `Posted` a webhook on its
 * way, `Replied` what came back, `Rejected` a reply that was not carried out, `Copied` one to a second copy of a webhook,
 * which is never carried out, `Unanswered` a webhook that got no reply.
 *
 * @since 0.1.0
 */
export type Entry =
  | { readonly _tag: "Requested"; readonly at: number; readonly referenceId: string; readonly action: Action.Dial }
  | {
    readonly _tag: "Refused"
    readonly at: number
    readonly status: string
    readonly action?: Action.Dial
    readonly problem?: string
  }
  | {
    readonly _tag: "Called"
    readonly at: number
    readonly referenceId: string
    readonly to: string
    readonly from: string
  }
  | { readonly _tag: "Posted"; readonly at: number; readonly referenceId: string; readonly webhook: Webhook.Webhook }
  | {
    readonly _tag: "Replied"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly action: Action.Action | undefined
  }
  | {
    readonly _tag: "Rejected"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly action: Action.Action | undefined
    readonly reason: string
  }
  | {
    readonly _tag: "Copied"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly action: Action.Action | undefined
  }
  | {
    readonly _tag: "Unanswered"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly problem: string
  }

/**
 * An entry whose time the company tells.
 *
 * @since 0.1.0
 */
export type Untimed = Entry extends infer E ? E extends Entry ? Omit<E, "at"> : never : never

/**
 * A reply came, but holds no action that can be read. It is recorded as rejected. `problem` repeats nothing of it.
 *
 * @since 0.1.0
 */
export class UnreadableReply extends Schema.TaggedError<UnreadableReply>()("UnreadableReply", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/**
 * One entry of the log in one line, with numbers and digits masked and no spoken text.
 *
 * @since 0.1.0
 */
export const describe = (entry: Entry): string => {
  switch (entry._tag) {
    case "Requested":
      return `${short(entry.referenceId)} dial to ${PhoneNumber.mask(entry.action.to)}: accepted`
    case "Refused":
      return [
        entry.action === undefined ? "request refused" : `dial to ${PhoneNumber.mask(entry.action.to)} refused`,
        [entry.status, ...(entry.problem === undefined ? [] : [entry.problem])].join(", ")
      ].join(": ")
    case "Called":
      return `${short(entry.referenceId)} call from ${PhoneNumber.mask(entry.from)} to ${PhoneNumber.mask(entry.to)}`
    case "Posted":
      return `${short(entry.referenceId)} event ${describeWebhook(entry.webhook)}`
    case "Replied":
      return `${short(entry.referenceId)} reply to ${entry.webhook.event}: ${describeAction(entry.action)}`
    case "Rejected":
      return `${short(entry.referenceId)} reply to ${entry.webhook.event} rejected: ${entry.reason}`
    case "Copied":
      return `${short(entry.referenceId)} reply to a copy of ${entry.webhook.event}: ${describeAction(entry.action)}`
    case "Unanswered":
      return `${short(entry.referenceId)} no reply to ${entry.webhook.event}: ${entry.problem}`
  }
}

const short = (referenceId: string): string => referenceId.slice(0, 8)

const describeAction = (action: Action.Action | undefined): string =>
  action === undefined ? "no action" : Explain.action(action)

const describeWebhook = ({ digits, durationSeconds, event, status }: Webhook.Webhook): string =>
  [
    event,
    ...(status === undefined ? [] : [status]),
    ...(digits === undefined ? [] : [digits === "" ? "no digits" : "•".repeat(digits.length)]),
    ...(durationSeconds === undefined ? [] : [`${durationSeconds} s`])
  ].join(", ")
