/**
 * What the callee hears: speech, marked-up speech, or an audio file.
 *
 * @since 0.1.0
 */
import { type Duration, Result, Schema } from "effect"
import { millisOf } from "./internal/bounds.ts"
import { isTooLong } from "./internal/json.ts"
import * as Masked from "./internal/masked.ts"
import * as spoken from "./internal/spoken.ts"

const Language = Schema.String.check(
  Schema.isPattern(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, { message: "Expected a language tag such as en-US" })
)

const isShort = (text: string) => !isTooLong(text) || "Expected at most 64 KiB of text"

const Text = Schema.String.check(Schema.makeFilter(isShort), Schema.makeFilter(spoken.textProblem))

const Markup = Schema.String.check(Schema.makeFilter(isShort), Schema.makeFilter(spoken.markupProblem))

const isAddress = (text: string) => /^https?:\/\/[^\s\p{C}]+$/u.test(text) && URL.canParse(text)

const HttpUrl = Schema.String.check(
  Schema.makeFilter((text: string) => isAddress(text) || "Expected the http(s) address of an audio file"),
  Schema.isMaxLength(2048, { message: "Expected an address of at most 2048 characters" })
)

/**
 * The codec of `Prompt`.
 *
 * @since 0.1.0
 */
export const Prompt = Schema.TaggedUnion({
  Speech: { text: Text, language: Schema.optionalKey(Language) },
  Ssml: { text: Markup, language: Schema.optionalKey(Language) },
  Audio: {
    url: HttpUrl,
    millis: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
  }
})

/**
 * One thing to hear: `Speech` (plain text), `Ssml` (text inside `<speak>`), or `Audio` (a file that the carrier can fetch,
 * with its length if the author knows it). Plain data; what is made here prints without its text, as a whole and as JSON. Its fields
 * are whole, and so is what `Schema.encodeSync(Prompt.Prompt)` makes of it.
 *
 * @since 0.1.0
 */
export type Prompt = typeof Prompt.Type

/**
 * What `Line` accepts as a prompt: a plain string is spoken as it stands.
 *
 * @since 0.1.0
 */
export type Input = string | Prompt

/**
 * A prompt cannot be played: there is nothing to say in it, its text holds control characters or halves of characters, its
 * markup is not well formed, or its address is no address. The `problem` says which, and at which line and column; the text
 * itself is not kept.
 *
 * @since 0.1.0
 */
export class InvalidPrompt extends Schema.TaggedError<InvalidPrompt>()("InvalidPrompt", { problem: Schema.String }) {
  override get message() {
    return `This prompt cannot be played. ${this.problem}`
  }
}

const decode = Schema.decodeUnknownResult(Schema.toType(Prompt))

const checked = (prompt: unknown): Prompt => {
  const result = decode(prompt)
  if (result._tag === "Failure") throw new InvalidPrompt({ problem: result.failure.message })
  return Masked.made({ ...result.success })
}

const plain = (text: string): Prompt => {
  const prompt = Masked.blank() as { _tag: "Speech"; text: string }
  prompt._tag = "Speech"
  prompt.text = text
  return prompt
}

/**
 * Plain text to be spoken, in `language` (a tag such as `en-US`) or the carrier's default. Throws `InvalidPrompt`, for a text
 * that begins with `<speak>` too: nobody could tell whether it is to be read aloud or to be obeyed.
 *
 * @since 0.1.0
 */
export const speech = (text: string, options?: { readonly language?: string }): Prompt =>
  // Nearly every prompt is a plain text, and a turn costs less than the schema's look at it.
  typeof text === "string" && options === undefined && !isTooLong(text) && spoken.textProblem(text) === undefined
    ? plain(text)
    : checked({ _tag: "Speech", text, ...options })

/**
 * Marked-up text: the whole of it inside `<speak>...</speak>` ("Voice - Use SSML for TTS"; documented). It has to be
 * well-formed XML with something to hear; which tags the carrier knows is not public, so any are taken. Text from outside
 * belongs through `escape` first. Throws `InvalidPrompt`.
 *
 * @since 0.1.0
 */
export const ssml = (text: string, options?: { readonly language?: string }): Prompt =>
  checked({ _tag: "Ssml", text, ...options })

/**
 * An audio file at an `http(s)` address that the carrier can fetch. `duration` is how long it plays, if known: it sharpens
 * the deadline of a line whose events are lost and the rule that tells a copied webhook from an answer.
 * Throws `InvalidPrompt`.
 *
 * @since 0.1.0
 */
export const audio = (url: string, options?: { readonly duration?: Duration.Input }): Prompt =>
  checked({
    _tag: "Audio",
    url,
    ...(options?.duration === undefined ? {} : { millis: lengthOf(options.duration) })
  })

const lengthOf = (duration: Duration.Input): number => {
  const millis = millisOf(duration)
  if (Number.isFinite(millis)) return millis!
  throw new InvalidPrompt({ problem: "Expected a duration such as \"90 seconds\", or a number of milliseconds" })
}

/**
 * Turns a string into a prompt and checks a prompt that was written by hand. Throws `InvalidPrompt`.
 *
 * @since 0.1.0
 */
export const from = (input: Input): Prompt => typeof input === "string" ? speech(input) : checked(input)

const entities: Record<string, string> = { "\"": "&quot;", "&": "&amp;", "'": "&apos;", "<": "&lt;", ">": "&gt;" }

/**
 * Escapes text for use inside SSML. All five reserved characters become entities, which the documents call safe, and what
 * no voice knows (control characters, halves of characters) a blank.
 *
 * @since 0.1.0
 */
export const escape = (text: string): string =>
  spoken.speakable(text).replaceAll(/["&'<>]/g, (character) => entities[character]!)

/**
 * The words of a prompt without markup, as they are heard; an audio file has none.
 *
 * @since 0.1.0
 */
export const words = (prompt: Prompt): string => {
  switch (prompt._tag) {
    case "Speech":
      return prompt.text
    case "Ssml":
      return Result.match(spoken.read(prompt.text), {
        onSuccess: ({ words }) => words,
        onFailure: () => spoken.collapsed(prompt.text.replaceAll(/<[^>]*>/g, " "))
      })
    case "Audio":
      return ""
  }
}

/**
 * A short silence, for keeping a line without saying anything. How long it is belongs to the carrier: of SSML's `<break>`
 * only the strengths are documented, not their lengths ("Voice - Use SSML for TTS").
 *
 * @since 0.1.0
 */
export const pause: Prompt = ssml(`<speak>${"<break strength=\"x-strong\"/>".repeat(5)}</speak>`)
