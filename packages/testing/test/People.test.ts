/** Random people shrink to a shortest script. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Arbitraries, Callee, People, PhoneCompany } from "@ringback/testing"
import { Cause, Effect, Exit, Schema } from "effect"
import * as fc from "fast-check"
const input = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }
const patience = 120_000

/** Three questions, of which the second is the one after which nothing should be heard of a fee. */
const Order = Flow.make("order", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.String,
  run: (who) =>
    Flow.gen(function*() {
      const size = yield* Line.menu("Press 1 for small, 2 for large.", { choices: { "1": "small", "2": "large" } })
      const when = yield* Line.menu("Press 1 for today, 2 for tomorrow.", {
        choices: { "1": "today", "2": "tomorrow" }
      })
      if (size === "large" && when === "today") yield* Line.speak("There is a fee.")
      const sure = yield* Line.collect("Your customer number, please.", { max: 4, min: 4 })
      yield* Line.goodbye("Thank you.")
      return `${size} ${when} ${sure.length}`
    }).pipe(Flow.dial(who))
})

const rejected = (promise: Promise<unknown>) =>
  Effect.promise(() => promise.then(() => undefined, (error: unknown) => error as People.NotAlways))

it.effect("a seed that is no whole number is refused, at the line of the test", () =>
  Effect.gen(function*() {
    const error: unknown = yield* rejected(People.always(Order, input, () => true, { seed: Number.NaN }))
    assert.match(String(error), /seed has to be a whole number, and is NaN/)
    assert.match((error as Error).stack ?? "", /\n\s+at [^\n]*People\.test\.ts/)
  }))

describe("a property that does not hold", () => {
  it.effect("is red with a shortest script, behind two questions", () =>
    Effect.gen(function*() {
      const error = yield* rejected(People.always(Order, input, ({ heard }) => !heard.includes("There is a fee.")))
      assert.strictEqual(error?._tag, "NotAlways")
      assert.strictEqual(error!.people, "15550170001: answers 2s; presses 2; presses 1")
      assert.match(error!.message, /“There is a fee\.”/)
      assert.match(error!.message, /number \d+ of those that the seed \d+ draws/)
      assert.match((error as Error).stack ?? "", /^NotAlways: [^\n]*\n\s+at [^\n]*People\.test\.ts/)
    }), patience)

  it.effect("is red with a shortest script, behind the last question", () =>
    Effect.gen(function*() {
      const error = yield* rejected(
        People.always(Order, input, ({ outcome }) => void assert.isFalse(Exit.isSuccess(outcome), "nobody orders"))
      )
      assert.strictEqual(error!.why, "AssertionError: nobody orders: expected true to be false")
      assert.strictEqual(error!.people, "15550170001: answers 2s; presses 1; presses 1; presses 0000")
    }), patience)

  it.effect("is the same again by its seed", () =>
    Effect.gen(function*() {
      const again = () => rejected(People.always(Order, input, ({ heard }) => heard.length < 4, { seed: 7 }))
      const [one, other] = [yield* again(), yield* again()]
      assert.strictEqual(one!.message, other!.message)
    }), patience)

  it("is red with few steps by fast-check", async () => {
    const callee = fc.array(fc.nat()).map(Arbitraries.calleeFrom(Order, input))
    const property = fc.asyncProperty(
      callee,
      (people) =>
        Effect.runPromise(
          Effect.map(People.meet(Order, input, people), ({ heard }) => !heard.includes("There is a fee."))
        )
    )
    const found = await fc.check(property, { seed: 7 })
    assert.isTrue(found.failed)
    assert.match(String(found.counterexample?.[0]), /^15550170001: answers 2s; presses 2; presses 1(?:; presses \d+)?$/)
  }, patience)
})

