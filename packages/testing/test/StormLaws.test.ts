import { assert, describe, it } from "@effect/vitest"
import {
  Action,
  CallEvent,
  type Calls,
  EventStore,
  Flow,
  type Reply,
  Settings,
  Transport,
  Webhook
} from "@ringback/core"
import { Clock, Effect, Option } from "effect"
import { Storm, StormFaults, StormLaws } from "../src/index.ts"
import { Desk } from "./fixtures/flows.ts"
import { input, survey, taking } from "./fixtures/storms.ts"

// Each law is broken on purpose, by one part of the engine that is replaced, and a storm of a thousand runs finds it.

const Survey = survey((conversation, who) => Flow.dial(conversation, { ...who, ringFor: "20 seconds" }))

type CallsService = Calls.Calls["Service"]
type StoreService = EventStore.EventStore["Service"]

interface How {
  readonly flow?: typeof Survey | typeof Desk
  readonly faults?: StormFaults.StormFaults
  readonly store?: Storm.StoreKind
}

/** The first breach of a law that a storm finds. */
const caught = (
  law: StormLaws.Law,
  sabotage: Storm.Sabotage,
  { faults = StormFaults.all, flow = Survey, store = "memory" }: How = {}
) =>
  Effect.flip(
    Storm.run(flow as typeof Desk, input, {
      runs: 1000,
      calls: 2,
      faults,
      laws: [law],
      sabotage,
      store,
      ...(flow === Desk ? { signals: { paid: true } } : {})
    })
  )

/** Declares that a storm over an engine with this broken part finds a breach of this law. */
const finds = (part: string, law: StormLaws.Law, sabotage: () => Storm.Sabotage, how?: How) =>
  it.effect(`finds ${part}`, () => caught(law, sabotage(), how))

/** Changes what the engine answers to webhooks. */
const answering = (change: (webhook: Webhook.Webhook, reply: Reply.Reply) => Reply.Reply) => ({
  calls: (calls: CallsService): CallsService => ({
    ...calls,
    receive: (webhook) => Effect.map(calls.receive(webhook), (reply) => change(webhook, reply))
  })
})

const storing = (change: (store: StoreService) => Partial<StoreService>) => ({
  store: (store: StoreService): StoreService => EventStore.EventStore.of({ ...store, ...change(store) })
})

