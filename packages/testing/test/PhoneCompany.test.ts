import { assert, describe, it } from "@effect/vitest"
import { Action, PhoneNumber, Transport, type Webhook } from "@ringback/core"
import { Callee, CompanyRecord, FakeClock, FakeTransport, PhoneCompany } from "@ringback/testing"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Random, Scope, Stream } from "effect"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")
const agent = PhoneNumber.make("15550170077")
const dialling = Action.dial({ to, from, maxCallDurationSeconds: 900, externalId: "visit-8841" })
const question = Action.prompt({ _tag: "Speech", text: "Press 1 to keep it." }, { max: 1 })

const company = Effect.provide(PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer)))

/** Answers each event with what is said for it, once the event is there. */
const answering = (replies: { readonly [event: string]: Action.Action }) =>
  Effect.gen(function*() {
    const ended = yield* Deferred.make<void>()
    yield* PhoneCompany.connect(Effect.fnUntraced(function*(webhook) {
      if (webhook.event === "call_completed") yield* Deferred.succeed(ended, undefined)
      return replies[webhook.event]
    }))
    return Deferred.await(ended)
  })

const tags = Effect.map(PhoneCompany.log, (log) => log.map((entry) => entry._tag))
const events = Effect.map(
  PhoneCompany.log,
  (log) => log.flatMap((entry) => entry._tag === "Posted" ? [entry.webhook.event] : [])
)

