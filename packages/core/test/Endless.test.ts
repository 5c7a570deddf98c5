/** Flows without an end: each is cut, in words, and its call ends. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Flow, Line } from "../src/index.ts"
import { from, second, to, Trial } from "./fixtures/Trial.ts"

type Any = Flow.Flow<unknown, Flow.Failure, Flow.NoLine>

const forEver = { times: Infinity }
const itself: Any = Flow.suspend(() => itself)
const doubling: Any = Flow.suspend(() => Flow.ensuring(doubling, doubling as Flow.Flow<unknown>))

const endless: { readonly [name: string]: Any } = {
  "a retry of what fails": Flow.retry(Flow.fail(new Flow.TimedOut()), forEver),
  "a repeat of a value": Flow.repeat(Flow.succeed(1), forEver),
  "a generator": Flow.gen(function*() {
    for (;;) yield* Flow.succeed(1)
  }),
  "a reducer": Flow.reducer({
    initial: 0,
    decide: (): Flow.Decision<number, number> => ({ ask: Flow.succeed(1) }),
    evolve: (n) => n
  }),
  "a flow that is itself": itself,
  "a flow that is its own finalizer": doubling,
  "notes": Flow.repeat(Flow.note("again"), forEver),
  "questions that are answered at once": Flow.repeat(Flow.andThen(Flow.now, Flow.random), forEver),
  "sleeps of no length": Flow.repeat(Flow.sleep(0), forEver),
  "a repeat after no time": Flow.repeat(Flow.note("again"), { times: Infinity, after: 0 }),
  "timeouts of no length": Flow.repeat(
    Flow.sleep("1 hour").pipe(Flow.timeout(0), Flow.orElse(() => Flow.succeed(undefined))),
    forEver
  ),
  "signals that are not waited for": Flow.retry(
    Flow.signal(Flow.Signal("go", Schema.Null), { within: 0 }),
    forEver
  ) as Flow.Flow<unknown, Flow.TimedOut>
}

const ends = (flow: Any): Trial => {
  const trial = new Trial(flow)
  if (trial.call.exit === undefined) trial.take({ _tag: "Wake" })
  return trial
}

const cut = (trial: Trial) => {
  const { exit } = trial.call
  const reason = exit?._tag === "Stopped" ? exit.reason : undefined
  assert.match(reason?._tag === "Defect" ? reason.message : "", /in no time: give its .* a wait of some length/)
}

describe("a flow without an end is cut in words", () => {
  for (const [name, flow] of Object.entries(endless)) it(name, () => cut(ends(flow)))

  it("and what it ensures still runs, also where it asked for nothing", () => {
    const trial = ends(endless["a repeat of a value"]!.pipe(Flow.ensuring(Flow.note("tidied"))))
    cut(trial)
    assert.include(trial.events.map(({ _tag }) => _tag), "Noted")
  })

  it("and what it ensures still runs, once, as far as that has an end itself", () => {
    const flow = endless["notes"]!.pipe(
      Flow.ensuring(Flow.note("tidied")),
      Flow.ensuring(endless["sleeps of no length"] as Flow.Flow<unknown>),
      Flow.ensuring(Flow.note("unreached"))
    )
    const trial = ends(flow)
    cut(trial)
    const notes = trial.events.flatMap((event) => event._tag === "Noted" && event.name !== "again" ? [event.name] : [])
    assert.deepStrictEqual(notes, ["tidied"])
  })

  it("and its line is left", () => {
    const trial = new Trial(
      Line.speak("Hello.").pipe(Flow.andThen(Flow.repeat(Flow.note("again"), forEver)), Flow.dial({ to, from }))
    )
    trial.answered()
    trial.now += 5 * second
    trial.spoken()
    assert.strictEqual(trial.reply(), "hangup")
    cut(trial)
    assert.isTrue(trial.call.lines[0]!.left)
  })

  it("in a replay at the same place as in life", () => {
    const naps = Flow.repeat(Flow.sleep(0), { times: 600 })
    const trial = new Trial(
      Flow.sleep(0).pipe(Flow.andThen(naps), Flow.andThen(naps), Flow.ensuring(Flow.sleep("1 minute")))
    )
    trial.take({ _tag: "Wake" })
    assert.strictEqual(trial.call.wait?._tag, "Sleep")
    trial.verify()
    trial.pass(60 * second)
    cut(trial)
  })
})

describe("a flow that ends is not cut", () => {
  it("after 9,000 notes, or 900 waits of no length", () => {
    for (const [again, times] of [[Flow.note("again"), 8_999], [Flow.sleep(0), 899]] as const) {
      const trial = ends(Flow.as(Flow.repeat(again, { times }), "done"))
      assert.deepStrictEqual(trial.call.exit, { _tag: "Success", value: "done" })
    }
  })

  it("after any number of waits that last, however little", () => {
    const trial = new Trial(Flow.as(Flow.repeat(Flow.sleep(1), { times: 19_999 }), "done"))
    trial.pass(20_000)
    assert.deepStrictEqual(trial.call.exit, { _tag: "Success", value: "done" })
  })

  it("after any number of things that were told at one moment", () => {
    const trial = new Trial(
      Flow.as(Flow.repeat(Flow.signal(Flow.Signal("go", Schema.Null), { within: "1 hour" }), { times: 10_999 }), "done")
    )
    for (let told = 0; told < 11_000; told++) trial.take({ _tag: "Signalled", name: "go", value: null })
    assert.deepStrictEqual(trial.call.exit, { _tag: "Success", value: "done" })
  })
})
