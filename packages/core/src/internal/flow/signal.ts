/** What the application tells a running call: a name and a schema. `Flow` gives it out; the engine reads values by its `codec`. */
import { Result, type Schema, type Types } from "effect"
import { identity } from "effect/Function"
import * as bounds from "../bounds.ts"
import { InvalidFlow } from "../bounds.ts"
import { NotRecordable, type PureCodec, schemaOf, type StoredForm, storedForm, unlessThrown } from "./storedForm.ts"

/**
 * What all signals have in common, whatever their values.
 *
 * @since 0.1.0
 */
export interface AnySignal {
  readonly "~ringback/Signal": unknown
  readonly name: string
  readonly schema: PureCodec
  /** The stored form of its values. What is wrong with one is said without it. */
  readonly codec: StoredForm
}

/**
 * Something that the application tells a running call: a name, and the schema of the value. It is made once (`Flow.Signal`), declared by
 * its flow (`Flow.make({ signals })`), waited for (`Flow.signal`) and told (`signal` of the call's handle).
 *
 * In the type of a flow it is a requirement, which `Flow.make` discharges for the signals that it declares.
 *
 * @since 0.1.0
 */
export interface Signal<out Name extends string, in out A> extends AnySignal {
  readonly "~ringback/Signal": Types.Invariant<A>
  readonly name: Name
  readonly schema: Schema.ConstraintCodec<A, unknown, never, never>
}

/**
 * Names a signal and says what its value is. The name is on record, and shown in logs.
 *
 * Throws `InvalidFlow` for a name that is empty or over 255 characters, and for what is no schema.
 *
 * @example
 * const Driver = Flow.Signal("driver", Schema.Struct({ name: Schema.String }))
 * @since 0.1.0
 */
export const Signal = <const Name extends string, S extends PureCodec>(
  name: Name,
  schema: S
): Signal<Name, S["Type"]> => {
  bounds.name("Flow.Signal", name)
  return {
    "~ringback/Signal": identity,
    name,
    schema,
    codec: codec(schemaOf(`Flow.Signal "${name}"`, "value", schema))
  }
}

const misfit = () => new Error("The value does not fit the signal's schema")

/** How the values of a signal are recorded. What is wrong with one is said without it, and without what its schema expects. */
const codec = (schema: PureCodec): StoredForm => {
  const form = storedForm(schema)
  return {
    encode: (value) =>
      Result.mapError(
        unlessThrown(() => form.encode(value)),
        (error) => error instanceof NotRecordable ? error : misfit()
      ),
    decode: (stored) => Result.mapError(form.decode(stored), misfit)
  }
}

/** A signal, whatever was given for one: who comes without types may give anything. */
export const given = <S extends { readonly name: string }>(where: string, signal: S): S => {
  if (typeof signal === "object" && signal !== null && "~ringback/Signal" in signal) return signal
  throw new InvalidFlow({ where, problem: "Expected a signal, as Flow.Signal(name, schema) makes it" })
}

/** The signals of a flow: each of them one, and of another name. */
export const allGiven = <S extends { readonly name: string }>(
  where: string,
  signals: ReadonlyArray<S>
): ReadonlyArray<S> => {
  if (!Array.isArray(signals)) throw new InvalidFlow({ where, problem: "Expected `signals` to be a list of signals" })
  const all = signals.map((each: S) => given(where, each))
  const twice = all.find(({ name }, index) => all.findIndex((other) => other.name === name) !== index)
  if (twice === undefined) return all
  throw new InvalidFlow({ where, problem: `Two of its signals are named ${JSON.stringify(twice.name)}: rename one` })
}
