/** The `POST` of one dial: what the carrier says to it, or that it said nothing in time. */
import { Cause, Effect, Exit, Option } from "effect"
import type { Scope } from "effect"
import type * as Action from "../../Action.ts"
import type { Posted } from "../../CallInput.ts"
import * as CallTrace from "../../CallTrace.ts"
import { type Accepted, Lost, type Transport, TransportError } from "../../Transport.ts"
import * as Gathered from "../gathered.ts"
import * as Lateness from "../lateness.ts"
import * as CallLog from "./callLog.ts"
import type { Entity } from "./entity.ts"
import { accepted, unconfirmed } from "./posted.ts"
import type { Surroundings } from "./surroundings.ts"

/** Sends a dial of a call, once, and gives what became of it. */
export type Post = (entity: Entity, dial: Action.Dial) => Effect.Effect<Posted>

/** So many dials, in words. */
export const dials = (count: number): string => count === 1 ? "1 dial" : `${count} dials`

const lost = (problem: string): TransportError => new TransportError({ reason: new Lost({ problem }) })

/** By the transport of an engine, until its scope closes. */
export const make = Effect.fnUntraced(function*(
  { closing, elapsed, run, settings, within }: Surroundings,
  transport: Transport["Service"]
): Effect.fn.Return<Post, never, Scope.Scope> {
  const late = `no answer within ${settings.dial.answerWithin} ms`
  const watch = yield* Lateness.make<() => void>(elapsed, settings.dial.answerWithin, (giveUp) => Effect.sync(giveUp))

  /** A transport tells by itself what it knows of a dial that may have rung. This is what it does not know. */
  const tellUnknown = Gathered.make<string>(
    run,
    ([problem], count) => Effect.logWarning(`It is not known whether ${dials(count)} rang: ${problem}`)
  )

  /**
   * What the carrier says to a dial, or that it said nothing in time. A transport that does not let go is not waited for
   * either, which is why it has a fiber of its own.
   */
  const send = ({ id }: Entity, dial: Action.Dial): Effect.Effect<Exit.Exit<Accepted, TransportError>> =>
    Effect.callback((resume) => {
      let forget = (): void => undefined
      const watched = new Lateness.Watched(elapsed(), () => {
        tellUnknown(late)
        silent(late)
      })
      const sending = run(Effect.onExitPrimitive(within(transport.send(dial), CallTrace.ofCall(id)), (exit) => {
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

  return Effect.fnUntraced(function*(entity, dial): Effect.fn.Return<Posted> {
    const result = yield* send(entity, dial)
    if (Exit.isSuccess(result)) {
      const posted = accepted(result.value)
      if (posted._tag === "Lost") tellUnknown(posted.problem)
      return posted
    }
    const error = Option.getOrUndefined(Cause.findErrorOption(result.cause))
    if (error !== undefined) return unconfirmed(error.reason)
    yield* CallLog.died(entity, `The transport died on a dial of call ${entity.id}`, Cause.squash(result.cause))
    return { _tag: "Lost", problem: "the transport died" }
  })
})
