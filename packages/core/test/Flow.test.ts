import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Flow, Line, PhoneNumber, Step } from "../src/index.ts"
import type { Request } from "../src/index.ts"
import { another, here, mark } from "../src/internal/copyOfCore.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

const heard = (digits = "") => ({ _tag: "Heard", digits }) as const
const gone = { _tag: "HungUp" } as const
const answered = { _tag: "Answered" } as const

/** Resumes a flow with the responses, in order, and gives the last step. */
const play = <A, E, R>(flow: Flow.Flow<A, E, R>, ...responses: ReadonlyArray<Request.Response>): Step.Step<A, E> =>
  responses.reduce<Step.Step<A, E>>((step, response) => {
    if (step._tag === "Done") throw new Error("the flow ended before its responses were used up")
    return Step.next(step as never, response as never)
  }, Step.start(flow))

const asked = (step: Step.Step<unknown, unknown>): string => step._tag === "Done" ? "Done" : step.request._tag

const exit = <A, E>(step: Step.Step<A, E>): Step.Exit<A, E> => {
  if (step._tag !== "Done") throw new Error(`the flow still waits for ${step.request._tag}`)
  return step.exit
}

const conversation = Flow.gen(function*() {
  const said: Array<string> = []
  for (let attempt = 1; attempt <= 3; attempt++) {
    const digits = yield* Line.collect("Which?", { max: 1, attempts: 1 })
    said.push(digits)
    if (digits === "9") return said.join("")
  }
  return `${said.join("")}!`
})