describe("PhoneCompany", () => {
  it.effect("who takes one call is busy to a second one, and free after it", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee(to, Callee.answers("1 second").takesOneCall())
      yield* PhoneCompany.dial({ ...dialling, maxCallDurationSeconds: 60 })
      yield* Effect.sleep("5 seconds")
      yield* PhoneCompany.dial({ ...dialling, maxCallDurationSeconds: 60 })
      yield* Effect.sleep("2 minutes")
      yield* PhoneCompany.dial({ ...dialling, maxCallDurationSeconds: 60 })
      yield* Effect.sleep("5 seconds")
      const log = yield* PhoneCompany.log
      const dials = log.flatMap((entry) =>
        entry._tag === "Posted" && entry.webhook.event === "dial_completed" ? [entry.webhook.status] : []
      )
      assert.deepStrictEqual(dials, ["answered", "busy", "answered"])
    }).pipe(company))

  it.effect("carries a call from the dial to its end, by the handler's replies", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("+15550170001", Callee.answers("3 seconds").presses("1"))
      const ended = yield* answering({ dial_completed: question, speak_completed: Action.hangup })
      const { referenceId } = yield* PhoneCompany.dial(dialling)
      assert.match(referenceId, /^[0-9A-F]{32}$/)
      yield* ended
      const posted = (yield* PhoneCompany.log).flatMap((entry) => entry._tag === "Posted" ? [entry.webhook] : [])
      assert.deepStrictEqual(
        posted.map(({ digits, event, externalId, status }) => [event, externalId, status, digits]),
        [
          ["dial_completed", "visit-8841", "answered", undefined],
          ["speak_completed", "visit-8841", "speak_successful", "1"],
          ["call_completed", "visit-8841", "hangup", undefined]
        ]
      )
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
    }).pipe(company))

  it.effect("a number without a script answers after two seconds and listens", () =>
    Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const answered = yield* Deferred.make<number>()
      yield* PhoneCompany.connect(() =>
        Effect.as(Effect.flatMap(Clock.currentTimeMillis, (now) => Deferred.succeed(answered, now)), undefined)
      )
      yield* PhoneCompany.dial(dialling)
      assert.strictEqual((yield* Deferred.await(answered)) - began, 2000)
    }).pipe(company))

  it.effect("a phone by hand does what somebody does with it, and says whether it could be done", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.byHand)
      const ended = yield* answering({ dial_completed: question, speak_completed: Action.hangup })
      const { referenceId } = yield* PhoneCompany.dial(dialling)
      const does = (deed: PhoneCompany.Deed) => PhoneCompany.steer(referenceId, deed)
      assert.isFalse(yield* does({ _tag: "Press", keys: "1" }))
      const asked = yield* Effect.forkChild(
        PhoneCompany.PhoneCompany.use(({ lines, moves }) =>
          Stream.runHead(
            Stream.filter(Stream.mapEffect(moves, () => lines), ([line]) => line?.state._tag === "Prompting")
          )
        ),
        { startImmediately: true }
      )
      assert.isTrue(yield* does({ _tag: "Answer" }))
      assert.isFalse(yield* does({ _tag: "Answer" }))
      yield* Fiber.join(asked)
      assert.isTrue(yield* does({ _tag: "Press", keys: "1" }))
      yield* ended
      assert.deepStrictEqual(yield* events, ["dial_completed", "speak_completed", "call_completed"])
      assert.isFalse(yield* PhoneCompany.steer("NONE", { _tag: "Answer" }))
    }).pipe(company))

  it.effect("while somebody attends, phones of which nothing is said are theirs, and only those", () =>
    Effect.gen(function*() {
      const isByHand = Effect.gen(function*() {
        const { referenceId } = yield* PhoneCompany.dial(dialling)
        return (yield* PhoneCompany.lines).find((line) => line.referenceId === referenceId)?.hand !== undefined
      })
      const scope = yield* Scope.make()
      yield* Effect.provideService(PhoneCompany.attend, Scope.Scope, scope)
      assert.isTrue(yield* isByHand)
      yield* PhoneCompany.everyone(Callee.busy)
      assert.isFalse(yield* isByHand)
      yield* PhoneCompany.reset
      assert.isTrue(yield* isByHand)
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(yield* isByHand)
    }).pipe(company))

  it.effect("callees of one number take the rings in order, and the last one all further rings", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", [Callee.busy, Callee.fails("carrier_error")])
      const statuses: Array<string | undefined> = []
      for (const _ of [1, 2, 3]) {
        const heard = yield* Deferred.make<Webhook.Webhook>()
        yield* PhoneCompany.connect((webhook) =>
          Effect.as(webhook.event === "dial_completed" ? Deferred.succeed(heard, webhook) : Effect.void, undefined)
        )
        yield* PhoneCompany.dial(dialling)
        statuses.push((yield* Deferred.await(heard)).status)
      }
      assert.deepStrictEqual(statuses, ["busy", "carrier_error", "carrier_error"])
      assert.deepStrictEqual(
        (yield* PhoneCompany.rings).map(({ externalId, number }) => [number, externalId]),
        [[to, "visit-8841"], [to, "visit-8841"], [to, "visit-8841"]]
      )
    }).pipe(company))

  it.effect("everyone of whom nothing else is said answers in the same way", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.everyone([Callee.busy, Callee.noAnswer])
      yield* PhoneCompany.callee("15550170077", Callee.answers(0))
      for (const number of [to, agent, PhoneNumber.make("15550170078")]) {
        yield* PhoneCompany.dial({ ...dialling, to: number })
      }
      yield* Effect.sleep("1 minute")
      const statuses = (yield* PhoneCompany.log).flatMap((entry) =>
        entry._tag === "Posted" && entry.webhook.event === "dial_completed" ? [entry.webhook.status] : []
      )
      assert.deepStrictEqual(statuses, ["answered", "busy", "no_answer"])
    }).pipe(company))

  it.effect("a blocked number is refused and does not ring", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.block("+15550170001", "to_number_blocked_by_country")
      const error = yield* Effect.flip(PhoneCompany.dial(dialling))
      assert.deepStrictEqual(error.reason, new Transport.Refused({ status: "to_number_blocked_by_country" }))
      assert.deepStrictEqual(yield* PhoneCompany.rings, [])
      assert.deepStrictEqual(yield* tags, ["Refused"])
    }).pipe(company))

  it.effect("an incoming call is bridged to whoever the reply names", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170077", Callee.answers(0).hangsUp())
      const ended = yield* answering({
        incoming_call: Action.dial({ to: agent, from, maxCallDurationSeconds: 900 }),
        call_leg_completed: Action.hangup
      })
      const referenceId = yield* PhoneCompany.incoming({ from: "+15550170044", to: "15550170009" })
      yield* ended
      assert.deepStrictEqual(yield* events, ["incoming_call", "call_leg_completed", "call_completed"])
      assert.deepStrictEqual((yield* PhoneCompany.rings).map(({ number, referenceId }) => [number, referenceId]), [
        [agent, referenceId]
      ])
    }).pipe(company))

  it.effect("a reply that is refused is recorded, rings nobody, and leaves the call as it was", () =>
    Effect.gen(function*() {
      const ended = yield* answering({ dial_completed: Action.dial({ to: agent, from, maxCallDurationSeconds: 900 }) })
      yield* PhoneCompany.dial(dialling)
      yield* ended
      const rejected = (yield* PhoneCompany.log).filter((entry) => entry._tag === "Rejected")
      assert.match(rejected[0]!.reason, /^unsupported_call_state/)
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
      assert.deepStrictEqual(yield* events, ["dial_completed", "call_completed"])
    }).pipe(Effect.provide(PhoneCompany.layerWith({ strict: true }).pipe(Layer.provideMerge(FakeClock.layer)))))

  it.effect("a slow handler does not hold up what happens on the line", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers(0).hangsUpAfter(0))
      const seen: Array<string> = []
      const done = yield* Deferred.make<void>()
      yield* PhoneCompany.connect(Effect.fnUntraced(function*(webhook) {
        seen.push(`${webhook.event} in`)
        if (webhook.event === "dial_completed") yield* Effect.sleep("10 seconds")
        seen.push(`${webhook.event} out`)
        if (webhook.event === "dial_completed") yield* Deferred.succeed(done, undefined)
        return question
      }))
      yield* PhoneCompany.dial(dialling)
      yield* Deferred.await(done)
      yield* FakeClock.settle
      assert.deepStrictEqual(seen, [
        "dial_completed in",
        "call_completed in",
        "call_completed out",
        "dial_completed out"
      ])
      const rejected = (yield* PhoneCompany.log).filter((entry) => entry._tag === "Rejected")
      assert.deepStrictEqual(rejected.map(({ reason, webhook }) => [webhook.event, reason]), [
        ["dial_completed", "the call is over"]
      ])
    }).pipe(company))

  it.effect("a handler that fails, dies or is missing counts as no reply and is recorded", () =>
    Effect.gen(function*() {
      const problem = Effect.fnUntraced(function*() {
        yield* PhoneCompany.dial(dialling)
        yield* Effect.sleep("3 seconds")
        const last = (yield* PhoneCompany.log).at(-1)!
        return last._tag === "Unanswered" ? last.problem : last._tag
      })
      assert.strictEqual(yield* problem(), "nobody is connected")
      yield* PhoneCompany.connect(() => Effect.fail("the store is full"))
      assert.strictEqual(yield* problem(), "the store is full")
      yield* PhoneCompany.connect(() => Effect.die(new TypeError("no such thing")))
      assert.strictEqual(yield* problem(), "TypeError: no such thing")
      yield* PhoneCompany.connect(() => Effect.fail({ digits: "1234" }))
      assert.strictEqual(yield* problem(), "it failed")
      yield* PhoneCompany.connect(() => Effect.fail(new CompanyRecord.UnreadableReply({ problem: "it is not JSON" })))
      assert.strictEqual(yield* problem(), "Rejected")
      assert.isTrue((yield* PhoneCompany.lines).every(({ state }) => state._tag === "Quiet"))
    }).pipe(company))

  it.effect("closing the scope of a handler breaks off its replies", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* PhoneCompany.connect(() => Effect.never).pipe(Scope.provide(scope))
      yield* PhoneCompany.dial(dialling)
      yield* Effect.sleep("3 seconds")
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* FakeClock.settle
      const last = (yield* PhoneCompany.log).at(-1)!
      assert(last._tag === "Unanswered")
      assert.strictEqual(last.problem, "the connection broke")
    }).pipe(company))

  it.effect("the far end hangs up when it is told to", () =>
    Effect.gen(function*() {
      const ended = yield* answering({})
      const referenceId = yield* PhoneCompany.incoming({ from: "15550170044", to: "15550170009" })
      yield* PhoneCompany.hangUp("no such line")
      yield* PhoneCompany.hangUp(referenceId)
      yield* ended
      assert.deepStrictEqual(yield* events, ["incoming_call", "call_completed"])
    }).pipe(company))

  it.effect("tells which steps of a script were not used", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", [
        Callee.answers(0).presses("1").hears("bye"),
        Callee.answers().hangsUp()
      ])
      const ended = yield* answering({ dial_completed: question, speak_completed: Action.hangup })
      yield* PhoneCompany.dial(dialling)
      yield* ended
      assert.deepStrictEqual(yield* PhoneCompany.leftover, [
        { number: to, steps: ["hears \"bye\""] },
        { number: to, steps: ["hangs up"] }
      ])
    }).pipe(company))

  it.effect("text that is no number and a number without callees are defects", () =>
    Effect.gen(function*() {
      const defect = (effect: Effect.Effect<unknown, never, PhoneCompany.PhoneCompany>) =>
        Effect.flip(Effect.catchDefect(effect, (error) => Effect.fail(error as Error)))
      assert.instanceOf(yield* defect(PhoneCompany.callee("555-0170", Callee.busy)), PhoneNumber.InvalidPhoneNumber)
      assert.instanceOf(yield* defect(PhoneCompany.block("555-0170")), PhoneNumber.InvalidPhoneNumber)
      assert.instanceOf(yield* defect(PhoneCompany.incoming({ from: "x", to })), PhoneNumber.InvalidPhoneNumber)
      assert.instanceOf(yield* defect(PhoneCompany.callee("15550170001", [])), Callee.InvalidCallee)
    }).pipe(company))

  it.effect("the same seed gives the same ids, another one others", () =>
    Effect.gen(function*() {
      const id = Effect.map(PhoneCompany.dial(dialling), ({ referenceId }) => referenceId)
      const [one, again, other] = [
        yield* Random.withSeed(id, "one"),
        yield* Random.withSeed(id, "one"),
        yield* Random.withSeed(id, "other")
      ]
      assert.strictEqual(one, again)
      assert.notStrictEqual(one, other)
    }).pipe(company))

  it.effect("a reference_id has 32 digits, whatever is drawn", () =>
    Effect.gen(function*() {
      for (const next of [0, 0.5, 1 - Number.EPSILON]) {
        const random = { nextDoubleUnsafe: () => next, nextIntUnsafe: () => Math.floor(next * Number.MAX_SAFE_INTEGER) }
        const id = yield* Effect.provideService(PhoneCompany.newReferenceId, Random.Random, random)
        assert.match(id, /^[0-9A-F]{32}$/)
      }
    }))

  it.effect("what happens is described without a number, a digit or a word that was said", () =>
    Effect.gen(function*() {
      yield* PhoneCompany.callee("15550170001", Callee.answers(0).presses("7"))
      const told = yield* Effect.forkChild(Stream.runCollect(Stream.take(PhoneCompany.changes, 7)))
      yield* FakeClock.settle
      const ended = yield* answering({ dial_completed: question, speak_completed: Action.hangup })
      const { referenceId } = yield* PhoneCompany.dial(dialling)
      yield* ended
      const id = referenceId.slice(0, 8)
      assert.deepStrictEqual(
        (yield* Fiber.join(told)).map(CompanyRecord.describe),
        [
          `${id} dial to 1••••••••01: accepted`,
          `${id} event dial_completed, answered`,
          `${id} reply to dial_completed: speak, collect 1`,
          `${id} event speak_completed, speak_successful, •`,
          `${id} reply to speak_completed: hangup`,
          `${id} event call_completed, hangup, 2 s`,
          `${id} reply to call_completed: no action`
        ].slice(0, 7)
      )
    }).pipe(company))
})