it("samples that are for nobody are told of", () => {
  const Hears = Flow.make("hears", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () => Flow.activity("look-up", { success: Schema.String }, Effect.succeed("Ann"))
  })
  const activities = { "look-up": ["Ann"] }
  assert.doesNotThrow(() => Arbitraries.calleeOf(Hears, {}, { activities }))
  assert.throws(
    () => Arbitraries.calleeOf(Hears, {}, { activities: { ...activities, "look-pu": ["Ann"] } }),
    "The samples of activity look-pu are for nobody: no path asks for it. Mend its name, or leave it out of \"activities\"."
  )
  assert.throws(
    () => Arbitraries.calleeOf(Hears, {}, { activities, digits: ["99"] }),
    "The digits \"99\" are for nobody: no prompt on any path takes them. Mend them, or leave them out of \"digits\"."
  )
})

it("an activity of many values needs samples", () => {
  const Asks = Flow.make("asks", {
    version: 1,
    input: {},
    output: Schema.String,
    run: () => Flow.activity("look-up", { success: Schema.String }, Effect.succeed("Ann"))
  })
  assert.throws(
    () => Arbitraries.calleeOf(Asks, {}),
    "Nobody gets past the activity look-up: it may come to too many values to try them all. " +
      "Give what it may come to under \"activities\"."
  )
  assert.strictEqual(
    String(Arbitraries.calleeFrom(Asks, {}, { activities: { "look-up": ["Ann"] } })([])),
    "whoever is rung answers, listens, and presses nothing"
  )
})

describe("people", () => {
  const many = ["a", "b", "c", "d", "e", "f", "g"]
  const Long = Flow.make("long", {
    version: 1,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Int,
    run: (who) =>
      Flow.gen(function*() {
        const said: Array<string> = []
        for (const name of many) {
          said.push(yield* Line.menu(`Question ${name}?`, { choices: { "1": "a", "2": "b", "3": "c", "4": "d" } }))
        }
        yield* Line.goodbye("Thank you.")
        return said.filter((answer) => answer === "a").length
      }).pipe(Flow.dial(who))
  })

  it.effect("get through more questions than the explorer can see as a whole", () =>
    Effect.gen(function*() {
      const error = yield* rejected(
        People.always(Long, input, ({ outcome }) => !Exit.isSuccess(outcome), { runs: 40, seed: 1 })
      )
      assert.strictEqual(error?.why, "it is false")
    }), patience)

  const Short = Flow.make("short", {
    version: 1,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Void,
    run: (who) => Line.goodbye("Hello, and goodbye for today.").pipe(Flow.dial(who))
  })

  it.effect("have all hung up when a call was met", () =>
    Effect.gen(function*() {
      const { events } = yield* People.meet(Short, input, Arbitraries.calleeFrom(Short, input)([]))
      assert.strictEqual(events.at(-1)?._tag, "CallEnded")
    }))

  it.effect("are told in words where nobody does anything of their own", () =>
    Effect.gen(function*() {
      const error = yield* rejected(People.always(Short, input, () => false))
      assert.strictEqual(error?.people, "whoever is rung answers, listens, and presses nothing")
    }), patience)

  it.effect("are no proof of a property that gives a promise", () =>
    Effect.gen(function*() {
      const error = yield* rejected(People.always(Short, input, (() => Promise.resolve(true)) as never))
      assert.match(error?.why ?? "", /it gives a promise, which nobody waits for/)
    }), patience)
})