describe("Flow", () => {
  it("runs to its first request without looking further", () => {
    const step = Step.start(Flow.flatMap(Line.speak("Hello."), () =>
      Flow.suspend(() => {
        throw new Error("reached too early")
      })))
    assert.strictEqual(asked(step), "Prompt")
  })

  it("gives a generator the result of each request", () => {
    assert.deepStrictEqual(exit(play(conversation, heard("1"), heard("2"), heard("9"))), {
      _tag: "Success",
      value: "129"
    })
  })

  it("can be resumed again from the same step with another response", () => {
    const step = play(conversation, heard("1"))
    if (step._tag === "Done") return assert.fail("ended")
    const branches = ["2", "3", "9"].map((digits) => Step.next(step as never, heard(digits) as never))
    const ends = branches.map((branch) =>
      branch._tag === "Done" ? exit(branch) : exit(Step.next(branch as never, heard("9") as never))
    )
    assert.deepStrictEqual(ends.map((end) => end._tag === "Success" && end.value), ["129", "139", "19"])
  })

  describe("gives each run values of its own, however often a step is resumed:", () => {
    const list = Flow.activity("list", { success: Schema.mutable(Schema.Array(Schema.String)) }, null as never)
    const said = (step: Step.Step<unknown, unknown>): string =>
      step._tag === "Waiting" && step.request._tag === "Note" ? step.request.name : JSON.stringify(step)
    const open = ["one", "two", "three"]
    const ask = (name: string) => Flow.note(name)
    const sharing: Record<string, () => Flow.Flow<unknown, unknown, unknown>> = {
      "a list that a generator empties": () =>
        Flow.gen(function*() {
          const open = yield* list
          while (open.length > 0) yield* ask(open.shift()!)
        }),
      "a list that a generator around it was given": () =>
        Flow.gen(function*() {
          const open = yield* list
          yield* Flow.gen(function*() {
            while (open.length > 0) yield* ask(open.shift()!)
          })
        }),
      "a list that functions share": () =>
        Flow.flatMap(list, (open) => {
          const rest: Flow.Flow<void> = Flow.suspend(() =>
            open.length === 0 ? Flow.succeed(undefined) : Flow.flatMap(ask(open.shift()!), () => rest)
          )
          return rest
        }),
      "a list that a signal brought": () =>
        Flow.gen(function*() {
          const open = yield* Flow.signal(Flow.Signal("list", Schema.Json), { within: "1 hour" })
          while (Array.isArray(open) && open.length > 0) yield* ask(open.shift() as string)
        }),
      "the state of a reducer that changes it": () =>
        Flow.flatMap(list, (open) =>
          Flow.reducer({
            initial: { open },
            decide: ({ open }): Flow.Decision<void, undefined> =>
              open.length === 0 ? { done: undefined } : { ask: Flow.as(ask(open[0]!), undefined) },
            evolve: (state) => {
              state.open.shift()
              return state
            }
          }))
    }
    for (const [name, flow] of Object.entries(sharing)) {
      it(name, () => {
        const response = name.includes("signal") ? { _tag: "Received", value: open } : { ok: true, value: open }
        const waiting = play(flow(), response as never)
        const first = said(waiting)
        const again = (times: number) =>
          Array.from({ length: times }, () => Step.next(waiting as never, null as never)).map(said)
        assert.strictEqual(first, "one")
        assert.deepStrictEqual(again(3), ["two", "two", "two"])
        const second = Step.next(waiting as never, null as never)
        assert.deepStrictEqual(
          [1, 2].map(() => said(Step.next(Step.next(second as never, null as never) as never, null as never))).map((
            end
          ) => end.includes("Success")),
          [true, true]
        )
        assert.deepStrictEqual(open, ["one", "two", "three"])
      })
    }

    it("and says so where a flow runs otherwise the second time", () => {
      let runs = 0
      const flow = Flow.gen(function*() {
        if (++runs > 1) yield* Flow.sleep("1 second")
        yield* Line.speak("Hello.")
        yield* Flow.note("heard")
      })
      const step = Step.start(flow)
      Step.next(step as never, heard() as never)
      const end = exit(Step.next(step as never, heard() as never))
      assert.include(end._tag === "Stopped" && end.why._tag === "Defect" && String(end.why.defect), "ran otherwise")
    })
  })

  it("tells places apart by what values were, not by what a flow has made of them", () => {
    const flow = Flow.gen(function*() {
      const list = yield* Flow.activity("list", { success: Schema.mutable(Schema.Array(Schema.Int)) }, null as never)
      const count = list.length
      list.length = 0
      yield* Line.speak("Hello.")
      return count
    })
    const places = [[1], [1, 2]].map((value) => play(flow, { ok: true, value }))
    const keys = places.map((step) => step._tag === "Waiting" ? Step.key(step) : "Done")
    assert.notStrictEqual(keys[0], keys[1])
    assert.strictEqual(keys[0], Step.key(play(flow, { ok: true, value: [1] }) as never))
  })

  it("does not let a failure come back into a generator", () => {
    let seen = false
    const flow = Flow.gen(function*() {
      try {
        yield* Line.speak("Hello.")
      } catch {
        seen = true
      }
      return "unreachable"
    })
    const end = exit(play(flow, gone))
    assert.strictEqual(end._tag === "Failure" && end.error._tag, "HungUp")
    assert.isFalse(seen)
  })

  it("catches what it names and lets the rest pass", () => {
    const flow = Line.menu("1?", { choices: { "1": "yes" }, attempts: 1 }).pipe(
      Flow.catchTag("NoInput", (error) => Flow.succeed(error.last))
    )
    assert.deepStrictEqual(exit(play(flow, heard(""))), { _tag: "Success", value: "silence" })
    assert.deepStrictEqual(exit(play(flow, heard("7"))), { _tag: "Success", value: "invalid" })
    const end = exit(play(flow, gone))
    assert.strictEqual(end._tag === "Failure" && end.error._tag, "HungUp")
  })

  it("leaves the line after a conversation that succeeds, fails or is stopped", () => {
    const flow = Line.speak("Hello.").pipe(Flow.dial({ to, from }))
    assert.strictEqual(asked(play(flow, answered, heard())), "Leave")
    assert.strictEqual(asked(play(flow, answered, gone)), "Leave")
    const talking = play(flow, answered)
    if (talking._tag === "Done") return assert.fail("ended")
    const leaving = Step.stop(talking, { _tag: "Cancelled" })
    assert.strictEqual(asked(leaving), "Leave")
    assert.deepStrictEqual(exit(Step.next(leaving as never, null as never)), {
      _tag: "Stopped",
      why: { _tag: "Cancelled" }
    })
  })

  it("leaves a dial that is cancelled while it rings", () => {
    const ringing = Step.start(Line.speak("Hello.").pipe(Flow.dial({ to, from })))
    if (ringing._tag === "Done") return assert.fail("ended")
    assert.strictEqual(asked(Step.stop(ringing, { _tag: "Cancelled" })), "Leave")
  })

  it("passes every catch when it is stopped, and still runs what ensures", () => {
    const flow = Flow.sleep("1 minute").pipe(
      Flow.catch(() => Flow.succeed(undefined)),
      Flow.ensuring(Flow.note("tidied")),
      Flow.catch(() => Flow.succeed(undefined))
    )
    const step = Step.start(flow)
    if (step._tag === "Done") return assert.fail("ended")
    const noting = Step.stop(step, { _tag: "Cancelled" })
    assert.strictEqual(asked(noting), "Note")
  })

  it("turns what is thrown into a stop that names the defect", () => {
    const end = exit(Step.start(Flow.flatMap(Flow.succeed(1), () => {
      throw new Error("no such table")
    })))
    assert.strictEqual(end._tag, "Stopped")
    assert.strictEqual(
      end._tag === "Stopped" && end.why._tag === "Defect" && String(end.why.defect),
      "Error: no such table"
    )
  })

  it("says so when something other than a flow is yielded", () => {
    const end = exit(Step.start(Flow.gen(function*() {
      return yield* [1] as unknown as Flow.Flow<string>
    })))
    assert.match(String(end._tag === "Stopped" && end.why._tag === "Defect" && end.why.defect), /takes a Flow/)
  })

  it("bears the mark of its copy, by which another one tells it from what is no flow", () => {
    for (const flow of [Flow.now, Flow.succeed(1), Flow.gen(function*() {})]) {
      assert.deepStrictEqual((flow as unknown as { readonly [mark]: unknown })[mark], here)
      assert.deepStrictEqual(another(flow), here)
    }
  })

  it("says so when a flow of another copy of this package is yielded, and which copies these are", () => {
    const strange = {
      [mark]: { version: "0.9.0", folder: "/app/library/core" },
      *[Symbol.iterator](): Generator<unknown, unknown> {
        return yield this
      }
    }
    const end = exit(Step.start(Flow.gen(function*() {
      return yield* strange as unknown as Flow.Flow<string>
    })))
    const said = String(end._tag === "Stopped" && end.why._tag === "Defect" && end.why.defect)
    assert.match(
      said,
      /another copy of @ringback\/core \(0\.9\.0 in \/app\/library\/core\) than .* \([\d.]+ in .*\/core\)/
    )
  })

  it("tries again as often as it was told, and only for the failures that it was told", () => {
    const busy = { _tag: "NotAnswered", reason: "busy" } as const
    const refused = { _tag: "NotAnswered", reason: "refused" } as const
    const flow = Line.speak("Hello.").pipe(
      Flow.dial({ to, from }),
      Flow.retry({ times: 2, after: "10 minutes", while: (e) => e._tag === "NotAnswered" && e.reason === "busy" })
    )
    assert.strictEqual(asked(play(flow, busy, null, null)), "Dial")
    assert.strictEqual(asked(play(flow, busy, null, null, busy, null, null)), "Dial")
    assert.strictEqual(asked(play(flow, busy, null, null, busy, null, null, busy, null)), "Done")
    assert.strictEqual(asked(play(flow, refused, null)), "Done")
  })

  it("needs no call stack, however long the conversation", () => {
    const count = (left: number): Flow.Flow<number> =>
      left === 0 ? Flow.succeed(0) : Flow.flatMap(Flow.succeed(left), () => count(left - 1))
    assert.strictEqual(exit(Step.start(count(100_000)))._tag, "Success")
  })

  it("has equal keys exactly where the place and the results so far are equal", () => {
    const keyOf = (step: Step.Step<string, unknown>): string => step._tag === "Done" ? "Done" : Step.key(step)
    assert.strictEqual(keyOf(play(conversation, heard("1"))), keyOf(play(conversation, heard("1"))))
    assert.notStrictEqual(keyOf(play(conversation, heard("1"))), keyOf(play(conversation, heard("2"))))
  })

  it("has different keys for results that JSON cannot tell apart", () => {
    let result: unknown
    const flow = Flow.suspend(() => Flow.flatMap(Flow.succeed(result), () => Line.speak("Hello.")))
    const keyOf = (value: unknown) => {
      result = value
      const step = Step.start(flow)
      return step._tag === "Done" ? "Done" : Step.key(step)
    }
    const values = [undefined, null, NaN, 1n, new Map([[1, 2]]), new Set([1]), new Error("a"), new Error("b"), {}]
    const functions = [() => 1, () => 1, Line.speak("a"), Line.speak("a")]
    assert.strictEqual(new Set([...values, ...functions].map(keyOf)).size, values.length + functions.length)
    for (const value of functions) assert.strictEqual(keyOf(value), keyOf(value))
  })

  it("comes back to the same key where a circle of flows closes", () => {
    type Level = Flow.Flow<string, Flow.HungUp>
    const level = (words: string, next: (digits: string) => Level): Level =>
      Flow.flatMap(
        Flow.suspend(() => Line.speak(words) as never as Level),
        () => Flow.flatMap(Line.collect("Which?", { max: 1 }) as never as Level, next)
      )
    const top: Level = level("Top.", (digits) => digits === "1" ? below : Flow.succeed("done"))
    const below: Level = level("Below.", () => top)
    const around = [heard(), heard("1"), heard(), heard("2")]
    const flow = Flow.as(top, "end")
    const keys = [1, 2, 3].map((times) => {
      const step = play(flow, ...Array.from({ length: times }, () => around).flat())
      return step._tag === "Done" ? "Done" : Step.key(step)
    })
    assert.strictEqual(keys[1], keys[2])
    assert.strictEqual(keys[0], keys[1])
  })

  it("gives an activity's recorded result back through its schema", () => {
    const flow = Flow.activity("look-up", { success: Schema.Date, error: Schema.String }, null as never)
    const end = exit(play(flow, { ok: true, value: "2026-01-01T00:00:00.000Z" }))
    assert.deepStrictEqual(end, { _tag: "Success", value: new Date("2026-01-01T00:00:00.000Z") })
    assert.deepStrictEqual(exit(play(flow, { ok: false, value: "down" })), { _tag: "Failure", error: "down" })
    assert.strictEqual(exit(play(flow, { ok: true, value: "not a date" }))._tag, "Stopped")
  })

  it.prop(
    "resumes a live generator and a re-run one to the same end",
    [Schema.Array(Schema.Literals(["", "1", "2", "9"]))],
    ([presses]) => {
      const responses = [...presses, "9", "9", "9"].map(heard)
      let step = Step.start(conversation)
      let fresh = Step.start(conversation)
      for (const response of responses) {
        if (step._tag === "Done" || fresh._tag === "Done") break
        Step.next(fresh as never, heard("5") as never)
        step = Step.next(step as never, response as never)
        fresh = Step.next(fresh as never, response as never)
      }
      assert.deepStrictEqual(exit(step), exit(fresh))
    }
  )
})

