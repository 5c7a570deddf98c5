/**
 * What somebody can do who can reach the URL for webhooks and is not Telesign, by what that one knows. Each case tries it on an
 * engine behind the route, and says what came of it: with webhooks that are verified, as they are by default, and without.
 */
import { type Call, CallEvent, Calls, EventStore, Flow, Line, PhoneNumber, Transport } from "@ringback/core"
import { TelesignAuth, TelesignWebhook } from "@ringback/http"
import { Effect, Layer, Logger, Option, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createHmac } from "node:crypto"

const path = "/telesign/events"
const ours = "15550170009"
const apiKey = "q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ=="

const Desk = Flow.make("desk", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () =>
    Flow.inbound(() =>
      Flow.gen(function*() {
        for (;;) yield* Line.collect("Code?", { max: 4 })
      })
    )
})

/** It rings whoever calls, which is what a stranger would like. */
const CallBack = Flow.make("call-back", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () =>
    Flow.gen(function*() {
      const caller = yield* Flow.inbound(({ from }) => Flow.as(Line.goodbye("We call you back."), from))
      if (caller === undefined) return
      yield* Line.speak("Hello.").pipe(
        Flow.dial({ to: PhoneNumber.make(caller), from: PhoneNumber.make(ours) })
      )
    })
})

const Errand = Flow.make("errand", {
  version: 1,
  input: {},
  output: Schema.Array(Schema.String),
  run: () =>
    Flow.gen(function*() {
      const first = yield* Line.collect("Your code?", { max: 1, attempts: 3 })
      const second = yield* Line.collect("Your birthday?", { max: 1, attempts: 3 })
      return [first, second]
    }).pipe(Flow.dial({ to: PhoneNumber.make("15550170001"), from: PhoneNumber.make(ours) }))
})

/** An answer: its status, and what it tells the line to do. */
interface Answer {
  readonly status: number
  readonly json: { readonly method?: string; readonly params?: { readonly tts?: { readonly message: string } } }
}

/** What a stranger finds: the URL, and what happened behind it. */
interface World {
  readonly send: (event: object, headers?: Record<string, string>) => Effect.Effect<Answer>
  /** As Telesign does. */
  readonly signed: (event: object) => Effect.Effect<Answer>
  /** An errand whose phone rings. */
  readonly ringing: Effect.Effect<Errand>
  /** An errand whose callee was asked the first question. */
  readonly errand: Effect.Effect<Errand>
  readonly get: (id: Calls.Handle<unknown, unknown>["id"]) => Effect.Effect<Call.Call>
  readonly rows: Effect.Effect<number>
  /** How often the store was asked something. */
  readonly reads: Effect.Effect<number>
  readonly kept: Effect.Effect<number>
  readonly rung: ReadonlyArray<string>
}

interface Errand {
  readonly id: Calls.Handle<unknown, unknown>["id"]
  readonly referenceId: string
  readonly externalId: string
}

const sign = (body: string) => createHmac("sha256", Buffer.from(apiKey, "base64")).update(body).digest("base64")

/** A store that counts what is written into it, and what it is asked. */
const countingStore = () => {
  const written = { rows: 0, bytes: 0, reads: 0 }
  const read = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.andThen(Effect.sync(() => void written.reads++), effect)
  const layer = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) =>
      EventStore.EventStore.of({
        ...store,
        find: (referenceId) => read(store.find(referenceId)),
        read: (...call) => read(store.read(...call)),
        append: (turn, ...rest) =>
          Effect.tap(store.append(turn, ...rest), () =>
            Effect.sync(() => {
              written.rows++
              written.bytes += CallEvent.encode(turn.events).length
            }))
      }))
  ).pipe(Layer.provide(EventStore.layerMemory))
  return { written, layer }
}

