/**
 * A library on top of the language: campaigns. What somebody is asked is its user's, and so are the value, the errors and the services
 * of that; who is rung, how often, and what is noted of it is the library's.
 */
import { Calls, Flow, PhoneNumber } from "@ringback/core"
import { Effect, type Schema } from "effect"

/** Who is rung, and from which number. */
export const parties = { to: PhoneNumber.PhoneNumber, from: PhoneNumber.PhoneNumber }

export interface Parties {
  readonly to: PhoneNumber.PhoneNumber
  readonly from: PhoneNumber.PhoneNumber
}

/** Rings somebody, and once more after an hour. A wrapper of `Flow.dial`, with its type written down. */
export const ring =
  (who: Parties) =>
  <A, E, R>(talk: Flow.Flow<A, E, R>): Flow.Flow<A, E | Flow.NotAnswered, Flow.Dialled<R> | Flow.NoLine> =>
    talk.pipe(
      Flow.dial({ ...who, ringFor: "40 seconds" }),
      Flow.retry({ times: 1, after: "1 hour", while: (error) => error instanceof Flow.NotAnswered })
    )

/** A flow of a campaign: `talk` is what is said. It may fail with what the language fails with, and with `error`. */
export const defineCampaign = <
  const Name extends string,
  Out extends Flow.PureCodec,
  E,
  R,
  Err extends Flow.PureCodec = typeof Schema.Never
>(name: Name, options: {
  readonly output: Out
  readonly error?: Err
  readonly talk: (who: Parties) =>
    & Flow.Flow<Out["Type"], E, R>
    & Flow.Complete<Flow.Dialled<R>>
    & Flow.Declared<Exclude<E, Err["Type"] | Flow.Failure>>
}) =>
  Flow.makeUnchecked(name, {
    version: 1,
    input: parties,
    output: options.output,
    error: options.error,
    run: (who) => Flow.note("campaign", name).pipe(Flow.andThen(options.talk(who).pipe(ring(who))))
  })

/** Starts a call under the key of its order, in a span of its own. */
export const startTraced = <const Name extends string, Input, A, E, R, S extends Flow.AnySignal>(
  flow: Flow.Definition<Name, Input, A, E, R, S> & Calls.Startable<R>,
  input: NoInfer<Input>,
  key: string
) => Calls.start(flow, input, { key }).pipe(Effect.withSpan("campaign.start", { attributes: { flow: flow.name } }))
