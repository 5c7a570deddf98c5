/**
 * A telephone number, the only way to name a party.
 *
 * @since 0.1.0
 */
import { Result, Schema, SchemaTransformation } from "effect"

/**
 * An E.164 number: country code first, digits only, 7 to 15 of them.
 *
 * Decoding accepts one leading `+` and drops it. An error never repeats what was given.
 *
 * @since 0.1.0
 */
export type PhoneNumber = typeof PhoneNumber.Type

const words = "Expected a phone number: country code and number, 7 to 15 digits without spaces (a leading + is allowed)"

const Digits = Schema.String.check(Schema.isPattern(/^[1-9]\d{6,14}$/, { message: words })).pipe(
  Schema.brand("PhoneNumber")
)

/**
 * The codec of `PhoneNumber`, to be used in the `input` of a flow.
 *
 * @since 0.1.0
 */
export const PhoneNumber = Schema.String.pipe(
  Schema.decodeTo(
    Digits,
    SchemaTransformation.transform({
      decode: (text) => digits(text),
      encode: (text) => text
    })
  )
)

/**
 * A phone number was expected and something else was given. What was given is not kept: it may be somebody's number.
 *
 * @since 0.1.0
 */
export class InvalidPhoneNumber extends Schema.TaggedError<InvalidPhoneNumber>()("InvalidPhoneNumber", {}) {
  override get message() {
    return words
  }
}

const isDigits = Schema.is(Digits)

/**
 * Guards a `PhoneNumber` in its stored form, without a `+`.
 *
 * @since 0.1.0
 */
export const is = (value: unknown): value is PhoneNumber => isDigits(value)

/**
 * Reads a number from what comes from outside: text such as `"+15550170001"` or `"15550170001"`, or nothing that is one.
 *
 * @example
 * Result.match(PhoneNumber.from(form.phone), { onSuccess: (to) => call(to), onFailure: (error) => reply(error.message) })
 * @since 0.1.0
 */
export const from = (value: unknown): Result.Result<PhoneNumber, InvalidPhoneNumber> => {
  const number = typeof value === "string" ? digits(value) : undefined
  return isDigits(number) ? Result.succeed(number) : Result.fail(new InvalidPhoneNumber())
}

/**
 * Makes a number from text that the program itself holds, such as `"+15550170001"` or `"15550170001"`. Throws
 * `InvalidPhoneNumber` for anything else; what comes from outside is read by `from`, or by the codec `PhoneNumber`.
 *
 * @since 0.1.0
 */
export const make = (text: string): PhoneNumber => Result.getOrThrow(from(text))

/**
 * The digits of a number as somebody else has written it: without a `+`, which a carrier may leave out or not.
 *
 * @since 0.1.0
 */
export const digits = (text: string): string => text.startsWith("+") ? text.slice(1) : text

/**
 * Whether two numbers, as somebody else has written them, are known and are one.
 *
 * @since 0.1.0
 */
export const isSame = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && digits(one) === digits(other)

/**
 * The number as people and machines may see it: its first digit and its last two, such as `1••••••••01`.
 * Text that is no number is masked as well.
 *
 * @since 0.1.0
 */
export const mask = (number: string): string =>
  number.length < 7 ? "•".repeat(number.length) : number.slice(0, 1) + "•".repeat(number.length - 3) + number.slice(-2)
