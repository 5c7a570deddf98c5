/**
 * What may be asked of the carrier, as data.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { isTooLong } from "./internal/json.ts"
import * as spoken from "./internal/spoken.ts"
import { PhoneNumber } from "./PhoneNumber.ts"
import * as Prompt from "./Prompt.ts"

const Tones = Schema.String.check(
  Schema.isPattern(/^[0-9A-D*#w]+$/, {
    message: "Expected DTMF tones: 0-9, A-D, * and #, with w for a pause of half a second"
  })
)

const CallSeconds = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 14_400 }, {
    message: "Expected a call duration of 1 second to 4 hours (14,400 s), the longest that Telesign allows"
  })
)

const Collect = Schema.Struct({
  max: Schema.Int.check(
    Schema.isBetween({ minimum: 1, maximum: 128 }, { message: "Expected 1 to 128 digits to collect" })
  )
})

/**
 * The codec of `Action`.
 *
 * @since 0.1.0
 */
export const Action = Schema.TaggedUnion({
  Dial: {
    to: Schema.toType(PhoneNumber),
    from: Schema.toType(PhoneNumber),
    maxCallDurationSeconds: CallSeconds,
    sendDtmf: Schema.optionalKey(Tones),
    externalId: Schema.optionalKey(Schema.String)
  },
  Speak: {
    text: Schema.String,
    language: Schema.optionalKey(Schema.String),
    collect: Schema.optionalKey(Collect),
    externalId: Schema.optionalKey(Schema.String)
  },
  Play: {
    url: Schema.String,
    millis: Schema.optionalKey(Schema.Int),
    collect: Schema.optionalKey(Collect),
    externalId: Schema.optionalKey(Schema.String)
  },
  SendDtmf: { tones: Tones },
  Hangup: {}
})

/**
 * One action, in the carrier's own words: `Dial`, `Speak`, `Play`, `SendDtmf` (experimental: its parameters and the event
 * that ends it are not public) or `Hangup`.
 *
 * @since 0.1.0
 */
export type Action = typeof Action.Type

/**
 * The action that opens a call: `to` is rung and sees `from`. `sendDtmf` is keyed in after the answer, `externalId`
 * comes back in the events of the call.
 *
 * @since 0.1.0
 */
export type Dial = Extract<Action, { readonly _tag: "Dial" }>

/**
 * An action breaks a documented limit: `field` names the place, `problem` says what is allowed. The value is not kept.
 *
 * @since 0.1.0
 */
export class InvalidAction extends Schema.TaggedError<InvalidAction>()("InvalidAction", {
  action: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `This ${this.action} action cannot be sent. ${this.problem}`
  }
}

const decode = Schema.decodeUnknownResult(Schema.toType(Action))

// What is stored already may break these bounds, so they belong to what is made, not to the codec.
const mostTones = 255

/** The copy of an action that speaks plain words: nearly every one does, and a turn costs less than the schema's look at it. */
const copyOfSpoken = (action: Action): Action | undefined => {
  if (action._tag !== "Speak" || typeof action.text !== "string" || isTooLong(action.text)) return undefined
  const { collect, externalId, language, text } = action
  if (spoken.textProblem(text) !== undefined) return undefined
  if (externalId !== undefined || language !== undefined) return undefined
  if (collect === undefined) return { _tag: "Speak", text }
  return isCollect(collect) ? { _tag: "Speak", text, collect: { max: collect.max } } : undefined
}

/** What the callee would hear of an action. */
const heardOf = (action: Action): Prompt.Prompt | undefined => {
  switch (action._tag) {
    case "Speak": {
      const { language, text } = action
      return { _tag: spoken.isMarkup(text) ? "Ssml" : "Speech", text, ...(language === undefined ? {} : { language }) }
    }
    case "Play":
      return { _tag: "Audio", url: action.url }
    case "Dial":
    case "SendDtmf":
    case "Hangup":
      return undefined
  }
}

const decodeHeard = Schema.decodeUnknownResult(Schema.toType(Prompt.Prompt))

