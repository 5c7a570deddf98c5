/** What the runners of the nemesis suite talk: calls with menus, activities and signals, in two versions, and a desk that is called. */
import { Calls, Flow, Line, PhoneNumber } from "@ringback/core"
import { Context, type Effect, Schema } from "effect"

/** Does the work of activities, and tells that it did. */
export class Work extends Context.Service<Work, {
  readonly run: (name: string) => Effect.Effect<void>
}>()("scripts/nemesis/Work") {}

const work = (name: string) => Flow.activity(name, {}, Work.use((work) => work.run(name)))

const input = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }

/** Nobody is rung longer than the run can wait. */
const bounds = { ringFor: "40 seconds", maxCallDuration: "2 minutes" } as const

const survey = (version: number) =>
  Flow.make("survey", {
    version,
    input,
    output: Schema.Literals(["one", "two", "unreached"]),
    run: (who) =>
      Flow.gen(function*() {
        yield* work("look up")
        const choice = yield* Line.menu(`Version ${version}. Press 1 or 2.`, { choices: { "1": "one", "2": "two" } })
          .pipe(
            Flow.tap(() => work("write down").pipe(Line.hold("One moment, please."))),
            Flow.tap(() => Line.goodbye("Thank you.")),
            Flow.dial({ ...who, ...bounds })
          )
        if (version > 1) yield* work("report")
        return choice
      }).pipe(Flow.catchTag(["NotAnswered", "HungUp", "NoInput"], () => Flow.succeed("unreached" as const)))
  })

export const Survey = survey(1)
export const NextSurvey = survey(2)

/** That an order is ready. */
export const Ready = Flow.Signal("ready", Schema.Literal("ready"))

/** Whoever is rung hears that it is ready, as soon as the application says so. */
export const Order = Flow.make("order", {
  version: 1,
  input,
  output: Schema.Literals(["ready", "late", "unreached"]),
  signals: [Ready],
  run: (who) =>
    Flow.gen(function*() {
      yield* Line.speak("This is about your order.")
      const news = yield* Flow.signal(Ready, { within: "8 seconds" }).pipe(
        Line.hold("One moment, please."),
        Flow.catchTag("TimedOut", () => Flow.succeed("late" as const))
      )
      yield* Line.goodbye(news === "ready" ? "It is ready." : "It takes longer.")
      return news
    }).pipe(
      Flow.dial({ ...who, ...bounds }),
      Flow.retry({ times: 1, after: "2 seconds", while: ({ _tag }) => _tag === "NotAnswered" }),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("unreached" as const))
    )
})

/** Whoever calls is asked what for. */
export const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.Literals(["sales", "support", "nothing"]),
  run: () =>
    Flow.inbound(() =>
      Flow.gen(function*() {
        yield* work("who is it").pipe(Line.hold("Welcome."))
        const choice = yield* Line.menu("Press 1 for sales, 2 for support.", {
          choices: { "1": "sales", "2": "support" }
        })
        yield* Line.goodbye("We call you back.")
        return choice
      })
    ).pipe(Flow.catchTag(["HungUp", "NoInput"], () => Flow.succeed("nothing" as const)))
})

/** The number of the desk, which is also what callees see. */
export const ourNumber = PhoneNumber.make("15550170009")

/** All that any runner may have registered. */
export const all = [Survey, NextSurvey, Order, Desk]

/** What the runners of a deployment have registered: a new one goes on with calls of the version before. */
export const startable = { old: [Survey, Order], next: [Survey, NextSurvey, Order] } as const

/** The key under which an activity runs. */
export const activityKey = Calls.ActivityKey
