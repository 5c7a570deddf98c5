/**
 * A telephone company without telephones: scripted callees by number, lines that live by Effect's `Clock`, and a record of
 * everything that happened.
 *
 * The lines are those of the pure model `PhoneLine`. Ids come from Effect's `Random`, so a seed makes a day repeatable.
 *
 * ```ts
 * yield* PhoneCompany.callee("15550170001", [Callee.busy, Callee.answers("3 seconds").presses("1")])
 * const outcome = yield* call.outcome
 * assert.lengthOf(yield* PhoneCompany.rings, 2)
 * ```
 *
 * @since 0.1.0
 */
import { type Action, Explain, PhoneNumber, Transport } from "@ringback/core"
import type { Webhook } from "@ringback/core"
import {
  Cause,
  Clock,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  Latch,
  Layer,
  PubSub,
  Random,
  Schema,
  Scope,
  Stream
} from "effect"
import * as Callee from "./Callee.ts"
import * as PhoneLine from "./PhoneLine.ts"

/**
 * A phone that rang because of a dial, first legs and bridged ones alike.
 *
 * @since 0.1.0
 */
export interface Ring {
  readonly at: number
  readonly number: PhoneNumber.PhoneNumber
  readonly referenceId: string
  readonly externalId?: string
}

/**
 * Something that happened, as it happened: numbers and digits are not masked here. `describe` makes it fit to be seen.
 *
 * `Requested` is a dial that was accepted, `Refused` one that was not, `Called` an incoming call, `Posted` a webhook on its
 * way, `Replied` what came back, `Rejected` a reply that was not carried out, `Copied` one to a second copy of a webhook,
 * which is never carried out, `Unanswered` a webhook that got no reply.
 *
 * @since 0.1.0
 */
export type Entry =
  | { readonly _tag: "Requested"; readonly at: number; readonly referenceId: string; readonly action: Action.Dial }
  | {
    readonly _tag: "Refused"
    readonly at: number
    readonly status: string
    readonly action?: Action.Dial
    readonly problem?: string
  }
  | {
    readonly _tag: "Called"
    readonly at: number
    readonly referenceId: string
    readonly to: string
    readonly from: string
  }
  | { readonly _tag: "Posted"; readonly at: number; readonly referenceId: string; readonly webhook: Webhook.Webhook }
  | {
    readonly _tag: "Replied"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly action: Action.Action | undefined
  }
  | {
    readonly _tag: "Rejected"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly action: Action.Action | undefined
    readonly reason: string
  }
  | {
    readonly _tag: "Copied"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly action: Action.Action | undefined
  }
  | {
    readonly _tag: "Unanswered"
    readonly at: number
    readonly referenceId: string
    readonly webhook: Webhook.Webhook
    readonly problem: string
  }

/**
 * An entry whose time the company tells.
 *
 * @since 0.1.0
 */
export type Untimed = Entry extends infer E ? E extends Entry ? Omit<E, "at"> : never : never

/**
 * A reply came, but holds no action that can be read. It is recorded as rejected. `problem` repeats nothing of it.
 *
 * @since 0.1.0
 */
