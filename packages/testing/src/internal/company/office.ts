/** The work of a company: phones ring, lines live by the clock, webhooks go out and replies are carried out. */
import { type Action, PhoneNumber, Transport } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Latch, PubSub, Random, Scope } from "effect"
import * as Callee from "../../Callee.ts"
import { type Entry, type Ring, UnreadableReply } from "../../CompanyRecord.ts"
import * as PhoneLine from "../../PhoneLine.ts"

/** Who answers webhooks. */
export type Handler = (webhook: Webhook.Webhook) => Effect.Effect<Action.Action | undefined, unknown>

/** What was never used of the scripts at one number. */
export interface Leftover {
  readonly number: string
  readonly steps: ReadonlyArray<string>
}

/** What somebody does with a phone that is steered by hand, beside hanging up. */
export type Deed =
  | { readonly _tag: "Answer" }
  | { readonly _tag: "Decline" }
  | { readonly _tag: "LetMachineAnswer" }
  | { readonly _tag: "Press"; readonly keys: string }

/** What a company has in hand. */
export interface Office {
  settings: PhoneLine.Settings
  readonly time: OwnTime
  readonly scope: Scope.Scope
  /** What is under way since the last reset. */
  day: Scope.Closeable
  readonly news: PubSub.PubSub<Entry>
  readonly moves: PubSub.PubSub<void>
  /** How many attend to phones of which nothing is said. */
  attending: number
  readonly directory: Map<PhoneNumber.PhoneNumber, Extension>
  readonly blocked: Map<PhoneNumber.PhoneNumber, string>
  readonly lines: Map<string, Live>
  readonly rings: Array<Ring>
  readonly log: Array<Entry>
  /** Who answers at all other numbers, if that was said. */
  others: Extension | undefined
  connected: Connected | undefined
}

interface Extension {
  readonly callees: ReadonlyArray<Callee.Script>
  rung: number
}

interface Live {
  line: PhoneLine.PhoneLine
  readonly changed: Latch.Latch
}

interface Connected {
  readonly handler: Handler
  readonly scope: Scope.Scope
}

/** The time of the company, which goes on evenly but for what is skipped, whatever becomes of the machine's wall clock. */
interface OwnTime {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly skip: (millis: number) => void
}

const ownTime = (clock: Clock.Clock): OwnTime => {
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let ahead = clock.currentTimeMillisUnsafe() - monotonic()
  return {
    now: () => Math.round(monotonic() + ahead),
    skip: (millis) => void (ahead += millis)
  }
}

/** A new `reference_id`. */
export const newReferenceId: Effect.Effect<string> = Effect.map(
  Effect.all(Array.from({ length: 8 }, () => Random.nextIntBetween(0, 0xffff))),
  (parts) => parts.map((part) => part.toString(16).padStart(4, "0")).join("").toUpperCase()
)

/** A company opens, and ends with the scope. */
export const make = Effect.fnUntraced(
  function*(settings: PhoneLine.Settings): Effect.fn.Return<Office, never, Scope.Scope> {
    const scope = yield* Effect.scope
    return {
      settings,
      time: ownTime(yield* Clock.Clock),
      scope,
      day: yield* Scope.fork(scope),
      news: yield* PubSub.unbounded<Entry>(),
      moves: yield* PubSub.sliding<void>(1),
      attending: 0,
      directory: new Map(),
      others: undefined,
      blocked: new Map(),
      lines: new Map(),
      rings: [],
      log: [],
      connected: undefined
    }
  }
)

/** Who answers at a number: one callee per ring. */
export const extension = (callees: Callee.Script | ReadonlyArray<Callee.Script>): Extension => {
  const list = "reach" in callees ? [callees] : callees
  if (list.length === 0) throw new Callee.InvalidCallee({ problem: "Expected at least one callee at a number." })
  return { callees: list, rung: 0 }
}

/** Tells that lines, the log or a setting have changed. */
export const stir = (office: Office): void => void PubSub.publishUnsafe(office.moves, undefined)

/** Adds to the record. */
export const record = (office: Office, entry: Entry): void => {
  office.log.push(entry)
  PubSub.publishUnsafe(office.news, entry)
  stir(office)
}

const ring = (
  office: Office,
  number: PhoneNumber.PhoneNumber,
  told: { readonly at: number; readonly referenceId: string },
  externalId: string | undefined
): Callee.Script => {
  const { at, referenceId } = told
  office.rings.push({ at, number, referenceId, ...(externalId === undefined ? {} : { externalId }) })
  const found = office.directory.get(number) ?? office.others
  if (found === undefined) return office.attending > 0 ? Callee.byHand : Callee.answers()
  const callee = found.callees[Math.min(found.rung, found.callees.length - 1)]!
  if (callee.reach._tag === "Answers" && callee.reach.oneCall === true && isInCall(office, number)) return Callee.busy
  found.rung++
  return callee
}

