// What has to compile, without a cast, on every TypeScript that is supported. `Messages.test.ts` compiles it.
import { Flow, Line } from "@ringback/core"
import { Schema } from "effect"

/** That two types are one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare const same: <A, B>(is: Same<A, B>) => void
type ValueOf<F> = Flow.ValueOf<F>

export const literals = () => {
  const gen = Flow.gen(function*() {
    yield* Line.speak("Hello.")
    return "greeted"
  })
  same<ValueOf<typeof gen>, "greeted">(true)
  const matched = Flow.match(Line.speak("Hello."), { onSuccess: () => "heard", onFailure: () => "gone" })
  same<ValueOf<typeof matched>, "heard" | "gone">(true)
  const piped = Line.speak("Hello.").pipe(Flow.match({ onSuccess: () => "heard", onFailure: () => "gone" }))
  same<ValueOf<typeof piped>, "heard" | "gone">(true)
  const mapped = Line.speak("Hello.").pipe(Flow.map(() => "heard"))
  same<ValueOf<typeof mapped>, "heard">(true)
  const branches = Flow.gen(function*() {
    const digits = yield* Line.collect("1 or 2?", { max: 1 })
    return digits === "1" ? "one" : "two"
  })
  same<ValueOf<typeof branches>, "one" | "two">(true)
}

type Key = "1" | "2" | "3"

/** A question whose schema a caller gives. */
export const asks = <A>(schema: Schema.ConstraintCodec<A, string, never, never>): Flow.Flow<
  A,
  Flow.HungUp | Flow.NoInput,
  Flow.Line
> => Line.collect("Which?", { max: 4, schema })

/** Menus whose choices are made of data, and of what a caller gives. */
export const computed = <A>(choices: Readonly<Record<Key, A>>, more: Readonly<Record<string, A>>) => {
  const all = Line.menu("Which?", { choices })
  const rest: Flow.Flow<A, Flow.HungUp | Flow.NoInput, Flow.Line> = Line.menu("Which?", { choices: more })
  const spread: Flow.Flow<A | "agent", Flow.HungUp | Flow.NoInput, Flow.Line> = Line.menu("Which?", {
    choices: { ...choices, "0": "agent" as const }
  })
  const typed: Flow.Flow<A, Flow.HungUp | Flow.NoInput, Flow.Line> = all
  return [typed, rest, spread]
}

const languages = ["en", "fr", "de"] as const
export const ofKeys = () => {
  const choices = Object.fromEntries(languages.map((language, index) => [`${index + 1}`, language]))
  const chosen: Flow.Flow<"en" | "fr" | "de", Flow.HungUp | Flow.NoInput, Flow.Line> = Line.menu("Which?", { choices })
  return chosen
}

/** A menu of flows with different results. */
export const branching = () => {
  const flow = Flow.gen(function*() {
    const next = yield* Line.menu("Which?", {
      choices: { "1": Line.collect("Code?", { max: 4 }), "2": Flow.as(Flow.sleep("1 second"), 2) }
    })
    return yield* next
  })
  same<ValueOf<typeof flow>, string | 2>(true)
  const piped = Line.menu("Which?", {
    choices: { "1": Line.collect("Code?", { max: 4 }), "2": Flow.as(Flow.sleep("1 second"), 2) }
  }).pipe(
    Flow.flatMap((next) => next)
  )
  same<ValueOf<typeof piped>, string | 2>(true)
  const chosen = Line.menu("Which?", { choices: { "1": "code", "2": "two" } }).pipe(
    Flow.flatMap((choice) => choice === "code" ? Line.collect("Code?", { max: 4 }) : Flow.succeed(2))
  )
  same<ValueOf<typeof chosen>, string | 2>(true)
  const caught = Line.collect("Code?", { max: 4 }).pipe(
    Flow.catch((error) => error._tag === "HungUp" ? Flow.succeed(1) : Flow.fail("none" as const))
  )
  same<ValueOf<typeof caught>, string | 1>(true)
}

/** A definition of a flow that is generic in its errors and services. */
export const define = <E, R>(
  talk: Flow.Flow<void, E, R> & Flow.Complete<R> & Flow.Declared<Exclude<E, Flow.Failure>>
) => Flow.make("noted", { version: 1, input: {}, output: Schema.Void, run: () => talk })
