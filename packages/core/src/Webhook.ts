/**
 * What the carrier reports, as data: an event of a call before anything has been decided about it.
 *
 * @since 0.1.0
 */
import { Result, Schema } from "effect"
import type { Action } from "./Action.ts"
import * as Masked from "./internal/masked.ts"

/**
 * What an event means to a call: which row of the decision table it belongs to. It is the language of this port, and the adapter of a
 * carrier says which of its events is which:
 *
 * - `IncomingCall`: somebody calls a number of ours.
 * - `DialCompleted`: a dial came to its end. Its `status` is `answered`, or the carrier's own word for why not.
 * - `SpeakCompleted`, `PlayCompleted`: a prompt was heard, or keys ended it.
 * - `LegCompleted`: one of two who were connected has left.
 * - `CallCompleted`: nobody is on the line any more.
 * - `OtherCompleted`: some other action ended, by a name that is not known here.
 * - `Unknown`: whatever else the carrier tells.
 *
 * @since 0.1.0
 */
export type Kind = typeof kinds[number]

const kinds = [
  "IncomingCall",
  "DialCompleted",
  "SpeakCompleted",
  "PlayCompleted",
  "LegCompleted",
  "CallCompleted",
  "OtherCompleted",
  "Unknown"
] as const

/**
 * One event as an adapter of a carrier has read it. All fields beyond the first three are optional and all strings are open, because
 * what carriers document is incomplete ("Voice - Events"). Plain data; one by `make` prints without numbers, digits and ids, as a
 * whole and as JSON, and its fields are whole.
 *
 * @since 0.1.0
 */
export interface Webhook {
  /** What it means. */
  readonly kind: Kind
  /** The carrier's own name of it, for people: it is on record where an event is kept that means nothing to its call. */
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
  /** Fields that are not known here, kept as they came, as far as they fit (`bounded`). */
  readonly extra?: { readonly [field: string]: unknown }
  /** How many fields were left out because they are out of bounds (`bounded`); absent if none was. */
  readonly leftOut?: number
}

/**
 * A copy of the fields of an event that prints masked.
 *
 * @since 0.1.0
 */
export const make = (fields: Webhook): Webhook => {
  const webhook = Masked.blank() as { -readonly [Field in keyof Webhook]: Webhook[Field] }
  webhook.kind = fields.kind
  webhook.event = fields.event
  webhook.referenceId = fields.referenceId
  for (const field of others) if (fields[field] !== undefined) put(webhook, field, fields[field])
  return webhook
}

const others = ["externalId", "status", "digits", "to", "from", "durationSeconds", "extra", "leftOut"] as const

const put = (webhook: { [field: string]: unknown }, field: string, value: unknown): void => {
  webhook[field] = value
}

/**
 * Whether somebody may wait on the line for what this event is answered with. Nobody does after the end of a call, and what an
 * event means that nobody knows is not known.
 *
 * @since 0.1.0
 */
export const asksForAction = ({ kind }: Webhook): boolean => {
  switch (kind) {
    case "IncomingCall":
    case "DialCompleted":
    case "SpeakCompleted":
    case "PlayCompleted":
    case "LegCompleted":
      return true
    case "CallCompleted":
    case "OtherCompleted":
    case "Unknown":
      return false
  }
}

/**
 * Whether an event is the end of a prompt.
 *
 * @since 0.1.0
 */
export const endsPrompt = ({ kind }: Webhook): boolean => kind === "SpeakCompleted" || kind === "PlayCompleted"

/**
 * Whether an event is one that ends this action. `undefined` where nobody knows which event does.
 *
 * @since 0.1.0
 */
export const ends = ({ event, kind }: Webhook, action: Action): boolean | undefined => {
  switch (action._tag) {
    case "Speak":
      return kind === "SpeakCompleted"
    case "Play":
      return kind === "PlayCompleted"
    case "Dial":
      return kind === "DialCompleted"
    case "Hangup":
      return kind === "CallCompleted"
    case "Raw":
      return action.completedBy === undefined ? undefined : event === action.completedBy
    case "SendDtmf":
      return undefined
  }
}

