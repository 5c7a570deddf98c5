/** Stopping, finalizers that wait, and deadlines: what of them runs, in which order, and what is recorded. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Flow, Line, Replay, Step } from "../src/index.ts"
import type { CallEvent } from "../src/index.ts"
import { define, from, id, minute, second, session, to, Trial } from "./fixtures/Trial.ts"

const cancel = { _tag: "Cancel" } as const

const work = Flow.activity("work", { success: Schema.Boolean }, Effect.succeed(true))
const dialled = Line.speak("It is off.").pipe(Flow.dial({ to, from }), Flow.orElse(() => Flow.succeed(undefined)))
const nap = Flow.sleep("20 seconds")
const long = Flow.sleep("5 hours")
const note = (name: string) => Flow.note(name)

const stopped = (trial: Trial, reason: CallEvent.StopReason["_tag"]) =>
  assert.strictEqual(trial.call.exit?._tag === "Stopped" && trial.call.exit.reason._tag, reason)

const counted = (trial: Trial, tag: string): number => trial.events.filter((event) => event._tag === tag).length

const notes = (trial: Trial): ReadonlyArray<string> =>
  trial.events.flatMap((event) => event._tag === "Noted" ? [event.name] : [])

/** How long a call lasts by itself, in seconds. */
const lasts = (trial: Trial): number => {
  const began = trial.now
  while (trial.call.exit === undefined && trial.next().length > 0) trial.verify()
  return (trial.call.at - began) / second
}

/** A finalizer that waits, the decision that begins the wait, and what ends it. */
interface Waits {
  readonly finalizer: Flow.Flow<unknown, never, Flow.NoLine | Flow.Signal<"go", null>>
  readonly begins: string
  readonly ends: (trial: Trial) => unknown
}

const waits: { readonly [name: string]: Waits } = {
  dial: {
    finalizer: dialled,
    begins: "DialPlanned",
    ends: (trial: Trial) => trial.posted({ _tag: "Refused", status: "x" })
  },
  talk: {
    finalizer: dialled,
    begins: "DialPlanned",
    ends: (trial: Trial) => {
      trial.answered()
      trial.take(cancel)
      return trial.spoken()
    }
  },
  sleep: { finalizer: nap, begins: "SleepStarted", ends: (trial: Trial) => trial.pass(20 * second) },
  signal: {
    finalizer: Flow.orElse(Flow.signal(Flow.Signal("go", Schema.Null), { within: "1 hour" }), () => Flow.succeed(null)),
    begins: "SignalAwaited",
    ends: (trial: Trial) => trial.take({ _tag: "Signalled", name: "go", value: null })
  },
  activity: {
    finalizer: work,
    begins: "ActivityStarted",
    ends: (trial: Trial) =>
      trial.take({ _tag: "ActivityEnded", n: trial.call.wait?.n ?? 0, result: { ok: true, value: true } })
  }
}

