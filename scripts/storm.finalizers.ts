/**
 * Flows whose finalizers wait: they dial, speak, sleep, run activities, and stand in deadlines of their own. Each dial keys
 * in another number, and each activity has a name of its own, so that a storm can tell requests apart without the record.
 */
import { type Action, Flow, Line, PhoneNumber } from "@ringback/core"
import { Storm } from "@ringback/testing"
import { Effect, Schema } from "effect"

/** The request of the flow that a dial answers: what it keys in. */
export const requestOf = (dial: Action.Dial): string => dial.sendDtmf ?? ""

const drawn = Flow.map(Flow.random, (number) => String(Math.floor(number * 1e9)).padStart(9, "0"))

interface Who {
  readonly to: PhoneNumber.PhoneNumber
  readonly from: PhoneNumber.PhoneNumber
}

/** Longer than a storm lasts: a deadline ends it, or the storm is given up. */
const forEver = Flow.sleep("12 hours")

const Never = Flow.Signal("never", Schema.Boolean)

const never = Flow.signal(Never, { within: "12 hours" }).pipe(
  Flow.catchTag("TimedOut", () => Flow.succeed(false))
)

const nothing = () => Flow.succeed(undefined)

/** An activity that says that it runs. */
const work = (name: string, millis: number) =>
  Flow.activity(name, {}, Effect.andThen(Storm.ran(name), Effect.sleep(millis)))

const file = Flow.gen(function*() {
  yield* Flow.sleep("5 seconds")
  yield* work("file", 3_000)
}).pipe(
  Flow.ensuring(Flow.andThen(Flow.sleep("5 seconds"), work("close the file", 10))) // a finalizer of a finalizer
)

/** Tells the office, waits for more than there is time for, and files what was told. */
const tellOffice = (who: Who) =>
  Flow.flatMap(drawn, (sendDtmf) =>
    Flow.gen(function*() {
      yield* Line.speak("A call is over.")
      yield* Line.hold(Flow.timeout(never, "20 seconds"), "One moment, please.")
    }).pipe(
      Flow.ensuring(Flow.catchTag(Line.speak("That was all."), "HungUp", nothing)),
      Flow.dial({ ...who, sendDtmf, ringFor: "30 seconds" }),
      Flow.catchTag(["NotAnswered", "HungUp", "TimedOut"], nothing),
      Flow.andThen(Flow.catchTag(Flow.timeout(forEver, "15 seconds"), "TimedOut", nothing)),
      Flow.ensuring(file)
    ))

/** A question, and company while nothing comes. */
const talk = Flow.gen(function*() {
  const choice = yield* Line.menu("Press 1 to wait for us, 2 to leave it.", {
    choices: { "1": "waited", "2": "left" }
  })
  if (choice === "left") return choice
  yield* never.pipe(
    Flow.ensuring(Flow.catch(Line.hold(Flow.sleep("8 seconds"), "We are nearly done."), nothing)),
    Flow.timeout("30 seconds"),
    Flow.catchTag("TimedOut", nothing)
  )
  yield* Line.goodbye("Goodbye.")
  return choice
})

/** A deadline that passes while a finalizer inside of it waits. */
const rest = Flow.succeed(undefined).pipe(
  Flow.ensuring(Flow.sleep("20 seconds")),
  Flow.andThen(forEver),
  Flow.timeout("10 seconds"),
  Flow.catchTag("TimedOut", nothing)
)

/** Calls somebody, up to twice, and tells the office of it whatever happens. */
export const Visit = Flow.make("visit", {
  signals: [Never],
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber, office: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["waited", "left", "unreached"]),
  run: ({ from, office, to }) =>
    Flow.flatMap(drawn, (sendDtmf) => Flow.dial(talk, { to, from, sendDtmf, ringFor: "20 seconds" })).pipe(
      Flow.retry({ times: 1, after: "20 seconds", while: (error) => error._tag === "NotAnswered" }),
      Flow.tap(() => rest),
      Flow.timeout("8 minutes"),
      Flow.catchTag(["NotAnswered", "NoInput", "HungUp", "TimedOut"], () => Flow.succeed("unreached" as const)),
      Flow.ensuring(tellOffice({ to: office, from }))
    )
})
