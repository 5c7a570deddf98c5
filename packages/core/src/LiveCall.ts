/**
 * A call with its flow at the place that it has reached. The flow's step is a cache: a replay makes it again from the events.
 *
 * @since 0.1.0
 */
import { type Call, initial } from "./Call.ts"
import type { CallEvent, CallId } from "./CallEvent.ts"
import * as Flow from "./Flow.ts"
import * as Step from "./Step.ts"

/**
 * A flow's definition, whatever its types.
 *
 * @since 0.1.0
 */
export type AnyDefinition = Flow.Definition<string, never, unknown, unknown, unknown>

/**
 * A call with its flow at the place that it has reached. The step is a cache: a replay makes it again.
 *
 * @since 0.1.0
 */
export interface LiveCall {
  readonly call: Call
  /** `undefined` in a process that has not registered the flow: it records facts, and the flow does not run. */
  readonly definition: AnyDefinition | undefined
  readonly step: Step.Step<unknown, unknown>
  /** What the flow has not heard, of what would have let it go on. Made again by a replay, like the step. */
  readonly unheard?: ReadonlyArray<Unheard>
  /** How many steps the flow has taken since anything but time moved it. Made again by a replay, like the step. */
  readonly steps?: number
}

/**
 * A fact that a flow has not heard.
 *
 * @since 0.1.0
 */
export interface Unheard {
  readonly before: Call
  readonly event: CallEvent
  readonly after: Call
}

/**
 * A call that has not begun, of a flow. Fails with the decoder's `Error` if `input` does not fit the flow's schema.
 *
 * @since 0.1.0
 */
export const prepare = (id: CallId, definition: AnyDefinition, input: unknown): LiveCall => {
  // Decoded for each run, so that what one makes of its input is not seen by the next.
  const flow = Flow.suspend(() => {
    const decoded = definition.codec.decodeInput(input)
    if (decoded._tag === "Success") return definition.run(decoded.success as never)
    throw new Error("The recorded input does not fit the flow's schema any more")
  })
  return { call: initial(id), definition, step: Step.start(flow) }
}

/**
 * A flow of which nothing runs any more.
 *
 * @since 0.1.0
 */
export const over: Step.Step<unknown, unknown> = Step.start(Flow.succeed(undefined))

/**
 * A call whose flow has ended: nothing of the flow runs any more, only its lines are still looked after.
 *
 * @since 0.1.0
 */
export const settled = (call: Call, definition: AnyDefinition | undefined): LiveCall => ({
  call,
  definition,
  step: over
})

/**
 * A call in a process that has not registered its flow. What happens to its lines is recorded and answered, with holds where
 * the flow would have to decide; the flow hears of it in a process that knows it.
 *
 * @since 0.1.0
 */
export const withoutFlow = (call: Call): LiveCall => settled(call, undefined)

/**
 * Whether the flow of a call still runs, but not in this process, which has not registered it.
 *
 * @since 0.1.0
 */
export const isWithoutFlow = ({ call, definition }: LiveCall): boolean =>
  definition === undefined && call.exit === undefined

/**
 * A call that has not begun and whose beginning threw: it begins with a flow that dies of that.
 *
 * @since 0.1.0
 */
export const stillborn = (live: LiveCall, problem: unknown): LiveCall => {
  const dies = Flow.suspend(() => {
    throw problem
  })
  return { ...live, step: Step.start(dies) }
}
