/** The dials of calls: each is sent when its attempt is durable, soon or not at all, and what the carrier said is recorded. */
import { Effect } from "effect"
import type { Scope } from "effect"
import * as Action from "../../Action.ts"
import * as Call from "../../Call.ts"
import type { CallEvent, CallId } from "../../CallEvent.ts"
import type { Posted } from "../../CallInput.ts"
import type { Transport } from "../../Transport.ts"
import * as Gathered from "../gathered.ts"
import * as CallLog from "./callLog.ts"
import type { Entity } from "./entity.ts"
import type { Parts } from "./parts.ts"
import { resultOf } from "./posted.ts"
import * as Posting from "./posting.ts"
import type { Follow, Surroundings } from "./surroundings.ts"

/** Sends dials. */
export interface Dialling {
  readonly follow: Follow
}

type Attempt = Extract<CallEvent, { readonly _tag: "DialAttempted" }>

const unsent = (problem: string): Posted => ({ _tag: "NotSent", problem })

/** Of the calls of an engine, until its scope closes. */
export const make = Effect.fnUntraced(function*(
  surroundings: Surroundings,
  { intake }: Parts,
  transport: Transport["Service"]
): Effect.fn.Return<Dialling, never, Scope.Scope> {
  const { closing, elapsed, figures, now, pacing, restore, run, settings } = surroundings
  const post = yield* Posting.make(surroundings, transport)

  const tellTooLate = Gathered.make<CallId>(run, (_, count) =>
    Effect.logWarning(
      `${
        Posting.dials(count)
      } could not be sent within ${settings.dial.sendWithin} ms of the record, and will be tried again: ` +
        "the process or its store is too slow"
    ))

  /** Sends a recorded attempt, if it is still wanted and not too late. `since` is by the time that has elapsed. */
  const send = Effect.fnUntraced(function*(entity: Entity, attempt: Attempt, since: number) {
    yield* pacing.beforeSending(entity.id)
    const line = entity.live === undefined ? undefined : Call.lineOf(entity.live.call, attempt.line)
    if (line?.dialling === undefined || line.left) return unsent("cancelled before it was sent")
    if (Math.max(elapsed() - since, now() + entity.ahead - attempt.at) >= settings.dial.sendWithin) {
      tellTooLate(entity.id)
      return unsent("the window for sending it has passed")
    }
    const { evenIfUnknown: _, ringForMillis: __, ...dialling } = line.dialling
    return yield* post(entity, Action.dial({ ...dialling, externalId: attempt.externalId }))
  })

  /** Whatever throws on the way of a dial, nobody knows whether it went out. */
  const surelySent = (entity: Entity, attempt: Attempt, since: number): Effect.Effect<Posted> =>
    Effect.catchDefect(
      send(entity, attempt, since),
      (thrown) =>
        Effect.as(CallLog.died(entity, `A dial of call ${entity.id} threw`, thrown), {
          _tag: "Lost",
          problem: "sending it threw"
        })
    )

  /** Records what became of an attempt. */
  const record = (entity: Entity, { line }: Attempt, posted: Posted): Effect.Effect<void> => {
    const from = entity.live === undefined ? undefined : Call.lineOf(entity.live.call, line)?.from
    pacing.posted(from ?? "", posted)
    figures.posted(resultOf(posted))
    return intake.takeSurely(entity, { _tag: "Posted", line, posted })
  }

  /** An engine that ends waits for both for a while; what is not recorded then, the next process finds. */
  const dial = (entity: Entity, attempt: Attempt, since: number): Effect.Effect<void> =>
    closing.inHand(
      Effect.flatMap(surelySent(entity, attempt, since), (posted) => record(entity, attempt, posted))
    )

  return {
    follow: (entity, events, _, since) => {
      for (const event of events) {
        if (event._tag === "DialAttempted") run(dial(entity, event, since))
        if (event._tag === "DialHeld") restore.held(entity.id)
      }
    }
  }
})
