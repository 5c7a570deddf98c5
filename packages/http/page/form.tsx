/** A form that is made from the JSON Schema of a value: what people fill in, and the value that comes of it. */
import { useId } from "preact/hooks"

/** A part of a JSON Schema, as far as forms go. What goes further is written as JSON. */
export interface JsonSchema {
  readonly type?: string | ReadonlyArray<string>
  readonly title?: string
  readonly description?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly oneOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}

/** A kind of question. */
export type Question =
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Choice"; readonly values: ReadonlyArray<unknown> }
  | { readonly _tag: "Truth" }
  | { readonly _tag: "Number"; readonly whole: boolean; readonly minimum?: number; readonly maximum?: number }
  | { readonly _tag: "Text"; readonly minLength?: number; readonly maxLength?: number; readonly pattern?: string }
  | { readonly _tag: "Fields"; readonly fields: ReadonlyArray<Field> }
  | { readonly _tag: "Json" }

/** A field of a value. */
export interface Field {
  readonly name: string
  readonly isRequired: boolean
  readonly schema: JsonSchema
}

const resolve = (schema: JsonSchema, root: JsonSchema): JsonSchema => {
  const name = schema.$ref?.match(/^#\/(?:\$defs|definitions|components\/schemas)\/(.+)$/)?.[1]
  return name === undefined ? schema : root.$defs?.[name] ?? {}
}

const given = <A extends object>(values: { readonly [K in keyof A]: A[K] | undefined }): A =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as A

/** What `allOf` adds to a schema, such as the checks of a text. */
const merged = (schema: JsonSchema): JsonSchema =>
  schema.allOf === undefined ? schema : Object.assign({}, schema, ...schema.allOf.map(merged))

/** Which question a schema asks. */
export const questionOf = (part: JsonSchema, root: JsonSchema, depth = 0): Question => {
  const schema = merged(resolve(part, root))
  if (schema.const !== undefined) return { _tag: "Choice", values: [schema.const] }
  if (schema.enum !== undefined) return { _tag: "Choice", values: schema.enum }
  const either = schema.anyOf ?? schema.oneOf
  if (either !== undefined) {
    const choices = either.map((each) => questionOf(each, root, depth + 1))
    const values = choices.flatMap((each) =>
      each._tag === "Choice"
        ? each.values
        : each._tag === "Nothing"
        ? [null]
        : each._tag === "Truth"
        ? [true, false]
        : []
    )
    const isFew = choices.every(({ _tag }) => _tag === "Choice" || _tag === "Nothing" || _tag === "Truth")
    return isFew && values.length > 0 ? { _tag: "Choice", values } : { _tag: "Json" }
  }
  const { maximum, maxLength, minimum, minLength, pattern } = schema
  switch (schema.type) {
    case "null":
      return { _tag: "Nothing" }
    case "boolean":
      return { _tag: "Truth" }
    case "integer":
    case "number":
      return { _tag: "Number", whole: schema.type === "integer", ...given({ minimum, maximum }) }
    case "string":
      return { _tag: "Text", ...given({ minLength, maxLength, pattern }) }
    case "object": {
      if (schema.properties === undefined || depth > 3) return { _tag: "Json" }
      const required = new Set(schema.required)
      return {
        _tag: "Fields",
        fields: Object.entries(schema.properties).map(([name, schema]) => ({
          name,
          schema,
          isRequired: required.has(name)
        }))
      }
    }
    default:
      return { _tag: "Json" }
  }
}

/** What a form begins with: what is sure, and nothing else. */
export const first = (schema: JsonSchema, root: JsonSchema): unknown => {
  const question = questionOf(schema, root)
  switch (question._tag) {
    case "Nothing":
      return null
    case "Choice":
      return question.values.length === 1 ? question.values[0] : undefined
    case "Truth":
      return false
    case "Number":
    case "Text":
    case "Json":
      return undefined
    case "Fields":
      return Object.fromEntries(
        question.fields.filter(({ isRequired }) => isRequired)
          .map(({ name, schema }) => [name, first(schema, root)] as const)
          .filter(([, value]) => value !== undefined)
      )
  }
}

interface Props {
  readonly name: string
  readonly schema: JsonSchema
  readonly root: JsonSchema
  readonly isRequired: boolean
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

const textOf = (event: Event): string => (event.currentTarget as HTMLInputElement).value

/** A value that is no JSON yet: it is sent nowhere. */
export class Unfinished {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Whether a value holds something that is not finished. */
export const isFinished = (value: unknown): boolean => {
  if (value instanceof Unfinished) return false
  return typeof value !== "object" || value === null || Object.values(value).every(isFinished)
}

const parsed = (text: string): unknown => {
  if (text.trim() === "") return undefined
  try {
    return JSON.parse(text)
  } catch {
    return new Unfinished(text)
  }
}

/** One question, and those within it. */
export const Ask = ({ isRequired, name, onChange, root, schema: part, value }: Props) => {
  const id = useId()
  const schema = resolve(part, root)
  const question = questionOf(part, root)
  const label = schema.title ?? name
  const hint = schema.description
  const described = hint === undefined ? {} : { "aria-describedby": `${id}-hint` }
  const around = (control: preact.ComponentChild) => (
    <label class="field">
      <span>{label}{isRequired ? "" : " (may be left out)"}</span>
      {control}
      {hint === undefined ? null : <span class="hint" id={`${id}-hint`}>{hint}</span>}
    </label>
  )
  switch (question._tag) {
    case "Nothing":
      return null
    case "Truth":
      return (
        <label class="check">
          <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
          {label}
        </label>
      )
    case "Choice":
      return around(
        <select
          required={isRequired}
          value={value === undefined ? "" : JSON.stringify(value)}
          onChange={(event) => onChange(textOf(event) === "" ? undefined : JSON.parse(textOf(event)))}
          {...described}
        >
          <option value="">Choose…</option>
          {question.values.map((each) => (
            <option key={JSON.stringify(each)} value={JSON.stringify(each)}>
              {typeof each === "string" ? each : JSON.stringify(each)}
            </option>
          ))}
        </select>
      )
    case "Number":
      return around(
        <input
          type="number"
          inputMode={question.whole ? "numeric" : "decimal"}
          step={question.whole ? 1 : "any"}
          required={isRequired}
          value={typeof value === "number" ? value : ""}
          onInput={(event) => onChange(textOf(event) === "" ? undefined : Number(textOf(event)))}
          {...given({ min: question.minimum, max: question.maximum })}
          {...described}
        />
      )
    case "Text":
      return around(
        <input
          type="text"
          required={isRequired && (question.minLength ?? 0) > 0}
          value={typeof value === "string" ? value : ""}
          onInput={(event) => onChange(textOf(event) === "" && !isRequired ? undefined : textOf(event))}
          {...given({ minLength: question.minLength, maxLength: question.maxLength, pattern: question.pattern })}
          {...described}
        />
      )
    case "Fields":
      return (
        <fieldset>
          <legend>{label}</legend>
          {question.fields.map((field) => {
            const values = (value ?? {}) as Readonly<Record<string, unknown>>
            return (
              <Ask
                key={field.name}
                name={field.name}
                schema={field.schema}
                root={root}
                isRequired={field.isRequired}
                value={values[field.name]}
                onChange={(inner) => {
                  const { [field.name]: _, ...others } = values
                  onChange(inner === undefined ? others : { ...others, [field.name]: inner })
                }}
              />
            )
          })}
        </fieldset>
      )
    case "Json":
      return around(
        <textarea
          required={isRequired}
          spellcheck={false}
          aria-invalid={value instanceof Unfinished}
          value={value instanceof Unfinished ? value.text : value === undefined ? "" : JSON.stringify(value, null, 2)}
          onInput={(event) => onChange(parsed((event.currentTarget as HTMLTextAreaElement).value))}
          {...described}
        />
      )
  }
}
