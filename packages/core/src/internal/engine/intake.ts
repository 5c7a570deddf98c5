/**
 * The one way into a call. A message waits until those before it have been taken, and then:
 *
 *  1. it is found out whether it is for this call, if that is not sure;
 *  2. the call is brought into memory, if it is not there;
 *  3. the input is decided on, with the newest state; before it what the call is told because nobody looked after it;
 *  4. what was decided is appended, if it is anything;
 *  5. when that is durable the world sees it, and whoever posted the message is told.
 *
 * If another process was first, it begins anew from 2. While the store is down, what can wait is tried again and again, and all
 * that comes to the call after it waits.
 */
import { Effect, Exit, Option } from "effect"
import type { CallNotFound } from "../../CallError.ts"
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type { StoreError } from "../../EventStore.ts"
import { isLasting } from "../report.ts"
import * as CallLog from "./callLog.ts"
import type { Deliveries } from "./deliveries.ts"
import type { Entities } from "./entities.ts"
import type { Entity } from "./entity.ts"
import type { GivenUp } from "./givenUp.ts"
import { ignore, type Message, type Options, type Taken } from "./message.ts"
import type { Surroundings } from "./surroundings.ts"
import * as Taking from "./taking.ts"

/** Takes messages to calls. */
export interface Intake {
  /** Takes a message to its call. `held` may have left memory meanwhile: then the call is brought back. */
  readonly post: <A>(held: Entity, message: Message<A>) => void
  /** `post` for whoever waits. Not to be interrupted, so that a webhook whose sender has gone away is recorded all the same. */
  readonly take: <A>(
    held: Entity,
    input: Message<A>["input"],
    look: Message<A>["look"],
    options?: Options
  ) => Effect.Effect<A, StoreError | CallNotFound>
  /** Takes an input that nobody waits for, and goes on trying while the store is down. */
  readonly takeSurely: (entity: Entity, input: CallInput.CallInput | (() => CallInput.CallInput)) => Effect.Effect<void>
  /**
   * Looks at what time has brought to a call, behind what came in before. Where another process went on with it that one keeps its
   * time, too: so it is looked first whether it has, and if it has, it has its chance.
   */
  readonly wake: (id: CallId) => Effect.Effect<void>
  /**
   * Goes on with a call as it is stored now, because another process has said that there is something new. `false` if its
   * flow is not registered here, be it over or not: then what others have decided answers the webhooks that wait for it.
   */
  readonly goOn: (entity: Entity) => Effect.Effect<boolean, StoreError | CallNotFound>
}

/** What the way in needs of the other parts. */
export interface Parts extends Taking.Parts {
  readonly entities: Entities
  readonly deliveries: Deliveries
  readonly givenUp: GivenUp
}

/** Whether the call was brought to its end elsewhere and has been removed since: nothing that this process had to tell it is missed. */
const isOfPruned = (error: StoreError | CallNotFound): boolean =>
  error._tag === "CallNotFound" && error.endedAt !== undefined

/** Into the calls of an engine. */
export const make = (surroundings: Surroundings, parts: Parts): Intake => {
  const { closing, process, run, troubles } = surroundings
  const { deliveries, entities, givenUp, loading, timing } = parts
  const takeOnce = Taking.make(surroundings, parts)

  const post: Intake["post"] = <A>(held: Entity, message: Message<A>) => {
    const { trying } = entities.of(held.id)
    if (trying !== undefined && message.whileDown !== "again") return message.taken(Exit.fail(trying))
    entities.inTurn(held, (entity, done) =>
      takeInTurn(entity, message, (exit) => {
        try {
          message.taken(exit)
        } finally {
          done()
        }
      }))
  }

  const takeInTurn = <A>(entity: Entity, message: Message<A>, end: (exit: Taken<A>) => void): void =>
    takeOnce(entity, message, (exit) => {
      const error = Option.getOrUndefined(Exit.findErrorOption(exit))
      const mayPass = error?._tag === "StoreError" && !isLasting(error)
      if (mayPass && message.whileDown === "again") tryAgain(entity, message, error, end)
      else end(exit)
    })

  /** The store is down, and is tried until it is not. */
  const tryAgain = <A>(entity: Entity, message: Message<A>, error: StoreError, end: (exit: Taken<A>) => void): void => {
    entity.trying = error
    const once = Effect.callback<A, StoreError | CallNotFound>((resume) => takeOnce(entity, message, resume))
    const tried = troubles.store.goOnTrying(Effect.uninterruptible(once), error)
    run(Effect.onExitPrimitive(tried, (exit) => {
      entity.trying = undefined
      end(exit)
      return undefined
    }))
  }

  const take: Intake["take"] = (held, input, look, options = {}) =>
    Effect.uninterruptible(Effect.callback((taken) => post(held, { ...options, input, look, taken })))

  const takeSurely: Intake["takeSurely"] = (entity, input) => {
    const words = () => `Call ${entity.id} cannot take ${typeof input === "function" ? "what came" : input._tag}`
    const told = take(entity, input, ignore, { isOwn: true, whileDown: "again" }).pipe(
      Effect.catch((error) =>
        givenUp.isAbandoned(entity.id) || isOfPruned(error)
          ? Effect.void
          : CallLog.about(entity, Effect.logError(`${words()}: ${error.message}`))
      ),
      Effect.catchCause((cause) => CallLog.lost(entity, words(), cause))
    )
    return closing.inHand(told)
  }

  const goOn: Intake["goOn"] = (entity) =>
    Effect.andThen(
      entities.holding(entity, loading.reload),
      take(entity, { _tag: "Wake" }, (call, { live }) => {
        deliveries.answer(entity, call)
        return live.definition !== undefined
      })
    )

  const wake: Intake["wake"] = (id) =>
    Effect.suspend(() => {
      if (givenUp.isAbandoned(id)) return Effect.void
      const entity = entities.of(id)
      const woken = takeSurely(entity, { _tag: "Wake" })
      if (entity.live === undefined || entity.writer === process) return woken
      const looked = Effect.orElseSucceed(loading.refresh(entity), () => undefined)
      return Effect.flatMap(looked, (live) =>
        live !== undefined && timing.isTheirs(entity, live.call) ? Effect.void : woken)
    })

  return {
    post,
    take,
    takeSurely,
    wake,
    goOn
  }
}
