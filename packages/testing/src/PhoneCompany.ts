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
import { type Action, PhoneNumber, type Transport } from "@ringback/core"
import { Context, type Duration, Effect, Layer, type Scope, Stream } from "effect"
import type * as Callee from "./Callee.ts"
import type { Entry, Ring, Untimed } from "./CompanyRecord.ts"
import * as Office from "./internal/company/office.ts"
import * as usersCode from "./internal/usersCode.ts"
import * as PhoneLine from "./PhoneLine.ts"

/**
 * Who answers webhooks: exactly one action or none. An error or a defect counts as no reply and is recorded; so is an
 * `UnreadableReply`, as rejected.
 *
 * @since 0.1.0
 */
export type Handler = Office.Handler

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
  /**
   * The far end of a line hangs up now, or (`second`) who was dialled by its bridge. A line that is not known or has ended stays
   * as it is.
   */
  readonly hangUp: (referenceId: string, whose?: PhoneLine.Whose) => Effect.Effect<void>
  /** Somebody does something with a phone that is steered by hand. Tells whether it could be done: a phone rang, a key was heard. */
  readonly steer: (referenceId: string, deed: Deed, whose?: PhoneLine.Whose) => Effect.Effect<boolean>
  /** How many times faster than life calls go that begin from now on. Throws a `RangeError` if it is not greater than 0. */
  readonly setSpeed: (speed: number) => Effect.Effect<void>
  /** While the scope is open, phones of which nothing is said are steered by hand. */
  readonly attend: Effect.Effect<void, never, Scope.Scope>
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
  /** Something whenever lines, the log or the speed have changed; who is slow hears of many changes once. */
  readonly moves: Stream.Stream<void>
  /** Steps of scripts that nobody has used yet: of people who were rung, and of callees whose turn never came. */
  readonly leftover: Effect.Effect<ReadonlyArray<Leftover>>
}>()("@ringback/testing/PhoneCompany") {}

/**
 * What somebody does with a phone that is steered by hand, beside hanging up.
 *
 * @since 0.1.0
 */
export type Deed = Office.Deed

/**
 * What was never used of the scripts at one number.
 *
 * @since 0.1.0
 */
export interface Leftover extends Office.Leftover {}

/**
 * Builds a company with these settings. Its lines end with the scope.
 *
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(settings: PhoneLine.Settings = PhoneLine.defaults) {
  const office = yield* Office.make(settings)
  return PhoneCompany.of({
    callee: (number, callees) =>
      Effect.sync(() => void office.directory.set(PhoneNumber.make(number), Office.extension(callees))),
    everyone: (callees) => Effect.sync(() => void (office.others = Office.extension(callees))),
    block: (number, status = "to_number_blocked_by_customer") =>
      Effect.sync(() => void office.blocked.set(PhoneNumber.make(number), status)),
    unblock: (number) => Effect.sync(() => void office.blocked.delete(PhoneNumber.make(number))),
    dial: (action, referenceId) => Office.dial(office, action, referenceId),
    incoming: (call) => Office.incoming(office, call),
    hangUp: (id, whose) => Effect.asVoid(Office.atLine(office, id, (line, now) => PhoneLine.hangUp(line, now, whose))),
    steer: (id, deed, whose) => Office.steer(office, id, deed, whose),
    setSpeed: (speed) =>
      Effect.sync(() => {
        office.settings = PhoneLine.settings({ ...office.settings, speed })
        Office.stir(office)
      }),
    attend: Office.attend(office),
    connect: (handler) => Office.connect(office, handler),
    skip: (duration, heard = () => Effect.void) => Office.skip(office, duration, heard),
    reset: Office.forget(office),
    rings: Effect.sync(() => office.rings.slice()),
    log: Effect.sync(() => office.log.slice()),
    record: (happened) => Effect.sync(() => Office.record(office, { ...happened, at: office.time.now() })),
    changes: Stream.fromPubSub(office.news),
    moves: Stream.fromPubSub(office.moves),
    lines: Effect.sync(() => Array.from(office.lines.values(), (live) => live.line)),
    leftover: Effect.sync(() => Office.unused(office))
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

/** What makes no sense is an error at the line that said it. */
const atLine = <A>(
  use: (company: PhoneCompany["Service"]) => Effect.Effect<A>
): Effect.Effect<A, never, PhoneCompany> => {
  const at = usersCode.here()
  return Effect.catchDefect(
    PhoneCompany.use(use),
    (defect) => Effect.die(defect instanceof Error ? usersCode.from(defect, at) : defect)
  )
}

/**
 * A new `reference_id`: 32 upper-case hex digits, as the table in "Voice - Events" has it. Drawn from Effect's `Random`.
 *
 * @since 0.1.0
 */
export const newReferenceId: Effect.Effect<string> = Office.newReferenceId

/**
 * Says who answers at a number: one callee per ring, in order; the last one for all further rings. A number of which
 * nothing is said answers after 2 seconds and listens.
 *
 * @since 0.1.0
 */
export const callee = (
  number: string,
  callees: Callee.Script | ReadonlyArray<Callee.Script>
): Effect.Effect<void, never, PhoneCompany> => atLine((company) => company.callee(number, callees))

/**
 * Says who answers at all numbers of which nothing else is said: one callee per ring, in order; the last one for all
 * further rings.
 *
 * @since 0.1.0
 */
export const everyone = (
  callees: Callee.Script | ReadonlyArray<Callee.Script>
): Effect.Effect<void, never, PhoneCompany> => atLine((company) => company.everyone(callees))

/**
 * Makes the company refuse dials to a number, with one of the documented statuses: by default
 * `to_number_blocked_by_customer`.
 *
 * @since 0.1.0
 */
export const block = (number: string, status?: string): Effect.Effect<void, never, PhoneCompany> =>
  atLine((company) => company.block(number, status))

/**
 * Makes the company take dials to a number again.
 *
 * @since 0.1.0
 */
export const unblock = (number: string): Effect.Effect<void, never, PhoneCompany> =>
  atLine((company) => company.unblock(number))

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
}): Effect.Effect<string, never, PhoneCompany> => atLine((company) => company.incoming(call))

/**
 * The far end of a line hangs up now, whatever its script says.
 *
 * @since 0.1.0
 */
export const hangUp = (referenceId: string): Effect.Effect<void, never, PhoneCompany> =>
  PhoneCompany.use((company) => company.hangUp(referenceId))

/**
 * Somebody does something with a phone that is steered by hand: one at `Callee.byHand`, or of which nothing is said while
 * `attend` is open. Tells whether it could be done.
 *
 * @since 0.1.0
 */
export const steer = (
  referenceId: string,
  deed: Deed,
  whose?: PhoneLine.Whose
): Effect.Effect<boolean, never, PhoneCompany> => PhoneCompany.use((company) => company.steer(referenceId, deed, whose))

/**
 * While the scope is open, phones of which nothing is said are steered by hand.
 *
 * @since 0.1.0
 */
export const attend: Effect.Effect<void, never, PhoneCompany | Scope.Scope> = PhoneCompany.use((company) =>
  company.attend
)

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
