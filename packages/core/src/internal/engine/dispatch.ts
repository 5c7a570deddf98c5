/**
 * What a call does in the world beside answering: it sends dials and runs activities, each when its record is durable.
 */
import { Cause, Context, Effect, Exit, Fiber, Metric, Option, Result } from "effect"
import type { Scope } from "effect"
import * as Action from "../../Action.ts"
import * as Call from "../../Call.ts"
import type { CallEvent, CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type { Posted } from "../../CallInput.ts"
import type * as Request from "../../Request.ts"
import { type Accepted, Lost, type Transport, TransportError } from "../../Transport.ts"
import * as Defect from "../defect.ts"
import * as Gathered from "../gathered.ts"
import * as Lateness from "../lateness.ts"
import * as CallLog from "./callLog.ts"
import type { Entity } from "./entity.ts"
import type { Parts } from "./parts.ts"
import { accepted, type DialResult, resultOf, unconfirmed } from "./posted.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** The key under which the activity that is running now runs again after a crash. */
export const ActivityKey = Context.Reference<string>("@ringback/core/Calls/ActivityKey", { defaultValue: () => "" })

type Activity = Extract<Request.Request, { readonly _tag: "Activity" }>

type Ended = Extract<CallInput.CallInput, { readonly _tag: "ActivityEnded" }>

/** What a call is told of an activity that died, with what was thrown. */
type Died = Extract<CallInput.CallInput, { readonly _tag: "ActivityDied" }> & { readonly thrown: unknown }

const died = (n: number, what: string, thrown: unknown): Died => ({
  _tag: "ActivityDied",
  n,
  message: Defect.masked(`${what}: ${Defect.message(thrown)}`),
  thrown
})

/** What became of an activity. */
const ended = (request: Activity, n: number, exit: Exit.Exit<unknown, unknown>): Ended | Died => {
  const failed = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
  if (Exit.isFailure(exit) && Option.isNone(failed)) {
    return died(n, `The activity ${request.name} died`, Cause.squash(exit.cause))
  }
  const ok = Exit.isSuccess(exit)
  const encoded = ok ? request.encodeSuccess(exit.value) : request.encodeError(Option.getOrUndefined(failed))
  if (Result.isSuccess(encoded)) return { _tag: "ActivityEnded", n, result: { ok, value: encoded.success } }
  const what = `The ${ok ? "result" : "error"} of the activity ${request.name}`
  return died(n, what, new Error(`it does not fit its schema: ${encoded.failure.message}`))
}

/** Counts the dials that were recorded as attempted, by what became of their `POST`. */
export const dialsOf = (result: DialResult): Metric.Counter<number> =>
  Metric.counter("ringback_dials", {
    description: "Dials that were attempted, by what became of their POST",
    incremental: true,
    attributes: { result }
  })

const dials = (count: number): string => count === 1 ? "1 dial" : `${count} dials`

type Attempt = Extract<CallEvent, { readonly _tag: "DialAttempted" }>

const lost = (problem: string): TransportError => new TransportError({ reason: new Lost({ problem }) })

/** What calls do in the world. */
export interface Dispatch {
  readonly follow: Follow
  /** Stops all activities: the next process runs them again. */
  readonly stop: () => void
}

/** Does what calls decide until its scope closes. `context` holds the services that activities need. */
export const make = Effect.fnUntraced(function*(
  { closing, elapsed, now, pacing, restore, run, settings }: Surroundings,
  { entities, intake }: Parts,
  transport: Transport["Service"],
  context: Context.Context<never>
): Effect.fn.Return<Dispatch, never, Scope.Scope> {
  const late = `no answer within ${settings.dial.answerWithin} ms`
  const watch = yield* Lateness.make<() => void>(elapsed, settings.dial.answerWithin, (giveUp) => Effect.sync(giveUp))

  /**
   * Sends a recorded attempt, soon after its record or not at all, and records what the carrier said. `since` is by the time
   * that has elapsed. An engine that ends waits for both for a while; what is not recorded then, the next process finds.
   */
  const sendDial = (entity: Entity, attempt: Attempt, since: number): Effect.Effect<void> =>
    closing.inHand(
      Effect.flatMap(surelyPosted(entity, attempt, since), (posted) => {
        const from = entity.live === undefined ? undefined : Call.lineOf(entity.live.call, attempt.line)?.from
        pacing.posted(from ?? "", posted)
        return Effect.andThen(
          Metric.update(dialsOf(resultOf(posted)), 1),
          intake.takeSurely(entity, { _tag: "Posted", line: attempt.line, posted })
        )
      })
    )

  /** Whatever throws on the way of a dial, nobody knows whether it went out. */
  const surelyPosted = (entity: Entity, attempt: Attempt, since: number): Effect.Effect<Posted> =>
    Effect.catchDefect(
      post(entity, attempt, since),
      (thrown) =>
        Effect.as(CallLog.died(entity, `A dial of call ${entity.id} threw`, thrown), {
          _tag: "Lost",
          problem: "sending it threw"
        })
    )

  /** A transport tells by itself what it knows of a dial that may have rung. This is what it does not know. */
  const tellUnknown = Gathered.make<string>(
    run,
    ([problem], count) => Effect.logWarning(`It is not known whether ${dials(count)} rang: ${problem}`)
  )

  const tellTooLate = Gathered.make<CallId>(run, (_, count) =>
    Effect.logWarning(
      `${
        dials(count)
      } could not be sent within ${settings.dial.sendWithin} ms of the record, and will be tried again: ` +
        "the process or its store is too slow"
    ))

  /**
   * What the carrier says to a dial, or that it said nothing in time. A transport that does not let go is not waited for
   * either, which is why it has a fiber of its own.
   */
  const send = (dial: Action.Dial): Effect.Effect<Exit.Exit<Accepted, TransportError>> =>
    Effect.callback((resume) => {
      let forget = (): void => undefined
      const watched = new Lateness.Watched(elapsed(), () => {
        tellUnknown(late)
        silent(late)
      })
      const sending = run(Effect.onExitPrimitive(transport.send(dial), (exit) => {
        watched.item = undefined
        forget()
        resume(Effect.succeed(exit))
        return undefined
      }))
      const silent = (problem: string): void => {
        resume(Effect.succeed(Exit.fail(lost(problem))))
        sending.interruptUnsafe()
      }
      if (sending.pollUnsafe() !== undefined) return
      watch(watched)
      forget = closing.onLastCall(() => silent("no answer before the engine closed"))
      return Effect.sync(() => sending.interruptUnsafe())
    })

  const post = Effect.fnUntraced(function*(entity: Entity, attempt: Attempt, since: number) {
    yield* pacing.beforeSending(entity.id)
    const line = entity.live?.call.lines.find((line) => line.id === attempt.line)
    const unsent = (problem: string): Posted => ({ _tag: "NotSent", problem })
    if (line?.dialling === undefined || line.left) return unsent("cancelled before it was sent")
    if (Math.max(elapsed() - since, now() + entity.ahead - attempt.at) >= settings.dial.sendWithin) {
      tellTooLate(entity.id)
      return unsent("the window for sending it has passed")
    }
    const { evenIfUnknown: _, ringForMillis: __, ...dialling } = line.dialling
    const result = yield* send(Action.dial({ ...dialling, externalId: attempt.externalId }))
    if (Exit.isSuccess(result)) {
      const posted = accepted(result.value)
      if (posted._tag === "Lost") tellUnknown(posted.problem)
      return posted
    }
    const error = Option.getOrUndefined(Cause.findErrorOption(result.cause))
    if (error === undefined) {
      yield* CallLog.died(entity, `The transport died on a dial of call ${entity.id}`, Cause.squash(result.cause))
      const lost: Posted = { _tag: "Lost", problem: "the transport died" }
      return lost
    }
    return unconfirmed(error.reason)
  })

  /** Runs the activity that a call waits for, unless it is running here. */
  const runActivity = (entity: Entity): void => {
    const live = entity.live
    const wait = live?.call.wait
    if (live?.step._tag !== "Waiting" || live.step.request._tag !== "Activity" || wait?._tag !== "Activity") return
    const { n } = wait
    if (entity.activity?.n === n || closing.isBegun()) return
    const request = live.step.request
    const work = activityInput(entity, request, n).pipe(
      Effect.flatMap((input) => {
        entity.activity = undefined
        return intake.takeSurely(entity, input)
      })
    )
    // It may end before `run` gives its fiber.
    entity.activity = { n, fiber: undefined }
    const fiber = run(work)
    if (entity.activity?.n === n) entity.activity = { n, fiber }
  }

  /**
   * Runs an activity, and gives what its call is told. It has a fiber of its own, for one that comes upon something that is no
   * Effect ends there and then, whatever it still had to do.
   */
  const activityInput = (entity: Entity, request: Activity, n: number): Effect.Effect<CallInput.CallInput> => {
    const effect = Effect.suspend(() =>
      Effect.provideContext(request.effect as Effect.Effect<unknown, unknown>, context)
    )
    return Effect.provideService(effect, ActivityKey, `${entity.id}/${n}`).pipe(
      Effect.forkChild({ startImmediately: true }),
      Effect.flatMap(Fiber.await),
      Effect.map((exit) => ended(request, n, exit)),
      Effect.catchDefect((thrown) => Effect.succeed(died(n, `The activity ${request.name} died`, thrown))),
      Effect.tap((input) =>
        input._tag === "ActivityDied"
          ? CallLog.died(entity, `An activity of call ${entity.id} died`, input.thrown)
          : Effect.void
      ),
      Effect.map((input): CallInput.CallInput => {
        if (input._tag === "ActivityEnded") return input
        const { thrown: _, ...told } = input
        return told
      })
    )
  }

  /** Stops the activity that a call does not wait for any more. */
  const stopActivity = (entity: Entity, call: Call.Call): void => {
    if (entity.activity === undefined || call.wait?._tag === "Activity" && call.wait.n === entity.activity.n) return
    const { fiber } = entity.activity
    entity.activity = undefined
    if (fiber !== undefined) run(Fiber.interrupt(fiber))
  }

  const follow: Follow = (entity, events, call, since) => {
    stopActivity(entity, call)
    if (events.some(({ _tag }) => _tag === "ActivityStarted" || _tag === "Restarted")) runActivity(entity)
    for (const event of events) {
      if (event._tag === "DialAttempted") run(sendDial(entity, event, since))
      if (event._tag === "DialHeld") restore.held(entity.id)
    }
  }

  const stop = (): void => {
    for (const { activity } of entities.all()) activity?.fiber?.interruptUnsafe()
  }

  return { follow, stop }
})