/**
 * An event in words for logs: the carrier's name of it if that cannot hold a number, or else `not shown`.
 *
 * @since 0.1.0
 */
export const shown = ({ event }: Webhook): string => /^[A-Za-z_.-]{1,64}$/.test(event) ? event : "not shown"

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

// Bounds

/**
 * What a webhook may hold, so that it can always be stored and read back. It is far more than the ids and names that are documented.
 *
 * @since 0.1.0
 */
export const limits = {
  /** Characters of `referenceId` and `externalId`. */
  id: 255,
  /** Characters of the name of an event. */
  event: 128,
  /** Characters of `status`, and of `to` and `from`, which may be names or addresses. */
  text: 128,
  /** Keys that `digits` holds: what one prompt can collect. */
  digits: 128,
  /** Seconds of `durationSeconds`: a year. */
  duration: 366 * 24 * 60 * 60,
  /** Bytes of `extra`, as JSON in UTF-8. */
  extra: 2048,
  /** How deep `extra` may nest. */
  levels: 64
} as const

/**
 * A webhook cannot be recorded: it has no usable name, no usable id of its session, or a kind that is none.
 *
 * @since 0.1.0
 */
export class OutOfBounds extends Schema.TaggedError<OutOfBounds>()("OutOfBounds", {
  field: Schema.Literals(["kind", "event", "referenceId"]),
  longest: Schema.Int
}) {
  override get message() {
    if (this.field === "kind") return `A webhook cannot be taken: its kind has to be one of ${kinds.join(", ")}`
    return `A webhook cannot be taken: its ${this.field} has to be a text of 1 to ${this.longest} characters, ` +
      "none of them a control character"
  }
}

/**
 * The webhook within its bounds (`limits`), the same one if it keeps them.
 *
 * Without a usable name and session there is no event, so then it fails. Any other field that is out of bounds is left out
 * and counted in `leftOut`, and the event goes on as if it had come without it: whoever is on the line is answered, a
 * `CallCompleted` with an absurd duration ends its call, and keys that no phone has are no keys. Of the fields that are not
 * known here the smallest are kept, as many as fit, so that a new long one does not displace an id.
 *
 * @since 0.1.0
 */
export const bounded = (webhook: Webhook): Result.Result<Webhook, OutOfBounds> => {
  const { event, kind, referenceId } = webhook
  if (!kinds.includes(kind)) return Result.fail(new OutOfBounds({ field: "kind", longest: 0 }))
  if (!isText(event, limits.event) || event === "") {
    return Result.fail(new OutOfBounds({ field: "event", longest: limits.event }))
  }
  if (!isId(referenceId)) return Result.fail(new OutOfBounds({ field: "referenceId", longest: limits.id }))
  const isWithin = optional.every((field) => webhook[field] === undefined || fits[field](webhook[field]))
  return Result.succeed(isWithin && fitsExtra(webhook.extra) ? webhook : cut(webhook))
}

/**
 * Whether a text can be the id of a session: 1 to 255 characters, none of them a control character.
 *
 * @since 0.1.0
 */
export const isId = (value: unknown): value is string => isText(value, limits.id) && value !== ""

const isText = (value: unknown, longest: number): value is string =>
  typeof value === "string" && value.length <= longest && (/^[\x20-\x7e]*$/.test(value) || printable.test(value))

/** No control character and no half of a pair. */
const printable = /^[^\p{Cc}\p{Cs}]*$/u

const isShort = (value: unknown): boolean => isText(value, limits.text)