/** Whether somebody is in a call: rung or talked to by one of ours, brought into one, or calling. */
const isInCall = ({ lines }: Office, number: string): boolean =>
  Array.from(lines.values()).some(({ line: { direction, from, state, to } }) =>
    state._tag !== "Ended" && (
      (direction === "outbound" ? to : from) === number ||
      ((state._tag === "Bridging" || state._tag === "Talking") && state.leg.to === number)
    )
  )

export const dial = Effect.fn("PhoneCompany.dial")(
  function*(office: Office, action: Action.Dial, id: string | undefined) {
    const { externalId, to } = action
    const status = office.blocked.get(to)
    const at = office.time.now()
    if (status !== undefined) {
      record(office, { _tag: "Refused", at, action, status })
      const reason = new Transport.Refused({ status })
      return yield* new Transport.TransportError({ reason })
    }
    const referenceId = id ?? (yield* newReferenceId)
    record(office, { _tag: "Requested", at, referenceId, action })
    const callee = ring(office, to, { at, referenceId }, externalId)
    const line = PhoneLine.dial({ referenceId, action, callee, now: at, settings: office.settings })
    yield* open(office, { line, webhooks: [] })
    return { referenceId }
  }
)

export const incoming = Effect.fn("PhoneCompany.incoming")(function*(
  office: Office,
  { callee = Callee.answers(), ...call }: {
    readonly to: string
    readonly from: string
    readonly callee?: Callee.Script
  }
) {
  const [to, from] = [PhoneNumber.make(call.to), PhoneNumber.make(call.from)]
  const now = office.time.now()
  const referenceId = yield* newReferenceId
  record(office, { _tag: "Called", at: now, referenceId, to, from })
  yield* open(office, PhoneLine.incoming({ referenceId, to, from, callee, now, settings: office.settings }))
  return referenceId
})

const open = Effect.fnUntraced(function*(office: Office, turn: PhoneLine.Exchange) {
  const live: Live = { line: turn.line, changed: yield* Latch.make() }
  office.lines.set(turn.line.referenceId, live)
  yield* post(office, live, turn.webhooks)
  yield* Effect.forkIn(drive(office, live), office.day)
})

/** Calls the model whenever something is due, and looks again when a reply has changed the line. */
const drive = Effect.fnUntraced(function*(office: Office, live: Live) {
  while (true) {
    yield* live.changed.close // before looking, so that no change is missed
    const due = PhoneLine.nextAt(live.line)
    if (due === undefined) return
    yield* Effect.timeoutOption(live.changed.await, due - office.time.now())
    yield* advance(office, live, PhoneLine.elapse)
  }
})

/** The line takes its step and is seen to have taken it before anything else can run. */
const advance = Effect.fnUntraced(function*(
  office: Office,
  live: Live,
  step: (line: PhoneLine.PhoneLine, now: number) => PhoneLine.Exchange
) {
  const now = office.time.now()
  const elapsed = PhoneLine.elapse(live.line, now)
  const turn = step(elapsed.line, now)
  live.line = turn.line
  stir(office)
  yield* post(office, live, [...elapsed.webhooks, ...turn.webhooks])
  return turn.line !== elapsed.line
})

/** A line takes a step, if there is such a line. Tells whether the step changed it. */
export const atLine = (
  office: Office,
  referenceId: string,
  step: (line: PhoneLine.PhoneLine, now: number) => PhoneLine.Exchange
): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const live = office.lines.get(referenceId)
    return live === undefined ? Effect.succeed(false) : advance(office, live, step)
  })

export const steer = (office: Office, referenceId: string, deed: Deed, whose: PhoneLine.Whose | undefined) =>
  atLine(office, referenceId, (line, now) => {
    switch (deed._tag) {
      case "Answer":
        return PhoneLine.answer(line, now, whose)
      case "Decline":
        return PhoneLine.decline(line, now, whose)
      case "LetMachineAnswer":
        return PhoneLine.letMachineAnswer(line, now)
      case "Press":
        return PhoneLine.press(line, deed.keys, now)
    }
  })

/** Until the scope closes, phones of which nothing is said are steered by hand. */
export const attend = (office: Office): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => void office.attending++),
    () => Effect.sync(() => void office.attending--)
  )

