import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore, Flow, Line, PhoneNumber, Settings } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Clock, Effect, Fiber, Layer, Option, Schema } from "effect"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"
import { Brake, braked, goOn, stop } from "./fixtures/brake.ts"
import { lobby, Reception } from "./fixtures/flows.ts"
import * as Predictable from "./fixtures/Predictable.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const parties = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }
const input = { to, from }

const Announcement = Flow.make("announcement", {
  version: 1,
  input: parties,
  output: Schema.Literals(["heard", "hung up", "unreached"]),
  run: (who) =>
    Line.speak("The library closes at six today.").pipe(
      Flow.as("heard" as const),
      Flow.dial(who),
      Flow.catchTag("HungUp", () => Flow.succeed("hung up" as const)),
      Flow.catchTag("NotAnswered", () => Flow.succeed("unreached" as const))
    )
})

const Brief = Flow.make("brief", {
  version: 1,
  input: parties,
  output: Schema.Literals(["heard", "hung up", "unreached"]),
  run: (who) =>
    Line.speak("The library closes at six today.").pipe(
      Flow.as("heard" as const),
      Flow.dial({ ...who, ringFor: "20 seconds" }),
      Flow.catchTag("HungUp", () => Flow.succeed("hung up" as const)),
      Flow.catchTag("NotAnswered", () => Flow.succeed("unreached" as const))
    )
})

const Question = Flow.make("question", {
  version: 1,
  input: parties,
  output: Schema.String,
  run: (who) =>
    Flow.gen(function*() {
      const one = yield* Line.collect("How many?", { max: 1, attempts: 1 })
      const two = yield* Line.collect("How many in all?", { max: 1, attempts: 1 })
      return one + two
    }).pipe(
      Flow.dial(who),
      Flow.catchTag(["HungUp", "NoInput", "NotAnswered"], (error) => Flow.succeed(error._tag))
    )
})

const Nap = Flow.make("nap", {
  version: 1,
  input: {},
  output: Schema.Literal("rested"),
  run: () => Flow.as(Flow.sleep("1 hour"), "rested" as const)
})

const Lobby = lobby("1500 millis")

const world = (settings: Settings.Options = {}) =>
  TestCalls.connection.pipe(
    Layer.provideMerge(
      Predictable.layer({
        flows: [Announcement, Brief, Nap, Question],
        inbound: { "15550170009": Reception, "15550170008": Lobby },
        settings: Settings.merge({ dial: { busy: ["busy"] } }, settings)
      })
    ),
    Layer.provideMerge(braked),
    Layer.provide(FakeTransport.layer),
    Layer.provideMerge(PhoneCompany.layer),
    Layer.provideMerge(Brake.layer),
    Layer.provideMerge(FakeClock.layer)
  )

/** What the carrier was told so far, and in the next second, in the order in which it was. */
const replies = Effect.map(Effect.andThen(Effect.sleep("1 second"), PhoneCompany.log), (log) =>
  log.flatMap((entry) => {
    if (entry._tag === "Unanswered") return [`nothing to ${entry.webhook.event}`]
    if (entry._tag !== "Replied" || entry.action === undefined) return []
    return [entry.action._tag === "Speak" ? entry.action.text : entry.action._tag]
  }))

const hold = "One moment, please."

const eventsOf = (id: Calls.Handle<unknown, unknown>["id"]) =>
  Effect.map(Calls.events(id), (events) => events.map(({ _tag }) => _tag))

