/**
 * The webhooks of an engine. Each is put behind those that came before it for the same call, recorded as soon as the store
 * allows, and answered when that is durable; or before, with a hold, if the store is late and somebody waits on the line.
 */
import { Cause, Deferred, Effect, Exit, Fiber, Metric, Option, Result } from "effect"
import * as Action from "../Action.ts"
import * as Call from "../Call.ts"
import type { CallId } from "../CallEvent.ts"
import { StoreError } from "../EventStore.ts"
import * as Webhook from "../Webhook.ts"
import type { Received } from "./callCopies.ts"
import * as CallLog from "./callLog.ts"
import type { CallNotFound } from "./callNotFound.ts"
import { isOfSession } from "./callState.ts"
import * as table from "./callTable.ts"
import { type Answer, answer, type Cell, countHold, isAnswered, Letter, type Reply, reportOver } from "./cell.ts"
import type * as Cells from "./cells.ts"
import * as Closing from "./closing.ts"
import * as Defect from "./defect.ts"
import * as Gathered from "./gathered.ts"
import * as ids from "./ids.ts"
import * as Lateness from "./lateness.ts"
import { Report } from "./report.ts"
import type { Reading } from "./time.ts"

/** How calls come in. */
export interface Options {
  readonly answering: (number: string) => Call.AnyDefinition | undefined
  readonly refusal: Action.Action
}

/** Counts the fields of webhooks that were left out because they are out of bounds. */
export const fieldsLeftOut = Metric.counter("ringback_webhook_fields_left_out", {
  description: "Fields of webhooks that were left out because they are too large, or are no such thing",
  incremental: true
})

/** A reply of which nothing has to be known. */
const unfollowed = (action: Action.Action | undefined): Reply => ({
  action,
  sent: () => Effect.void,
  sentUnsafe: () => undefined
})
const silent = unfollowed(undefined)
const isIncoming = (webhook: Webhook.Webhook): boolean => Webhook.kind(webhook) === "IncomingCall"
const unclaimed = Exit.succeed(silent)
const hangup = unfollowed(Action.hangup)

/** What the decision about a webhook led to: the reply, or what it waits for. */
interface Decided {
  readonly line: number
  readonly reply: table.Reply
  readonly isNew: boolean
  readonly isCopy: boolean
  readonly waiter: Deferred.Deferred<table.Reply> | undefined
}

