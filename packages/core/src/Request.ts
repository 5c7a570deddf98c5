/**
 * What a flow asks of the world and what it is answered, as data, and the scopes in which it waits.
 *
 * @since 0.1.0
 */
import { type Effect, type Result, Schema } from "effect"
import type * as Action from "./Action.ts"
import type { Scope } from "./internal/flow/interpreter.ts"
import type { PhoneNumber } from "./PhoneNumber.ts"
import type { Prompt } from "./Prompt.ts"

/**
 * Why nobody was reached. `busy`, `no answer` and `failed` are what the carrier reported (which of its words mean busy or
 * no answer is a setting, because only `answered` is public); `refused` is a dial that the carrier, and no person, declined
 * because of its number, which never rang; `unknown` is a dial of which nobody knows whether it rang.
 *
 * Two say nothing about the person, and are told only when a dial has waited for long: `not authorized` is one that the carrier
 * did not take because of us (the credentials are not accepted, or the caller id is not ours), `not sent` one that it never took
 * (it was not reached, or throttled us). Trying later may help, and trying another number does not.
 *
 * @since 0.1.0
 */
export const NotAnsweredReason = Schema.Literals([
  "busy",
  "no answer",
  "failed",
  "refused",
  "not authorized",
  "not sent",
  "unknown"
])

/**
 * What a flow asks of the world, as data.
 *
 * @since 0.1.0
 */
export type Request =
  | {
    readonly _tag: "Dial"
    readonly to: PhoneNumber
    readonly from: PhoneNumber
    readonly ringForMillis: number
    readonly maxCallDurationSeconds: number
    readonly sendDtmf?: string
    readonly parameters?: { readonly [name: string]: unknown }
    readonly evenIfUnknown?: boolean
  }
  | { readonly _tag: "Answer" }
  | {
    readonly _tag: "Prompt"
    readonly action: Action.Action
    readonly goodbye: boolean
    /** Whether keys are an input that is taken, if that is known: for who tries inputs. */
    readonly accepts?: (digits: string) => boolean
    /** The schema that an input is decoded with, if there is one: for who draws inputs. */
    readonly schema?: () => Schema.ConstraintCodec<unknown, string, never, unknown>
    /** Of what is asked, also when it is asked again: for who draws a flow. */
    readonly question?: Question
    /** What a raw action may come to, for who tries it. */
    readonly completions?: ReadonlyArray<Completed>
  }
  | { readonly _tag: "Bridge"; readonly action: Action.Dial }
  | { readonly _tag: "Leave" }
  | { readonly _tag: "Sleep"; readonly millis: number }
  | {
    readonly _tag: "Activity"
    readonly name: string
    readonly withinMillis: number
    /** Whether its flow goes on with a failure when it is overdue, and is not stopped. */
    readonly overdue?: "fail"
    /** What is run, and how its value and its error are stored. */
    readonly effect: Effect.Effect<unknown, unknown, unknown>
    readonly encodeSuccess: (value: unknown) => Result.Result<unknown, Error>
    readonly encodeError: (error: unknown) => Result.Result<unknown, Error>
  }
  | {
    readonly _tag: "Signal"
    readonly name: string
    readonly withinMillis: number
    /** Whether a value fits; one that does not is refused before it is recorded. */
    readonly fits: (value: unknown) => boolean
  }
  | { readonly _tag: "SetDeadline"; readonly millis: number }
  | { readonly _tag: "LiftDeadline"; readonly n: number }
  | { readonly _tag: "Now" }
  | { readonly _tag: "Random" }
  | { readonly _tag: "Note"; readonly name: string; readonly data: unknown }

/**
 * A question, in the words in which it is asked first, and what keys stand for, where that can be said in a word.
 *
 * @since 0.1.0
 */
export interface Question {
  readonly asked: Prompt
  readonly choices?: { readonly [key: string]: string }
}

/**
 * What an activity came to, in stored form.
 *
 * @since 0.1.0
 */
export interface ActivityResult {
  readonly ok: boolean
  readonly value: unknown
  /** It took longer than it may, and came to nothing. */
  readonly overdue?: true
}

/**
 * The response that each request is resumed with.
 *
 * @since 0.1.0
 */
export interface Responses {
  readonly Dial:
    | { readonly _tag: "Answered" }
    | { readonly _tag: "NotAnswered"; readonly reason: typeof NotAnsweredReason.Type; readonly status?: string }
  readonly Answer: { readonly from: string | undefined; readonly to: string | undefined }
  /** `data` is what the event that ended a raw action told beside the fields that are known. */
  readonly Prompt:
    | { readonly _tag: "Heard"; readonly digits: string; readonly data?: Completed["data"] }
    | { readonly _tag: "HungUp" }
  readonly Bridge: Bridged | { readonly _tag: "HungUp" }
  readonly Leave: null
  readonly Sleep: null
  readonly Activity: ActivityResult
  readonly Signal: { readonly _tag: "Received"; readonly value: unknown } | { readonly _tag: "Expired" }
  /** The number of the deadline, by which it is lifted. */
  readonly SetDeadline: { readonly n: number }
  readonly LiftDeadline: null
  readonly Now: number
  readonly Random: number
  readonly Note: null
}

/**
 * What a raw action came to: the digits that were pressed, and whatever else stood in the `data` of the event that ended it, of
 * which 2 KiB are kept (`Webhook.bounded`).
 *
 * @since 0.1.0
 */
export interface Completed {
  readonly digits: string
  readonly data: { readonly [field: string]: unknown }
}

/**
 * What came of connecting a third party: nobody was reached, or the two talked and one of them left. Which one is told if
 * the carrier told it; the other is still on the line.
 *
 * How the carrier reports a third party who was not reached is not public. If it is as the end of a leg
 * (`LegCompleted`) and not as a failed dial, it shows here as `Left` by `them`.
 *
 * @since 0.1.0
 */
export type Bridged =
  | { readonly _tag: "NotConnected"; readonly status?: string }
  | { readonly _tag: "Left"; readonly who: "them" | "caller" | "unknown" }

/**
 * Any of the responses.
 *
 * @since 0.1.0
 */
export type Response = Responses[keyof Responses]

/**
 * The scope of `Flow.timeout`: ended from outside when its deadline passes.
 *
 * @since 0.1.0
 */
export interface DeadlineScope extends Scope {
  readonly _tag: "Deadline"
  readonly n: number
}

/**
 * The scope of `Line.hold`: its prompt is what the callee hears while the flow inside waits, and a hang-up ends it.
 *
 * @since 0.1.0
 */
export interface HoldScope extends Scope {
  readonly _tag: "Hold"
  readonly prompt: Prompt
}

/**
 * The scope within that of `Line.hold`: ended from outside when the line has borne as many holds in a row as it may.
 *
 * @since 0.1.0
 */
export interface HoldLimitScope extends Scope {
  readonly _tag: "HoldLimit"
}