describe("a storm over a broken engine", () => {
  finds("a store that loses what it has confirmed", StormLaws.recordFirst, () =>
    storing((store) => {
      const lost = new Set<string>()
      return {
        append: (turn, summary, about) => {
          if (turn.version !== 3 || lost.has(turn.callId)) return store.append(turn, summary, about)
          lost.add(turn.callId)
          return Effect.void
        }
      }
    }))

  finds("a store that confirms before it writes", StormLaws.recordFirst, () =>
    storing((store) => ({
      append: (turn, summary, about) =>
        Effect.asVoid(Effect.forkDetach(Effect.delay(store.append(turn, summary, about), "1 second")))
    })))

  it.effect(
    "finds a transport that sends again what was perhaps sent, and says what it takes",
    () =>
      Effect.gen(function*() {
        const failure = yield* caught(StormLaws.ringsOnce, {
          transport: ({ send }) => ({ send: (action) => Effect.catch(send(action), () => send(action)) })
        })
        assert.isAtMost(failure.faults.length, 3)
        assert.include(failure.test, `Storm.run(flow, input, { runs: 1, seed: ${failure.seed}`)
        assert.notInclude(failure.message, "5550170001")
      })
  )

  finds("a dial that is sent long after its record", StormLaws.ringsOnce, () => ({
    settings: { dial: { sendWithin: 3_600_000 } }
  }))

  finds("a transport that takes a throttling carrier for one that refuses", StormLaws.nothingStopsTheRest, () => ({
    transport: ({ send }) => ({
      send: (action) =>
        Effect.mapError(send(action), ({ reason }) =>
          new Transport.TransportError({
            reason: reason._tag === "NotSent" && reason.throttled === true
              ? new Transport.Refused({ status: "429" })
              : reason
          }))
    })
  }))

  finds("a throttling carrier that uses up the attempts of a dial", StormLaws.nothingStopsTheRest, () => ({
    transport: ({ send }) => ({
      send: (action) =>
        Effect.mapError(send(action), ({ reason }) =>
          new Transport.TransportError({
            reason: reason._tag === "NotSent" ? new Transport.NotSent({ problem: reason.problem }) : reason
          }))
    })
  }))

  finds(
    "an engine that takes the webhooks of strangers for its carrier's",
    StormLaws.nothingStopsTheRest,
    () => ({
      calls: (calls) => ({
        ...calls,
        receive: (webhook) =>
          calls.receive(webhook.kind === "IncomingCall" ? { ...webhook, kind: "SpeakCompleted" } : webhook)
      })
    }),
    { faults: { ...StormFaults.all, sessionForeign: 0.5 } }
  )

  finds("a start that is acknowledged before it is stored", StormLaws.nothingForgotten, () => ({
    calls: (calls) => ({
      ...calls,
      start: ((flow: typeof Survey, input: never, options: { readonly key: string }) =>
        Effect.as(Effect.forkDetach(calls.start(flow, input, options)), {
          ...calls.handle(flow, `never-${options.key}`.padEnd(20, "0") as CallEvent.CallId),
          outcome: Effect.never
        })) as never
    })
  }))

  finds("a cancellation that is acknowledged and forgotten", StormLaws.nothingForgotten, () => ({
    calls: (calls) => ({ ...calls, cancel: () => Effect.void })
  }))

  finds("a signal that is acknowledged and forgotten", StormLaws.nothingForgotten, () => ({
    calls: (calls) => ({ ...calls, signal: () => Effect.void })
  }), { flow: Desk })

  finds("an engine that answers a copy with what it said before that", StormLaws.sameWebhookSameReply, () => {
    const answered = new Map<unknown, Reply.Reply["action"]>()
    const last = new Map<string, Reply.Reply["action"]>() // by line
    return answering((webhook, reply) => {
      const webhookId = `${webhook.referenceId} ${webhook.extra?.["posting"]}`
      const before = answered.get(webhookId)
      if (before !== undefined && reply.basis === "copy") return { ...reply, action: before }
      answered.set(webhookId, last.get(webhook.referenceId))
      last.set(webhook.referenceId, reply.action)
      return reply
    })
  })

  finds("an engine that takes every copy for an answer", StormLaws.sameWebhookSameReply, () => ({
    settings: { copies: { atMost: 0 }, speech: { shortestKeyPress: 0, fastest: 1e9 } }
  }))

  finds(
    "an engine that does not wait for an answer that its call's end overtook",
    StormLaws.orderDoesNotMatter,
    () => ({
      settings: { line: { settle: 0 } }
    })
  )

  finds("an engine that dies of an event which it does not expect", StormLaws.orderDoesNotMatter, () => {
    const ended = new Set<string>()
    return {
      calls: (calls) => ({
        ...calls,
        receive: (webhook) =>
          Effect.suspend(() => {
            if (ended.has(webhook.referenceId)) return Effect.die(new Error("an event after the end"))
            if (webhook.kind === "CallCompleted") ended.add(webhook.referenceId)
            return calls.receive(webhook)
          })
      })
    }
  })

  finds(
    "a store that does not find the running calls after a crash",
    StormLaws.everyCallEnds,
    () => storing(() => ({ due: () => Effect.succeed([]) }))
  )

  finds(
    "an engine that does the same over and over",
    StormLaws.everyCallEnds,
    () => ({
      calls: (calls) => ({
        ...calls,
        cancel: () => Effect.forever(Effect.andThen(Clock.currentTimeMillis, Effect.yieldNow))
      })
    }),
    { faults: StormFaults.only("cancel") }
  )

  finds("an engine that gives up lines before they are silent for long", StormLaws.everyCallEnds, () => ({
    settings: { line: { silence: 1_000 }, speech: { longestCollect: 1_000, slowest: 20 } }
  }))

  finds("timers that do not go off", StormLaws.everyCallEnds, () => ({
    clock: (clock) =>
      Object.assign(Object.create(clock) as typeof clock, {
        sleep: (duration: Parameters<typeof clock.sleep>[0]) =>
          Effect.flatMap(clock.sleep(duration), () => Effect.never)
      })
  }))

  finds(
    "an engine that is silent on a live line",
    StormLaws.noDeadAir,
    () =>
      answering((webhook, reply) =>
        webhook.event === "speak_completed" && webhook.digits === "1" ? { ...reply, action: undefined } : reply
      )
  )

  finds("an engine that refuses webhooks for which there is room", StormLaws.noDeadAir, () => ({
    settings: { store: { waiting: 1 } }
  }))

  finds("a store that reads back less than was stored", StormLaws.replayIsTruth, () =>
    storing((store) => ({
      read: (id) =>
        Effect.map(store.read(id), (turns) =>
          turns.map((turn) => ({
            ...turn,
            events: turn.events.map((event) => event._tag === "PromptCompleted" ? { ...event, digits: "" } : event)
          })))
    })))

  finds("an engine that shows another state than it has", StormLaws.replayIsTruth, () => ({
    calls: (calls) => ({
      ...calls,
      get: (id) => Effect.map(calls.get(id), Option.map((call) => ({ ...call, decisions: call.decisions + 1 })))
    })
  }))

  finds("an engine that speaks to whoever has hung up", StormLaws.nothingAfterTheEnd, () => {
    const ended = new Map<string, number>()
    return answering((webhook, reply) => {
      if (webhook.kind !== "CallCompleted") return reply
      const times = (ended.get(webhook.referenceId) ?? 0) + 1
      ended.set(webhook.referenceId, times)
      return times < 2 ? reply : { ...reply, action: { _tag: "Hangup" } }
    })
  })

  finds("processes that take each other for dead", StormLaws.ownersAreTold, () => taking, {
    flow: Desk,
    faults: { ...StormFaults.none, secondProcess: 1 },
    store: "postgres"
  })

  finds("a store whose errors quote what it was to store", StormLaws.secretsStayInside, () =>
    storing((store) => ({
      append: (turn, summary, about) =>
        Effect.mapError(store.append(turn, summary, about), (error) =>
          error._tag === "VersionConflict" ? error : new EventStore.StoreError({
            operation: error.operation,
            reason: new EventStore.Down({ problem: `INSERT ... VALUES (${CallEvent.encode(turn.events)})` })
          }))
    })))

  finds("an engine that logs what was pressed", StormLaws.secretsStayInside, () => ({
    calls: (calls) => ({
      ...calls,
      receive: (webhook) =>
        Effect.andThen(
          webhook.digits === undefined ? Effect.void : Effect.logInfo(`They pressed ${webhook.digits}`),
          calls.receive(webhook)
        )
    })
  }), { flow: Desk })
})