export class UnreadableReply extends Schema.TaggedError<UnreadableReply>()("UnreadableReply", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/**
 * Who answers webhooks: exactly one action or none. An error or a defect counts as no reply and is recorded; so is an
 * `UnreadableReply`, as rejected.
 *
 * @since 0.1.0
 */
export type Handler = (webhook: Webhook.Webhook) => Effect.Effect<Action.Action | undefined, unknown>

/**
 * The company. Numbers are written `15550170001` or `+15550170001`; text that is no number is a defect.
 *
 * @since 0.1.0
 */
export class PhoneCompany extends Context.Service<PhoneCompany, {
  /** Says who answers at a number: one callee per ring, in order; the last one for all further rings. */
  readonly callee: (number: string, callees: Callee.Script | ReadonlyArray<Callee.Script>) => Effect.Effect<void>
  /** Says who answers at all numbers of which nothing else is said, in the same way. */
  readonly everyone: (callees: Callee.Script | ReadonlyArray<Callee.Script>) => Effect.Effect<void>
  /** From now on a dial to this number is refused with this status. */
  readonly block: (number: string, status?: string) => Effect.Effect<void>
  /** From now on a dial to this number is not refused any more. */
  readonly unblock: (number: string) => Effect.Effect<void>
  /**
   * Accepts a dial: the phone rings. Fails with `Refused` if the number is blocked. The `reference_id` is a new one if none
   * is given.
   */
  readonly dial: (
    action: Action.Dial,
    referenceId?: string
  ) => Effect.Effect<Transport.Accepted, Transport.TransportError>
  /** Somebody calls one of our numbers. Gives the `reference_id` of the line. */
  readonly incoming: (call: {
    readonly to: string
    readonly from: string
    readonly callee?: Callee.Script
  }) => Effect.Effect<string>
  /** The far end of a line hangs up now. A line that is not known or has ended stays as it is. */
  readonly hangUp: (referenceId: string) => Effect.Effect<void>
  /** Makes this the handler of all webhooks, until the scope closes: then replies under way are broken off. */
  readonly connect: (handler: Handler) => Effect.Effect<void, never, Scope.Scope>
  /**
   * Lets so much time pass at once, or as much as it takes until something happens on a line, not counting limits. Gives
   * the milliseconds. `heard` runs when it is later, and before the lines live what has come due.
   */
  readonly skip: (
    duration?: Duration.Input,
    heard?: (millis: number) => Effect.Effect<void>
  ) => Effect.Effect<number>
  /** Forgets what was said and what happened, and drops all lines without a word. Who is connected stays. */
  readonly reset: Effect.Effect<void>
  /** Every phone that rang so far. */
  readonly rings: Effect.Effect<ReadonlyArray<Ring>>
  /** Everything that happened so far. Nothing is dropped: a company is made for a test or an afternoon, not for years. */
  readonly log: Effect.Effect<ReadonlyArray<Entry>>
  /** Adds to the log, as of now, what happened before the company, such as a request that was turned away. */
  readonly record: (happened: Untimed) => Effect.Effect<void>
  /** Everything that happens from now on. */
  readonly changes: Stream.Stream<Entry>
  /** The lines as they are now, the oldest first. */
  readonly lines: Effect.Effect<ReadonlyArray<PhoneLine.PhoneLine>>
  /** Steps of scripts that nobody has used yet: of people who were rung, and of callees whose turn never came. */
  readonly leftover: Effect.Effect<ReadonlyArray<Leftover>>
}>()("@ringback/testing/PhoneCompany") {}

/**
 * What was never used of the scripts at one number.
 *
 * @since 0.1.0
 */
export interface Leftover {
  readonly number: string
  readonly steps: ReadonlyArray<string>
}

/**
 * Builds a company with these settings. Its lines end with the scope.
 *
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(settings: PhoneLine.Settings = PhoneLine.defaults) {
  const scope = yield* Effect.scope
  const office: Office = {
    settings,
    time: ownTime(yield* Clock.Clock),
    scope,
    day: yield* Scope.fork(scope),
    news: yield* PubSub.unbounded<Entry>(),
    directory: new Map(),
    others: extension(Callee.answers()),
    blocked: new Map(),
    lines: new Map(),
    rings: [],
    log: [],
    connected: undefined
  }
  return PhoneCompany.of({
    callee: (number, callees) =>
      Effect.sync(() => void office.directory.set(PhoneNumber.make(number), extension(callees))),
    everyone: (callees) => Effect.sync(() => void (office.others = extension(callees))),
    block: (number, status = "to_number_blocked_by_customer") =>
      Effect.sync(() => void office.blocked.set(PhoneNumber.make(number), status)),
    unblock: (number) => Effect.sync(() => void office.blocked.delete(PhoneNumber.make(number))),
    dial: (action, referenceId) => accept(office, action, referenceId),
    incoming: (call) => receive(office, call),
    hangUp: (id) =>
      Effect.suspend(() => {
        const live = office.lines.get(id)
        return live === undefined ? Effect.void : advance(office, live, PhoneLine.hangUp)
      }),
    connect: (handler) => plug(office, handler),
    skip: (duration, heard = () => Effect.void) => pass(office, duration, heard),
    reset: forget(office),
    rings: Effect.sync(() => office.rings.slice()),
    log: Effect.sync(() => office.log.slice()),
    record: (happened) => Effect.sync(() => record(office, { ...happened, at: office.time.now() })),
    changes: Stream.fromPubSub(office.news),
    lines: Effect.sync(() => Array.from(office.lines.values(), (live) => live.line)),
    leftover: Effect.sync(() => unused(office))
  })
})

/**
 * A company with some settings changed: how long things take, how fast, and what the documents leave open.
 *
 * @since 0.1.0
 */
export const layerWith = (changes: PhoneLine.Changes): Layer.Layer<PhoneCompany> =>
  Layer.effect(PhoneCompany, make(PhoneLine.settings(changes)))

/**
 * A company with the settings that are used where nothing else is said.
 *
 * @since 0.1.0
 */
export const layer: Layer.Layer<PhoneCompany> = Layer.effect(PhoneCompany, make())

/**
 * A new `reference_id`: 32 upper-case hex digits, as the table in "Voice - Events" has it. Drawn from Effect's `Random`.
 *
 * @since 0.1.0
 */
export const newReferenceId: Effect.Effect<string> = Effect.map(
  Effect.all(Array.from({ length: 8 }, () => Random.nextIntBetween(0, 0xffff))),
  (parts) => parts.map((part) => part.toString(16).padStart(4, "0")).join("").toUpperCase()
)

/**
 * Says who answers at a number: one callee per ring, in order; the last one for all further rings. A number of which
 * nothing is said answers after 2 seconds and listens.
 *
 * @since 0.1.0
 */
export const callee = (
  number: string,
  callees: Callee.Script | ReadonlyArray<Callee.Script>
): Effect.Effect<void, never, PhoneCompany> => PhoneCompany.use((company) => company.callee(number, callees))

/**
 * Says who answers at all numbers of which nothing else is said: one callee per ring, in order; the last one for all
 * further rings.
 *
 * @since 0.1.0
 */
export const everyone = (
  callees: Callee.Script | ReadonlyArray<Callee.Script>
): Effect.Effect<void, never, PhoneCompany> => PhoneCompany.use((company) => company.everyone(callees))

/**
 * Makes the company refuse dials to a number, with one of the documented statuses: by default
 * `to_number_blocked_by_customer`.
 *
 * @since 0.1.0
 */
export const block = (number: string, status?: string): Effect.Effect<void, never, PhoneCompany> =>
  PhoneCompany.use((company) => company.block(number, status))

/**
 * Makes the company take dials to a number again.
 *
 * @since 0.1.0
 */
export const unblock = (number: string): Effect.Effect<void, never, PhoneCompany> =>
  PhoneCompany.use((company) => company.unblock(number))

/**
 * Lets so much time pass at once on all lines, or as much as it takes until something happens on one. The time is the
 * company's, in which calls go `speed` times as fast as in life.
 *
 * @since 0.1.0
 */
export const skip = (duration?: Duration.Input): Effect.Effect<number, never, PhoneCompany> =>
  PhoneCompany.use((company) => company.skip(duration))

/**
 * Forgets what was said and what happened, and drops all lines without a word: a new day. Who is connected stays.
 *
 * @since 0.1.0
 */
export const reset: Effect.Effect<void, never, PhoneCompany> = PhoneCompany.use((company) => company.reset)

/**
 * Dials as the engine would. Fails with `Refused` if the number is blocked.
 *
 * @since 0.1.0
 */
export const dial = (
  action: Action.Dial
): Effect.Effect<Transport.Accepted, Transport.TransportError, PhoneCompany> =>
  PhoneCompany.use((company) => company.dial(action))

/**
 * Somebody calls one of our numbers and follows a script, which need not say how they are reached. Gives the
 * `reference_id` of the line.
 *
 * @since 0.1.0
 */
export const incoming = (call: {
  readonly to: string
  readonly from: string
  readonly callee?: Callee.Script
}): Effect.Effect<string, never, PhoneCompany> => PhoneCompany.use((company) => company.incoming(call))

/**
 * The far end of a line hangs up now, whatever its script says.
 *
 * @since 0.1.0
 */
export const hangUp = (referenceId: string): Effect.Effect<void, never, PhoneCompany> =>
  PhoneCompany.use((company) => company.hangUp(referenceId))

/**
 * Connects who answers webhooks, until the scope closes; then replies under way are broken off, as by a crash. The newest
 * connection answers.
 *
 * @since 0.1.0
 */
export const connect = (handler: Handler): Effect.Effect<void, never, PhoneCompany | Scope.Scope> =>
  PhoneCompany.use((company) => company.connect(handler))

/**
 * Every phone that rang so far, first legs and bridged ones.
 *
 * @since 0.1.0
 */
export const rings: Effect.Effect<ReadonlyArray<Ring>, never, PhoneCompany> = PhoneCompany.use((company) =>
  company.rings
)

/**
 * Everything that happened so far.
 *
 * @since 0.1.0
 */
export const log: Effect.Effect<ReadonlyArray<Entry>, never, PhoneCompany> = PhoneCompany.use((company) => company.log)

/**
 * Everything that happens from now on.
 *
 * @since 0.1.0
 */
export const changes: Stream.Stream<Entry, never, PhoneCompany> = Stream.unwrap(
  PhoneCompany.useSync((company) => company.changes)
)

/**
 * The lines as they are now, the oldest first.
 *
 * @since 0.1.0
 */
export const lines: Effect.Effect<ReadonlyArray<PhoneLine.PhoneLine>, never, PhoneCompany> = PhoneCompany.use(
  (company) => company.lines
)

/**
 * Steps of scripts that nobody has used. Empty if every script was followed to its end.
 *
 * @since 0.1.0
 */
export const leftover: Effect.Effect<ReadonlyArray<Leftover>, never, PhoneCompany> = PhoneCompany.use(
  (company) => company.leftover
)

/**
 * One entry of the log in one line, with numbers and digits masked and no spoken text.
 *
 * @since 0.1.0
 */
export const describe = (entry: Entry): string => {
  switch (entry._tag) {
    case "Requested":
      return `${short(entry.referenceId)} dial to ${PhoneNumber.mask(entry.action.to)}: accepted`
    case "Refused":
      return [
        entry.action === undefined ? "request refused" : `dial to ${PhoneNumber.mask(entry.action.to)} refused`,
        [entry.status, ...(entry.problem === undefined ? [] : [entry.problem])].join(", ")
      ].join(": ")
    case "Called":
      return `${short(entry.referenceId)} call from ${PhoneNumber.mask(entry.from)} to ${PhoneNumber.mask(entry.to)}`
    case "Posted":
      return `${short(entry.referenceId)} event ${describeWebhook(entry.webhook)}`
    case "Replied":
      return `${short(entry.referenceId)} reply to ${entry.webhook.event}: ${describeAction(entry.action)}`
    case "Rejected":
      return `${short(entry.referenceId)} reply to ${entry.webhook.event} rejected: ${entry.reason}`
    case "Copied":
      return `${short(entry.referenceId)} reply to a copy of ${entry.webhook.event}: ${describeAction(entry.action)}`
    case "Unanswered":
      return `${short(entry.referenceId)} no reply to ${entry.webhook.event}: ${entry.problem}`
  }
}

interface Office {
  readonly settings: PhoneLine.Settings
  readonly time: OwnTime
  readonly scope: Scope.Scope
  /** What is under way since the last reset. */
  day: Scope.Closeable
  readonly news: PubSub.PubSub<Entry>
  readonly directory: Map<PhoneNumber.PhoneNumber, Extension>
  readonly blocked: Map<PhoneNumber.PhoneNumber, string>
  readonly lines: Map<string, Live>
  readonly rings: Array<Ring>
  readonly log: Array<Entry>
  others: Extension
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

const extension = (callees: Callee.Script | ReadonlyArray<Callee.Script>): Extension => {
  const list = "reach" in callees ? [callees] : callees
  if (list.length === 0) throw new Callee.InvalidCallee({ problem: "Expected at least one callee at a number." })
  return { callees: list, rung: 0 }
}

const record = (office: Office, entry: Entry): void => {
  office.log.push(entry)
  PubSub.publishUnsafe(office.news, entry)
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
  const callee = found.callees[Math.min(found.rung, found.callees.length - 1)]!
  found.rung++
  return callee
}

const accept = Effect.fn("PhoneCompany.dial")(function*(office: Office, action: Action.Dial, id: string | undefined) {
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
})

const receive = Effect.fn("PhoneCompany.incoming")(function*(
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
  yield* post(office, live, [...elapsed.webhooks, ...turn.webhooks])
})

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
  if (webhook.event !== "call_completed") yield* advance(office, live, (line) => obey(office, line, action, told))
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

const pass = Effect.fnUntraced(function*(
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

const forget = Effect.fnUntraced(function*(office: Office) {
  const over = office.day
  office.day = yield* Scope.fork(office.scope)
  for (const kept of [office.directory, office.blocked, office.lines]) kept.clear()
  office.rings.length = 0
  office.log.length = 0
  office.others = extension(Callee.answers())
  yield* Scope.close(over, Exit.void)
})

const plug = Effect.fnUntraced(function*(office: Office, handler: Handler) {
  const connected: Connected = { handler, scope: yield* Effect.scope }
  office.connected = connected
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (office.connected === connected) office.connected = undefined
    })
  )
})

const unused = (office: Office): ReadonlyArray<Leftover> =>
  [
    ...Array.from(office.lines.values(), ({ line }) => ({
      number: line.direction === "outbound" ? line.to : line.from,
      steps: Callee.leftover(line)
    })),
    ...Array.from(office.directory).flatMap(([number, { callees, rung }]) =>
      callees.slice(rung).map((script) => ({ number, steps: Callee.leftover(script) }))
    )
  ].filter(({ steps }) => steps.length > 0)

const short = (referenceId: string): string => referenceId.slice(0, 8)

const describeAction = (action: Action.Action | undefined): string =>
  action === undefined ? "no action" : Explain.action(action)

const describeWebhook = ({ digits, durationSeconds, event, status }: Webhook.Webhook): string =>
  [
    event,
    ...(status === undefined ? [] : [status]),
    ...(digits === undefined ? [] : [digits === "" ? "no digits" : "•".repeat(digits.length)]),
    ...(durationSeconds === undefined ? [] : [`${durationSeconds} s`])
  ].join(", ")

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