describe("while the store is late", () => {
  it.effect("whoever answers hears a hold, and then what the flow has to say", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const call = yield* Calls.start(Announcement, input)
      yield* Effect.sleep("9 seconds")
      yield* stop
      yield* Effect.sleep("4 seconds")
      yield* goOn
      assert.strictEqual(yield* call.outcome, "heard")
      assert.deepStrictEqual(yield* replies, [hold, "The library closes at six today.", "Hangup"])
      assert.deepStrictEqual((yield* eventsOf(call.id)).slice(4), [
        "CallAnswered",
        "ActionDecided",
        "HoldAnswered", // which went out before
        "HoldCompleted",
        "PromptCompleted",
        "LineLeft",
        "FlowEnded",
        "CallEnded"
      ])
    }).pipe(Effect.provide(world())))

  it.effect("a line gets a hold three times, then a hang-up, and all of it is recorded in the end", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const call = yield* Calls.start(Announcement, input)
      yield* Effect.sleep("9 seconds")
      yield* stop
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* replies, [hold, hold, hold, "Hangup", "nothing to call_completed"])
      yield* goOn
      assert.strictEqual(yield* call.outcome, "hung up")
      const events = yield* eventsOf(call.id)
      assert.strictEqual(events.filter((event) => event === "CallAnswered").length, 1)
      assert.include(events, "CallEnded")
    }).pipe(Effect.provide(world())))

  it.effect("an answer that came before the hold counts, and the end of the hold does not", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("2 seconds").presses("4").presses("7"))
      const call = yield* Calls.start(Question, input)
      yield* Effect.sleep("2500 millis")
      yield* stop
      yield* Effect.sleep("5 seconds")
      yield* goOn
      assert.strictEqual(yield* call.outcome, "47")
      assert.deepStrictEqual(yield* replies, ["How many?", hold, "How many in all?", "Hangup"])
    }).pipe(Effect.provide(world())))

  it.effect("who answered in time has answered, however late that is recorded", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      const call = yield* Calls.start(Brief, input)
      yield* Effect.sleep("9 seconds")
      yield* stop
      yield* Effect.sleep("1 minute")
      yield* goOn
      assert.strictEqual(yield* call.outcome, "hung up")
      assert.notInclude(yield* eventsOf(call.id), "DialGivenUp")
    }).pipe(Effect.provide(world())))

  it.effect("a caller who comes in hears a hold too", () =>
    Effect.gen(function*() {
      yield* stop
      const ring = yield* Effect.forkChild(
        TestCalls.incoming(Reception, { to: from, from: "15550170044", callee: Callee.answers() })
      )
      yield* Effect.sleep("3 seconds")
      yield* goOn
      const call = yield* Fiber.join(ring)
      assert.strictEqual(yield* call.outcome, "heard")
      assert.deepStrictEqual(yield* replies, [hold, "Good morning.", "Hangup"])
    }).pipe(Effect.provide(world())))

  it.effect("a caller hears what the flow decides as soon as that is recorded, though a hold was on its way", () =>
    Effect.gen(function*() {
      const line = { referenceId: "caller 1", to: "15550170008", from: "15550170044" }
      const answers = (event: string) => Effect.forkChild(Calls.receive(TelesignWire.named({ event, ...line })))
      const ring = yield* answers("incoming_call")
      yield* Effect.sleep("1 second")
      yield* stop
      yield* Effect.sleep("700 millis") // the activity has ended
      yield* answers("nobody_knows_what")
      yield* Effect.sleep("1 second") // the hold waits behind both
      yield* Effect.andThen(goOn, stop) // the result is recorded, and what came next has to wait
      yield* Effect.sleep("100 millis")
      const given = ring.pollUnsafe()
      yield* goOn
      assert.isDefined(given)
      const { action } = yield* Fiber.join(ring)
      assert.strictEqual(action?._tag === "Speak" ? action.text : undefined, "Good day.")
    }).pipe(Effect.provide(world())))

  it.effect("the time in which it is asked whose event it has counts too", () =>
    Effect.gen(function*() {
      const caller = { referenceId: "caller 1", to: from, from: "15550170044" }
      yield* Calls.receive(TelesignWire.named({ event: "incoming_call", ...caller }))
      yield* Effect.sleep("10 minutes") // the line is presumed closed, and the call has left memory
      yield* stop
      const began = yield* Clock.currentTimeMillis
      const event = yield* Effect.forkChild(Calls.receive(TelesignWire.named({ event: "speak_completed", ...caller })))
      yield* Effect.sleep("1500 millis")
      yield* Effect.andThen(goOn, stop) // it is found, and its record has to wait
      const { action } = yield* Fiber.join(event)
      assert.strictEqual(action?._tag, "Hangup")
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 2_000)
      yield* goOn
    }).pipe(Effect.provide(world())))

  it.effect("a line whose end came in hears no hold, though that end is not recorded yet", () =>
    Effect.gen(function*() {
      const caller = { referenceId: "caller 1", to: from, from: "15550170044" }
      yield* Calls.receive(TelesignWire.named({ event: "incoming_call", ...caller }))
      yield* stop
      yield* Effect.forkChild(Calls.receive(TelesignWire.named({ event: "call_completed", ...caller })), {
        startImmediately: true
      })
      const late = yield* Effect.forkChild(Calls.receive(TelesignWire.named({ event: "speak_completed", ...caller })))
      yield* Effect.sleep("3 seconds")
      assert.isUndefined(late.pollUnsafe())
      yield* goOn
      assert.isUndefined((yield* Fiber.join(late)).action)
    }).pipe(Effect.provide(world())))

  it.effect("whoever is on a second line of one `POST` is hung up on, though the first is over", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("1 second").hangsUp())
      yield* Calls.start(Announcement, input)
      yield* Effect.sleep("4 seconds") // the first line is over, and an answer from there may still come
      const [ring] = yield* PhoneCompany.rings
      yield* stop
      const began = yield* Clock.currentTimeMillis
      const externalId = ring!.externalId!
      const { action } = yield* Calls.receive(
        TelesignWire.named({ event: "speak_completed", referenceId: "another", externalId })
      )
      assert.strictEqual(action?._tag, "Hangup")
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 2_000)
      yield* goOn
    }).pipe(Effect.provide(world({ line: { settle: 30_000 } }))))

  it.effect("a call whose alarm rings behind a webhook wakes, though the webhook turns out to be of another call", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers())
      const first = yield* Calls.start(Announcement, input)
      assert.strictEqual(yield* first.outcome, "heard")
      const [ring] = yield* PhoneCompany.rings
      yield* Effect.sleep("10 minutes") // its line is presumed closed, and it has left memory
      const nap = yield* Calls.start(Nap, {})
      yield* Effect.sleep("3599 seconds")
      yield* stop
      const { namespace } = yield* EventStore.EventStore
      const theirs = { referenceId: ring!.referenceId, externalId: `${namespace.slice(0, 6)}.${nap.id}.00000001` }
      yield* Effect.forkChild(Calls.receive(TelesignWire.named({ event: "call_completed", ...theirs })))
      yield* Effect.sleep("3 seconds")
      assert.isUndefined(Option.getOrThrow(yield* Calls.get(nap.id)).exit)
      yield* goOn
      yield* Effect.sleep("1 second")
      assert.isDefined(Option.getOrThrow(yield* Calls.get(nap.id)).exit)
    }).pipe(Effect.provide(world())))

  it.effect("an event that needs no words gets no answer, and is recorded later", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.busy)
      const call = yield* Calls.start(Announcement, input)
      yield* stop
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual((yield* replies)[0], "nothing to dial_completed")
      yield* goOn
      assert.strictEqual(yield* call.outcome, "unreached")
      assert.include(yield* eventsOf(call.id), "DialFailed")
    }).pipe(Effect.provide(world())))

  it.effect("a start is refused at once, and begins nothing", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("10 seconds"))
      yield* Calls.start(Announcement, input)
      yield* Effect.sleep("9 seconds")
      yield* stop
      yield* Effect.sleep("4 seconds")
      const asked = yield* Clock.currentTimeMillis
      const error = yield* Effect.flip(Calls.start(Announcement, input, { key: "another" }))
      assert.strictEqual(yield* Clock.currentTimeMillis, asked)
      assert.include(error.message, "It is late with webhooks of calls that are live")
      yield* goOn
      yield* Effect.sleep("1 minute")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.provide(world())))

  it.effect("a start without an answer fails after a while, and its key finds out what became of it", () =>
    Effect.gen(function*() {
      yield* stop
      const asked = yield* Clock.currentTimeMillis
      const error = yield* Effect.flip(Calls.start(Announcement, input, { key: "one" }))
      assert.strictEqual((yield* Clock.currentTimeMillis) - asked, 5_000)
      assert.include(error.message, "It did not answer in time")
      yield* goOn
      yield* PhoneCompany.callee(to, Callee.answers())
      const call = yield* Calls.start(Announcement, input, { key: "one" })
      assert.strictEqual(yield* call.outcome, "heard")
      assert.lengthOf(yield* PhoneCompany.rings, 1)
    }).pipe(Effect.provide(world())))

  it.effect("no more webhooks wait than are allowed, and the next is refused", () =>
    Effect.gen(function*() {
      yield* stop
      const arrives = (n: number) =>
        Calls.receive(
          TelesignWire.named({ event: "incoming_call", referenceId: `caller ${n}`, to: from, from: "15550170044" })
        )
      const waiting = yield* Effect.forEach([1, 2], (n) => Effect.forkChild(arrives(n)))
      yield* Effect.yieldNow
      const error = yield* Effect.flip(arrives(3))
      assert.include(error.message, "2 webhooks wait for it already")
      yield* goOn
      const answers = yield* Effect.forEach(waiting, Fiber.join)
      assert.deepStrictEqual(answers.map(({ action }) => action?._tag), ["Speak", "Speak"])
      const later = yield* Calls.receive(TelesignWire.named({ event: "speak_completed", referenceId: "caller 3" }))
      assert.isUndefined(later.action) // nothing is kept of the caller who was refused
    }).pipe(Effect.provide(world({ store: { waiting: 2 } }))))

  it.effect("nor more whose call is looked for, whoever sends them, and a call that is live is heard meanwhile", () =>
    Effect.gen(function*() {
      const [caller, stranger] = [{ to: from, from: "15550170044" }, { to: "15550170001", from }]
      yield* Calls.receive(TelesignWire.named({ event: "incoming_call", referenceId: "caller 1", ...caller }))
      yield* stop
      const unknown = (n: number) =>
        Calls.receive(TelesignWire.named({ event: "speak_completed", referenceId: `guess ${n}`, ...stranger }))
      const noRoom = Calls.receive(TelesignWire.named({ event: "incoming_call", referenceId: "caller 2", ...caller }))
      const waiting = yield* Effect.forEach([unknown(1), noRoom], (one) => Effect.forkChild(one))
      yield* Effect.yieldNow
      for (const one of [unknown(2), noRoom]) {
        assert.include((yield* Effect.flip(one)).message, "2 webhooks wait for it already")
      }
      const heard = yield* Effect.forkChild(
        Calls.receive(TelesignWire.named({ event: "speak_completed", referenceId: "caller 1", ...caller }))
      )
      yield* Effect.yieldNow
      yield* goOn
      assert.strictEqual((yield* Fiber.join(heard)).basis, "recorded")
      const answers = yield* Effect.forEach(waiting, Fiber.join)
      assert.deepStrictEqual(answers.map(({ basis }) => basis), ["unclaimed", "refused"])
    }).pipe(Effect.provide(world({ inbound: { linesAtMost: 1 }, store: { waiting: 2 } }))))
})

describe("a reply", () => {
  for (const [after, isDoubtful] of [["3 seconds", false], ["5 seconds", true]] as const) {
    it.effect(`that is written ${after} after its event is ${isDoubtful ? "" : "not "}in doubt`, () =>
      Effect.gen(function*() {
        const calls = yield* Calls.Calls
        const store = yield* EventStore.EventStore
        const event = { event: "incoming_call", referenceId: "caller 1", to: from, from: "15550170044" }
        const { sent } = yield* calls.receive(TelesignWire.named(event))
        yield* Effect.sleep(after)
        yield* sent(true)
        const id = Option.getOrThrow(yield* store.find("caller 1"))
        assert.strictEqual((yield* eventsOf(id)).includes("ReplyBroken"), isDoubtful)
      }).pipe(Effect.provide(world())))
  }
})
