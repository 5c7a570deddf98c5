/** The activities of calls: each runs when its record is durable, and its call is told what became of it. */
import { Cause, Context, Effect, Exit, Fiber, Option, Result } from "effect"
import type * as Call from "../../Call.ts"
import type * as CallInput from "../../CallInput.ts"
import * as CallTrace from "../../CallTrace.ts"
import type * as Request from "../../Request.ts"
import * as Defect from "../defect.ts"
import * as CallLog from "./callLog.ts"
import type { Entity } from "./entity.ts"
import * as Neighbours from "./neighbours.ts"
import type { Parts } from "./parts.ts"
import { beginsWork } from "./pending.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** Runs activities. */
export interface Activities {
  readonly follow: Follow
  /** Stops those that another process runs by now, which has taken this one for dead. */
  readonly leaveOthers: Effect.Effect<void>
  /** Stops all of them: the next process runs them again. */
  readonly stop: () => void
}

/** The key under which the activity that is running now runs again after a crash. */
export const ActivityKey = Context.Reference<string>("@ringback/core/Calls/ActivityKey", { defaultValue: () => "" })

/** What runs in the place of an activity: it itself, if a test does not say otherwise. */
export const ActivityDouble = Context.Reference<
  (name: string, effect: Effect.Effect<unknown, unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
>("@ringback/core/Calls/ActivityDouble", { defaultValue: () => (_, effect) => effect })

type Activity = Extract<Request.Request, { readonly _tag: "Activity" }>

type Ended = Extract<CallInput.CallInput, { readonly _tag: "ActivityEnded" }>

/** What a call is told of an activity that died, with what was thrown. */
type Died = Extract<CallInput.CallInput, { readonly _tag: "ActivityDied" }> & { readonly thrown: unknown }

const died = (n: number, what: string, thrown: unknown): Died => ({
  _tag: "ActivityDied",
  n,
  message: Defect.masked(`${what}: ${Defect.story(thrown)}`),
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

/** The activity that a call waits for, with its number. */
const awaited = ({ live }: Entity): { readonly request: Activity; readonly n: number } | undefined => {
  const wait = live?.call.wait
  if (live?.step._tag !== "Waiting" || live.step.request._tag !== "Activity" || wait?._tag !== "Activity") return
  return { request: live.step.request, n: wait.n }
}

/** Of the calls of an engine. `context` holds the services that activities need. */
export const make = (
  { closing, neighbours, process, run, within }: Surroundings,
  { entities, intake }: Parts,
  context: Context.Context<never>
): Activities => {
  const double = Context.get(context, ActivityDouble)
  const isKnownElsewhere = ({ live }: Entity): boolean =>
    live !== undefined && Neighbours.knowing(neighbours.others(), live.call).length > 0

  /** Runs the activity that a call waits for, unless it is running here. */
  const begin = (entity: Entity): void => {
    const activity = awaited(entity)
    if (activity === undefined || entity.activity?.n === activity.n || closing.isBegun()) return
    if (closing.isDraining() && isKnownElsewhere(entity)) return // It is begun there.
    const { n, request } = activity
    const work = inputOf(entity, request, n).pipe(
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
  const inputOf = (entity: Entity, request: Activity, n: number): Effect.Effect<CallInput.CallInput> => {
    const effect = Effect.suspend(() => {
      const played = double(request.name, request.effect) as Effect.Effect<unknown, unknown>
      const traced = within(played, CallTrace.ofWait(entity.id, n))
      return Effect.provideContext(traced, context)
    })
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
  const leave = (entity: Entity, call: Call.Call): void => {
    if (entity.activity === undefined || call.wait?._tag === "Activity" && call.wait.n === entity.activity.n) return
    const { fiber } = entity.activity
    entity.activity = undefined
    if (fiber !== undefined) run(Fiber.interrupt(fiber))
  }

  /** What the store says of a call that cannot be read now, its next turn finds out. */
  const leaveOther = (entity: Entity): Effect.Effect<void> =>
    Effect.map(Effect.ignore(intake.goOn(entity)), () => {
      const fiber = entity.activity?.fiber
      if (entity.live === undefined || entity.worker === process || fiber === undefined) return
      entity.activity = undefined
      run(Fiber.interrupt(fiber))
    })

  return {
    leaveOthers: Effect.suspend(() => {
      const running = Array.from(entities.all()).filter(({ activity }) => activity !== undefined)
      return Effect.forEach(running, leaveOther, { discard: true })
    }),
    follow: (entity, events, call) => {
      leave(entity, call)
      if (events.some(beginsWork)) begin(entity)
    },
    stop: () => {
      for (const { activity } of entities.all()) activity?.fiber?.interruptUnsafe()
    }
  }
}