/** Declares that a storm finds a reply that says something else of what it rests on, or rests on something else. */
const findsLie = (
  lie: string,
  basis: Reply.Basis,
  change: Partial<Reply.Reply>,
  problem: string | RegExp,
  law = StormLaws.recordFirst
) =>
  it.effect(`finds ${lie}`, () =>
    Effect.gen(function*() {
      const failure = yield* caught(
        law,
        answering((_, reply) => reply.basis === basis && reply.action !== undefined ? { ...reply, ...change } : reply)
      )
      assert.match(failure.problem, typeof problem === "string" ? new RegExp(problem) : problem)
    }))

describe("a storm over replies that lie about what they rest on", () => {
  const hangup: Reply.Reply["action"] = { _tag: "Hangup" }
  const hold = Action.prompt(Settings.defaults.reply.hold)

  findsLie("one that says what nobody recorded", "recorded", { action: hold }, "which is not on record")
  findsLie("a hold called recorded", "unrecorded hold", { basis: "recorded" }, "which is not on record")
  // Which of the two a storm meets first is for its seeds to say.
  findsLie(
    "a hang-up called recorded",
    "unrecorded hang-up",
    { basis: "recorded" },
    /not on record|before it was durable/
  )

  const again = StormLaws.sameWebhookSameReply
  findsLie("a first reply called a copy", "recorded", { basis: "copy" }, "the first", again)
  findsLie("a copy that says something else", "copy", { action: hold }, "which is not on record", again)
  finds("what is new, called a copy", again, () => {
    const first = new Set<string>()
    return answering((webhook, reply) => {
      const kind = `${webhook.referenceId} ${Webhook.content(webhook)}`
      if (!first.has(kind)) first.add(kind)
      else if (reply.basis === "recorded" && reply.action !== undefined) return { ...reply, basis: "copy" }
      return reply
    })
  })

  findsLie("a hold while the store works", "recorded", { action: hold, basis: "unrecorded hold" }, "was not late")
  findsLie("one hold too many", "unrecorded hang-up", { action: hold, basis: "unrecorded hold" }, "one more")
  findsLie("words called a hold", "recorded", { basis: "unrecorded hold" }, "was called an unrecorded hold")
  findsLie("a hang-up before the last hold", "unrecorded hold", {
    action: hangup,
    basis: "unrecorded hang-up"
  }, "hung up after 0 holds")

  findsLie("an event of a call called nobody's", "recorded", { action: hangup, basis: "unclaimed" }, "as nobody's")
  findsLie("an event called refused that is recorded", "recorded", {
    action: hangup,
    basis: "refused"
  }, "which the store takes")
})
