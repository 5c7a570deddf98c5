// Calls at many places of their lives, for measurements over a store that has much in it. Each kind is lived once by the
// real engine in virtual time, and stored as often as is asked for, under other ids.
import { CallEvent, Calls, EventStore, Flow, Line, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer, Schema } from "effect"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

/** Dials, once more after half a day if nobody was reached, and says a few things. */
export const Announcement = Flow.make("announcement", {
  version: 1,
  input: { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber },
  output: Schema.Literals(["heard", "unreached"]),
  run: (who) =>
    Flow.gen(function*() {
      yield* Line.speak("The library closes at six today.")
      yield* Line.speak("It opens again at nine tomorrow.")
      yield* Line.goodbye("Goodbye.")
      return "heard" as const
    }).pipe(
      Flow.dial({ ...who, ringFor: "20 minutes" }),
      Flow.retry({ times: 1, after: "12 hours", while: (error) => error._tag === "NotAnswered" }),
      Flow.catchTag(["NotAnswered", "HungUp"], () => Flow.succeed("unreached" as const))
    )
})

/** Answers whoever calls. */
export const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.Literal("done"),
  run: () => Flow.inbound(() => Flow.as(Line.speak("Hello."), "done" as const))
})

interface Appended {
  readonly turn: EventStore.Turn
  readonly summary: EventStore.Summary
}

/** What is stored of a call in its first so many milliseconds, if it begins at `start`. */
const live = (callee: Callee.Script, start: number, millis: number): Promise<ReadonlyArray<Appended>> => {
  const stored: Array<Appended> = []
  const recording = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        append: (turn, summary, about) =>
          Effect.tap(store.append(turn, summary, about), () => Effect.sync(() => stored.push({ turn, summary })))
      }))
  ).pipe(Layer.provide(EventStore.layerMemory))
  const engine = TestCalls.connection.pipe(
    Layer.provideMerge(
      Calls.layer({ flows: [Announcement], settings: { dial: { busy: ["busy"], perSecond: Infinity } } })
    ),
    Layer.provide(FakeTransport.layer),
    Layer.provide(recording),
    Layer.provideMerge(PhoneCompany.layer),
    Layer.provideMerge(FakeClock.layerWith({ start, patience: "brief" }))
  )
  return Effect.gen(function*() {
    yield* PhoneCompany.everyone(callee)
    yield* Calls.start(Announcement, { to, from })
    yield* Effect.sleep(millis)
    return stored
  }).pipe(Effect.provide(engine), Effect.runPromise)
}

/** How many calls of each kind. */
export interface Amounts {
  readonly finished: number
  /** They wait for their second try, some hours from now. */
  readonly waiting: number
  /** Their second try fell due a while ago. */
  readonly overdue: number
  /** Their phones ring. */
  readonly ringing: number
}

const hour = 3_600_000

/** The id of the nth call of a kind. */
export const idOf = (kind: number, n: number) => CallEvent.CallId.make(`${kind}${String(n).padStart(19, "0")}`)

/** Puts calls into a store. */
export const seed = Effect.fnUntraced(function*(amounts: Amounts) {
  const store = yield* EventStore.EventStore
  const now = Date.now()
  const kinds = yield* Effect.promise(() =>
    Promise.all([
      live(Callee.answers("5 seconds"), now - hour, 10 * 60_000),
      live(Callee.busy, now - hour, 60_000),
      live(Callee.busy, now - 20 * hour, 60_000),
      live(Callee.answers("100 seconds"), now - 20_000, 10_000)
    ])
  )
  const put = (kind: number, n: number) =>
    Effect.forEach(kinds[kind]!, ({ summary, turn }) => {
      const callId = idOf(kind, n)
      return store.append({ ...turn, id: `${turn.id.split("-")[0]}-${callId}/${turn.version}`, callId }, {
        ...summary,
        callId
      })
    }, { discard: true })
  const counts = [amounts.finished, amounts.waiting, amounts.overdue, amounts.ringing]
  for (const [kind, count] of counts.entries()) {
    const all = Array.from({ length: count }, (_, n) => n)
    yield* Effect.forEach(all, (n) => put(kind, n), { concurrency: 256, discard: true })
  }
})