describe("a finalizer that waits", () => {
  for (const [name, { begins, ends, finalizer }] of Object.entries(waits)) {
    it(`asks once and runs to its end, however often its call is cancelled (${name})`, () => {
      const trial = new Trial(
        Flow.signal(Flow.Signal("never", Schema.Null), { within: "9 hours" }).pipe(
          Flow.ensuring(Flow.andThen(finalizer, note("tidied")))
        )
      )
      const before = counted(trial, begins)
      assert.deepStrictEqual(trial.take(cancel).slice(0, 2), ["Cancelled", begins])
      for (let again = 0; again < 3; again++) {
        const { wait } = trial.call
        assert.deepStrictEqual(trial.take(cancel), [])
        assert.deepStrictEqual(trial.call.wait, wait)
        trial.verify()
      }
      ends(trial)
      trial.verify()
      assert.strictEqual(counted(trial, begins), before + 1)
      assert.deepStrictEqual(notes(trial), ["tidied"])
      stopped(trial, "Cancelled")
      assert.strictEqual(counted(trial, "Cancelled"), 1)
    })

    it(`that began before its call is cancelled runs to its end, and then the call is stopped (${name})`, () => {
      const trial = new Trial(
        Flow.succeed("kept").pipe(
          Flow.ensuring(Flow.andThen(finalizer, note("tidied"))),
          Flow.andThen(note("went on"))
        )
      )
      const { wait } = trial.call
      assert.deepStrictEqual(trial.take(cancel), ["Cancelled"])
      assert.deepStrictEqual(trial.call.wait, wait)
      trial.verify()
      ends(trial)
      trial.verify()
      assert.strictEqual(counted(trial, begins), 1)
      assert.deepStrictEqual(notes(trial), ["tidied"])
      stopped(trial, "Cancelled")
    })
  }

  it("runs to its end with the finalizers inside of it, and a cancel meanwhile is not swallowed", () => {
    const inner = note("begun").pipe(Flow.ensuring(nap), Flow.andThen(note("goes on")), Flow.ensuring(note("inner")))
    const trial = new Trial(Flow.succeed(1).pipe(Flow.ensuring(inner), Flow.andThen(dialled)))
    assert.deepStrictEqual(trial.take(cancel), ["Cancelled"])
    trial.pass(20 * second)
    trial.verify()
    assert.deepStrictEqual(notes(trial), ["begun", "goes on", "inner"])
    assert.strictEqual(counted(trial, "DialPlanned"), 0)
    stopped(trial, "Cancelled")
  })

  it("ends at its own timeout, also when its call is cancelled", () => {
    const bounded = long.pipe(Flow.timeout("1 minute"), Flow.orElse(() => note("late")))
    for (const cancelled of [false, true]) {
      const trial = new Trial(Flow.succeed("kept").pipe(Flow.ensuring(bounded)))
      if (cancelled) trial.take(cancel)
      assert.strictEqual(lasts(trial), 60)
      assert.deepStrictEqual(notes(trial), ["late"])
      if (cancelled) stopped(trial, "Cancelled")
      else assert.deepStrictEqual(trial.call.exit, { _tag: "Success", value: "kept" })
    }
  })

  it("is stopped by an activity of its own that is overdue or dies, which is not run again", () => {
    const endings = [
      ["Overdue", (trial: Trial) => trial.pass(30 * second)],
      [
        "Defect",
        (trial: Trial) => trial.take({ _tag: "ActivityDied", n: trial.call.wait?.n ?? 0, message: "no table" })
      ]
    ] as const
    for (const [reason, end] of endings) {
      for (const cancelled of [false, true]) {
        const tidy = Flow.andThen(work, note("unreached")).pipe(Flow.ensuring(note("inner")))
        const trial = new Trial(long.pipe(Flow.timeout("1 second"), Flow.ensuring(tidy), Flow.ensuring(note("outer"))))
        trial.pass(second)
        if (cancelled) trial.take(cancel)
        end(trial)
        trial.verify()
        assert.strictEqual(counted(trial, "ActivityStarted"), 1)
        assert.deepStrictEqual(notes(trial), ["inner", "outer"])
        stopped(trial, reason)
      }
    }
  })

  it("lets a hang-up end a hold inside of it, and a hold around it when it has ended", () => {
    const held = (wait: Flow.Flow<unknown, Flow.TimedOut, Flow.Line>) =>
      wait.pipe(Flow.timeout("9 minutes"), Flow.catchTag("TimedOut", () => Flow.succeed(0)))
    const inside = Flow.succeed("kept").pipe(
      Flow.ensuring(held(long.pipe(Line.hold("A moment."), Flow.catchTag("HungUp", () => note("gone"))))),
      Flow.dial({ to, from })
    )
    const around = Flow.succeed("kept").pipe(
      Flow.ensuring(Flow.andThen(nap, note("rested"))),
      Line.hold("A moment."),
      Flow.catchTag("HungUp", () => Flow.as(note("gone"), "gone")),
      Flow.dial({ to, from })
    )
    const hangUp = (flow: typeof around) => {
      const trial = new Trial(flow)
      trial.posted({ _tag: "Accepted", referenceId: session })
      trial.answered()
      trial.now += 5 * second
      trial.ended()
      trial.verify()
      return trial
    }
    const first = hangUp(inside)
    assert.deepStrictEqual(notes(first), ["gone"])
    assert.deepStrictEqual(first.call.exit, { _tag: "Success", value: "kept" })
    const later = hangUp(around)
    assert.deepStrictEqual(notes(later), [])
    lasts(later)
    assert.deepStrictEqual(notes(later), ["rested", "gone"])
    assert.deepStrictEqual(later.call.exit, { _tag: "Success", value: "gone" })
  })
})