describe("an error is at the author's line", () => {
  const lines = (error: unknown) => ((error as Error).stack ?? "").split("\n").filter((line) => /^\s+at /.test(line))

  const Throws = Flow.make("throws", {
    version: 1,
    input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
    output: Schema.Void,
    run: (who) =>
      Flow.gen(function* thrower() {
        yield* Line.speak("Hello.")
        throw new Error("no such thing")
      }).pipe(Flow.dial(who), Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed(undefined)))
  })

  it.effect("if the flow throws", () =>
    Effect.gen(function*() {
      const error = yield* rejected(People.always(Throws, input, ({ outcome }) => Exit.isSuccess(outcome)))
      assert.strictEqual(error?._tag, "NotAlways")
      assert.isAbove(lines(error).length, 1)
      const at = (line: string) => Number(/People\.test\.ts:(\d+):/.exec(line)?.[1])
      const [flow, property] = lines(error).map(at)
      assert.isBelow(flow!, property!)
    }), patience)

  it.effect("if the property throws", () =>
    Effect.gen(function*() {
      const law = () => {
        throw new Error("never")
      }
      const error = yield* rejected(People.always(Throws, input, law))
      assert.match(lines(error)[0]!, /at law /)
    }), patience)

  it.effect("if a question has no samples", () =>
    Effect.gen(function*() {
      const Asks = Flow.make("asks", {
        version: 1,
        input: {},
        output: Schema.String,
        run: () => Flow.activity("look-up", { success: Schema.String }, Effect.succeed("Ann"))
      })
      const error: unknown = yield* rejected(People.always(Asks, {}, () => true))
      assert.match(String(error), /Nobody gets past the activity look-up/)
      assert.match(lines(error)[0]!, /People\.test\.ts/)
    }))

  it("if a callee makes no sense", () => {
    for (
      const wrong of [() => Callee.answers(-1), () => Callee.answers().presses("x"), () => Callee.answers().hears("")]
    ) {
      try {
        wrong()
        assert.fail("it makes sense")
      } catch (thrown) {
        assert.match(String(thrown), /^InvalidCallee: /)
        assert.match(lines(thrown)[0]!, /People\.test\.ts/)
      }
    }
  })

  it.effect("if nobody is at a number, or it is no number", () =>
    Effect.gen(function*() {
      const nonsense = [
        PhoneCompany.callee("15550170001", []),
        PhoneCompany.everyone([]),
        PhoneCompany.callee("nobody", { reach: { _tag: "Busy" }, steps: [] }),
        PhoneCompany.block("nobody"),
        PhoneCompany.unblock("nobody"),
        PhoneCompany.incoming({ to: "nobody", from: "15550170001" })
      ]
      for (const wrong of nonsense) {
        const cause = yield* Effect.flip(Effect.sandbox(wrong))
        assert.match(lines(Cause.squash(cause))[0]!, /People\.test\.ts/)
      }
    }).pipe(Effect.provide(PhoneCompany.layer)))
})

describe("a property that holds for nobody who got anywhere", () => {
  const Paid = Flow.Signal("paid", Schema.Boolean)
  const Waits = Flow.make("waits", {
    version: 1,
    input: {},
    output: Schema.Boolean,
    signals: [Paid],
    run: () => Flow.signal(Paid, { within: "1 hour" }).pipe(Flow.catchTag("TimedOut", () => Flow.succeed(false)))
  })

  it.effect("is red if nobody tells a signal, at the line of the test", () =>
    Effect.gen(function*() {
      const error: unknown = yield* rejected(People.always(Waits, {}, () => true, { runs: 3 }))
      assert.match(String(error), /Nobody tells the signal paid, .*Tell it under "meanwhile"/)
      assert.match((error as Error).stack ?? "", /\n\s+at [^\n]*People\.test\.ts/)
    }), patience)

  it.effect("is green if the test tells it, or says that nobody does", () =>
    Effect.gen(function*() {
      const told = People.always(Waits, {}, ({ outcome }) => Exit.isSuccess(outcome) && outcome.value, {
        meanwhile: (call) => call.signal(Paid, true),
        runs: 3
      })
      assert.isUndefined(yield* rejected(told))
      const untold = People.always(Waits, {}, () => true, { meanwhile: () => Effect.void, runs: 3 })
      assert.isUndefined(yield* rejected(untold))
    }), patience)
})

it.effect("a flow that never ends is red, and says so at the line of the test", () =>
  Effect.gen(function*() {
    const Endless = Flow.make("endless", {
      version: 1,
      input: {},
      output: Schema.Void,
      run: () =>
        Flow.gen(function*() {
          for (;;) yield* Flow.sleep("1 minute")
        })
    })
    const people = Arbitraries.calleeFrom(Endless, {}, { depth: 20 })([])
    const cause = yield* Effect.flip(Effect.sandbox(People.meet(Endless, {}, people)))
    const error = Cause.squash(cause) as Error
    assert.match(error.message, /^The flow endless has not ended after 2500 turns\. Does it repeat for ever\?/)
    assert.match(error.stack ?? "", /\n\s+at [^\n]*People\.test\.ts/)
  }), patience)
