/**
 * What may be asked of the carrier, as data.
 *
 * @since 0.1.0
 */
import { Result, Schema } from "effect"
import { isTooLong, recordable } from "./internal/json.ts"
import * as Masked from "./internal/masked.ts"
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

const Parameters = Schema.Record(Schema.String, Schema.Unknown)

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
    parameters: Schema.optionalKey(Parameters),
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
  Raw: {
    method: Schema.String,
    params: Parameters,
    completedBy: Schema.String,
    millis: Schema.optionalKey(Schema.Int),
    collect: Schema.optionalKey(Collect)
  },
  Hangup: {}
})

/**
 * One action, in the carrier's own words: `Dial`, `Speak`, `Play`, `SendDtmf` (experimental: its parameters and the event
 * that ends it are not public), `Hangup`, or `Raw`: what the documentation of an account names and this library does not. Plain
 * data; what is made here prints without numbers, digits and texts, as a whole and as JSON. Its fields are whole, and so is what
 * `Schema.encodeSync(Action.Action)` makes of it. To Effect's `Equal` and to vitest it is equal to a literal; only
 * `deepStrictEqual` of `node:assert` looks at what it prints by.
 *
 * @since 0.1.0
 */
export type Action = typeof Action.Type

/**
 * The action that opens a call: `to` is rung and sees `from`. `sendDtmf` is keyed in after the answer, `externalId`
 * comes back in the events of the call. `parameters` are sent beside these, by the names that they have on the wire.
 *
 * @since 0.1.0
 */
export type Dial = Extract<Action, { readonly _tag: "Dial" }>

/**
 * An action that goes out as it is. `completedBy` is the event that ends it, `millis` how long it lasts at most, if that is known,
 * and `collect` how many digits it may bring.
 *
 * @since 0.1.0
 */
export type Raw = Extract<Action, { readonly _tag: "Raw" }>

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
  if (collect === undefined) return speak(text)
  return isCollect(collect) ? speak(text, undefined, { max: collect.max }) : undefined
}

type Collecting = { readonly max: number }

const speak = (text: string, language?: string, collect?: Collecting): Action => {
  const action = Masked.blank() as { _tag: "Speak"; text: string; language?: string; collect?: Collecting }
  action._tag = "Speak"
  action.text = text
  if (language !== undefined) action.language = language
  if (collect !== undefined) action.collect = collect
  return action
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
    case "Raw":
    case "Hangup":
      return undefined
  }
}

const decodeHeard = Schema.decodeUnknownResult(Schema.toType(Prompt.Prompt))

/** What an engine has to know of, or writes itself. */
const reserved = {
  parameters: ["to", "caller_id_number", "max_call_duration", "send_dtmf", "external_id"],
  methods: ["dial", "hangup"]
}

const isName = (name: string): boolean => /^[\x21-\x7e]{1,64}$/.test(name)

/** What is wrong with that which is sent as it is. */
const extraProblem = (action: Action): string | undefined => {
  if (action._tag === "Dial") {
    const { parameters = {} } = action
    return Object.keys(parameters).some((name) => !isName(name) || reserved.parameters.includes(name))
      ? `Expected parameters by other names than ${reserved.parameters.join(", ")}`
      : parametersProblem(parameters)
  }
  if (action._tag !== "Raw") return undefined
  if (!isName(action.method) || reserved.methods.includes(action.method)) {
    return `Expected the name of a method, other than ${reserved.methods.join(" and ")}`
  }
  if (!isName(action.completedBy)) return "Expected the name of the event that ends it"
  return parametersProblem(action.params)
}

const parametersProblem = (parameters: Parameters): string | undefined => {
  const result = recordable(parameters)
  return result._tag === "Failure" ? result.failure : undefined
}

const problemOf = (action: Action): string | undefined => {
  const heard = heardOf(action)
  const result = heard === undefined ? undefined : decodeHeard(heard)
  if (result?._tag === "Failure") return result.failure.message
  const extra = extraProblem(action)
  if (extra !== undefined) return extra
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
  return Masked.made({ ...result.success, ...ownParameters(result.success) }) as A
}

/** What is sent as it is shares nothing with what it was made of. */
const ownParameters = (action: Action): object => {
  if (action._tag === "Raw") return { params: copied(action.params) }
  return action._tag === "Dial" && action.parameters !== undefined ? { parameters: copied(action.parameters) } : {}
}

type Parameters = typeof Parameters.Type

const copied = (parameters: Parameters): Parameters => Result.getOrThrow(recordable(parameters)) as Parameters

/**
 * A copy of an action that prints masked, and else is the same. Nothing of it is checked.
 *
 * @since 0.1.0
 */
export const make = <A extends Action>(fields: A): A => Masked.made({ ...fields })

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

const asked = (heard: Prompt.Prompt, collect: Collecting | undefined): Action => {
  switch (heard._tag) {
    case "Speech":
    case "Ssml":
      return speak(heard.text, heard.language, collect)
    case "Audio":
      return Masked.made({
        _tag: "Play",
        url: heard.url,
        ...(heard.millis === undefined ? {} : { millis: heard.millis }),
        ...(collect === undefined ? {} : { collect })
      })
  }
}

/**
 * Builds the experimental action that keys in tones on a live line. Digits after the answer belong in `dial`.
 *
 * @since 0.1.0
 */
export const sendDtmf = (tones: string): Action => checked({ _tag: "SendDtmf", tones })

/**
 * Builds an action that this library does not name: `method` and `params` go out as they are, and `completedBy` is the event that
 * ends it. **Nothing of it is proved here**: the names are those of your account's documentation. Throws `InvalidAction` for a
 * `dial` or a `hangup`, of which a call has to know, and for what is no JSON.
 *
 * @since 0.1.0
 */
export const raw = (fields: Omit<Raw, "_tag">): Raw => checked({ _tag: "Raw", ...fields })

/**
 * The action that ends a call.
 *
 * @since 0.1.0
 */
export const hangup: Action = Masked.made({ _tag: "Hangup" })

/**
 * How many digits the action collects; 0 if it collects none.
 *
 * @since 0.1.0
 */
export const digits = (action: Action): number =>
  action._tag === "Speak" || action._tag === "Play" || action._tag === "Raw" ? action.collect?.max ?? 0 : 0

/**
 * The same prompt with an `external_id` of its own, by which its end is known if the carrier sends it back. Other actions are
 * left as they are. That a prompt may have one is not documented.
 *
 * @since 0.1.0
 */
export const mark = (action: Action, externalId: string): Action =>
  action._tag === "Speak" || action._tag === "Play" ? Masked.made({ ...action, externalId }) : action