describe("the error of a flow", () => {
  const Own = Schema.Struct({ _tag: Schema.Literal("TimedOut"), why: Schema.String })
  const codecWith = (error: Flow.PureCodec) =>
    Flow.make("f", { version: 1, input: {}, output: Schema.Void, error, run: () => Flow.succeed(undefined) }).codec
  const stored = ({ decodeError, encodeError }: ReturnType<typeof codecWith>, error: unknown) => {
    const encoded = Result.getOrThrow(encodeError(error))
    return [encoded, Result.getOrThrow(decodeError(encoded))]
  }

  it("has a stored form if it is one of ours, whatever the schema of its own takes", () => {
    for (const schema of [Schema.Any, Schema.Unknown, Schema.Json, Schema.Never, Own]) {
      const [encoded, decoded] = stored(codecWith(schema), new Flow.NotAnswered({ reason: "busy" }))
      assert.deepStrictEqual(encoded, { _tag: "NotAnswered", reason: "busy" })
      assert.deepInclude(decoded, { _tag: "NotAnswered", reason: "busy" })
    }
  })

  it("comes back as its own schema has it, also under a tag of ours", () => {
    const error = { _tag: "TimedOut", why: "nobody came" }
    assert.deepStrictEqual(stored(codecWith(Own), error), [error, error])
  })
})