const world = Effect.fnUntraced(function*(isVerified: boolean, callsBack = false) {
  const { layer: store, written } = countingStore()
  const rung: Array<string> = []
  const carrier = Layer.succeed(
    Transport.Transport,
    Transport.Transport.of({
      send: ({ externalId, to }) => Effect.sync(() => (rung.push(to), { referenceId: `of ${externalId}` }))
    })
  )
  const services = yield* Layer.build(
    Calls.layer({ flows: [Errand], inbound: { [ours]: callsBack ? CallBack : Desk } }).pipe(
      Layer.provide([carrier, store])
    )
  )
  const account = Layer.succeed(TelesignAuth.Account, {
    customerId: Redacted.make("11AA"),
    apiKey: Redacted.make(apiKey)
  })
  const { dispose, handler } = HttpRouter.toWebHandler(
    TelesignWebhook.layer({ path, verify: isVerified ? "required" : "none" }).pipe(
      Layer.provide([Layer.succeedContext(services), account]),
      Layer.provideMerge(HttpServer.layerServices),
      Layer.provideMerge(Logger.layer([]))
    ),
    { disableLogger: true }
  )
  yield* Effect.addFinalizer(() => Effect.promise(dispose))

  const post = (body: string, headers: Record<string, string>): Effect.Effect<Answer> =>
    Effect.promise(async () => {
      const response = await handler(new Request(`http://localhost${path}`, { method: "POST", body, headers }))
      return { status: response.status, json: JSON.parse(await response.text()) }
    })
  const signed = (event: object) => post(JSON.stringify(event), { "x-ts-authorization": sign(JSON.stringify(event)) })
  const get: World["get"] = (id) =>
    Effect.orDie(Effect.map(Effect.provideContext(Calls.get(id), services), Option.getOrThrow))

  const ringing = Effect.gen(function*() {
    const { id } = yield* Effect.orDie(Effect.provideContext(Calls.start(Errand, {}), services))
    const accepted = Effect.map(get(id), ({ lines }) => lines[0])
    const line = yield* Effect.repeat(Effect.delay(accepted, "1 millis"), {
      until: (line) => line?.referenceId !== undefined
    })
    const { externalId = "", referenceId = "" } = line ?? {}
    return { id, referenceId, externalId }
  })
  const errand = Effect.tap(ringing, ({ externalId, referenceId }) => signed(answered(referenceId, externalId)))

  const made: World = {
    send: (event, headers = {}) => post(JSON.stringify(event), headers),
    signed,
    ringing,
    errand,
    get,
    rows: Effect.sync(() => written.rows),
    reads: Effect.sync(() => written.reads),
    kept: Effect.sync(() => written.bytes),
    rung
  }
  return made
})

const answered = (referenceId: string, externalId: string) => ({
  event: "dial_completed",
  reference_id: referenceId,
  external_id: externalId,
  data: { status: "answered", to: "15550170001", from: ours }
})
const pressed = (referenceId: string, digits: string) => ({
  event: "speak_completed",
  reference_id: referenceId,
  data: { status: "speak_successful", collected_digits: digits }
})
const completed = (referenceId: string) => ({
  event: "call_completed",
  reference_id: referenceId,
  data: { status: "hangup" }
})
const incoming = (referenceId: string, more: object = {}, from = "15550170044") => ({
  event: "incoming_call",
  reference_id: referenceId,
  data: { to: ours, from },
  ...more
})

const times = <A>(count: number, each: (n: number) => Effect.Effect<A>) =>
  Effect.forEach(Array.from({ length: count }, (_, n) => n), each, { concurrency: 16 })

/** How often each status came. */
const statuses = (answers: ReadonlyArray<Answer>): string => {
  const counts = new Map<number, number>()
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1)
  return Array.from(counts, ([status, count]) => `${count} × ${status}`).toSorted().join(", ")
}

const heard = ({ json, status }: Answer): string =>
  json.params?.tts?.message ?? (json.method === undefined ? String(status) : json.method)

/** One thing to try. */
export interface Case {
  readonly knows: string
  readonly tries: string
  readonly callsBack?: true
  /** What came of it, in words that are the same each time. */
  readonly attempt: (world: World) => Effect.Effect<string>
}

