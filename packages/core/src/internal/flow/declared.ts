/** The signals that a flow declares, for who comes without types, and how their values are recorded. */
import { Result, type Schema } from "effect"
import { InvalidFlow } from "../bounds.ts"
import { NotRecordable, type StoredForm, storedForm, unlessThrown } from "./storedForm.ts"

interface Named {
  readonly name: string
}

const misfit = () => new Error("The value does not fit the signal's schema")

/** How the values of a signal are recorded. What is wrong with one is said without it, and without what its schema expects. */
export const codec = (schema: Schema.ConstraintCodec<unknown, unknown, never, never>): StoredForm => {
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

/** A signal, whatever was given for one. */
export const signal = <S extends Named>(where: string, given: S): S => {
  if (typeof given === "object" && given !== null && "~ringback/Signal" in given) return given
  throw new InvalidFlow({ where, problem: "Expected a signal, as Flow.Signal(name, schema) makes it" })
}

/** The signals of a flow: each of them one, and of another name. */
export const signals = <S extends Named>(where: string, given: ReadonlyArray<S>): ReadonlyArray<S> => {
  if (!Array.isArray(given)) throw new InvalidFlow({ where, problem: "Expected `signals` to be a list of signals" })
  const all = given.map((each: S) => signal(where, each))
  const twice = all.find(({ name }, index) => all.findIndex((other) => other.name === name) !== index)
  if (twice === undefined) return all
  throw new InvalidFlow({ where, problem: `Two of its signals are named ${JSON.stringify(twice.name)}: rename one` })
}
