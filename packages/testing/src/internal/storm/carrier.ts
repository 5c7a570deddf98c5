/**
 * The way between a process and the carrier: a `Transport` whose `POST`s are lost, refused and doubled, and webhooks that
 * are lost, copied, late and out of order.
 */
import { type Action, Call, EventStore, Transport, type Webhook } from "@ringback/core"
import { Cause, Clock, Deferred, Effect, Exit, Option, Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import type * as StormFaults from "../../StormFaults.ts"
import type * as StormHistory from "../../StormHistory.ts"
import type { Border } from "./border.ts"
import { type Mutable, newest, ownTurns, type Process, reach, type World } from "./world.ts"

/** The carrier waits this long for a reply; ours, as in the emulator. */
const carrierPatience = 5_000

const latency = ({ nature }: World) => Effect.suspend(() => Effect.sleep(nature.between(5, 80)))

// ---------------------------------------------------------------------------------------------------------------------
// Dials
// ---------------------------------------------------------------------------------------------------------------------

const failed = (reason: Transport.TransportError["reason"]) => Effect.fail(new Transport.TransportError({ reason }))

const postFaults = [
  "postLost",
  "postUnconfirmed",
  "postFailed",
  "postUnreadable",
  "postThrottled",
  "postNotSent",
  "postRefused",
  "postTwice"
] as const satisfies ReadonlyArray<StormFaults.Kind>

type PostFault = typeof postFaults[number] | "carrierThrottles" | "accountLocked"

/** How long a carrier throttles. */
const throttledFor = [5_000, 20_000, 60_000, 180_000] as const

/** Whether the carrier has had enough dials for now. It takes some, and answers 429 to the rest until the time is over. */
const isThrottled = ({ now, strikes, throttle }: World): boolean => {
  if (now() >= throttle.until) {
    const dice = strikes("carrierThrottles")
    if (dice === undefined) return false
    throttle.until = now() + dice.pick(throttledFor)
    throttle.room = dice.between(0, 2)
  }
  return throttle.room-- <= 0
}

/** How long a carrier does not accept the credentials. */
const lockedFor = [5_000, 60_000, 20 * 60_000, 2 * 60 * 60_000] as const

/** Whether the carrier accepts no credentials for now. */
const isLocked = ({ lock, now, strikes }: World): boolean => {
  if (now() < lock.until) return true
  const dice = strikes("accountLocked")
  if (dice === undefined) return false
  lock.until = now() + dice.pick(lockedFor)
  return true
}

const faultOfPost = (world: World): PostFault | undefined =>
  isLocked(world)
    ? "accountLocked"
    : isThrottled(world)
    ? "carrierThrottles"
    : postFaults.find((kind) => world.strikes(kind) !== undefined)

const carryOut = (world: World, action: Action.Dial, fault: PostFault | undefined) =>
  Effect.gen(function*() {
    const { company, diceOf, nature } = world
    const lost = (problem: string) => failed(new Transport.Lost({ problem }))
    const dial = company.dial(action)
    yield* latency(world)
    switch (fault) {
      case "postLost":
        yield* Effect.sleep(nature.between(100, 10_000))
        return yield* lost("the connection broke")
      case "postUnconfirmed":
        yield* dial
        yield* Effect.sleep(nature.between(100, 10_000))
        return yield* lost("no answer in time")
      case "postFailed":
        if (diceOf("postFailed").hit(0.5)) yield* dial
        return yield* lost("HTTP 500")
      case "postUnreadable":
        if (diceOf("postUnreadable").hit(0.5)) yield* dial
        return yield* lost("the response is not JSON")
      case "postThrottled": {
        const wish = diceOf("postThrottled").hit(0.5) ? { retryAfterMillis: nature.between(500, 20_000) } : {}
        return yield* failed(new Transport.NotSent({ problem: "HTTP 429", throttled: true, ...wish }))
      }
      case "carrierThrottles": {
        const { now, throttle } = world
        const wish = diceOf("carrierThrottles").hit(0.5) ? { retryAfterMillis: throttle.until - now() } : {}
        return yield* failed(new Transport.NotSent({ problem: "HTTP 429", throttled: true, ...wish }))
      }
      case "accountLocked":
        return yield* failed(new Transport.NotSent({ problem: "HTTP 401", obstacle: "credentials" }))
      case "postNotSent": {
        const obstacle = diceOf("postNotSent").hit(0.5) ? { obstacle: "unreachable" } as const : {}
        return yield* failed(new Transport.NotSent({ problem: "no connection", ...obstacle }))
      }
      case "postRefused":
        return yield* failed(new Transport.Refused({ status: "to_number_blocked_by_customer" }))
      case "postTwice":
        yield* dial
        yield* Effect.sleep(nature.between(0, 2_000))
        return yield* dial
      case undefined:
        return yield* dial
    }
  }).pipe(
    Effect.tap(Effect.suspend(() => Effect.sleep(world.strikes("postSlow")?.between(500, 8_000) ?? 0))),
    Effect.tap(latency(world))
  )

/** The transport as a process sees it. */
export const transport = (world: World, border: Border, process: Process): Transport.Transport["Service"] =>
  Transport.Transport.of({
    send: (action) =>
      Effect.gen(function*() {
        const begun = world.moment()
        yield* border.cross(process)
        const fault = faultOfPost(world)
        world.records.sent.push({ ...world.moment(), begun, incarnation: process.id, action, fault })
        const result = yield* Effect.exit(world.outside(carryOut(world, action, fault)))
        yield* border.cross(process)
        return yield* result
      })
  })

// ---------------------------------------------------------------------------------------------------------------------
// Webhooks
// ---------------------------------------------------------------------------------------------------------------------

/** What comes back to the carrier for one webhook, however often it is delivered. */
type Reply = Deferred.Deferred<Action.Action | undefined, string>

interface Posting {
  readonly id: number
  readonly webhook: Webhook.Webhook
  readonly reply: Reply
  copies: number
}

/** What the carrier does with a webhook: it delivers it, perhaps more than once, and waits for the first reply. */
export const handler = (world: World, border: Border) => {
  const { strikes } = world
  const asksAgain = strikes("carrierAsksAgain")
  const asksAfter = asksAgain === undefined
    ? []
    : asksAgain.pick([[5_000, 10_000, 15_000], [1_000, 2_000, 4_000], [300]])
  let postings = 0

  const post = (posting: Posting, waits: ReadonlyArray<number>): Effect.Effect<void> =>
    Effect.flatMap(Effect.result(deliver(world, border, posting)), (arrived) => {
      if (Result.isSuccess(arrived)) return Effect.void
      const [wait, ...more] = waits
      return wait === undefined
        ? Effect.asVoid(Deferred.fail(posting.reply, arrived.failure))
        : Effect.andThen(Effect.sleep(wait), post(posting, more))
    })

  const copy = (posting: Posting, after: number) =>
    world.begin(Effect.andThen(Effect.sleep(after), Effect.ignore(deliver(world, border, posting))))

  return (webhook: Webhook.Webhook): Effect.Effect<Action.Action | undefined, string> =>
    Effect.suspend(() => {
      const id = ++postings
      const stamped = { ...webhook, extra: { ...webhook.extra, posting: id } }
      const posting: Posting = { id, webhook: stamped, reply: Deferred.makeUnsafe(), copies: 0 }
      const extra = [
        strikes("webhookCopied")?.between(0, 30),
        strikes("webhookCopiedLate")?.between(500, 30_000),
        strikes("webhookCopiedAfterEnd")?.between(120_000, 1_200_000)
      ].filter((after) => after !== undefined)
      const delay = (strikes("webhookOvertaken")?.between(10, 3_000) ?? 0) +
        (strikes("webhookDelayed")?.between(3_000, 60_000) ?? 0)
      const isLost = strikes("webhookLost") !== undefined
      return Effect.gen(function*() {
        yield* Effect.forEach(extra, (after) => copy(posting, delay + after), { discard: true })
        if (isLost) return yield* Effect.fail("it was lost")
        yield* world.begin(Effect.andThen(Effect.sleep(delay), post(posting, asksAfter)))
        return yield* Deferred.await(posting.reply)
      })
    })
}

/** One delivery: to a process that is there, if one is. Succeeds when the carrier has a reply in its hands. */
const deliver = (world: World, border: Border, posting: Posting): Effect.Effect<void, string> =>
  Effect.gen(function*() {
    yield* latency(world)
    const process = reach(world)
    if (process === undefined) return yield* Effect.fail("nobody is there")
    const delivery: Mutable<StormHistory.Delivery> = {
      posting: posting.id,
      copy: ++posting.copies,
      webhook: posting.webhook,
      incarnation: process.id,
      arrived: world.moment(),
      obeyed: false
    }
    world.records.deliveries.push(delivery)
    const connection = { open: true }
    const arrived = Deferred.makeUnsafe<void, string>()
    yield* process.run(serve(world, border, { process, delivery, connection, arrived, reply: posting.reply }))
    yield* Effect.raceFirst(
      Deferred.await(arrived),
      Effect.andThen(Deferred.await(process.died), Effect.fail("the connection broke"))
    ).pipe(
      Effect.timeoutOrElse({ duration: carrierPatience, orElse: () => Effect.fail("none in time") }),
      Effect.ensuring(Effect.sync(() => void (connection.open = false)))
    )
  })

interface Exchange {
  readonly process: Process
  readonly delivery: Mutable<StormHistory.Delivery>
  readonly connection: { readonly open: boolean }
  readonly arrived: Deferred.Deferred<void, string>
  readonly reply: Reply
}

/** Whether a process stood still or lost the time since, or its store failed or was slow. */
const wasHeldUp = ({ failed, jumped, stood, waited }: StormHistory.Life, since: number): boolean =>
  [...failed, ...jumped].some((at) => at >= since) || [...stood, ...waited].some(({ to }) => to >= since)

/** Whether a process says that it closes, and does. */
const isClosed = ({ closing }: StormHistory.Life, error: unknown): boolean =>
  closing !== undefined && error instanceof EventStore.StoreError && error.reason._tag === "Closed"

/** What the process does with a webhook, until it knows what became of its answer. */
const serve = (world: World, border: Border, exchange: Exchange): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { arrived, connection, delivery, process, reply } = exchange
    yield* border.cross(process)
    // Processes that share a store go by its clock, which is the world's.
    const isShared = world.options.store === "postgres"
    delivery.taken = { ...world.moment(), clock: isShared ? world.now() : yield* Clock.currentTimeMillis }
    const exit = yield* Effect.exit(process.calls!.receive(delivery.webhook))
    if (Exit.isFailure(exit)) {
      const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      const problem = error?.message ?? Cause.pretty(exit.cause)
      world.show("error", `${problem} ${JSON.stringify(error)}`)
      const excused = error !== undefined &&
        (isClosed(process.life, error) || wasHeldUp(process.life, delivery.arrived.at))
      delivery.failed = { at: world.now(), problem, excused }
      return yield* Deferred.fail(arrived, "HTTP 503")
    }
    const { action, basis, sent } = exit.value
    delivery.answered = { ...world.moment(), action, basis }
    if (action?._tag === "Speak" || action?._tag === "Play") border.talks(process)
    yield* compare(world, process, delivery)
    yield* border.cross(process)
    const tell = (whole: boolean) =>
      Effect.suspend(() => {
        delivery.told = { seq: world.moment().seq, whole }
        return sent(whole)
      })
    const broken = world.strikes("replyBroken") !== undefined
    const lost = world.strikes("replyLost") !== undefined
    const untold = world.strikes("replyUntold") !== undefined
    if (broken || !connection.open) return yield* tell(false)
    if (!lost && !untold) {
      yield* world.begin(Effect.andThen(
        latency(world),
        Effect.suspend(() => {
          if (!connection.open) return Effect.void
          delivery.obeyed = Deferred.doneUnsafe(reply, Exit.succeed(action))
          return Deferred.succeed(arrived, undefined)
        })
      ))
    }
    if (!untold) yield* tell(true)
  }).pipe(Effect.catchCause((cause) =>
    Effect.sync(() => {
      const problem = `telling it of its answer: ${Cause.pretty(cause)}`
      exchange.delivery.failed = { at: world.now(), problem, excused: false }
    })
  ))

/** The state in memory is what the log folds to, whenever nothing is on its way between the two. */
const compare = (world: World, process: Process, delivery: StormHistory.Delivery): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { turns } = world.records
    if (process.appending > 0 || newest(world, process.place) !== process) return
    const id = turns.find(({ turn }) => turn.events.some((event) => concerns(event, delivery.webhook)))?.turn.callId
    const own = ownTurns(world, id)
    if (own.some((turn) => turn.incarnation !== process.id && turn.seq > process.born.seq)) return
    const live = id === undefined ? undefined : Effect.runSyncExit(
      Effect.provideService(process.calls!.get(id), Clock.Clock, world.clock)
    )
    if (id === undefined || live === undefined || Exit.isFailure(live) || Option.isNone(live.value)) return
    if (!isDeepStrictEqual(live.value.value, Call.fold(id, own.flatMap(({ turn }) => turn.events)))) {
      world.records.strayed.push(`after the answer to ${delivery.webhook.event}`)
    }
  })

const concerns = (event: { readonly _tag: string }, webhook: Webhook.Webhook): boolean =>
  "referenceId" in event && event.referenceId === webhook.referenceId
