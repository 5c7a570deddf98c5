/** How the values of a flow are recorded: inputs, outputs, errors, what activities come to and what signals bring. */
import { Result, Schema } from "effect"
import { InvalidFlow } from "../bounds.ts"
import { copyOf } from "../copy.ts"
import { recordable } from "../json.ts"
import * as codecs from "./codecs.ts"

/**
 * A codec that needs no services, as the types of inputs, outputs and activities.
 *
 * @since 0.1.0
 */
export type PureCodec = Schema.ConstraintCodec<unknown, unknown, never, never>

/** How values of a codec are stored. */
export interface StoredForm {
  readonly encode: (value: unknown) => Result.Result<unknown, Error>
  readonly decode: (stored: unknown) => Result.Result<unknown, Error>
}

/** What fits its schema and cannot be recorded all the same: it is too long, say. */
export class NotRecordable extends Error {}

/** What is recorded is a copy: nobody else holds it, so it stays as it was. */
const toRecord = (encoded: unknown): Result.Result<unknown, Error> =>
  Result.mapError(recordable(encoded), (problem) => new NotRecordable(problem))

/** What a schema throws is a value that does not fit it. */
export const unlessThrown = <A>(read: () => Result.Result<A, Error>): Result.Result<A, Error> => {
  try {
    return read()
  } catch (cause) {
    return Result.fail(new Error("Reading it throws", { cause }))
  }
}

const made = new WeakMap<PureCodec, StoredForm>()

const make = (codec: PureCodec): StoredForm => {
  const json = Schema.toCodecJson(codec as Schema.Codec<unknown>)
  const encode = codecs.encoder(json)
  const decode = codecs.decoder(json)
  return {
    encode: (value) => Result.flatMap(encode(value), toRecord),
    decode: (stored) => unlessThrown(() => decode(copyOf(stored)))
  }
}

/** A schema, whatever was given for one: who comes without types may give anything. */
export const schemaOf = <S extends PureCodec>(where: string, place: string, given: S): S => {
  if (Schema.isSchema(given)) return given
  const problem = `Expected a schema for its ${place}, such as Schema.String or Schema.Literals([...])`
  throw new InvalidFlow({ where, problem })
}

/** The stored form of a codec, made once: a flow that runs again asks for the same one again. */
export const storedForm = (codec: PureCodec): StoredForm => {
  const known = made.get(codec)
  if (known !== undefined) return known
  const form = make(codec)
  made.set(codec, form)
  return form
}

/** What was recorded, in the types of the flow. Throws where it does not fit its schema. */
export const readBack = (form: StoredForm, value: unknown): unknown => Result.getOrThrow(form.decode(value))
