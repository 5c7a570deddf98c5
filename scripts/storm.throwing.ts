/** A flow that throws wherever its input says, with the number of the callee in its words. */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Effect, Schema, SchemaTransformation } from "effect"

/** Where it throws. */
export const places = [
  "at the first step",
  "in a generator",
  "in a map after a wait",
  "in a failure's handler",
  "in a reducer",
  "in a note",
  "in an activity",
  "in the result of an activity",
  "in a finalizer",
  "in the output"
] as const

export type Place = typeof places[number]

const input = {
  to: PhoneNumber.PhoneNumber,
  from: PhoneNumber.PhoneNumber,
  throws: Schema.optionalKey(Schema.Literals(places))
}

/** A text that throws when it is to be stored. */
const Sealed = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform({
      decode: (text) => text,
      encode: (text) => {
        if (text.startsWith("broken")) throw new Error(text)
        return text
      }
    })
  )
)

export const Throwing = Flow.make("throwing", {
  version: 1,
  input,
  output: Sealed,
  run: ({ from, throws, to }) => {
    const words = `broken for ${to}`
    const thrown = (place: Place): void => {
      if (throws === place) throw new Error(words)
    }
    const count = Flow.reducer<number, string, string, Flow.HungUp, Line.Line>({
      initial: 0,
      decide: (heard) => {
        if (heard === 1) thrown("in a reducer")
        return heard < 2
          ? { ask: Flow.as(Line.speak(`This is sentence ${heard}.`), "heard") }
          : { done: "heard twice" }
      },
      evolve: (heard) => heard + 1
    })
    const talk = Flow.gen(function*() {
      const digits = yield* Line.collect("Enter four digits.", { max: 4 }).pipe(
        Flow.catchTag("NoInput", () => {
          thrown("in a failure's handler")
          return Flow.succeed("")
        })
      )
      thrown("in a generator")
      yield* count
      yield* Flow.map(Flow.sleep("5 seconds"), () => thrown("in a map after a wait"))
      yield* Flow.note("digits", throws === "in a note" ? (1n as never) : digits.length)
      yield* Flow.activity(
        "look",
        { success: Sealed },
        Effect.as(
          throws === "in an activity" ? Effect.die(new Error(words)) : Effect.sleep("1 second"),
          throws === "in the result of an activity" ? words : "found"
        )
      )
      yield* Line.goodbye("Goodbye.")
      return throws === "in the output" ? words : "done"
    })
    return Flow.suspend(() => {
      thrown("at the first step")
      return Flow.dial(talk, { to, from, ringFor: "30 seconds" })
    }).pipe(
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("unreached")),
      Flow.ensuring(Flow.map(Flow.sleep("2 seconds"), () => thrown("in a finalizer")))
    )
  }
})