/** All that is tried. */
export const cases: ReadonlyArray<Case> = [
  {
    knows: "nothing",
    tries: "1,000 events of sessions that do not exist",
    attempt: Effect.fnUntraced(function*({ reads, rows, send }) {
      const answers = yield* times(1_000, (n) => send(pressed(`guess ${n}`, "1")))
      return `${statuses(answers)}; ${yield* rows} rows, ${yield* reads} reads`
    })
  },
  {
    knows: "nothing",
    tries: "1,000 bodies that are no events",
    attempt: Effect.fnUntraced(function*({ reads, rows, send }) {
      const answers = yield* times(1_000, (n) => send({ n }))
      return `${statuses(answers)}; ${yield* rows} rows, ${yield* reads} reads`
    })
  },
  {
    knows: "one of our numbers",
    tries: "2,000 calls at once",
    attempt: Effect.fnUntraced(function*({ reads, rows, send }) {
      const began = performance.now()
      const answers = yield* times(2_000, (n) => send(incoming(`call ${n}`)))
      const mayCome = 50 * (1 + (performance.now() - began) / 1000)
      const taken = answers.filter((answer) => heard(answer) === "Code?").length
      const isBounded = taken <= mayCome && (yield* rows) <= 2 * taken && (yield* reads) <= 2_000
      if (answers[0]?.status === 401) return `2000 × 401; ${yield* rows} rows, ${yield* reads} reads`
      return isBounded
        ? "50 a second are taken, the others hung up; 2 rows each at most of those, 1 read each at most"
        : `${taken} are taken, ${yield* rows} rows, ${yield* reads} reads`
    })
  },
  {
    knows: "one of our numbers",
    tries: "10 calls with 60 KB of fields that nobody knows",
    attempt: Effect.fnUntraced(function*({ kept, send }) {
      const more = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`field ${n}`, "a".repeat(1_000)]))
      const answers = yield* times(10, (n) => send(incoming(`call ${n}`, more)))
      const isSmall = (yield* kept) < 10 * 4_096
      return `${statuses(answers)}; ${isSmall ? "less than 4 KiB a call kept" : `${yield* kept} bytes kept`}`
    })
  },
  {
    knows: "one of our numbers",
    tries: "a call from a number of their choice, where the flow calls back",
    callsBack: true,
    attempt: Effect.fnUntraced(function*({ rung, send }) {
      yield* send(incoming("call", {}, "15550170666"))
      yield* send({ event: "speak_completed", reference_id: "call", data: { status: "speak_successful" } })
      yield* send(completed("call"))
      yield* Effect.sleep("100 millis")
      return rung.length === 0 ? "nobody is rung" : "that number is rung, at your cost"
    })
  },
  {
    knows: "a `reference_id`",
    tries: "to answer in the callee's place",
    attempt: Effect.fnUntraced(function*({ errand, send }) {
      const { referenceId } = yield* errand
      return `is told: ${heard(yield* send(pressed(referenceId, "7")))}`
    })
  },
  {
    knows: "a `reference_id`",
    tries: "to end the call",
    attempt: Effect.fnUntraced(function*({ errand, get, send, signed }) {
      const { id, referenceId } = yield* errand
      yield* send(completed(referenceId))
      const next = yield* signed(pressed(referenceId, "1"))
      return heard(next) === "Your birthday?" && (yield* get(id)).exit === undefined
        ? "the call goes on"
        : "the callee is left in silence"
    })
  },
  {
    knows: "a `reference_id`",
    tries: "to fill the store by 1,000 different events of one call",
    attempt: Effect.fnUntraced(function*({ errand, rows, send }) {
      const { referenceId } = yield* errand
      const before = yield* rows
      yield* times(1_000, (n) => send({ event: `event_${n}`, reference_id: referenceId, data: {} }))
      return `${(yield* rows) - before} rows`
    })
  },
  {
    knows: "an `external_id`",
    tries: "to answer in the callee's place, while the phone rings",
    attempt: Effect.fnUntraced(function*({ ringing, send }) {
      const { externalId } = yield* ringing
      return `is told: ${heard(yield* send(answered("a session of mine", externalId)))}`
    })
  },
  {
    knows: "an `external_id`",
    tries: "the same, when the callee has answered",
    attempt: Effect.fnUntraced(function*({ errand, send, signed }) {
      const { externalId, referenceId } = yield* errand
      const told = heard(yield* send(answered("a session of mine", externalId)))
      const isLeft = heard(yield* signed(pressed(referenceId, "1"))) === "Your birthday?"
      return `is told: ${told}; the call ${isLeft ? "goes on" : "is disturbed"}`
    })
  },
  {
    knows: "a call's id and our namespace",
    tries: "1,000 `external_id`s of it, while the phone rings",
    attempt: Effect.fnUntraced(function*({ ringing, send, signed }) {
      const { externalId, referenceId } = yield* ringing
      const known = externalId.slice(0, -8)
      const guesses = ["1", ...Array.from({ length: 999 }, (_, n) => String(n).padStart(8, "0"))]
      const told = yield* times(guesses.length, (n) => send(answered(`session ${n}`, known + guesses[n])))
      const isLeft = heard(yield* signed(answered(referenceId, externalId))) === "Your code?"
      const words = [...new Set(told.map(heard))].toSorted().join(", ")
      return `is told: ${words}; the call ${isLeft ? "goes on" : "is disturbed"}`
    })
  },
  {
    knows: "a signed event that was captured",
    tries: "to send it again, 3 times",
    attempt: Effect.fnUntraced(function*({ errand, get, signed }) {
      const { id, referenceId } = yield* errand
      const first = yield* signed(pressed(referenceId, "1"))
      const { lines } = yield* get(id)
      const copies = yield* times(3, () => signed(pressed(referenceId, "1")))
      const isSame = copies.every((copy) => heard(copy) === heard(first)) &&
        (yield* get(id)).lines.length === lines.length
      return isSame && (yield* get(id)).exit === undefined
        ? "hears the question again; nothing moves"
        : "the call moves"
    })
  },
  {
    knows: "a signed event that was captured",
    tries: "to send it again, 20 times",
    attempt: Effect.fnUntraced(function*({ errand, get, signed }) {
      const { id, referenceId } = yield* errand
      yield* signed(pressed(referenceId, "1"))
      for (let n = 0; n < 20; n++) yield* signed(pressed(referenceId, "1"))
      return (yield* get(id)).exit === undefined ? "nothing moves" : "the sixth copy counts as an answer"
    })
  },
  {
    knows: "a signed event that was captured",
    tries: "to change one digit in it",
    attempt: Effect.fnUntraced(function*({ errand, send }) {
      const { referenceId } = yield* errand
      const captured = { "x-ts-authorization": sign(JSON.stringify(pressed(referenceId, "1"))) }
      return `is told: ${heard(yield* send(pressed(referenceId, "2"), captured))}`
    })
  }
]

/** What comes of a case, with webhooks verified or not. */
export const outcome = ({ attempt, callsBack }: Case, isVerified: boolean): Effect.Effect<string> =>
  Effect.scoped(Effect.flatMap(world(isVerified, callsBack), attempt)).pipe(Effect.orDie)

/** A table of all cases: what is known, what is tried, and what comes of it with and without verification. */
export const table: Effect.Effect<string> = Effect.gen(function*() {
  const lines = ["| knows | tries | verified | not verified |", "| --- | --- | --- | --- |"]
  for (const each of cases) {
    const verified = yield* outcome(each, true)
    const open = yield* outcome(each, false)
    lines.push(`| ${each.knows} | ${each.tries} | ${verified} | ${open} |`)
  }
  return lines.join("\n")
})
