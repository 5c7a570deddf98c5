/**
 * How a call takes a message that has its turn: from what is known of the call to what is durable. What throws in the decision
 * stops the call; what throws elsewhere on the way ends that one message.
 */
import { Cause, Effect, Exit, Option, Result } from "effect"
import { CallNotFound } from "../../CallError.ts"
import type * as CallInput from "../../CallInput.ts"
import type * as Decider from "../../Decider.ts"
import { Busy, StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import type { Run } from "../background.ts"
import { isLasting } from "../report.ts"
import * as Unforked from "../unforked.ts"
import type { Deciding } from "./deciding.ts"
import { type Entity, passed } from "./entity.ts"
import type { Hearsay } from "./hearsay.ts"
import type { Lease } from "./lease.ts"
import type { Loading } from "./loading.ts"
import type { Message, Taken } from "./message.ts"
import type { Stopping } from "./stopping.ts"
import type { Storing } from "./storing.ts"
import type { Surroundings } from "./surroundings.ts"
import type { Reading } from "./time.ts"
import type { Timing } from "./timing.ts"
import type { First, Unattended } from "./unattended.ts"

/** Has a call take a message, once, and tells what became of it. For whoever has the call's turn. */
export type Take = <A>(entity: Entity, message: Message<A>, ended: (exit: Taken<A>) => void) => void

/** What taking needs of the other parts. */
export interface Parts {
  readonly deciding: Deciding
  readonly timing: Timing
  readonly storing: Storing
  readonly loading: Loading
  readonly stopping: Stopping
  readonly unattended: Unattended
  readonly hearsay: Hearsay
}

/** A message that is being taken. It ends once, whatever throws on its way. */
class Taking<A> {
  readonly entity: Entity
  readonly message: Message<A>
  /** Nothing is stored of the call. */
  isNew: boolean
  /** How many times in a row somebody else was first. */
  conflicts = 0
  /** What the call is told now in the place of the input, because nobody looked after it. */
  first: First | undefined
  private readonly ended: (exit: Taken<A>) => void
  private isOver = false
  constructor(entity: Entity, message: Message<A>, ended: (exit: Taken<A>) => void) {
    this.entity = entity
    this.message = message
    this.isNew = message.isNew === true
    this.ended = ended
  }

  isInNoStore(): boolean {
    return this.isNew && this.conflicts === 0
  }

  /** Takes the next step. What throws there ends it. */
  step(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      if (this.isOver) throw thrown
      this.end(Exit.die(thrown))
    }
  }

  /** Goes on when an effect is done, unless that fails. */
  after<B>(effect: Effect.Effect<B, StoreError | CallNotFound>, run: Run, then: (value: B) => void): void {
    Unforked.begin(
      effect,
      run,
      (exit) => this.step(() => Exit.isSuccess(exit) ? then(exit.value) : this.end(Exit.failCause(exit.cause)))
    )
  }

  end(exit: Taken<A>): void {
    this.isOver = true
    this.ended(exit)
  }
}

/** At most so many times is a turn decided again because somebody else appended first. */
const maxConflicts = 20

const endless = ({ id }: Entity): StoreError =>
  new StoreError({ operation: "write", reason: new Busy({ problem: `Call ${id} is appended to without an end` }) })

/** What is said to the call: before anything else, what it is told because nobody looked after it. */
const inputOf = <A>(
  { entity, first, message: { input } }: Taking<A>,
  live: LiveCall.LiveCall,
  reading: Reading
): CallInput.CallInput => {
  if (first !== undefined) return first(live, entity)
  return typeof input === "function" ? input(live, reading) : input
}

/** Whether time brings what is said to the call: nobody else brings it again. */
const isOfTime = <A>({ first, message: { input } }: Taking<A>): boolean =>
  first !== undefined || (typeof input !== "function" && input._tag === "Wake")

/** Whether a message surely begins a call of which nothing is stored. */
const begins = <A>({ conflicts, isNew, message }: Taking<A>): boolean =>
  conflicts === 0 && message.fresh !== undefined && (message.route === undefined || isNew)

/** Somebody else has gone on with the call, which has to be read again. */
const outdated = <A>(taking: Taking<A>): Taking<A> => {
  passed(taking.entity)
  return taking
}

/** Forgets a call that others may have gone on with since the lease of this process was over last, or is: then each time. */
const upToDate = (entity: Entity, lease: Lease, hearsay: Hearsay): Entity => {
  const lapses = lease.lapses()
  if (entity.lapses !== lapses || lease.isOver()) {
    entity.live = undefined
    hearsay.forget(entity.id)
  }
  entity.lapses = lapses
  return entity
}

