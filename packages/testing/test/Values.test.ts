import { assert, describe, it } from "@effect/vitest"
import {
  CallEvent,
  type CallInput,
  Calls,
  Decider,
  Flow,
  Line,
  LiveCall,
  PhoneNumber,
  Replay,
  Settings,
  Step
} from "@ringback/core"
import { Callee, FlowExplorer, type Law, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Result, Schema } from "effect"

const numbers = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }
const id = "0123456789abcdefghjk" as CallEvent.CallId

/** Changes a value somewhere inside, in a way that the number chooses. */
const change = (value: unknown, choice: number): void => {
  if (typeof value !== "object" || value === null) return
  const record = value as Record<string, unknown>
  const names = Object.keys(record)
  const name = names[choice % Math.max(1, names.length)]
  if (name !== undefined && choice % 3 === 0) return change(record[name], Math.floor(choice / 3))
  if (Array.isArray(value)) {
    return void [
      () => value.shift(),
      () => value.push(choice),
      () => value.unshift(choice),
      () => value.splice(0)
    ][choice % 4]!()
  }
  if (choice % 2 === 0 && name !== undefined) delete record[name]
  else record[`n${choice}`] = [choice]
}

const copyOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown

/** What a flow makes of a value, one change before each wait. */
const made = (value: unknown, changes: ReadonlyArray<number>): unknown => {
  const own = copyOf(value)
  for (const choice of changes) change(own, choice)
  return own
}

const changing = (value: unknown, changes: ReadonlyArray<number>): Flow.Flow<unknown> =>
  Flow.gen(function*() {
    for (const choice of changes) {
      change(value, choice)
      yield* Flow.note("changed", value as Schema.Json)
      yield* Flow.sleep("1 second")
    }
    return value
  })

/** An activity whose stored result is handed on as it is. */
const asked = Flow.ask(
  {
    _tag: "Activity",
    name: "list",
    withinMillis: 60_000,
    effect: Effect.succeed(null),
    encodeSuccess: Result.succeed,
    encodeError: Result.succeed
  },
  (result) => ({ _tag: "Success", value: result.value })
)

const List = Flow.Signal("list", Schema.Json)

/** From where a flow gets what it changes, and how it does. `start` is what a flow that is made once begins with. */
const flows = (changes: ReadonlyArray<number>, start: unknown) => {
  const list = Flow.activity("list", { success: Schema.Json, error: Schema.Json }, Effect.succeed(null))
  const told = Flow.signal(List, { within: "1 hour" })
  const shared = Flow.reducer({
    initial: { value: start, left: [...changes] },
    decide: (state): Flow.Decision<unknown, number> => {
      const choice = state.left.shift() // of a copy: it is still there when the state evolves
      if (choice === undefined) return { done: state.value }
      return { ask: Flow.as(Flow.sleep("1 second"), choice) }
    },
    evolve: (state, choice) => {
      state.left.shift()
      change(state.value, choice)
      return state
    }
  })
  return {
    "an input": (input: unknown) => changing(input, changes),
    "an activity's result": () => Flow.flatMap(list, (value) => changing(value, changes)),
    "a result that Flow.ask hands on": () => Flow.flatMap(asked, (value) => changing(value, changes)),
    "an activity's error": () => Flow.catch(Flow.as(list, null), (error) => changing(error, changes)),
    "a signal": () => Flow.flatMap(told, (value) => changing(value, changes)),
    "a list that a generator around it holds": () =>
      Flow.gen(function*() {
        const value = yield* list
        yield* changing(value, changes)
        return value
      }),
    "the state of a reducer": () =>
      Flow.flatMap(list, (value) =>
        Flow.reducer({
          initial: { value, left: changes },
          decide: ({ left, value }): Flow.Decision<unknown, number> => {
            const [choice] = left
            if (choice === undefined) return { done: value }
            return { ask: Flow.as(Flow.sleep("1 second"), choice) }
          },
          evolve: (state, choice) => {
            change(state.value, choice)
            return { ...state, left: state.left.slice(1) }
          }
        })),
    "the state of a reducer that is made once": () => shared
  }
}

const sources = [
  "an input",
  "an activity's result",
  "a result that Flow.ask hands on",
  "an activity's error",
  "a signal",
  "a list that a generator around it holds",
  "the state of a reducer",
  "the state of a reducer that is made once"
] as const

const define = (run: (input: Schema.Json) => Flow.Flow<unknown, unknown, unknown>) =>
  Flow.make("changing", {
    version: 1,
    input: Schema.Json,
    output: Schema.Json,
    error: Schema.Json,
    signals: [List],
    run: run as never
  })

/** What the world says when a flow waits for it. */
const response = (live: LiveCall.LiveCall, source: string, value: unknown): CallInput.CallInput => {
  const { wait } = live.call
  if (wait?._tag === "Signal") return { _tag: "Signalled", name: "list", value }
  if (wait?._tag !== "Activity") return { _tag: "Wake" }
  return { _tag: "ActivityEnded", n: wait.n, result: { ok: source !== "an activity's error", value } }
}

/** Runs a call to its end. Each decision is made twice, as if another turn had been in the way. */
const live = (definition: LiveCall.AnyDefinition, source: string, value: unknown) => {
  let now = 1_000_000
  const events: Array<CallEvent.CallEvent> = []
  const take = (before: LiveCall.LiveCall, input: CallInput.CallInput): LiveCall.LiveCall => {
    const around = { now: now += 1000, process: "p1", namespace: "ns", chance: "00000000", settings: Settings.defaults }
    const first = Decider.decide(before, input, around)
    const stored = CallEvent.encode(first.events)
    const { events: decided, live } = Decider.decide(before, input, around)
    assert.strictEqual(CallEvent.encode(decided), stored, "decided otherwise the second time")
    events.push(...decided)
    return live
  }
  let call = take(LiveCall.prepare(id, definition, value), {
    _tag: "Start",
    flow: "changing",
    version: 1,
    input: value
  })
  for (let turns = 0; call.call.exit === undefined && turns < 50; turns++) {
    call = take(call, response(call, source, value))
  }
  return { call: call.call, events }
}