describe("bad input", () => {
  it("a call of more than four hours is refused in words that name the limit", () => {
    assert.throws(() => Flow.dial(Line.speak("x"), { to, from, maxCallDuration: "5 hours" }), /4 hours \(14,400 s\)/)
  })

  it("tones outside of the alphabet are refused without being repeated", () => {
    assert.throws(() => Flow.dial(Line.speak("x"), { to, from, sendDtmf: "12,34" }), /0-9, A-D, \* and #/)
    try {
      Flow.dial(Line.speak("x"), { to, from, sendDtmf: "12,34" })
    } catch (error) {
      assert.notInclude(String(error), "12,34")
    }
  })

  it("a number that is not E.164 is refused without being repeated", () => {
    for (const bad of ["", "123", "0155501700", "+1 555 017 0001", "155501700011234567", "tel:15550170001"]) {
      try {
        PhoneNumber.make(bad)
        assert.fail("accepted")
      } catch (error) {
        assert.instanceOf(error, PhoneNumber.InvalidPhoneNumber)
        if (bad !== "") assert.notInclude(String(error), bad)
      }
    }
  })

  it("what is read from outside is a number or is none, whatever it is", () => {
    assert.deepStrictEqual(PhoneNumber.from("+15550170001"), Result.succeed(PhoneNumber.make("15550170001")))
    for (
      const bad of ["", "++15550170001", "15550170001\n", "١٥٥٥٠١٧٠٠٠١", 15550170001, 15550170001n, null, undefined, [
        "15550170001"
      ]]
    ) {
      assert.deepStrictEqual(PhoneNumber.from(bad), Result.fail(new PhoneNumber.InvalidPhoneNumber()))
      assert.throws(() => PhoneNumber.make(bad as never), PhoneNumber.InvalidPhoneNumber)
    }
  })

  it("an empty prompt stops the flow with a defect that says so", () => {
    const end = exit(Step.start(Flow.suspend(() => Line.speak("   "))))
    assert.match(String(end._tag === "Stopped" && end.why._tag === "Defect" && end.why.defect), /text is empty/)
  })
})

describe("what is no schema where one belongs", () => {
  const none = "text" as never
  const make = (options: object) => () =>
    Flow.make("f", { version: 1, input: {}, output: Schema.Void, run: () => Flow.succeed(undefined), ...options })
  const places: Readonly<Record<string, readonly [make: () => unknown, words: string]>> = {
    "the input of a flow": [make({ input: none }), `Flow.make "f": Expected a schema for its input`],
    "a field of it": [make({ input: { to: none } }), `Flow.make "f": Expected a schema for its input's to`],
    "the output of a flow": [make({ output: none }), `Flow.make "f": Expected a schema for its output`],
    "no output": [make({ output: undefined }), `Flow.make "f": Expected a schema for its output`],
    "the error of a flow": [make({ error: none }), `Flow.make "f": Expected a schema for its error`],
    "the value of a signal": [() => Flow.Signal("x", none), `Flow.Signal "x": Expected a schema for its value`],
    "what an activity succeeds with": [
      () => Flow.activity("a", { success: none, within: "1 second" }, none),
      `Flow.activity "a": Expected a schema for its success`
    ],
    "what an activity fails with": [
      () => Flow.activity("a", { error: none, within: "1 second" }, none),
      `Flow.activity "a": Expected a schema for its error`
    ]
  }
  for (const [place, [made, words]] of Object.entries(places)) {
    it(`is refused where it is written: ${place}`, () => {
      assert.throws(made, Flow.InvalidFlow)
      assert.throws(made, words)
    })
  }
})
