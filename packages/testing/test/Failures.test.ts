/** A failure that will not pass is not a store that is down, and whatever throws ends its call and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { CallError, Calls, EventStore, Flow, Line, PhoneNumber, Transport, type Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Lines from "./fixtures/lines.ts"
import * as Predictable from "./fixtures/Predictable.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const desk = "15550170008"

type Append = EventStore.EventStore["Service"]["append"]
type Turn = EventStore.Turn

/** A store in memory that does something else with some of the turns. */
class Store {
  appends = 0
  reads = 0
  /** What becomes of a turn, if it is not stored. */
  instead: (turn: Turn, stored: ReturnType<Append>) => ReturnType<Append> | undefined = () => undefined

  readonly layer = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        read: (id) => {
          this.reads++
          return store.read(id)
        },
        append: (turn, ...rest) => {
          this.appends++
          const stored = store.append(turn, ...rest)
          return this.instead(turn, stored) ?? stored
        }
      }))
  ).pipe(Layer.provide(EventStore.layerMemory))

  /** Refuses for good each turn with such an event. */
  refuses(isBad: (event: Turn["events"][number]) => boolean): this {
    this.instead = (turn) => turn.events.some(isBad) ? Effect.fail(refusal) : undefined
    return this
  }
}

const refusal = new EventStore.StoreError({
  operation: "write",
  reason: new EventStore.Rejected({ problem: "value too long (SQLSTATE 22001)." })
})

const down = new EventStore.StoreError({
  operation: "write",
  reason: new EventStore.Down({ problem: "The connection is gone." })
})

type Options = Parameters<typeof Calls.layer>[0]

/** An engine over a store, with a carrier that accepts each dial. */
const engine = (
  flows: Options["flows"],
  inbound: Options["inbound"] = {},
  settings: Options["settings"] = {}
) =>
  (Predictable.layer({ flows, inbound: inbound!, settings: settings! }) as Layer.Layer<
    Calls.Calls,
    never,
    EventStore.EventStore | Transport.Transport
  >).pipe(
    Layer.provide(
      Layer.succeed(Transport.Transport, {
        send: (action) =>
          Effect.succeed({ referenceId: `session of ${action._tag === "Dial" ? action.externalId : ""}` })
      })
    )
  )

const world = (store: Store, ...options: Parameters<typeof engine>) =>
  Layer.provideMerge(engine(...options), store.layer)

/** What somebody has left of a call in its store. */
const emptied = (id: Calls.Handle<unknown, unknown>["id"], version: number) =>
  EventStore.EventStore.use((store) =>
    Effect.succeed(EventStore.EventStore.of({
      ...store,
      read: (callId) =>
        Effect.map(store.read(callId), (turns) =>
          turns.map((turn) => callId === id && turn.version === version ? { ...turn, events: [] } : turn))
    }))
  )

/** What a webhook of the first line of a call is answered with. */
const receive = Effect.fnUntraced(function*(id: string, event: string, fields: Partial<Webhook.Webhook> = {}) {
  const { namespace } = yield* EventStore.EventStore
  const externalId = `${namespace.slice(0, 6)}.${id}.00000001`
  const { action } = yield* Calls.receive(
    TelesignWire.named({ event, referenceId: `session of ${externalId}`, externalId, ...fields })
  )
  return action?._tag === "Speak" ? action.text : action?._tag ?? "{}"
})

const answered = { status: "answered" }

const tags = (id: Calls.Handle<unknown, unknown>["id"]) =>
  Effect.map(Calls.events(id), (events) => events.map(({ _tag }) => _tag))

const isNote = (name: string) => (event: Turn["events"][number]) => event._tag === "Noted" && event.name === name

const [Go, Note] = [Flow.Signal("go", Schema.String), Flow.Signal("note", Schema.Int)]
const signals = [Go, Note]

const define = (name: string, flow: () => unknown) =>
  Flow.make(name, {
    version: 1,
    input: {},
    output: Schema.Unknown,
    signals,
    run: flow as never
  }) as unknown as Flow.Definition<string, Record<never, never>, unknown, never, never, typeof Go | typeof Note>

const unreached = <A, R>(flow: Flow.Flow<A, Flow.Failure, R>) =>
  Flow.catchTag(flow, ["NotAnswered", "HungUp", "NoInput"], ({ _tag }) => Flow.succeed(_tag as string))

