/**
 * What a text sounds like, as far as it shows: whether there is anything to say in it, and for how long. Markup is read with
 * an XML parser.
 */
import { parseXml, XmlElement, XmlError, XmlText } from "@rgrove/parse-xml"
import { Result } from "effect"

/** What is heard of a marked-up text. */
export interface Heard {
  readonly words: string
  /** How long the pauses are that say so, in milliseconds. */
  readonly pauseMillis: number
  /** The pauses whose length is the carrier's. */
  readonly pauses: number
  /** The audio files, whose length nobody says. */
  readonly files: number
}

/** What neither XML nor a voice knows: control characters but tab and line breaks, non-characters, halves of characters. */
const unspeakable = /(?![\t\n\r])\p{Cc}|[\p{Cs}\ufffe\uffff]/u

const allUnspeakable = new RegExp(unspeakable, "gu")

/** Anything but blanks, and what shows only on something else or not at all. */
const audible = /[^\s\p{Cc}\p{Cf}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u

/** Whether there is anything to hear in words. */
export const isAudible = (words: string): boolean => audible.test(words)

/** A text with a blank for each character that no voice knows. */
export const speakable = (text: string): string => text.replaceAll(allUnspeakable, " ")

const nothing = "Expected something to say: the text is empty"

const foreign = (text: string): string | undefined => {
  const at = text.search(unspeakable)
  if (at < 0) return undefined
  const lines = text.slice(0, at).split("\n")
  return "Expected well-formed text without control characters. There is such a character, or half of one, at " +
    `line ${lines.length}, column ${lines.at(-1)!.length + 1}`
}

/** Why a plain text cannot be spoken. */
export const textProblem = (text: string): string | undefined =>
  foreign(text) ?? (!audible.test(text) ? nothing : isMarkup(text) ? "Expected plain text, got SSML" : undefined)

/** Whether a text is markup. How the carrier tells it is not documented; its root is what all markup has. */
export const isMarkup = (text: string): boolean => /^\s*<speak[\s/>]/.test(text)

/** Why a marked-up text cannot be spoken. */
export const markupProblem = (text: string): string | undefined => {
  if (!isMarkup(text)) return "Expected SSML: the whole text inside <speak>...</speak>"
  const heard = read(text)
  return Result.isFailure(heard) ? heard.failure : undefined
}

/** What is heard of a marked-up text, or why it cannot be spoken. It is kept: whoever waits on a line asks again and again. */
export const read = (text: string): Result.Result<Heard, string> => {
  const known = memory.get(text)
  if (known !== undefined) return known
  const heard = hear(text)
  if (memory.size === mostRemembered) memory.clear()
  memory.set(text, heard)
  return heard
}

const memory = new Map<string, Result.Result<Heard, string>>()
const mostRemembered = 32

const hear = (text: string): Result.Result<Heard, string> => {
  const draft: Draft = { words: "", pauseMillis: 0, pauses: 0, files: 0, others: 0 }
  try {
    visit(parseXml(text).root!, draft)
  } catch (error) {
    return Result.fail(error instanceof XmlError ? explain(error) : "Expected SSML that is nested less deep")
  }
  const { others, ...heard } = draft
  const problem = foreign(text) ?? foreign(draft.words)
  if (problem !== undefined) return Result.fail(problem)
  const isHeard = audible.test(draft.words) || heard.pauseMillis + heard.pauses + heard.files + others > 0
  return isHeard ? Result.succeed({ ...heard, words: collapsed(draft.words) }) : Result.fail(nothing)
}

/** What the parser says, without what it found there: somebody was to hear it. */
const explain = ({ column, line, message }: XmlError): string => {
  const what = /^.*?(?= for element |: | \(line |\n|$)/.exec(message)![0]
  return `Expected well-formed SSML. At line ${line}, column ${column}: ${what}. ` +
    "Text from outside belongs through Prompt.escape"
}

/** A text as it is spoken: with one blank where there are several. */
export const collapsed = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

interface Draft {
  words: string
  pauseMillis: number
  pauses: number
  files: number
  others: number
}

const visit = (element: XmlElement, draft: Draft): void => {
  const { alias } = element.attributes
  if (element.name === "break") return pause(element, draft)
  if (element.name === "audio") draft.files++
  // Which tags the carrier knows is not public. One that is empty says something by its attributes, or nothing.
  else if (element.isEmpty && Object.keys(element.attributes).length > 0) draft.others++
  draft.words += " "
  if (alias !== undefined) draft.words += `${alias} `
  for (const child of element.children) {
    if (child instanceof XmlText) draft.words += child.text
    else if (child instanceof XmlElement) visit(child, draft)
  }
  draft.words += " "
}

const pause = ({ attributes: { strength, time = "" } }: XmlElement, draft: Draft): void => {
  draft.words += " "
  const [, length, unit] = /^\+?(\d+(?:\.\d+)?|\.\d+)(ms|s)$/.exec(time) ?? []
  if (length !== undefined) draft.pauseMillis += Number(length) * (unit === "s" ? 1000 : 1)
  // "Voice - Use SSML for TTS": these are no pause.
  else if (strength !== "none" && strength !== "x-weak") draft.pauses++
}
