/** A new version takes over from an old one, on one PostgreSQL: each process knows what it has registered, and no more. */
import { assert, describe } from "@effect/vitest"
import { type CallEvent, Flow, Line, PhoneNumber } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Callee, PhoneCompany } from "@ringback/testing"
import { Clock, Effect, Exit, Logger, Option, Schema } from "effect"
import * as Postgres from "../../../scripts/testPostgres.ts"
import { type Process, report, reportInTurns, rings, start, tags, testsOn } from "./fixtures/processes.ts"

const server = await Postgres.start()
const test = testsOn(server)

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

/** What a callee is asked depends on the version. */
const survey = (version: number) =>
  Flow.make("survey", {
    version,
    input: {},
    output: Schema.String,
    run: () =>
      Flow.gen(function*() {
        yield* Line.speak(`This is version ${version}.`)
        const choice = yield* Line.menu("Press 1 or 2.", { choices: { "1": "one", "2": "two" } })
        yield* Line.speak("Thank you.")
        return `${version}: ${choice}`
      }).pipe(
        Flow.dial({ to, from, ringFor: "40 seconds" }),
        Flow.catchTag(["NotAnswered", "HungUp", "NoInput"], (error) => Flow.succeed(error._tag)),
        Flow.ensuring(Flow.note("over"))
      )
  })
const [one, two] = [survey(1), survey(2)]

const Up = Flow.Signal("up", Schema.String)

const nap = (version: number) =>
  Flow.make("nap", {
    version,
    input: {},
    output: Schema.String,
    signals: [Up],
    run: () => Flow.signal(Up, { within: "10 minutes" }).pipe(Flow.ensuring(Flow.note("over")))
  })

const [napOne, napTwo] = [nap(1), nap(2)]

/** Looks something up while the caller waits. */
const lookup = Flow.make("lookup", {
  version: 2,
  input: {},
  output: Schema.String,
  run: () =>
    Flow.activity("look up", { success: Schema.String }, Effect.as(Effect.sleep("500 millis"), "found")).pipe(
      Flow.flatMap((found) => Line.speak(`It is ${found}.`)),
      Flow.as("told"),
      Flow.dial({ to, from, ringFor: "40 seconds" }),
      Flow.catchTag(["NotAnswered", "HungUp"], (error) => Flow.succeed(error._tag))
    )
})

const answering = PhoneCompany.callee(to, Callee.answers("5 seconds").hears(/press 1/i).presses("1"))

/** What the carrier got for each of its events, which none must be without. */
const replies = Effect.map(PhoneCompany.log, (trace) =>
  trace.flatMap((each) =>
    each._tag === "Unanswered"
      ? [each.problem]
      : each._tag === "Replied"
      ? [each.action === undefined ? "{}" : "text" in each.action ? each.action.text : each.action._tag]
      : []
  ))

const heard = ["This is version 2.", "Press 1 or 2.", "Thank you."]

const outcomeOf = (process: Process, id: CallEvent.CallId) =>
  Effect.map(
    Effect.exit(process.calls.handle(two, id).outcome),
    (exit) => Exit.isSuccess(exit) ? exit.value : Option.getOrThrow(Exit.findErrorOption(exit)).message
  )

/** Nobody tells others anything any more. */
const quiet = Effect.fnUntraced(function*(processes: ReadonlyArray<Process>) {
  const count = () => processes.map((process) => process.tells())
  yield* Effect.sleep("1 minute")
  const before = count()
  yield* Effect.sleep("10 minutes")
  assert.deepStrictEqual(count(), before)
  for (const tells of before) assert.isBelow(tells, 20)
})

const sessionOf = (process: Process, id: CallEvent.CallId) =>
  Effect.map(
    process.calls.events(id),
    (events) => events.flatMap((event) => event._tag === "CallAnswered" ? event.referenceId : [])[0]!
  )

