/**
 * The one way into a call. A message waits until those before it have been taken, and then:
 *
 *  1. it is found out whether it is for this call, if that is not sure;
 *  2. the call is brought into memory, if it is not there;
 *  3. the input is decided on, with the newest state; before it what the call is told because nobody looked after it;
 *  4. what was decided is appended, if it is anything;
 *  5. when that is durable the world sees it, and whoever posted the message is told.
 *
 * If another process was first, it begins anew from 2. What throws in the decision stops the call; what throws elsewhere on
 * the way ends that one message.
 */
import { Effect, Exit, Option, Result } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type * as Decider from "../../Decider.ts"
import { Busy, StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import { CallNotFound } from "../callNotFound.ts"
import { isLasting } from "../report.ts"
import * as Unforked from "../unforked.ts"
import * as CallLog from "./callLog.ts"
import type { Deciding } from "./deciding.ts"
import type { Deliveries } from "./deliveries.ts"
import type { Entities } from "./entities.ts"
import type { Entity } from "./entity.ts"
import type { GivenUp } from "./givenUp.ts"
import type { Loading } from "./loading.ts"
import { ignore, type Message, type Options, type Taken, Taking } from "./message.ts"
import type { Stopping } from "./stopping.ts"
import type { Storing } from "./storing.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"
import type { Timing } from "./timing.ts"
import type { Unattended } from "./unattended.ts"

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
  /** Looks at what time has brought to a call, behind what came in before. */
  readonly wake: (id: CallId) => Effect.Effect<void>
  /** Whether another process has appended to a call. */
  readonly isBehind: (entity: Entity) => Effect.Effect<boolean, StoreError>
  /** Brings a call that another process went on with up to date. */
  readonly refresh: (entity: Entity) => Effect.Effect<void, StoreError>
  /**
   * Goes on with a call as it is stored now, because another process has said that there is something new. `false` if its
   * flow is not registered here, be it over or not: then what others have decided answers the webhooks that wait for it.
   */
  readonly goOn: (entity: Entity) => Effect.Effect<boolean, StoreError | CallNotFound>
}

/** What the way in needs of the other parts. */
export interface Parts {
  readonly entities: Entities
  readonly deliveries: Deliveries
  readonly deciding: Deciding
  readonly timing: Timing
  readonly storing: Storing
  readonly loading: Loading
  readonly stopping: Stopping
  readonly unattended: Unattended
  readonly givenUp: GivenUp
}

/** At most so many times is a turn decided again because somebody else appended first. */
const maxConflicts = 20

const endless = ({ id }: Entity): StoreError =>
  new StoreError({ operation: "write", reason: new Busy({ problem: `Call ${id} is appended to without an end` }) })