describe("FakeTransport", () => {
  const carried = (transport: Layer.Layer<Transport.Transport, never, PhoneCompany.PhoneCompany>) =>
    Effect.provide(transport.pipe(Layer.provideMerge(PhoneCompany.layer), Layer.provideMerge(FakeClock.layer)))
  const send = Transport.Transport.use((transport) => transport.send(dialling))

  it.effect("sends a dial to the company", () =>
    Effect.gen(function*() {
      const { referenceId } = yield* send
      assert.deepStrictEqual((yield* PhoneCompany.rings).map((ring) => [ring.number, ring.referenceId]), [[
        to,
        referenceId
      ]])
    }).pipe(carried(FakeTransport.layer)))

  it.effect("a dial that fails rings nobody", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(send)
      assert.strictEqual(error.reason._tag, "NotSent")
      assert.deepStrictEqual(yield* PhoneCompany.rings, [])
    }).pipe(carried(FakeTransport.failing(new Transport.NotSent({ problem: "no connection" })))))

  it.effect("a dial whose answer is lost may ring all the same", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(send)
      assert.strictEqual(error.reason._tag, "Lost")
      assert.strictEqual((yield* PhoneCompany.rings).length, 1)
    }).pipe(carried(FakeTransport.failing(new Transport.Lost({ problem: "time-out" }), { rings: true }))))
})