/** Runs something, and gives what was logged as a warning or worse meanwhile. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn" || logLevel === "Error" || logLevel === "Fatal") lines.push(String(message))
    })
    return Effect.map(Effect.provide(effect, Logger.layer([logger])), (value) => ({ value, lines }))
  })

describe.skipIf(server === undefined)("a process that has not registered the version of a call", () => {
  test("answers its webhooks at once with what one decides that has", () =>
    Effect.gen(function*() {
      yield* answering
      const old = yield* start({ flows: [one] })
      const newer = yield* start({ flows: [one, two] })
      yield* report(old)
      const call = yield* newer.calls.start(two, {})
      assert.strictEqual(yield* call.outcome, "2: one")
      assert.deepStrictEqual(yield* replies, heard)
      assert.notInclude(yield* tags(old, call.id), "HoldAnswered")
    }))

  test("answers in turns with one that has, and nobody hears anything twice", () =>
    Effect.gen(function*() {
      yield* answering
      const old = yield* start({ flows: [one] })
      const newer = yield* start({ flows: [two] })
      yield* reportInTurns([old, newer])
      const [first, second] = [yield* old.calls.start(one, {}), yield* newer.calls.start(two, {})]
      assert.deepStrictEqual([yield* first.outcome, yield* second.outcome], ["1: one", "2: one"])
      assert.notInclude(yield* tags(old, first.id), "HoldAnswered")
      assert.notInclude(yield* tags(old, second.id), "HoldAnswered")
    }))

  test("answers when an activity is done that another runs", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("5 seconds"))
      const old = yield* start({ flows: [one] })
      const newer = yield* start({ flows: [lookup] })
      yield* report(old)
      const call = yield* newer.calls.start(lookup, {})
      assert.strictEqual(yield* call.outcome, "told")
      assert.deepStrictEqual(yield* replies, ["It is found."])
    }))

  test("holds the line while nobody knows the version, and goes on when somebody does", () =>
    Effect.gen(function*() {
      yield* answering
      const old = yield* start({ flows: [one] })
      const newer = yield* start({ flows: [two] })
      yield* report(old)
      const { id } = yield* newer.calls.start(two, {})
      yield* Effect.sleep("1 second")
      yield* newer.kill
      yield* Effect.sleep("20 seconds")
      const next = yield* start({ flows: [two] })
      assert.strictEqual(yield* next.calls.handle(two, id).outcome, "2: one")
      const all = yield* replies
      assert.include(all, "One moment, please.")
      assert.deepStrictEqual(all.filter((each) => each !== "One moment, please."), heard)
      assert.strictEqual(yield* rings, 1)
    }))

  test("goes on without being told: what was lost is found by the next look", () =>
    Effect.gen(function*() {
      yield* answering
      const old = yield* start({ flows: [one], tells: false })
      const newer = yield* start({ flows: [two] })
      yield* report(old)
      const call = yield* newer.calls.start(two, {})
      assert.strictEqual(yield* call.outcome, "2: one")
      assert.deepStrictEqual((yield* replies).filter((each) => each !== "One moment, please."), heard)
    }))

  test("cancels a call, and its finalizers run where it is known", () =>
    Effect.gen(function*() {
      const old = yield* start({ flows: [napOne] })
      const newer = yield* start({ flows: [napTwo] })
      const { id } = yield* newer.calls.start(napTwo, {})
      yield* old.calls.cancel(id)
      assert.strictEqual(yield* outcomeOf(newer, id), `Call ${id} was cancelled`)
      assert.include(yield* tags(newer, id), "Noted")
    }))

  test("starts a call under a key of another version: it is the same call", () =>
    Effect.gen(function*() {
      const old = yield* start({ flows: [napOne] })
      const newer = yield* start({ flows: [napTwo] })
      const { id } = yield* newer.calls.start(napTwo, {}, { key: "k" })
      const same = yield* old.calls.start(napOne, {}, { key: "k" })
      assert.strictEqual(same.id, id)
      yield* same.signal(Up, "awake")
      assert.strictEqual(yield* same.outcome, "awake")
    }))

  test("says in which version a call began whose outcome or input does not fit its own", () =>
    Effect.gen(function*() {
      const strict = Flow.make("nap", {
        version: 3,
        input: { hours: Schema.Int },
        output: Schema.Int,
        signals: [Up],
        run: () => Flow.succeed(1)
      })
      const old = yield* start({ flows: [strict] })
      const newer = yield* start({ flows: [napTwo] })
      const { id } = yield* newer.calls.start(napTwo, {}, { key: "k" })
      const taken = yield* Effect.flip(old.calls.start(strict, { hours: 1 }, { key: "k" }))
      assert.include(taken.message, "which began in version 2 and with another input")
      yield* old.calls.handle(strict, id).signal(Up, "awake")
      const misfit = yield* Effect.flip(old.calls.handle(strict, id).outcome)
      assert.include(misfit.message, "The call began in version 2, and its outcome does not fit version 3")
    }))

  test("starts while another has calls of that version under way, and leaves them alone", () =>
    Effect.gen(function*() {
      const newer = yield* start({ flows: [napTwo] })
      const { id } = yield* newer.calls.start(napTwo, {})
      const { lines, value: old } = yield* logged(start({ flows: [napOne] }))
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(lines, [])
      assert.deepStrictEqual(old.reads, [])
      yield* newer.calls.handle(napTwo, id).signal(Up, "awake")
      assert.strictEqual(yield* old.calls.handle(napOne, id).outcome, "awake")
    }))
})

describe.skipIf(server === undefined)("two processes", () => {
  /** How a call of the second version comes to its end, and that in a process which may not know it. */
  const ends: Readonly<Record<string, (old: Process, newer: Process, id: CallEvent.CallId) => Effect.Effect<unknown>>> =
    {
      "is told what it waits for": (old, _, id) => Effect.orDie(old.calls.handle(napTwo, id).signal(Up, "awake")),
      "is cancelled": (old, _, id) => Effect.orDie(old.calls.cancel(id)),
      "is cancelled by both": (old, newer, id) =>
        Effect.orDie(Effect.all([old, newer].map(({ calls }) => calls.cancel(id)), { concurrency: 2 })),
      "is overdue": () => Effect.sleep("11 minutes"),
      "is cancelled when it is over": (old, newer, id) =>
        Effect.orDie(Effect.andThen(newer.calls.cancel(id), old.calls.cancel(id)))
    }

  for (const [how, end] of Object.entries(ends)) {
    test(`tell each other no more of a call that is over when it ${how}`, () =>
      Effect.gen(function*() {
        const old = yield* start({ flows: [napOne] })
        const newer = yield* start({ flows: [napTwo] })
        const { id } = yield* newer.calls.start(napTwo, {})
        yield* end(old, newer, id)
        yield* newer.calls.handle(napTwo, id).outcome.pipe(Effect.exit)
        yield* old.calls.handle(napOne, id).outcome.pipe(Effect.exit)
        yield* quiet([old, newer])
      }))
  }

  test("tell each other no more of a conversation that is over, nor of what comes in after it", () =>
    Effect.gen(function*() {
      yield* answering
      const old = yield* start({ flows: [one] })
      const newer = yield* start({ flows: [two] })
      yield* reportInTurns([old, newer])
      const call = yield* newer.calls.start(two, {})
      yield* call.outcome
      yield* quiet([old, newer])
      const late = { event: "speak_completed", referenceId: yield* sessionOf(newer, call.id), digits: "7" }
      yield* Effect.forEach([old, newer], ({ calls }) => calls.receive(TelesignWire.named(late)))
      yield* quiet([old, newer])
    }))
})