const post = Effect.fnUntraced(function*(
  office: Office,
  live: Live,
  webhooks: ReadonlyArray<Webhook.Webhook>
): Effect.fn.Return<void> {
  const at = office.time.now()
  for (const webhook of webhooks) {
    record(office, { _tag: "Posted", at, referenceId: webhook.referenceId, webhook })
    yield* Effect.forkIn(deliver(office, live, webhook), office.day)
  }
  yield* live.changed.open
})

const deliver = Effect.fnUntraced(function*(office: Office, live: Live, webhook: Webhook.Webhook) {
  const exit = yield* Effect.exit(ask(office, webhook))
  const told = { at: office.time.now(), referenceId: webhook.referenceId, webhook }
  const action = Exit.isSuccess(exit) ? exit.value : undefined
  record(office, Exit.isSuccess(exit) ? { ...told, _tag: "Replied", action } : { ...told, ...failure(exit.cause) })
  if (webhook.kind !== "CallCompleted") yield* advance(office, live, (line) => obey(office, line, action, told))
})

const ask = Effect.fnUntraced(function*({ connected }: Office, webhook: Webhook.Webhook) {
  if (connected === undefined) return yield* Effect.fail("nobody is connected")
  return yield* Fiber.join(yield* Effect.forkIn(connected.handler(webhook), connected.scope))
})

const obey = (
  office: Office,
  line: PhoneLine.PhoneLine,
  action: Action.Action | undefined,
  told: { readonly at: number; readonly referenceId: string; readonly webhook: Webhook.Webhook }
): PhoneLine.Exchange => {
  if (action === undefined) return PhoneLine.reply(line, action, told.at)
  const reason = PhoneLine.refusal(line, action)
  if (reason !== undefined) record(office, { ...told, _tag: "Rejected", action, reason })
  return action._tag === "Dial" && reason === undefined
    ? PhoneLine.reply(line, action, told.at, ring(office, action.to, told, action.externalId))
    : PhoneLine.reply(line, action, told.at)
}

export const skip = Effect.fnUntraced(function*(
  office: Office,
  duration: Duration.Input | undefined,
  heard: (millis: number) => Effect.Effect<void>
) {
  const millis = duration === undefined
    ? untilNext(office)
    : Math.round(Duration.toMillis(Duration.fromInputUnsafe(duration)))
  office.time.skip(millis)
  yield* heard(millis)
  for (const live of office.lines.values()) yield* live.changed.open
  return millis
})

/** Limits do not count: a line that only awaits its reply would end at them. */
const untilNext = (office: Office): number => {
  const now = office.time.now()
  const waits = Array.from(office.lines.values(), ({ line }) => {
    const { limitAt: _, ...unlimited } = line
    return (PhoneLine.nextAt(unlimited) ?? Infinity) - now
  })
  const shortest = Math.min(...waits)
  return shortest === Infinity ? 0 : Math.max(0, shortest)
}

export const forget = Effect.fnUntraced(function*(office: Office) {
  const over = office.day
  office.day = yield* Scope.fork(office.scope)
  for (const kept of [office.directory, office.blocked, office.lines]) kept.clear()
  office.rings.length = 0
  office.log.length = 0
  office.others = undefined
  yield* Scope.close(over, Exit.void)
  stir(office)
})

export const connect = Effect.fnUntraced(function*(office: Office, handler: Handler) {
  const connected: Connected = { handler, scope: yield* Effect.scope }
  office.connected = connected
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (office.connected === connected) office.connected = undefined
    })
  )
})

export const unused = (office: Office): ReadonlyArray<Leftover> =>
  [
    ...Array.from(office.lines.values(), ({ line }) => ({
      number: line.direction === "outbound" ? line.to : line.from,
      steps: Callee.leftover(line)
    })),
    ...Array.from(office.directory).flatMap(([number, { callees, rung }]) =>
      callees.slice(rung).map((script) => ({ number, steps: Callee.leftover(script) }))
    )
  ].filter(({ steps }) => steps.length > 0)

const wordsOf = (error: unknown): string => {
  if (typeof error === "string") return error
  if (!(error instanceof Error)) return "it failed"
  return "_tag" in error ? error.message : `${error.name}: ${error.message}`
}

type Failed =
  | { readonly _tag: "Unanswered"; readonly problem: string }
  | { readonly _tag: "Rejected"; readonly action: undefined; readonly reason: string }

const failure = (cause: Cause.Cause<unknown>): Failed => {
  if (Cause.hasInterruptsOnly(cause)) return { _tag: "Unanswered", problem: "the connection broke" }
  const error = Cause.squash(cause)
  if (error instanceof UnreadableReply) return { _tag: "Rejected", action: undefined, reason: error.problem }
  return { _tag: "Unanswered", problem: wordsOf(error) }
}