/** Why a turn is refused for good, unless whoever asks has brought it and is told that. */
const refusalOf = <A>(
  { first, message: { brings } }: Taking<A>,
  { events }: Decider.Decided,
  cause: Cause.Cause<StoreError>
): StoreError | undefined => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  const isTold = first === undefined && events.some(({ _tag }) => _tag === brings)
  return error !== undefined && isLasting(error) && !isTold ? error : undefined
}

/** By the calls of an engine. */
export const make = (surroundings: Surroundings, parts: Parts): Take => {
  const { lease, read, run, store } = surroundings
  const { deciding, hearsay, loading, stopping, storing, timing, unattended } = parts

  /** Whose it is, if that is not sure, and then its turn. */
  const begin = <A>(taking: Taking<A>): void =>
    taking.step(() => {
      taking.entity.isRead = false
      const route = taking.message.route?.(taking.entity)
      if (route === undefined) return turn(taking)
      taking.after(route, run, (found) => {
        if ("instead" in found) return taking.end(Exit.succeed(found.instead))
        taking.isNew = found.isNew
        turn(taking)
      })
    })

  const turn = <A>(taking: Taking<A>): void => {
    const entity = upToDate(taking.entity, lease, hearsay)
    if (taking.conflicts > maxConflicts) return taking.end(Exit.fail(endless(entity)))
    if (loading.isCurrent(entity) || taking.isInNoStore()) return decide(taking, entity.live)
    taking.after(loading.loaded(entity), run, (live) => live === undefined ? beginAnew(taking) : decide(taking, live))
  }

  /** Nothing is stored of the call. After a conflict, or if the message does not begin it, it may have been pruned. */
  const beginAnew = <A>(taking: Taking<A>): void =>
    begins(taking)
      ? decide(taking, undefined)
      : taking.after(loading.notPruned(taking.entity.id), run, () => decide(taking, undefined))

  const decide = <A>(taking: Taking<A>, known: LiveCall.LiveCall | undefined): void => {
    const { entity, message } = taking
    const live = known ?? message.fresh?.()
    if (live === undefined) return taking.end(Exit.fail(new CallNotFound({ callId: entity.id })))
    const { found } = entity
    entity.found = undefined
    // It was stored when its append failed, and what follows from it has happened.
    if (found?.message === message) return taking.end(Exit.succeed(message.look(live.call, found.decided)))
    decideOn(taking, live)
  }

  const decideOn = <A>(taking: Taking<A>, live: LiveCall.LiveCall): void => {
    const { entity, message } = taking
    const reading = read()
    taking.first = unattended.firstOf(entity.id)
    const found = deciding.attempt(entity, live, () => inputOf(taking, live, reading), reading)
    if (Result.isFailure(found)) return giveUpOn(taking, live, found.failure)
    const decided = found.success
    if (decided.events.length === 0) return unchanged(taking, decided)
    const told = (exit: Exit.Exit<boolean, StoreError>) => taking.step(() => appended(taking, live, decided, exit))
    storing.append(entity, decided, reading.elapsed, told, taking.first === undefined ? message : undefined)
  }

  const appended = <A>(
    taking: Taking<A>,
    live: LiveCall.LiveCall,
    decided: Decider.Decided,
    exit: Exit.Exit<boolean, StoreError>
  ): void => {
    if (Exit.isSuccess(exit)) return exit.value ? conclude(taking, decided) : again(taking)
    const refusal = refusalOf(taking, decided, exit.cause)
    if (refusal === undefined) return taking.end(Exit.failCause(exit.cause))
    giveUpOn(taking, live, refusal)
  }

  /** Nothing is to be stored. Where others share the store, they may have gone on with the call. */
  const unchanged = <A>(taking: Taking<A>, decided: Decider.Decided): void => {
    const { entity, first, message } = taking
    const goOn = (isBehind: boolean): void => {
      if (isBehind) return again(outdated(taking))
      timing.rest(entity, decided.live)
      conclude(taking, decided)
    }
    const asks = first === undefined ? message.asks === true : store.processes !== undefined
    if (!asks) return goOn(false)
    const asked = loading.isBehind(entity)
    taking.after(message.mustAsk?.() === true ? asked : Effect.orElseSucceed(asked, () => false), run, goOn)
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
  const giveUpOn = <A>(taking: Taking<A>, live: LiveCall.LiveCall, problem: unknown): void =>
    taking.after(stopping.stop(taking.entity, live, problem, isOfTime(taking)), run, () => again(taking))

  return (entity, message, ended) => begin(new Taking(entity, message, ended))
}