describe.skipIf(server === undefined)("a version that no process knows", () => {
  /** Calls of a version whose only process has been killed. */
  const orphaned = Effect.gen(function*() {
    const newer = yield* start({ flows: [napTwo] })
    const { id } = yield* newer.calls.start(napTwo, {})
    yield* newer.kill
    yield* Effect.sleep("1 second")
    return id
  })

  test("is named once, with its calls", () =>
    Effect.gen(function*() {
      const id = yield* orphaned
      const { lines } = yield* logged(Effect.andThen(start({ flows: [napOne] }), Effect.sleep("1 minute")))
      assert.deepStrictEqual(lines, [
        `1 running call needs the flow nap in version 2, which no living process has registered (${id}). ` +
        "Register it again, or cancel them: they end without it when they are overdue"
      ])
    }))

  test("ends with the process that leaves last, and is named by those that stay", () =>
    Effect.gen(function*() {
      const { lines, value: id } = yield* logged(Effect.gen(function*() {
        yield* start({ flows: [napOne] })
        const id = yield* orphaned
        yield* Effect.sleep("20 minutes") // Its call is due meanwhile.
        return id
      }))
      assert.lengthOf(lines.filter((line) => line.includes(id)), 1)
    }))

  test("can be cancelled: the call ends at once, and the log says that nothing of the flow ran", () =>
    Effect.gen(function*() {
      const id = yield* orphaned
      const { lines } = yield* logged(Effect.gen(function*() {
        const old = yield* start({ flows: [napOne] })
        yield* old.calls.cancel(id)
        assert.strictEqual(yield* outcomeOf(old, id), `Call ${id} was cancelled`)
        yield* old.calls.cancel(id)
        assert.notInclude(yield* tags(old, id), "Noted")
      }))
      assert.include(lines.at(-1), `Call ${id} was cancelled and has ended without its flow nap in version 2`)
    }))

  test("ends an hour after its flow should have gone on", () =>
    Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const id = yield* orphaned
      const old = yield* start({ flows: [napOne] })
      assert.strictEqual(
        yield* outcomeOf(old, id),
        `Call ${id} was ended without its flow nap, version 2: no process had registered that for too long`
      )
      const end = (yield* old.calls.events(id)).at(-1)!
      assert.approximately(end.at - began, 70 * 60 * 1000, 10_000)
    }))

  test("closes the lines of its calls, though nobody can go on with them", () =>
    Effect.gen(function*() {
      yield* answering
      const newer = yield* start({ flows: [two] })
      const { id } = yield* newer.calls.start(two, {})
      yield* Effect.sleep("1 second")
      yield* newer.kill
      const old = yield* start({ flows: [one] })
      yield* report(old)
      const exit = yield* outcomeOf(old, id)
      assert.include(exit, "without its flow survey, version 2")
      assert.deepStrictEqual(new Set(yield* replies), new Set(["One moment, please.", "Hangup", "{}"]))
      assert.strictEqual(yield* rings, 1)
    }))

  test("goes on if it is registered again in time", () =>
    Effect.gen(function*() {
      const id = yield* orphaned
      yield* start({ flows: [napOne] })
      yield* Effect.sleep("20 minutes")
      const next = yield* start({ flows: [napTwo] })
      assert.strictEqual(yield* outcomeOf(next, id), "The time for this part of the call is over")
    }))
})