/** Into the calls of an engine. */
export const make = (surroundings: Surroundings, parts: Parts): Intake => {
  const { closing, read, run, store, troubles } = surroundings
  const { deciding, deliveries, entities, givenUp, loading, stopping, storing, timing, unattended } = parts

  const post: Intake["post"] = <A>(held: Entity, message: Message<A>) => {
    const { trying } = entities.of(held.id)
    if (trying !== undefined && message.whileDown !== "again") return message.taken(Exit.fail(trying))
    entities.inTurn(held, (entity, done) => {
      const end = (exit: Taken<A>) => {
        try {
          message.taken(exit)
        } finally {
          done()
        }
      }
      attempt(entity, message, (exit) => {
        const error = Option.getOrUndefined(Exit.findErrorOption(exit))
        const mayPass = error?._tag === "StoreError" && !isLasting(error)
        if (mayPass && message.whileDown === "again") tryAgain(entity, message, error, end)
        else end(exit)
      })
    })
  }

  const attempt = <A>(entity: Entity, message: Message<A>, ended: (exit: Taken<A>) => void): void => {
    const taking = new Taking(entity, message, ended)
    taking.step(() => {
      const route = message.route?.(entity)
      if (route === undefined) return turn(taking)
      after(taking, route, (found) => {
        if ("instead" in found) return taking.end(Exit.succeed(found.instead))
        taking.isNew = found.isNew
        turn(taking)
      })
    })
  }

  /** The store is down, and is tried until it is not. */
  const tryAgain = <A>(entity: Entity, message: Message<A>, error: StoreError, end: (exit: Taken<A>) => void): void => {
    entity.trying = error
    const once = Effect.callback<A, StoreError | CallNotFound>((resume) => attempt(entity, message, resume))
    const tried = troubles.store.goOnTrying(Effect.uninterruptible(once), error)
    run(Effect.onExitPrimitive(tried, (exit) => {
      entity.trying = undefined
      end(exit)
      return undefined
    }))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // One turn
  // -------------------------------------------------------------------------------------------------------------------

  const turn = <A>(taking: Taking<A>): void => {
    const { entity } = taking
    if (taking.conflicts > maxConflicts) return taking.end(Exit.fail(endless(entity)))
    const isInNoStore = taking.isNew && taking.conflicts === 0
    if (entity.live !== undefined || isInNoStore) return decide(taking, entity.live)
    after(taking, loading.loaded(entity), (live) => decide(taking, live))
  }

  const decide = <A>(taking: Taking<A>, known: LiveCall.LiveCall | undefined): void => {
    const { entity, message } = taking
    const live = known ?? message.fresh?.()
    if (live === undefined) return taking.end(Exit.fail(new CallNotFound({ callId: entity.id })))
    const { found: stored } = entity
    entity.found = undefined
    // It was stored when its append failed, and what follows from it has happened.
    if (stored !== undefined && stored.message === message) {
      return taking.end(Exit.succeed(message.look(live.call, stored.decided)))
    }
    const reading = read()
    taking.first = unattended.firstOf(entity.id)
    const found = deciding.attempt(entity, live, () => inputOf(taking, live, reading), reading)
    if (Result.isFailure(found)) return giveUpOn(taking, live, found.failure)
    const decided = found.success
    if (decided.events.length === 0) return unchanged(taking, decided)
    const own = taking.first === undefined ? message : undefined
    storing.append(
      entity,
      decided,
      reading.elapsed,
      (exit) => taking.step(() => appended(taking, live, decided, exit)),
      own
    )
  }

  /** What is said to the call: before anything else, what it is told because nobody looked after it. */
  const inputOf = <A>(
    { entity, first, message: { input } }: Taking<A>,
    live: LiveCall.LiveCall,
    reading: Reading
  ): CallInput.CallInput => {
    if (first !== undefined) return first(live, entity)
    return typeof input === "function" ? input(live, reading) : input
  }

  const appended = <A>(
    taking: Taking<A>,
    live: LiveCall.LiveCall,
    decided: Decider.Decided,
    exit: Exit.Exit<boolean, StoreError>
  ): void => {
    if (Exit.isSuccess(exit)) return exit.value ? conclude(taking, decided) : again(taking)
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    const isTold = taking.first === undefined && taking.message.canBeRefused === true
    if (error === undefined || !isLasting(error) || isTold) return taking.end(Exit.failCause(exit.cause))
    giveUpOn(taking, live, error)
  }

  /** Nothing is to be stored. Where others share the store, they may have gone on with the call. */
  const unchanged = <A>(taking: Taking<A>, decided: Decider.Decided): void => {
    const { entity, first, message } = taking
    const asks = first === undefined ? message.asks === true : store.processes !== undefined
    if (!asks) return newest(taking, decided)
    const asked = isBehind(entity)
    const mustAsk = message.mustAsk?.() === true
    after(taking, mustAsk ? asked : Effect.orElseSucceed(asked, () => false), (wentOn) => {
      if (!wentOn) return newest(taking, decided)
      entity.live = undefined
      again(taking)
    })
  }

  const newest = <A>(taking: Taking<A>, decided: Decider.Decided): void => {
    timing.rest(taking.entity, decided.live)
    conclude(taking, decided)
  }

  /** Decides anew, with the newest state: somebody else has appended, or the call was stopped. */
  const again = <A>(taking: Taking<A>): void => {
    taking.conflicts++
    turn(taking)
  }

  /** The decision stands: it is durable, or nothing was to be stored. */
  const conclude = <A>(taking: Taking<A>, decided: Decider.Decided): void => {
    const { entity, first, message } = taking
    if (first === undefined) return taking.end(Exit.succeed(message.look(decided.live.call, decided)))
    unattended.told(entity.id, first)
    taking.conflicts = 0
    turn(taking)
  }

  /** The decision threw, or its turn is refused for good: the call is stopped, and then told what it was to be told. */
  const giveUpOn = <A>(taking: Taking<A>, live: LiveCall.LiveCall, problem: unknown): void => {
    const { entity, first, message } = taking
    const isOfTime = first !== undefined || (typeof message.input !== "function" && message.input._tag === "Wake")
    // What only came in is left out of a call that has its outcome. What time brings is asked again and again.
    const isLeftOut = live.call.exit !== undefined && !isOfTime
    const done = isLeftOut ? stopping.leaveOut(entity, problem) : stopping.stop(entity, live, problem)
    after(taking, done, () => again(taking))
  }

  /** Goes on with a message when an effect is done, unless that fails. */
  const after = <A, B>(taking: Taking<A>, effect: Effect.Effect<B, StoreError>, then: (value: B) => void): void =>
    Unforked.begin(
      effect,
      run,
      (exit) => taking.step(() => Exit.isSuccess(exit) ? then(exit.value) : taking.end(Exit.failCause(exit.cause)))
    )

  // -------------------------------------------------------------------------------------------------------------------
  // For whom
  // -------------------------------------------------------------------------------------------------------------------

  const take: Intake["take"] = (held, input, look, options = {}) =>
    Effect.uninterruptible(Effect.callback((taken) => post(held, { ...options, input, look, taken })))

  const takeSurely: Intake["takeSurely"] = (entity, input) => {
    const words = () => `Call ${entity.id} cannot take ${typeof input === "function" ? "what came" : input._tag}`
    const told = take(entity, input, ignore, { whileDown: "again" }).pipe(
      Effect.catch((error) =>
        givenUp.isAbandoned(entity.id)
          ? Effect.void
          : CallLog.about(entity, Effect.logError(`${words()}: ${error.message}`))
      ),
      Effect.catchCause((cause) => CallLog.lost(entity, words(), cause))
    )
    return closing.inHand(told)
  }

  const isBehind: Intake["isBehind"] = (entity) =>
    Effect.map(
      store.summary(entity.id),
      (found) => Option.isSome(Option.filter(found, ({ version }) => version > entity.version))
    )

  const refresh = (held: Entity): Effect.Effect<void, StoreError> =>
    entities.holding(
      held,
      Effect.fnUntraced(function*(entity) {
        if (!(yield* isBehind(entity))) return
        const live = yield* loading.reload(entity)
        if (live !== undefined) timing.rest(entity, live)
      })
    )

  const goOn: Intake["goOn"] = (entity) =>
    Effect.andThen(
      entities.holding(entity, loading.reload),
      take(entity, { _tag: "Wake" }, (call, { live }) => {
        deliveries.answer(entity, call)
        return live.definition !== undefined
      })
    )

  return {
    post,
    take,
    takeSurely,
    wake: (id) =>
      Effect.suspend(() => givenUp.isAbandoned(id) ? Effect.void : takeSurely(entities.of(id), { _tag: "Wake" })),
    isBehind,
    refresh,
    goOn
  }
}