const problemOf = (action: Action): string | undefined => {
  const heard = heardOf(action)
  const result = heard === undefined ? undefined : decodeHeard(heard)
  if (result?._tag === "Failure") return result.failure.message
  const tones = action._tag === "Dial" ? action.sendDtmf : action._tag === "SendDtmf" ? action.tones : undefined
  return tones !== undefined && tones.length > mostTones ? `Expected at most ${mostTones} tones` : undefined
}

/**
 * A copy of an action that can be sent and recorded. Throws `InvalidAction` if it breaks a documented limit, says what cannot
 * be heard (see `Prompt`), or is longer than a call can keep.
 *
 * @since 0.1.0
 */
export const checked = <A extends Action>(action: A): A => {
  const copy = copyOfSpoken(action)
  if (copy !== undefined) return copy as A
  const fail = (problem: string) => new InvalidAction({ action: action._tag, problem })
  const result = decode(action)
  if (result._tag === "Failure") throw fail(result.failure.message)
  const problem = problemOf(result.success)
  if (problem !== undefined) throw fail(problem)
  return result.success as A
}

/**
 * Builds the opening action. Throws `InvalidAction` for a duration outside 1 to 14,400 s or tones outside
 * `0-9 A-D * # w`.
 *
 * @since 0.1.0
 */
export const dial = (fields: Omit<Dial, "_tag">): Dial => checked({ _tag: "Dial", ...fields })

/**
 * Builds the action that lets the callee hear a prompt and, with `collect`, press up to `max` keys. Throws `InvalidAction` for
 * a `max` outside 1 to 128.
 *
 * @since 0.1.0
 */
export const prompt = (heard: Prompt.Prompt, collect?: { readonly max: number }): Action => {
  const action = asked(heard, collect)
  return collect === undefined || isCollect(collect) ? action : checked(action)
}

/** What a prompt says is checked already. */
const isCollect = ({ max }: { readonly max: number }): boolean => Number.isInteger(max) && max >= 1 && max <= 128

const asked = (heard: Prompt.Prompt, collect: { readonly max: number } | undefined): Action => {
  const collecting = collect === undefined ? {} : { collect }
  switch (heard._tag) {
    case "Speech":
    case "Ssml":
      return {
        _tag: "Speak",
        text: heard.text,
        ...(heard.language === undefined ? {} : { language: heard.language }),
        ...collecting
      }
    case "Audio":
      return {
        _tag: "Play",
        url: heard.url,
        ...(heard.millis === undefined ? {} : { millis: heard.millis }),
        ...collecting
      }
  }
}

/**
 * Builds the experimental action that keys in tones on a live line. Digits after the answer belong in `dial`.
 *
 * @since 0.1.0
 */
export const sendDtmf = (tones: string): Action => checked({ _tag: "SendDtmf", tones })

/**
 * The action that ends a call.
 *
 * @since 0.1.0
 */
export const hangup: Action = { _tag: "Hangup" }

/**
 * How many digits the action collects; 0 if it collects none.
 *
 * @since 0.1.0
 */
export const digits = (action: Action): number =>
  action._tag === "Speak" || action._tag === "Play" ? action.collect?.max ?? 0 : 0

/**
 * The event that ends the action ("Voice - Make an outbound call", demos), or `undefined` where none is known.
 *
 * @since 0.1.0
 */
export const completion = (action: Action): string | undefined => {
  switch (action._tag) {
    case "Speak":
      return "speak_completed"
    case "Play":
      return "play_completed"
    case "Dial":
      return "dial_completed"
    case "Hangup":
      return "call_completed"
    case "SendDtmf":
      return undefined
  }
}

/**
 * The same prompt with an `external_id` of its own, by which its end is known if the carrier sends it back. Other actions are
 * left as they are. That a prompt may have one is not documented.
 *
 * @since 0.1.0
 */
export const mark = (action: Action, externalId: string): Action =>
  action._tag === "Speak" || action._tag === "Play" ? { ...action, externalId } : action