describe.skipIf(server === undefined)("many calls over two versions and two processes", () => {
  const wide = (version: number) =>
    Flow.make("wide", {
      version,
      input: { to: PhoneNumber.PhoneNumber },
      output: Schema.String,
      run: (called) =>
        Flow.gen(function*() {
          const choice = yield* Line.menu(`Version ${version}. Press 1 or 2.`, { choices: { "1": "one", "2": "two" } })
          yield* Line.speak("Thank you.")
          return `${version}: ${choice}`
        }).pipe(
          Flow.dial({ to: called.to, from, ringFor: "40 seconds" }),
          Flow.catchTag(["NotAnswered", "HungUp", "NoInput"], (error) => Flow.succeed(error._tag))
        )
    })
  const [wideOne, wideTwo] = [wide(1), wide(2)]
  const each = 10 // `npm run rolling` takes a thousand, in real time.

  test("all come to their end: no event is left without an answer, and nobody is held", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone([Callee.answers("5 seconds").hears(/press 1/i).presses("1")])
      const old = yield* start({ flows: [wideOne] })
      const newer = yield* start({ flows: [wideTwo] })
      yield* reportInTurns([old, newer])
      const number = (n: number) => ({ to: PhoneNumber.make(`1555017${n}`) })
      const begun = yield* Effect.forEach(Array.from({ length: each }, (_, n) => n), (n) =>
        Effect.all([
          old.calls.start(wideOne, number(1000 + n)),
          newer.calls.start(wideTwo, number(2000 + n))
        ]), { concurrency: 100 })
      const outcomes = yield* Effect.forEach(begun.flat(), (call) => call.outcome, { concurrency: "unbounded" })
      assert.deepStrictEqual(counted(outcomes), { "1: one": each, "2: one": each })
      yield* Effect.sleep("1 minute")
      const replied = (yield* replies).filter((each) => each !== "{}") // to the end of a call
      assert.deepStrictEqual(counted(replied), {
        "Version 1. Press 1 or 2.": each,
        "Version 2. Press 1 or 2.": each,
        "Thank you.": 2 * each,
        Hangup: 2 * each
      })
    }))
})

const counted = (each: ReadonlyArray<string>) => {
  const counts: Record<string, number> = {}
  for (const one of each) counts[one] = (counts[one] ?? 0) + 1
  return counts
}