describe("a deadline that passes", () => {
  it("while a finalizer inside of its scope waits takes effect when the finalizer has ended", () => {
    const flow = Flow.succeed(1).pipe(Flow.ensuring(nap), Flow.andThen(long), Flow.timeout("10 seconds"))
    const trial = new Trial(flow)
    assert.strictEqual(lasts(trial), 20)
    assert.deepStrictEqual(trial.call.exit, { _tag: "Failure", error: { _tag: "TimedOut" } })
  })

  it("breaks off what runs inside of a finalizer, if its scope lies there", () => {
    const bounded = Flow.succeed(1).pipe(Flow.ensuring(nap), Flow.andThen(long), Flow.timeout("10 seconds"))
    const tidy = bounded.pipe(Flow.catch(() => note("late")), Flow.andThen(note("tidied")))
    const trial = new Trial(long.pipe(Flow.timeout("1 hour"), Flow.ensuring(tidy)))
    trial.pass(60 * minute)
    trial.take(cancel)
    assert.strictEqual(lasts(trial), 20)
    assert.deepStrictEqual(notes(trial), ["late", "tidied"])
    stopped(trial, "Cancelled")
  })

  it("counts for the outer of two scopes, in whichever order they pass", () => {
    for (const [inner, outer] of [["5 seconds", "10 seconds"], ["10 seconds", "5 seconds"]] as const) {
      const trial = new Trial(
        Flow.succeed(1).pipe(
          Flow.ensuring(nap),
          Flow.timeout(inner),
          Flow.catch(() => note("inner")),
          Flow.timeout(outer),
          Flow.catch(() => note("outer"))
        )
      )
      assert.strictEqual(lasts(trial), 20)
      assert.deepStrictEqual(notes(trial), ["outer"])
    }
  })

  it("does not bring a flow back that is stopped for good", () => {
    const trial = new Trial(
      long.pipe(Flow.ensuring(nap), Flow.timeout("10 seconds"), Flow.catch(() => note("went on")))
    )
    trial.pass(5 * second)
    trial.take(cancel)
    assert.strictEqual(lasts(trial), 20)
    assert.deepStrictEqual(notes(trial), [])
    stopped(trial, "Cancelled")
  })

  it("gives way to a cancel that comes while its finalizer waits", () => {
    const trial = new Trial(
      long.pipe(Flow.ensuring(nap), Flow.timeout("10 seconds"), Flow.catch(() => note("went on")))
    )
    trial.pass(15 * second)
    trial.take(cancel)
    assert.strictEqual(lasts(trial), 15)
    assert.deepStrictEqual(notes(trial), [])
    stopped(trial, "Cancelled")
  })
})

describe("a log in which a finalizer asked twice", () => {
  it("is a flow that disagrees with its record, and can be ended", () => {
    const flow = long.pipe(Flow.ensuring(nap))
    const trial = new Trial(flow)
    trial.take(cancel)
    const again = { ...trial.events.at(-1)!, n: 3 } as never
    const events = [...trial.events, { _tag: "Cancelled", at: trial.now } as const, again]
    const { divergence, live } = Replay.rebuild(id, define(flow), events)
    assert.deepStrictEqual(divergence, { at: 5, recorded: "SleepStarted", now: "nothing" })
    assert.strictEqual(Replay.diverge(live, divergence!, trial.now).live.call.exit?._tag, "Stopped")
  })
})

describe("a flow of any depth", () => {
  const deep = (depth: number, wrap: (flow: Flow.Flow<unknown>, i: number) => Flow.Flow<unknown>) => {
    let flow: Flow.Flow<unknown> = Flow.sleep("1 minute")
    for (let i = 0; i < depth; i++) flow = wrap(flow, i)
    return flow
  }

  it("is stopped without a call stack, while it waits and while a finalizer waits", () => {
    const scoped = deep(1_000, (flow) => Flow.orElse(Flow.timeout(flow, "1 hour"), () => Flow.succeed(0)))
    const trial = new Trial(Flow.ensuring(scoped, note("tidied")))
    trial.take(cancel)
    assert.deepStrictEqual(notes(trial), ["tidied"])
    stopped(trial, "Cancelled")
    const within = deep(100_000, (flow) => Flow.map(flow, () => 1))
    const waiting = new Trial(Flow.succeed(1).pipe(Flow.ensuring(within)))
    waiting.take(cancel)
    assert.strictEqual(lasts(waiting), 60)
    stopped(waiting, "Cancelled")
  })

  it("runs 50,000 finalizers one after the other", () => {
    let run = 0
    const count = Flow.suspend(() => Flow.succeed(run++))
    const step = Step.start(deep(50_000, (flow) => Flow.ensuring(flow, count)))
    if (step._tag === "Done") return assert.fail("ended")
    assert.strictEqual(Step.stop(step, { _tag: "Cancelled" })._tag, "Done")
    assert.strictEqual(run, 50_000)
  })
})
