/**
 * What of the work of an engine is traced. Its own looks, timers and appends leave no spans: what they do for a call is in its trace.
 * What belongs to an application, its activities and its transport, runs as a part of the call that it is done for.
 */
import { Context, Effect, References, Tracer } from "effect"
import type * as CallTrace from "../../CallTrace.ts"

/** Runs something below a span of a call. */
export type Within = <A, E, R>(effect: Effect.Effect<A, E, R>, span: CallTrace.SpanId) => Effect.Effect<A, E, R>

/** Traces if the program does that builds the engine. */
export const make = (context: Context.Context<never>): Within => {
  const isEnabled = Context.get(context, References.TracerEnabled)
  return (effect, span) => Effect.withTracerEnabled(below(effect, span), isEnabled)
}

/** The same for a line of the log, which then has the trace of its call where logs have traces. */
export const below = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  span: CallTrace.SpanId
): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Tracer.ParentSpan, Tracer.externalSpan(span)) as typeof effect