const talk = (name: string) =>
  define(name, () =>
    Line.speak("Hello.").pipe(
      Flow.andThen(Flow.note(name, true)),
      Flow.andThen(Line.speak("Thank you.")),
      Flow.dial({ to, from }),
      unreached
    ) as never)

const Good = talk("good")
const Bad = talk("bad")

const begin = Effect.fnUntraced(function*(flow: typeof Good) {
  const call = yield* Calls.start(flow, {})
  yield* TestClock.adjust("1 second")
  assert.strictEqual(yield* receive(call.id, "dial_completed", answered), "Hello.")
  yield* TestClock.adjust("5 seconds")
  return call
})

const spoken = { status: "speak_successful" }

const stopped = <A, E>(call: Calls.Handle<A, E>) =>
  Effect.map(Effect.flip(call.outcome), (error) => {
    assert(error instanceof CallError.CallStopped && error.reason._tag === "Defect")
    return error.reason.message
  })

describe("a turn that the store refuses for good", () => {
  it.effect("stops its call, whose line is hung up, once and in words; all else goes on", () => {
    const { layer, said } = Lines.make()
    return Effect.gen(function*() {
      const [bad, good] = [yield* begin(Bad), yield* begin(Good)]
      assert.strictEqual(yield* receive(bad.id, "speak_completed", spoken), "Hangup")
      assert.strictEqual(yield* receive(good.id, "speak_completed", spoken), "Thank you.")
      assert.match(yield* stopped(bad), /value too long \(SQLSTATE 22001\)/)
      assert.deepStrictEqual((yield* tags(bad.id)).slice(-3), ["LineLeft", "FlowEnded", "Stray"])
      yield* Calls.start(Good, {})
      const about = said.filter(({ annotations }) => annotations["call"] === bad.id)
      assert.deepStrictEqual(
        about.map(({ annotations, level }) => [level, annotations["flow"], annotations["version"]]),
        [
          ["Error", "bad", 1]
        ]
      )
      assert.strictEqual(said.length, about.length)
    }).pipe(Effect.provide(world(new Store().refuses(isNote("bad")), [Good, Bad]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("holds up no start, signal, cancel or webhook, though a thousand come", () => {
    const { layer, said } = Lines.make()
    const store = new Store().refuses(({ _tag }) => _tag === "CallArrived")
    const Desk = define("desk", () => Flow.inbound(() => Line.speak("Yes?")).pipe(unreached) as never)
    return Effect.gen(function*() {
      const good = yield* begin(Good)
      const arrive = (n: number) =>
        Calls.receive(
          TelesignWire.named({ event: "incoming_call", referenceId: `caller ${n}`, to: desk, from: "15550170044" })
        )
      const replies = yield* Effect.forEach(Array.from({ length: 1000 }, (_, n) => n), arrive, { concurrency: 1000 })
      assert.isTrue(replies.every(({ action }) => action?._tag === "Hangup"))
      yield* TestClock.adjust("3 seconds")
      yield* Calls.start(Good, {})
      yield* good.cancel
      assert.strictEqual(yield* receive(good.id, "speak_completed", spoken), "Hangup")
      assert.isAtMost(said.length, 2, JSON.stringify(said))
      assert.match(said[0]?.text ?? "", /^Webhooks cannot be recorded: .*value too long/)
    }).pipe(Effect.provide(
      world(store, [Good], { [desk]: Desk as never }, { inbound: { perSecond: Infinity } }).pipe(
        Layer.provideMerge(layer)
      )
    ))
  })

  it.effect("is told to whoever asked for it, and the call goes on", () => {
    const Waits = define("waits", () => Flow.signal(Go, { within: "1 hour" }) as never)
    const store = new Store().refuses((event) => event._tag === "SignalReceived" && event.value === "bad")
    return Effect.gen(function*() {
      const call = yield* Calls.start(Waits, {})
      const error = yield* Effect.flip(call.signal(Go, "bad"))
      assert(error._tag === "StoreError")
      assert.strictEqual(error.reason._tag, "Rejected")
      yield* call.signal(Go, "good")
      assert.strictEqual(yield* call.outcome, "good")
      store.refuses(({ _tag }) => _tag === "CallStarted")
      assert.strictEqual((yield* Effect.flip(Calls.start(Waits, {})))._tag, "StoreError")
    }).pipe(Effect.provide(world(store, [Waits])))
  })

  it.effect("is told to nobody who asks for something else: a restart that is refused stops its call", () => {
    const store = new Store()
    const process = Layer.fresh(engine([Good]))
    return Effect.gen(function*() {
      yield* Effect.provide(Calls.start(Good, {}, { key: "x" }), process)
      store.refuses(({ _tag }) => _tag === "Restarted")
      const again = Effect.flatMap(Calls.start(Good, {}, { key: "x" }), stopped)
      assert.match(yield* Effect.provide(again, process), /value too long/)
    }).pipe(Effect.provide(store.layer))
  })

  it.effect("is told to nobody who asks for something else: a dial that is refused when its time has come stops its call", () => {
    const store = new Store()
    return Effect.gen(function*() {
      yield* Calls.start(Good, {}) // has the place of the next five seconds
      const start = Calls.start(Good, {}, { key: "x" })
      const call = yield* start
      store.instead = ({ events }, stored) => {
        if (events.some(({ _tag }) => _tag === "SignalReceived")) return Effect.delay(stored, "5 seconds")
        return events.some(({ _tag }) => _tag === "DialAttempted") ? Effect.fail(refusal) : undefined
      }
      yield* TestClock.adjust("3 seconds")
      yield* Effect.forkChild(call.signal(Go, "slow")) // What comes after it waits, and is before what time brings.
      const again = yield* Effect.forkChild(start)
      yield* TestClock.adjust("10 seconds")
      assert.match(yield* stopped(yield* Fiber.join(again)), /value too long/)
    }).pipe(Effect.provide(world(store, [Good], {}, { dial: { perSecond: 0.2 } })))
  })

  it.effect("is left at rest if its stop is refused too: it is said once, and nothing wakes it again", () => {
    const { layer, said } = Lines.make()
    const store = new Store()
    return Effect.gen(function*() {
      const call = yield* begin(Bad)
      store.instead = (turn) => turn.callId === call.id ? Effect.fail(refusal) : undefined
      assert.strictEqual(yield* receive(call.id, "speak_completed", spoken), "Hangup")
      const before = store.appends
      yield* TestClock.adjust("10 hours")
      assert.strictEqual(store.appends, before)
      assert.strictEqual(said.filter(({ level }) => level === "Error").length, 1, JSON.stringify(said))
      assert.match(said[0]?.text ?? "", /can neither go on nor be stopped/)
      store.instead = () => undefined
      assert.strictEqual(yield* receive(call.id, "speak_completed", spoken), "Thank you.") // the operator has mended it
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* call.outcome, "HungUp")
    }).pipe(Effect.provide(world(store, [Bad]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("after the outcome is left out, and the line is closed when its time is over", () => {
    const { layer, said } = Lines.make()
    const store = new Store().refuses(({ _tag }) => _tag === "CallEnded")
    const Greets = define("greets", () => Flow.dial(Flow.as(Line.speak("Hello."), "greeted"), { to, from }) as never)
    return Effect.gen(function*() {
      const call = yield* begin(Greets)
      assert.strictEqual(yield* receive(call.id, "speak_completed", spoken), "Hangup")
      for (const again of [1, 2, 3]) {
        assert.strictEqual(yield* receive(call.id, "call_completed", { status: `hangup ${again}` }), "{}")
      }
      assert.strictEqual(said.filter(({ level }) => level === "Error").length, 1, JSON.stringify(said))
      assert.match(said[0]?.text ?? "", /after its outcome cannot be recorded, and is left out/)
      yield* TestClock.adjust("10 hours")
      assert.strictEqual((yield* tags(call.id)).at(-1), "LinePresumedClosed")
    }).pipe(Effect.provide(world(store, [Greets]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("says nothing to a line whose end is recorded", () =>
    Effect.gen(function*() {
      const call = yield* begin(Good)
      yield* receive(call.id, "call_completed", { status: "hangup" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* receive(call.id, "speak_completed", { status: "late" }), "{}")
      assert.notInclude(yield* tags(call.id), "Stray")
    }).pipe(Effect.provide(world(new Store().refuses(({ _tag }) => _tag === "Stray"), [Good]))))

  it.effect("at a timer stops the call, too", () => {
    const Sleeps = define("sleeps", () => Flow.andThen(Flow.sleep("1 hour"), Flow.note("bad", true)) as never)
    return Effect.gen(function*() {
      const call = yield* Calls.start(Sleeps, {})
      yield* TestClock.adjust("2 hours")
      assert.match(yield* stopped(call), /value too long/)
    }).pipe(Effect.provide(world(new Store().refuses(isNote("bad")), [Sleeps])))
  })
})

/** A flow whose output throws when it is encoded. */
const throwing = (flow: typeof Good): typeof Good => ({
  ...flow,
  codec: {
    ...flow.codec,
    encodeOutput: () => {
      throw new TypeError(`no output for ${to}`)
    }
  }
} as never)

describe("whatever throws", () => {
  it.effect("in a decision, at a timer too, ends its call with a defect: one line at Error, with its stack", () => {
    const { layer, said } = Lines.make()
    const Sleeps = throwing(define("sleeps", () => Flow.as(Flow.sleep("1 hour"), "slept")))
    const Talks = throwing(talk("talks"))
    return Effect.gen(function*() {
      const sleeps = yield* Calls.start(Sleeps, {})
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(yield* stopped(sleeps), "no output for •••••••••••")
      const talks = yield* begin(Talks)
      yield* receive(talks.id, "speak_completed", spoken)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* receive(talks.id, "speak_completed", { status: "done" }), "Hangup")
      yield* TestClock.adjust("10 minutes")
      yield* stopped(talks)
      assert.deepStrictEqual(said.map(({ annotations, level }) => [level, annotations["call"], annotations["flow"]]), [
        ["Error", sleeps.id, "sleeps"],
        ["Error", talks.id, "talks"]
      ])
      for (const { cause } of said) assert.match(cause, /TypeError: no output for •+\n +at /)
    }).pipe(Effect.provide(world(new Store(), [Sleeps, Talks]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("in an activity is on record with what led to it", () => {
    const query = new Error("Query failed", { cause: new Error(`order ${to} is paid already`) })
    const Dies = define("dies", () => Flow.activity("settle", {}, Effect.die(query)) as never)
    return Effect.gen(function*() {
      assert.strictEqual(
        yield* stopped(yield* Calls.start(Dies, {})),
        "The activity settle died: Query failed: order ••••••••••• is paid already"
      )
    }).pipe(Effect.provide(world(new Store(), [Dies])))
  })

  it.effect("in a flow or in an activity is logged once with its stack, and without the digits of numbers", () => {
    const { layer, said } = Lines.make()
    const throws = () => {
      throw new RangeError(`${to} is out of range`)
    }
    const Throws = define("throws", () => Flow.map(Flow.succeed(1), throws) as never)
    const Dies = define("dies", () => Flow.activity("look up", {}, Effect.sync(throws)) as never)
    const Unfit = define(
      "unfit",
      () => Flow.activity("look up", { success: Schema.String }, Effect.succeed(7 as never)) as never
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* stopped(yield* Calls.start(Throws, {})), "••••••••••• is out of range")
      assert.strictEqual(
        yield* stopped(yield* Calls.start(Dies, {})),
        "The activity look up died: ••••••••••• is out of range"
      )
      yield* stopped(yield* Calls.start(Unfit, {}))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        said.map(({ annotations, level }) => [level, annotations["flow"], annotations["version"]]),
        [
          ["Error", "throws", 1],
          ["Error", "dies", 1],
          ["Error", "unfit", 1]
        ]
      )
      for (const { cause } of said.slice(0, 2)) assert.match(cause, /RangeError: •+ is out of range\n +at /)
      assert.notInclude(JSON.stringify(said), to)
    }).pipe(Effect.provide(world(new Store(), [Throws, Dies, Unfit]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("in an activity is told at once too where that is no Effect, or comes upon something that is none", () => {
    const { layer, said } = Lines.make()
    const effects: ReadonlyArray<unknown> = [
      Promise.resolve(1),
      undefined,
      Flow.succeed(1),
      Effect.ensuring(Effect.flatMap(Effect.void, () => undefined as never), Effect.never),
      Effect.gen(function*() {
        yield* [1] as unknown as Effect.Effect<void>
      })
    ]
    const flows = effects.map((effect, i) =>
      define(`activity ${i}`, () => Flow.activity("go", {}, effect as never) as never)
    )
    return Effect.gen(function*() {
      for (const flow of flows) {
        const call = yield* Calls.start(flow, {})
        yield* TestClock.adjust("1 second")
        assert.match(yield* stopped(call), /^The activity go died: /)
      }
      assert.deepStrictEqual(
        said.map(({ annotations, level }) => [level, annotations["flow"]]),
        flows.map(({ name }) => ["Error", name])
      )
    }).pipe(Effect.provide(world(new Store(), flows).pipe(Layer.provideMerge(layer))))
  })

  it.effect("while a call begins ends it as it begins, and is told like any other", () => {
    const { layer, said } = Lines.make()
    const Unreadable = define("unreadable", () =>
      Flow.succeed({
        get out() {
          return throws()
        }
      }) as never)
    const Encoding = throwing(define("encoding", () => Flow.succeed(1) as never))
    const Answers = throwing(define("answers", () => Flow.inbound(() => Flow.succeed(1)) as never))
    const throws = () => {
      throw new RangeError(`${to} is out of range`)
    }
    return Effect.gen(function*() {
      assert.strictEqual(yield* stopped(yield* Calls.start(Unreadable, {})), "••••••••••• is out of range")
      const encoding = yield* Calls.start(Encoding, {}, { key: "once" })
      assert.strictEqual(yield* stopped(encoding), "no output for •••••••••••")
      assert.deepStrictEqual(yield* tags(encoding.id), ["CallStarted", "FlowEnded"])
      assert.strictEqual((yield* Calls.start(Encoding, {}, { key: "once" })).id, encoding.id)
      const { action } = yield* Calls.receive(
        TelesignWire.named({ event: "incoming_call", referenceId: "caller", to: desk, from: to })
      )
      assert.strictEqual(action?._tag, "Hangup")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(said.map(({ annotations, level }) => [level, annotations["flow"]]), [
        ["Error", "unreadable"],
        ["Error", "encoding"],
        ["Error", "answers"]
      ])
      for (const { cause } of said) assert.match(cause, /(Type|Range)Error: .*\n +at /)
    }).pipe(
      Effect.provide(
        world(new Store(), [Unreadable, Encoding], { [desk]: Answers as never }).pipe(Layer.provideMerge(layer))
      )
    )
  })

  it.effect("is told though it throws when it is asked what it is, and nothing of it is shown", () => {
    const { layer, said } = Lines.make()
    const Throws = define("throws", () =>
      Flow.suspend(() => {
        const { proxy, revoke } = Proxy.revocable(new Error(to), {})
        revoke()
        throw proxy
      }) as never)
    return Effect.gen(function*() {
      assert.strictEqual(yield* stopped(yield* Calls.start(Throws, {})), "something that cannot be shown")
      assert.deepStrictEqual(said.map(({ level }) => level), ["Error"])
      assert.notInclude(JSON.stringify(said), to)
    }).pipe(Effect.provide(world(new Store(), [Throws]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("when an input or a signal is read is told to whoever gives it, and nobody else", () => {
    const { layer, said } = Lines.make()
    const throws = () => {
      throw new Error(to)
    }
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const given = {
      get who() {
        throw new Error(to)
      }
    } as never
    const Picked = Flow.Signal(
      "go",
      Schema.String.check(Schema.makeFilter((text) => {
        if (text === "bad") throw new Error(to)
        return true
      }))
    )
    const Given = Flow.make("given", {
      version: 1,
      input: { who: Schema.String },
      output: Schema.String,
      signals: [Picked],
      run: () => Flow.signal(Picked, { within: "1 hour" })
    })
    return Effect.gen(function*() {
      for (const input of [given, proxy as never]) {
        const error = yield* Effect.flip(Calls.start(Given, input))
        assert.strictEqual(error._tag, "InvalidInput")
        assert.notInclude(error.message, to)
      }
      const call = yield* Calls.start(Given, { who: "Ann" })
      for (const value of [given, proxy as never, "bad"]) {
        assert.strictEqual((yield* Effect.flip(call.signal(Picked, value)))._tag, "SignalRejected")
      }
      const unspeakable = { toString: throws } as never
      assert.strictEqual((yield* Effect.flip(call.signal(unspeakable, 1 as never)))._tag, "SignalRejected")
      yield* call.signal(Picked, "good")
      assert.strictEqual(yield* call.outcome, "good")
      assert.deepStrictEqual(said, [])
    }).pipe(Effect.provide(world(new Store(), [Given]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("in an append is found out, like any failure: at a webhook, at a timer and at an activity's end", () => {
    const { layer, said } = Lines.make()
    const store = new Store()
    const Works = define(
      "works",
      () =>
        Flow.andThen(
          Flow.sleep("1 hour"),
          Flow.activity("look up", { success: Schema.String }, Effect.delay(Effect.succeed("found"), "10 seconds"))
        ) as never
    )
    return Effect.gen(function*() {
      let throws = 0
      store.instead = (turn) => {
        if (throws-- <= 0) return undefined
        if (turn.version % 2 === 0) throw new Error("a bug")
        return Effect.die(new Error("a bug"))
      }
      const works = yield* Calls.start(Works, {})
      throws = 2
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("1 second")
      throws = 1
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* works.outcome, "found")
      const talks = yield* begin(Good)
      throws = 2
      const reply = yield* Effect.forkChild(receive(talks.id, "speak_completed", spoken))
      for (let tenths = 0; tenths < 10; tenths++) yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Fiber.join(reply), "Thank you.")
      assert.match(said[0]?.text ?? "", /^The store throws where it should fail, .*a bug/)
    }).pipe(Effect.provide(world(store, [Works, Good]).pipe(Layer.provideMerge(layer))))
  })
})

describe("an activity that takes too long", () => {
  it.effect("is told once when it stops its call, for nobody need wait for the outcome", () => {
    const { layer, said } = Lines.make()
    const Hangs = define("hangs", () => Flow.activity("look up", { within: "10 seconds" }, Effect.never) as never)
    return Effect.gen(function*() {
      const call = yield* Calls.start(Hangs, {})
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* Effect.flip(call.outcome), { reason: { _tag: "Overdue", activity: "look up" } })
      assert.lengthOf(said, 1)
      assert.deepStrictEqual([said[0]!.level, said[0]!.annotations["call"]], ["Error", call.id])
      assert.match(
        said[0]!.text,
        /its activity look up took longer than it may.*within.*overdue: "fail" and catch Overdue/
      )
    }).pipe(Effect.provide(world(new Store(), [Hangs]).pipe(Layer.provideMerge(layer))))
  })
})

describe("an append that failed", () => {
  it.effect("and is stored all the same ends its call with a word of the defect, as any other does", () => {
    const { layer, said } = Lines.make()
    const store = new Store()
    const Sleeps = throwing(define("sleeps", () => Flow.as(Flow.sleep("1 hour"), "slept")))
    return Effect.gen(function*() {
      store.instead = (turn, stored) => {
        if (turn.events.some(isNote("bad"))) return Effect.fail(refusal)
        return turn.events.at(-1)?._tag === "FlowEnded" ? Effect.andThen(stored, Effect.fail(down)) : undefined
      }
      const sleeps = yield* Calls.start(Sleeps, {})
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(yield* stopped(sleeps), "no output for •••••••••••")
      const bad = yield* begin(Bad)
      const reply = yield* Effect.forkChild(receive(bad.id, "speak_completed", spoken))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(reply), "Hangup")
      assert.match(yield* stopped(bad), /value too long/)
      yield* TestClock.adjust("2 minutes")
      const errors = said.filter(({ level }) => level === "Error")
      assert.deepStrictEqual(errors.map(({ annotations }) => annotations["call"]), [sleeps.id, bad.id])
    }).pipe(Effect.provide(world(store, [Sleeps, Bad]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("and is stored after a second one failed as well brings all that it brings: its reply is no copy", () => {
    const store = new Store()
    let worked = 0
    const work = Flow.activity("work", {}, Effect.sync(() => void worked++))
    const Works = define("works", () =>
      Line.speak("Hello.").pipe(
        Flow.andThen(work),
        Flow.andThen(Line.speak("Thank you.")),
        Flow.dial({ to, from }),
        unreached
      ) as never)
    return Effect.gen(function*() {
      for (const flow of [Good, Works]) {
        const call = yield* begin(flow)
        const appends: Array<ReturnType<Append>> = []
        store.instead = (_, stored) => {
          if (appends.push(stored) > 2) return undefined
          return Effect.andThen(appends.length === 2 ? appends[0]! : Effect.void, Effect.fail(down))
        }
        const reply = yield* Effect.forkChild(Calls.receive(TelesignWire.named({
          event: "speak_completed",
          referenceId: `session of ${(yield* EventStore.EventStore).namespace.slice(0, 6)}.${call.id}.00000001`,
          ...spoken
        })))
        for (let tenths = 0; tenths < 10; tenths++) yield* TestClock.adjust("100 millis")
        const { action, basis } = yield* Fiber.join(reply)
        assert.deepInclude(action, { _tag: "Speak", text: "Thank you." })
        assert.strictEqual(basis, "recorded")
      }
      assert.strictEqual(worked, 1)
    }).pipe(Effect.provide(world(store, [Good, Works])))
  })

  it.effect("and is stored all the same is not decided again: its webhook is no copy of itself", () => {
    const store = new Store()
    const Bridges = define("bridges", () =>
      Line.speak("Hello.").pipe(
        Flow.andThen(Line.bridge({ to: PhoneNumber.make("15550170002"), from })),
        Flow.dial({ to, from }),
        unreached
      ) as never)
    return Effect.gen(function*() {
      const call = yield* begin(Bridges)
      let appends = 0
      store.instead = (_, stored) => appends++ === 0 ? Effect.andThen(stored, Effect.fail(down)) : undefined
      const reply = yield* Effect.forkChild(Calls.receive(TelesignWire.named({
        event: "speak_completed",
        referenceId: `session of ${(yield* EventStore.EventStore).namespace.slice(0, 6)}.${call.id}.00000001`,
        ...spoken
      })))
      for (let tenths = 0; tenths < 10; tenths++) yield* TestClock.adjust("100 millis")
      const { action, basis } = yield* Fiber.join(reply)
      assert.deepStrictEqual([action?._tag, basis, appends], ["Dial", "recorded", 1])
    }).pipe(Effect.provide(world(store, [Bridges])))
  })

  it.effect("keeps its call in memory until it cannot be stored any more, and no longer", () => {
    const Waits = define("waits", () => Flow.signal(Go, { within: "1 hour" }) as never)
    const store = new Store()
    const isRead = (id: Calls.Handle<unknown, unknown>["id"]) =>
      Effect.gen(function*() {
        const before = store.reads
        yield* Calls.get(id)
        return store.reads > before
      })
    return Effect.gen(function*() {
      const call = yield* Calls.start(Waits, {})
      assert.isTrue(yield* isRead(call.id))
      store.instead = () => Effect.fail(down)
      yield* Effect.flip(call.signal(Go, "good"))
      store.instead = () => undefined
      yield* TestClock.adjust("59 seconds")
      assert.isFalse(yield* isRead(call.id))
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(yield* isRead(call.id))
    }).pipe(Effect.provide(world(store, [Waits], {}, { memory: { calls: 0 } })))
  })
})

describe("whatever is tried again", () => {
  it.effect("says so: when it begins, once a minute while it lasts, and when it is over", () => {
    const { layer, said } = Lines.make()
    const store = new Store()
    const Sleeps = define("sleeps", () => Flow.as(Flow.sleep("1 hour"), "slept"))
    return Effect.gen(function*() {
      const call = yield* Calls.start(Sleeps, {})
      store.instead = () => Effect.fail(down)
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("10 minutes")
      store.instead = () => undefined
      yield* TestClock.adjust("10 seconds")
      yield* call.outcome
      const [first, ...others] = said
      assert.strictEqual(
        first?.text,
        "The store fails, and is tried again: The event store failed to write. The connection is gone."
      )
      assert.isAtMost(others.length, 11)
      assert.isAtLeast(others.length, 10)
      assert.match(others[0]?.text ?? "", /^The store fails, after 6\d s, \d+ failures: /)
      assert.match(others.at(-1)?.text ?? "", /^The store fails no more, after 6\d\d s, \d+ failures$/)
      assert.deepStrictEqual(new Set(said.slice(0, -1).map(({ level }) => level)), new Set(["Warn"]))
    }).pipe(Effect.provide(world(store, [Sleeps]).pipe(Layer.provideMerge(layer))))
  })

  it.effect("says so of a store that never answers, while live calls hear holds", () => {
    const { layer, said } = Lines.make()
    const store = new Store()
    return Effect.gen(function*() {
      const call = yield* begin(Good)
      store.instead = (_, stored) => Effect.delay(stored, "20 seconds")
      const reply = yield* Effect.forkChild(receive(call.id, "speak_completed", spoken))
      yield* TestClock.adjust("3 seconds")
      assert.isDefined(reply.pollUnsafe())
      assert.match(said[0]?.text ?? "", /^Webhooks wait for the store/)
      assert.strictEqual(said.length, 1)
      yield* TestClock.adjust("50 seconds") // in which the hold is stored too
      assert.match(said[1]?.text ?? "", /^Webhooks wait for the store no more, after 18 s, 1 failure$/)
    }).pipe(Effect.provide(world(store, [Good]).pipe(Layer.provideMerge(layer))))
  })
})

describe("a webhook that comes while the call is being stored", () => {
  it.effect("runs the flow once, when its turn comes", () => {
    const store = new Store()
    let runs = 0
    const Counts = define("counts", () =>
      Flow.gen(function*() {
        yield* Line.speak("Hello.")
        runs++
        yield* Line.speak("Thank you.")
      }).pipe(Flow.dial({ to, from }), unreached) as never)
    return Effect.gen(function*() {
      const call = yield* begin(Counts)
      store.instead = (turn, stored) =>
        turn.events.some(({ _tag }) => _tag === "SignalReceived") ? Effect.delay(stored, "100 millis") : undefined
      yield* Effect.forkChild(call.signal(Note, 1), { startImmediately: true })
      const reply = yield* Effect.forkChild(receive(call.id, "speak_completed", spoken), { startImmediately: true })
      assert.strictEqual(runs, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(reply), "Thank you.")
      assert.strictEqual(runs, 1)
    }).pipe(Effect.provide(world(store, [Counts])))
  })

  it.effect("came when it came: what is too soon to end a prompt does not end it, however late its turn comes", () => {
    const store = new Store()
    return Effect.gen(function*() {
      const call = yield* begin(Good)
      const { namespace } = yield* EventStore.EventStore
      const externalId = `${namespace.slice(0, 6)}.${call.id}.00000001`
      const end = { event: "speak_completed", referenceId: `session of ${externalId}`, externalId, ...spoken }
      const first = yield* Calls.receive(TelesignWire.named(end))
      yield* first.sent(true)
      yield* TestClock.adjust("100 millis")
      const before = (yield* tags(call.id)).length
      store.instead = (turn, stored) =>
        turn.events.some(({ _tag }) => _tag === "SignalReceived") ? Effect.delay(stored, "10 seconds") : undefined
      yield* Effect.forkChild(call.signal(Note, 1), { startImmediately: true })
      yield* Effect.forkChild(Calls.receive(TelesignWire.named(end)), { startImmediately: true })
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual((yield* tags(call.id)).slice(before), ["SignalReceived"])
    }).pipe(Effect.provide(world(store, [Good])))
  })
})

describe("a call of which a turn is empty in the store", () => {
  for (const version of [1, 2]) {
    it.effect(`is refused in words, whatever is asked of it, if that is turn ${version}`, () =>
      Effect.gen(function*() {
        const Talk = talk("talk")
        const flows = [Talk] as const
        const { id } = yield* Effect.provide(Calls.start(Talk, {}), engine(flows))
        const later = engine(flows).pipe(Layer.provide(Layer.effect(EventStore.EventStore, emptied(id, version))))
        const calls = yield* Effect.map(Layer.build(Layer.fresh(later)), Context.get(Calls.Calls))
        const call = calls.handle(Talk, id)
        for (const asked of [call.outcome, call.cancel, calls.get(id)]) {
          const error = yield* Effect.flip(asked as Effect.Effect<unknown, { readonly message: string }>)
          assert.strictEqual(
            error.message,
            `The event store failed to read. Turn ${version} of call ${id}: it has no events, and none such is ever stored.`
          )
        }
      }).pipe(Effect.provide(EventStore.layerMemory), Effect.scoped))
  }
})