const fits = {
  externalId: isId,
  status: isShort,
  digits: (value: unknown): boolean => typeof value === "string" && keys.test(value),
  to: isShort,
  from: isShort,
  durationSeconds: (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= limits.duration
}

const keys = new RegExp(`^[0-9A-Da-d*#]{0,${limits.digits}}$`)

const optional = Object.keys(fits) as ReadonlyArray<keyof typeof fits>

type Extra = NonNullable<Webhook["extra"]>

const fitsExtra = (extra: Webhook["extra"]): boolean =>
  extra === undefined || (isRecord(extra) && roomAfter(extra, limits.extra) >= 0)

/** The webhook without what is out of bounds. */
const cut = (webhook: Webhook): Webhook => {
  const { extra: all, leftOut = 0, ...known } = webhook
  const unfit = optional.filter((field) => webhook[field] !== undefined && !fits[field](webhook[field]))
  const within = Object.fromEntries(
    Object.entries(known).filter(([field]) => !(unfit as ReadonlyArray<string>).includes(field))
  ) as unknown as Webhook
  const { extra, lost } = fitsExtra(all) ? { extra: all, lost: 0 } : keepSmall(all)
  return make({ ...within, ...(extra === undefined ? {} : { extra }), leftOut: leftOut + unfit.length + lost })
}

/** A field that is not known here, at the top or in `data`, and the bytes that it takes. */
interface Field {
  readonly isInData: boolean
  readonly name: string
  readonly value: unknown
  readonly size: number
}

/** The bytes of what stands around the fields. */
const outside = `{"data":{},}`.length

/** As many unknown fields as fit, the smallest first, in the order in which they came. */
const keepSmall = (all: unknown): { readonly extra: Extra | undefined; readonly lost: number } => {
  if (!isRecord(all)) return { extra: undefined, lost: 1 }
  const data = all["data"]
  const fields = isRecord(data)
    ? [...fieldsOf(all, false).filter(({ name }) => name !== "data"), ...fieldsOf(data, true)]
    : fieldsOf(all, false)
  const kept = new Set<Field>()
  let room = limits.extra - outside
  for (const field of fields.toSorted((a, b) => a.size - b.size)) {
    room -= field.size
    if (room >= 0) kept.add(field)
  }
  return { extra: together(fields.filter((field) => kept.has(field))), lost: fields.length - kept.size }
}

const fieldsOf = (record: Extra, isInData: boolean): ReadonlyArray<Field> =>
  Object.entries(record).map(([name, value]) => {
    const room = roomAfter(value, limits.extra, limits.levels - (isInData ? 2 : 1))
    return { isInData, name, value, size: room < 0 ? Infinity : limits.extra - room + bytesOfName(name) }
  })

const together = (fields: ReadonlyArray<Field>): Extra | undefined => {
  const at = (isInData: boolean) =>
    Object.fromEntries(fields.filter((field) => field.isInData === isInData).map(({ name, value }) => [name, value]))
  if (fields.length === 0) return undefined
  return fields.some(({ isInData }) => isInData) ? { ...at(false), data: at(true) } : at(false)
}

const isRecord = (value: unknown): value is Extra => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * What is left of so many bytes after a value is written as JSON. Below zero if that is too little, or if it nests too deep
 * or is no JSON. It looks no further than that, so a value of whatever size and shape costs no more than one that fits.
 */
const roomAfter = (value: unknown, room: number, levels: number = limits.levels): number => {
  switch (typeof value) {
    case "string":
      return value.length > room ? -1 : room - bytesOf(value)
    case "number":
      return Number.isFinite(value) ? room - String(value).length : -1
    case "boolean":
      return room - 5
    case "object":
      return value === null ? room - 4 : levels === 0 ? -1 : roomAfterAll(value, room - 2, levels - 1)
    default:
      return -1
  }
}

const roomAfterAll = (value: object, room: number, levels: number): number => {
  if (!Array.isArray(value) && !isRecord(value)) return -1
  let left = room
  for (const name in value) {
    if (left < 0) return -1
    if (!Object.hasOwn(value, name)) continue
    left = roomAfter((value as Extra)[name], left - (Array.isArray(value) ? 1 : bytesOfName(name)), levels)
  }
  return left
}

/** With the colon before a value and the comma after it. */
const bytesOfName = (name: string): number => bytesOf(name) + 2

const encoder = new TextEncoder()

const bytesOf = (text: string): number =>
  /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text) ? text.length + 2 : encoder.encode(JSON.stringify(text)).length
