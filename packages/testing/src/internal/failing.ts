/**
 * What a test of one's own shows when it fails: the calls with all that was said and pressed, what nobody got to do, what was
 * thrown, and where. Nothing is masked but the numbers of ladders, for all of it comes from the test.
 */
import { CallIndex, EventStore, Ladder } from "@ringback/core"
import { Cause, Context, Effect, Exit, Layer, Logger } from "effect"
import * as PhoneCompany from "../PhoneCompany.ts"
import * as usersCode from "./usersCode.ts"

/** So many calls of a test are shown; a test of more is about something else. */
const mostCalls = 5

/** What flows and activities have thrown in a test, in the words of the log. */
export class Thrown extends Context.Service<Thrown, Array<Error>>()("@ringback/testing/Thrown") {}

/** Keeps what an engine below logs of what was thrown. */
export const listening: Layer.Layer<Thrown> = Layer.sync(Thrown, () => [])

const keeping = (thrown: Array<Error>) =>
  Logger.layer([
    Logger.make(({ cause, logLevel }) => {
      const found = Cause.squash(cause)
      if (logLevel === "Error" && Cause.hasDies(cause) && found instanceof Error) thrown.push(found)
    })
  ], { mergeWithExisting: true })

/** The engine, of which what it logs as thrown is kept. */
export const heard = <A, E, R>(engine: Layer.Layer<A, E, R>): Layer.Layer<A, E, R | Thrown> =>
  Layer.unwrap(Effect.map(Thrown, (thrown) => Layer.provide(engine, keeping(thrown))))

/** The calls so far as ladders, the first first, with all that was said and pressed. */
export const ladders = Effect.gen(function*() {
  const [index, store] = [yield* CallIndex.CallIndex, yield* EventStore.EventStore]
  const { calls, next } = yield* index.list({}, { limit: mostCalls })
  const drawn = yield* Effect.forEach(
    calls.toReversed(),
    ({ callId, flow }) =>
      Effect.map(store.read(callId), (turns) => {
        const events = turns.flatMap(({ events }) => events)
        return `The call of ${flow}, as it went:\n\n${Ladder.text(Ladder.make(events, { reveal: true }))}`
      })
  )
  return [...next === undefined ? [] : [`Of more calls, the last ${mostCalls}.`], ...drawn]
})

const leftovers = Effect.map(PhoneCompany.leftover, (left) =>
  left.length === 0
    ? []
    : [
      ["What nobody got to do:", ...left.map(({ number, steps }) => `  ${number}: ${steps.join(", then ")}`)].join("\n")
    ])

const known = new WeakSet<Error>()

/** Errors that a test has failed with, less those that a layer inside of this one has told of. */
const errorsOf = (cause: Cause.Cause<unknown>): ReadonlyArray<Error> =>
  cause.reasons.flatMap((reason) => {
    const found = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    return found instanceof Error && !known.has(found) ? [found] : []
  })

const thrownIn = (error: Error): string => {
  const [at] = usersCode.own(error.stack)
  return `${error.name}: ${error.message}${at === undefined ? "" : `\n  ${at.trim()}`}`
}

/** Puts what became of the calls into the words of an error, and somebody's own code at the top of its stack. */
const tell = (error: Error, story: ReadonlyArray<string>, stack: ReadonlyArray<string>): void => {
  known.add(error)
  const isElsewhere = usersCode.own(error.stack).length === 0
  const message = [error.message, ...story].join("\n\n")
  try {
    Object.defineProperty(error, "message", { value: message, configurable: true, writable: true })
  } catch {
    // oxlint-disable-next-line no-console -- an error that cannot be changed has no other place for it
    console.error(story.join("\n\n"))
  }
  if (isElsewhere) usersCode.from(error, stack)
}

/** Where the outcomes that a test waited for were waited for, by the error that they failed with. */
const waited = new WeakMap<Error, ReadonlyArray<string>>()

/** Remembers which line waited for what failed. */
export const waiting = <A, E, R>(effect: Effect.Effect<A, E, R>, at: ReadonlyArray<string>): Effect.Effect<A, E, R> =>
  Effect.tapCause(effect, (cause) =>
    Effect.sync(() => {
      for (const error of errorsOf(cause)) if (!waited.has(error)) waited.set(error, at)
    }))

const isOwnStory = (error: Error): boolean => "ladder" in error

/** When the test fails, its error says what became of its calls. */
export const telling = Layer.effectDiscard(Effect.gen(function*() {
  const services = yield* Effect.context<
    CallIndex.CallIndex | EventStore.EventStore | PhoneCompany.PhoneCompany | Thrown
  >()
  const thrown = Context.get(services, Thrown)
  yield* Effect.addFinalizer((exit) => {
    const errors = Exit.isFailure(exit) ? errorsOf(exit.cause) : []
    if (errors.length === 0) return Effect.void
    const story = Effect.all([leftovers, ladders]).pipe(
      Effect.map((parts) => parts.flat()),
      Effect.catchCause(() => Effect.succeed<ReadonlyArray<string>>([])),
      Effect.provideContext(services)
    )
    return Effect.map(story, (found) => {
      const dead = thrown.map(thrownIn).map((words) => `Thrown in a call: ${words}`)
      const places = thrown.flatMap(({ stack }) => usersCode.own(stack))
      for (const error of errors) {
        const stack = [...new Set([...places, ...waited.get(error) ?? []])]
        tell(error, isOwnStory(error) ? dead : [...dead, ...found], stack)
      }
    })
  })
}))