/** Takes webhooks in. */
export const make = Effect.fnUntraced(function*(engine: Cells.Engine, cells: Cells.Cells, options: Options) {
  const { closing, elapsed, namespace, run, settings, store } = engine
  const context = yield* Effect.context<never>()
  const ours = new RegExp(
    `^${namespace.replaceAll(/[^0-9a-zA-Z]/g, "\\$&")}\\.([0-9a-z]{20})\\.([0-9]+)(?:\\.[0-9]+)?$`
  )
  const late = new Set<Letter>()
  const lateness = new Report({
    fails: "Webhooks wait for the store, and whoever is on the line hears a hold",
    over: "Webhooks wait for the store no more"
  }, elapsed)
  let stamps = 0
  let waiting = 0

  // -------------------------------------------------------------------------------------------------------------------
  // In
  // -------------------------------------------------------------------------------------------------------------------

  /** The place of a webhook among all webhooks and replies, and when it came. */
  interface Arrival {
    readonly arrival: number
    readonly since: number
  }

  const receive = (reported: Webhook.Webhook, resume: Answer): void => {
    const bounded = Webhook.bounded(reported)
    if (Result.isFailure(bounded)) return resume(Exit.fail(bounded.failure))
    const webhook = bounded.success
    if (webhook.leftOut !== undefined) fieldsLeftOut.updateUnsafe(webhook.leftOut, context)
    enter(webhook, resume)
  }

  /** Looks where a webhook belongs. */
  const enter = (webhook: Webhook.Webhook, resume: Answer): void => {
    const arrival: Arrival = { arrival: ++stamps, since: elapsed() }
    const id = cells.bySession(webhook.referenceId) ??
      (isIncoming(webhook) ? incoming(webhook) : attemptOf(webhook)?.call)
    if (id !== undefined) accept(webhook, id, arrival, resume)
    else run(search(webhook, arrival, resume))
  }

  /** The call that a caller begins, if there is a flow at the number that was called. */
  const incoming = (webhook: Webhook.Webhook): CallId | undefined =>
    answering(webhook) === "nobody" ? undefined : ids.namedCallId("incoming", webhook.referenceId)

  const refusal = Exit.succeed(unfollowed(options.refusal))

  /** The call and the attempt that the `external_id` of an event names, if it is one of ours. */
  const attemptOf = ({ externalId }: Webhook.Webhook): { readonly call: CallId; readonly line: number } | undefined => {
    const matched = externalId === undefined ? null : ours.exec(externalId)
    return matched === null ? undefined : { call: matched[1] as CallId, line: Number(matched[2]) }
  }

  /** The line of a call that an event belongs to: by its session if that is known, else by the attempt that it names. */
  const lineOf = (call: Call.Call, webhook: Webhook.Webhook): Call.CallLine | undefined => {
    const ofSession = call.lines.findLast((line) => isOfSession(line, webhook.referenceId))
    if (ofSession !== undefined) return ofSession
    const attempt = attemptOf(webhook)
    return call.lines.find((line) => line.id === attempt?.line && line.externalId !== undefined)
  }

  /** Puts a webhook behind the others of its call, and takes care of the answer, unless it has one. */
  const accept = (
    webhook: Webhook.Webhook,
    id: CallId,
    { arrival, since }: Arrival,
    resume: Answer | undefined
  ): void => {
    if (waiting >= settings.maxWaiting) return turnAway(resume)
    const cell = cells.of(id)
    if (closing.isOver()) return resume?.(parting(cell, webhook))
    const letter = new Letter(cell, webhook, arrival, since, resume)
    if (isIncoming(webhook)) cells.expect(webhook.referenceId, id)
    if (Webhook.kind(webhook) === "CallCompleted") reportOver(cell, webhook.referenceId)
    watch(letter.watched)
    waiting++
    closing.begin()
    cells.post(cell, asMessage(cell, letter))
  }

  const tooMany = new StoreError({
    operation: "write",
    problem: `${settings.maxWaiting} webhooks wait for it already, so this one was not taken`
  })

  const turnAway = (resume: Answer | undefined): void => {
    run(refusals.failed(tooMany.message))
    resume?.(Exit.fail(tooMany))
  }

  const answering = (webhook: Webhook.Webhook): Call.AnyDefinition | "nobody" =>
    (webhook.to === undefined ? undefined : options.answering(webhook.to)) ?? "nobody"

  /** Looks for the call of a session that is not in memory. An incoming call that nobody has and nobody takes is refused. */
  const search = (webhook: Webhook.Webhook, arrival: Arrival, resume: Answer): Effect.Effect<void> => {
    const searching = Effect.timeoutOrElse(store.find(webhook.referenceId), {
      duration: settings.replyDeadline,
      orElse: () => Effect.fail(new StoreError({ operation: "read", problem: "It did not answer in time" }))
    })
    const found = (exit: Exit.Exit<Option.Option<CallId>, StoreError>) => {
      if (Exit.isSuccess(exit) && Option.isSome(exit.value)) {
        return void accept(webhook, exit.value.value, arrival, resume)
      }
      if (isIncoming(webhook)) return void resume(refusal)
      if (Exit.isFailure(exit)) {
        resume(Exit.hasInterrupts(exit) ? closed : Exit.failCause(exit.cause))
        return Exit.hasInterrupts(exit) ? undefined : refusals.failed(Defect.message(Cause.squash(exit.cause)))
      }
      resume(unclaimed)
      return Effect.logDebug(`An event ${Webhook.shown(webhook)} belongs to no call of this installation`)
    }
    return Effect.ignore(Effect.onExitPrimitive(searching, found))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Recorded
  // -------------------------------------------------------------------------------------------------------------------

  type Recorded = Decided | { readonly owner: CallId } | undefined

  /** A letter to its call. It may be answered later, when the flow has decided. */
  const asMessage = (cell: Cell, letter: Letter): Cells.Message<Recorded> => {
    const { webhook } = letter
    const definition = isIncoming(webhook) ? answering(webhook) : "nobody"
    let begins: Call.Input | undefined
    let line: number | undefined
    return {
      route: (cell) => {
        const owner = cells.ownerOf(webhook.referenceId)
        if (owner === cell.id) return undefined
        return Effect.map(ownerOf(cell, letter), (owner) => {
          if (owner !== undefined && owner !== cell.id) return { instead: { owner } }
          const isNew = owner === undefined && definition !== "nobody"
          begins = isNew ? { _tag: "Arrive", flow: definition.name, version: definition.version, webhook } : undefined
          return { isNew }
        })
      },
      input: ({ call }, reading) => {
        if (begins !== undefined) {
          line = 1
          return begins
        }
        line = lineOf(call, webhook)?.id
        return line === undefined
          ? { _tag: "Wake" }
          : { _tag: "Webhook", line, received: received(cell, line, letter, reading) }
      },
      ...(definition === "nobody" ? {} : { fresh: () => Call.prepare(cell.id, definition, {}) }),
      asks: true,
      mustAsk: () => line === undefined, // another process may have made it
      whileDown: "again",
      look: (call, decided) => {
        if (line === undefined) return undefined
        const looked = decide(cell, letter, line, call, decided)
        return begins === undefined ? looked : { ...looked, isCopy: false }
      },
      taken: (exit) => taken(cell, letter, exit)
    }
  }

  /** A letter is recorded, or never will be. */
  const taken = (cell: Cell, letter: Letter, exit: Cells.Taken<Recorded>): void => {
    settle(letter)
    if (Exit.isFailure(exit)) return untaken(letter, exit.cause)
    if (refusals.isBegun) run(refusals.over())
    if (exit.value === undefined) lostCall(letter)
    else if ("owner" in exit.value) forward(letter, exit.value.owner)
    else reply(cell, letter, exit.value)
  }

  const untaken = (letter: Letter, cause: Cause.Cause<StoreError | CallNotFound>): void => {
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    if (closing.isOver()) partWith(letter)
    else if (error?._tag === "CallNotFound") lostCall(letter)
    else refuse(letter, error, cause)
  }

  /**
   * Answers a letter that is not recorded, now or later. Nobody could steer its line, so whoever is on it is hung up on
   * rather than left in silence.
   */
  const refuse = (letter: Letter, error: StoreError | undefined, cause: Cause.Cause<unknown>): void => {
    const { cell, webhook } = letter
    const words = error?.message ?? Defect.message(Cause.squash(cause))
    run(CallLog.about(cell, refusals.failed(words)))
    if (error !== undefined && error.permanent !== true) return void answer(letter, Exit.fail(error))
    if (error === undefined) run(CallLog.died(cell, "A webhook could not be taken", Cause.squash(cause)))
    const kind = Webhook.kind(webhook)
    const isNobody = kind === "CallCompleted" || kind === "Unknown" || isReportedOver(cell, webhook)
    answer(letter, Exit.succeed(isNobody ? silent : hangup))
  }

  /** Whether the carrier has said that nobody is on the line any more. */
  const isReportedOver = (cell: Cell, webhook: Webhook.Webhook): boolean => {
    const known = cell.live?.call ?? cell.known
    const line = known === undefined ? undefined : lineOf(known, webhook)
    const isEnded = line?.closedBy === "ended" || line?.closedBy === "settled"
    return (isEnded && isOfSession(line, webhook.referenceId)) || cell.reportedOver.has(webhook.referenceId)
  }

  const refusals = new Report({
    fails: "Webhooks cannot be recorded",
    over: "Webhooks are recorded again"
  }, elapsed)

  /** A letter waits no longer. */
  const settle = (letter: Letter): void => {
    letter.isSettled = true
    if (isIncoming(letter.webhook)) cells.expectNoMore(letter.webhook.referenceId, letter.cell.id)
    waiting--
    closing.end()
    if (late.delete(letter) && late.size === 0) run(lateness.over())
  }

  const closed = Exit.fail(Closing.closed)

  /** The call that has the session of a letter. Not the one that it names, or would begin, if another had it before. */
  const ownerOf = (cell: Cell, { webhook }: Letter): Effect.Effect<CallId | undefined, StoreError> => {
    const inMemory = Effect.sync(() => cells.ownerOf(webhook.referenceId))
    const known = isIncoming(webhook) || cell.live !== undefined
      ? inMemory
      : Effect.andThen(cells.loaded(cell), inMemory)
    return Effect.flatMap(
      known,
      (owner) =>
        owner === undefined ? Effect.map(store.find(webhook.referenceId), Option.getOrUndefined) : Effect.succeed(owner)
    )
  }

  /** Gives a letter to the call that it belongs to, behind what came in there. */
  const forward = (letter: Letter, owner: CallId): void => {
    const { answer } = letter
    letter.answer = letter.watched.item = undefined
    accept(letter.webhook, owner, letter, answer)
  }

  /** Answers a letter that is recorded, as soon as its flow has decided. */
  const reply = (cell: Cell, letter: Letter, decided: Decided): void => {
    if (decided.waiter === undefined) give(cell, letter, decided, decided.reply)
    else run(closing.inHand(awaitFlow(cell, letter, decided, decided.waiter)))
  }

  const received = (cell: Cell, line: number, letter: Letter, { elapsed, now }: Reading): Received => {
    const { afterHold, arrival, since, webhook } = letter
    const delivery = cell.deliveries.get(line)
    return {
      webhook,
      receivedAt: now + cell.ahead - (elapsed - since),
      before: delivery !== undefined && (delivery.written === undefined || arrival < delivery.written),
      copies: delivery?.copies ?? 0,
      // A hold takes no digits. Another process that went on with the line knows of no hold, and gave its reply.
      unsent: afterHold && (webhook.digits ?? "") === "" && delivery?.isOurs === true
    }
  }

  const decide = (cell: Cell, letter: Letter, line: number, call: Call.Call, decided: Call.Decided): Decided => {
    const reply = Call.reply(call, line, decided.answer, settings)
    const delivery = cell.deliveries.get(line)
    const isNew = decided.events.length > 0
    const isCopy = !isNew && reply._tag === "Act" && delivery?.written !== undefined &&
      letter.arrival > delivery.written
    const waits = reply._tag === "Wait" && !isAnswered(letter)
    return { line, reply, isNew, isCopy, waiter: waits ? waitForReply(cell, line) : undefined }
  }

  /**
   * An event that carries our namespace but belongs to no dial that is stored: a store was lost, or is a copy of an earlier
   * day. Nobody may be left on it.
   */
  const lostCall = (letter: Letter): void => {
    const isOver = Webhook.kind(letter.webhook) === "CallCompleted"
    answer(letter, Exit.succeed(isOver ? silent : hangup))
    if (!isOver) tellLost(Webhook.shown(letter.webhook))
    if (attemptOf(letter.webhook) !== undefined) engine.restore.suspect()
  }

  const tellLost = Gathered.make<string>(run, (names, count) =>
    Effect.logWarning(
      `${
        count === 1 ? "An event names a dial" : `${count} events name dials`
      } of this installation that the store does ` +
        `not know (${[...new Set(names)].join(", ")}): whoever is on the line is hung up on`
    ))

  // -------------------------------------------------------------------------------------------------------------------
  // Answered
  // -------------------------------------------------------------------------------------------------------------------

  const waitForReply = (cell: Cell, line: number): Deferred.Deferred<table.Reply> => {
    const waiter = Deferred.makeUnsafe<table.Reply>()
    const waiting = cell.waiters.get(line)
    if (waiting === undefined) cell.waiters.set(line, new Set([waiter]))
    else waiting.add(waiter)
    return waiter
  }

  /** Answers on a line that waits for its flow: when the flow has decided, else with a hold at the reply deadline. */
  const awaitFlow = Effect.fnUntraced(
    function*(cell: Cell, letter: Letter, decided: Decided, waiter: Deferred.Deferred<table.Reply>) {
      const { line } = decided
      const left = Math.max(0, letter.since + settings.replyDeadline - elapsed())
      const held = Effect.andThen(Effect.sleep(left), Effect.suspend(() => holdLine(cell, letter, line)))
      const reply = yield* Effect.ensuring(
        Effect.raceFirst(Deferred.await(waiter), held),
        Effect.sync(() => cell.waiters.get(line)?.delete(waiter))
      )
      give(cell, letter, decided, reply)
    },
    (effect, _, letter) => Effect.onInterrupt(effect, () => Effect.sync(() => partWith(letter)))
  )

  /** A hold that is recorded, like any action; one that is not, if the store is late again. */
  const holdLine = Effect.fnUntraced(function*(cell: Cell, letter: Letter, line: number) {
    const due = (): Call.Input => isAnswered(letter) ? { _tag: "Wake" } : { _tag: "ReplyDue", line }
    const reading = (call: Call.Call) => Call.reply(call, line, "line", settings)
    const holding = run(cells.take(cell, due, reading, { whileDown: "again" }))
    const watched = Effect.timeoutOption(Fiber.join(holding), settings.lateReply - settings.replyDeadline)
    const reply = yield* Effect.result(watched)
    if (reply._tag === "Success" && Option.isSome(reply.success)) return reply.success.value
    answerLate(letter)
    return { _tag: "Nothing" } as const
  })

  /** Gives a letter its reply, unless a hold has gone out already. */
  const give = (cell: Cell, letter: Letter, { isCopy, isNew, line }: Decided, reply: table.Reply): void => {
    const isFirst = answer(letter, Exit.succeed(toReply(cell, letter, line, reply, isCopy)))
    if (!isFirst || reply._tag !== "Act") return
    const delivery = cell.deliveries.get(line)
    if (isCopy && delivery !== undefined) delivery.copies++
    if (isNew || Webhook.kind(letter.webhook) === "PromptCompleted") {
      cell.unrecordedHolds.delete(letter.webhook.referenceId)
    }
  }

  const toReply = (cell: Cell, { since }: Letter, line: number, reply: table.Reply, isCopy: boolean): Reply => {
    if (reply._tag !== "Act") return silent
    const delivery = cell.deliveries.get(line)
    /** Takes down what became of it. If that has to be recorded, gives how. */
    const told = (whole: boolean): Effect.Effect<void> | undefined => {
      if (delivery !== undefined) {
        delivery.written = ++stamps
        if (isCopy && !whole) delivery.copies-- // nobody has heard this one: the next is a copy as much as it was
      }
      const surely = whole && elapsed() - since <= settings.lateReply
      return surely || reply.n < 0 ? undefined : cells.takeSurely(cell, { _tag: "ReplyBroke", line, n: reply.n })
    }
    return {
      action: reply.action,
      sent: (whole) => Effect.suspend(() => told(whole) ?? Effect.void),
      sentUnsafe: (whole) => {
        const recording = told(whole)
        if (recording !== undefined) run(recording)
      }
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Answered before it is recorded
  // -------------------------------------------------------------------------------------------------------------------

  /**
   * The store is late with a letter, which stays where it is and is recorded when the store can. Meanwhile whoever waits on
   * the line gets a hold that nobody records, for it decides nothing: what it is given next, and what is made of its end,
   * is decided from the log alone. After a few holds in a row the line is hung up, rather than held for ever.
   */
  const answerLate = (letter: Letter): void => {
    const reply = unrecorded(letter.cell, letter.webhook)
    if (reply === undefined) watchOn(new Lateness.Watched(letter.since, letter))
    else answer(letter, Exit.succeed(reply))
  }

  /** What may be said without a record, if anything. */
  const unrecorded = (cell: Cell, webhook: Webhook.Webhook): Reply | undefined => {
    const known = cell.live?.call ?? cell.known
    const isOver = cell.reportedOver.has(webhook.referenceId)
    const line = known === undefined ? undefined : lineOf(known, webhook)
    const allowed = isOver ? "nothing" : table.unrecorded(line, webhook)
    const holds = cell.unrecordedHolds.get(webhook.referenceId) ?? 0
    if (allowed === "nothing") return undefined
    if (allowed === "hangup" || holds >= settings.maxUnrecordedHolds) return hangup
    countHold(cell, webhook.referenceId)
    return unfollowed(Action.prompt(settings.hold))
  }

  /**
   * The answer of an engine that records nothing any more. A hold helps whose line is in the log: its end tells the next
   * process that somebody waits. Whoever is not in the log had better be asked for again.
   */
  const parting = (cell: Cell, webhook: Webhook.Webhook): Exit.Exit<Reply, StoreError> => {
    const reply = (cell.live?.call ?? cell.known) === undefined ? undefined : unrecorded(cell, webhook)
    return reply === undefined ? closed : Exit.succeed(reply)
  }

  const partWith = (letter: Letter): void => {
    if (!isAnswered(letter)) answer(letter, parting(letter.cell, letter.webhook))
  }

  const notInTime = Exit.fail(
    new StoreError({ operation: "write", problem: "It is late; the event is recorded as soon as it can be" })
  )

  const watch = yield* Lateness.make<Letter>(
    elapsed,
    settings.replyDeadline,
    (letter) =>
      Effect.sync(() => {
        if (letter.isSettled) return // it waits for the flow
        late.add(letter)
        answerLate(letter)
        run(lateness.failed(`${late.size} of them are late`))
      })
  )
  const watchOn = yield* Lateness.make<Letter>(
    elapsed,
    settings.storePatience,
    (letter) => Effect.sync(() => void answer(letter, notInTime))
  )

  return {
    receive,
    /** Whether the store is so late that what can wait had better not be asked of it. */
    isLate: () => late.size > 0,
    /** How many webhooks are not recorded. */
    waiting: () => waiting
  }
})