/** All values that the explorer sees a flow end with. */
const explored = (definition: ReturnType<typeof define>, source: string, value: unknown): ReadonlyArray<unknown> => {
  const ends: Array<unknown> = []
  const witness: Law.Law = {
    _tag: "Machine",
    name: "witness",
    initial: null,
    next: (_, moment) => {
      if (moment._tag === "Ended" && moment.exit._tag === "Success") ends.push(moment.exit.value)
      return null
    }
  }
  const list = source === "an activity's error" ? [FlowExplorer.failure(value)] : [value]
  const given = source === "an input" ? value : null
  FlowExplorer.explore(definition, given as Schema.Json, {
    activities: { list },
    signals: { list: [value] },
    laws: [witness]
  })
  return ends
}

describe("what a flow makes of a value of its own is the same live, in a replay and in the explorer:", () => {
  const Changes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))).check(
    Schema.isMaxLength(4)
  )
  for (const source of sources) {
    it.prop(source, [Schema.Json, Changes], ([given, changes]) => {
      const value = copyOf(given)
      const before = JSON.stringify(value)
      const start = copyOf(given)
      const ofSources = flows(changes, start)
      const definition = define((input) => ofSources[source](input))
      const expected = made(value, changes)

      const { call, events } = live(definition as never, source, value)
      assert.deepStrictEqual(call.exit, { _tag: "Success", value: expected })
      const stored = CallEvent.decode(CallEvent.encode(events))
      assert.deepStrictEqual(stored, events)
      const again = Replay.rebuild(id, definition as never, stored)
      assert.isUndefined(again.divergence)
      assert.deepStrictEqual(again.live.call, call)

      assert.deepStrictEqual(explored(definition, source, value), [expected])
      assert.strictEqual(JSON.stringify(value), before, "a sample was changed")
      assert.strictEqual(JSON.stringify(start), before, "what a flow begins with was changed")
    })
  }
})

describe("a response is the flow's own, which may change it:", () => {
  const changed = (response: object) =>
    Flow.gen(function*() {
      Object.assign(response, { changed: ((response as { changed?: number }).changed ?? 0) + 1 })
      yield* Flow.sleep("1 second")
      return response
    })
  const responses = {
    "the caller of Flow.inbound": [Flow.inbound(changed), { from: "15550170044", to: "15550170009" }],
    "what came of Line.bridge": [Flow.flatMap(Line.bridge(numbers), changed), { _tag: "Left", who: "them" }]
  } as const

  const next = (step: Step.Step<unknown, unknown>, response: unknown): Step.Step<unknown, unknown> =>
    step._tag === "Waiting" ? Step.next(step as never, response as never) : step

  it.each(Object.entries(responses))("%s", (_, [flow, response]) => {
    const given = { ...response }
    const asks = Step.start(flow as Flow.Flow<unknown, unknown, never>)
    for (let n = 0; n < 2; n++) {
      const sleeps = next(asks, given)
      for (let again = 0; again < 2; again++) {
        const end = next(next(sleeps, null), null) // A caller's line is left at the end.
        assert.deepStrictEqual(end, { _tag: "Done", exit: { _tag: "Success", value: { ...response, changed: 1 } } })
      }
    }
    assert.deepStrictEqual(given, { ...response })
  })
})

describe("what is recorded is what was:", () => {
  const Go = Flow.Signal("go", Schema.Json)
  const talk = Flow.make("talk", {
    version: 1,
    input: { who: Schema.Json },
    output: Schema.Json,
    signals: [Go],
    run: ({ who }) =>
      Flow.gen(function*() {
        const list = yield* Flow.activity("list", { success: Schema.Json }, Effect.sync(() => cache))
        yield* Flow.note("who", who)
        const told = yield* Flow.signal(Go, { within: "1 hour" })
        yield* Line.speak(`Hello ${(who as { name: string }).name}.`).pipe(
          Flow.dial(numbers),
          Flow.catch(() => Flow.succeed(undefined))
        )
        return [who, list, told]
      })
  })
  let cache: { list: Array<string> } = { list: [] }

  it.effect("inputs, results and signals that the application changes later", () =>
    Effect.gen(function*() {
      cache = { list: ["a"] }
      const company = yield* PhoneCompany.PhoneCompany
      yield* company.callee("15550170001", Callee.answers("1 second").hears("Hello Ann.").hangsUp())
      const who = { name: "Ann" }
      const call = yield* Calls.start(talk, { who })
      who.name = "Bob"
      const go = { at: 1 }
      yield* call.signal(Go, go)
      cache.list.push("later")
      go.at = 2
      const outcome = yield* call.outcome
      assert.deepStrictEqual(outcome, [{ name: "Ann" }, { list: ["a"] }, { at: 1 }])
      ;(outcome as Array<unknown>).length = 0
      assert.lengthOf(yield* call.outcome as Effect.Effect<Array<unknown>>, 3)
      const told = (yield* Calls.events(call.id)).flatMap((event) =>
        event._tag === "SignalReceived" || event._tag === "ActivityCompleted" ? [event.value] : []
      )
      assert.deepStrictEqual(told, [{ list: ["a"] }, { at: 1 }])
    }).pipe(Effect.provide(TestCalls.layer({ flows: [talk] }))))
})
