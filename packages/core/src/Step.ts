/**
 * A flow where it stands: it runs from request to request, by the responses that it is given.
 *
 * @since 0.1.0
 */
import type { Flow } from "./Flow.ts"
import * as interpreter from "./internal/flow/interpreter.ts"
import type { DeadlineScope, HoldLimitScope, HoldScope, Request, Responses } from "./Request.ts"

/**
 * How a flow ended: with its value, with a failure, or stopped from outside.
 *
 * @since 0.1.0
 */
export type Exit<A, E> = interpreter.Exit<A, E>

/**
 * Why a flow is stopped from outside.
 *
 * @since 0.1.0
 */
export type Stop = interpreter.Stop

/**
 * A flow that has ended.
 *
 * @since 0.1.0
 */
export type Done<A, E> = interpreter.Done<A, E>

/**
 * A flow that waits for the response to its `request`.
 *
 * @since 0.1.0
 */
export type Waiting<A, E, Q extends Request = Request> = Q extends Request ? interpreter.Waiting<A, E, Q> : never

/**
 * Where a flow stands.
 *
 * @since 0.1.0
 */
export type Step<A, E> = Done<A, E> | Waiting<A, E>

/**
 * Runs a flow to its first request, or to its end. `keyed` is for those who ask for the `key` of every step: it keeps along
 * the way what the key is made of.
 *
 * @since 0.1.0
 */
export const start = <A, E, R>(flow: Flow<A, E, R>, options?: { readonly keyed?: boolean }): Step<A, E> =>
  interpreter.start(flow as never, options?.keyed) as Step<A, E>

/**
 * Answers the request of a step and runs on to the next. The flow gets a copy of the response, which it may change. The
 * step can be resumed again with another response: then the flow runs again to this place, from its start and over the same
 * responses, so that nothing that it has changed since is seen.
 *
 * @since 0.1.0
 */
export const next = <A, E, Q extends Request>(
  step: interpreter.Waiting<A, E, Q>,
  response: Responses[Q["_tag"]]
): Step<A, E> => interpreter.next(step, response) as Step<A, E>

/**
 * Stops a flow from outside: no `catch` sees it, lines are left and `ensuring` runs. A finalizer that waits goes on, and the
 * step that comes back waits for the same response; it is the same step if the stop changes nothing. What is overdue or has
 * died is stopped at once, a finalizer included, but for an activity that is declared to fail when it is overdue: its flow goes on
 * with `Overdue`.
 *
 * @since 0.1.0
 */
export const stop = <A, E>(step: interpreter.Waiting<A, E>, why: Stop): Step<A, E> =>
  interpreter.stop(step, why) as Step<A, E>

/**
 * The scopes that a step stands in, the innermost first.
 *
 * @since 0.1.0
 */
export const scopes = <A, E>(
  step: interpreter.Waiting<A, E>
): ReadonlyArray<{ readonly depth: number; readonly scope: HoldScope | HoldLimitScope | DeadlineScope }> =>
  interpreter.scopes(step) as never

/**
 * Ends the innermost hold that has not ended: nobody hears it any more. Gives the step itself if there is none.
 *
 * @since 0.1.0
 */
export const endHold = <A, E>(step: Waiting<A, E>): Step<A, E> => {
  for (const { depth, scope } of scopes(step)) {
    if (scope._tag !== "Hold") continue
    const ended = stop(step, { _tag: "Expired", scope: depth })
    if (ended !== step) return ended
  }
  return step
}

/**
 * The same step without its run, which may hold much (generators, and what they keep): for who keeps many steps that they have
 * gone on from. To go on from it once more the flow runs again from its start.
 *
 * @since 0.1.0
 */
export const withoutRun = <A, E>(step: interpreter.Waiting<A, E>): Waiting<A, E> =>
  interpreter.withoutRun(step) as Waiting<A, E>

/**
 * A place of a flow, by whose key equal futures are found. `opaque` names the kinds of results on the way here whose
 * content cannot be seen (a class with private fields, a map by objects): they are equal to themselves only.
 *
 * @since 0.1.0
 */
export type Place = interpreter.Place

/**
 * The place that a step has reached and the results so far: equal keys for two steps of one flow mean the same future. It
 * takes as long in a long call as in a short one, if the flow was started with `keyed`.
 *
 * Results count by their content if they are data (plain objects and arrays, dates, maps and sets of primitives, byte
 * arrays, errors, classes of `Schema`), and by their own equality if they have one (`Option`, `Redacted`). Keys are for
 * comparing steps of one flow value, also of several starts of it, within a process; not for storing.
 *
 * @since 0.1.0
 */
export const place = <A, E>(step: interpreter.Waiting<A, E>): Place => interpreter.place(step)

/**
 * The key of `place`.
 *
 * @since 0.1.0
 */
export const key = <A, E>(step: interpreter.Waiting<A, E>): string => interpreter.place(step).key
