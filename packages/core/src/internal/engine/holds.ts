/** What is owed to a line that waits for its flow: what the flow decides, or a hold at the reply deadline. */
import { Deferred, Effect, Fiber, Option } from "effect"
import * as Call from "../../Call.ts"
import type * as CallInput from "../../CallInput.ts"
import type { Owed } from "../../CallLine.ts"
import { type Arrival, isAnswered } from "./arrival.ts"
import type { Entity } from "./entity.ts"
import type { LateReplies } from "./lateReplies.ts"
import type { Parts } from "./parts.ts"
import type { Surroundings } from "./surroundings.ts"

/** Waits for what is owed to the line of a webhook, and gives it. */
export type GiveOwed = (
  arrival: Arrival,
  line: number,
  waiter: Deferred.Deferred<Owed>,
  give: (reply: Owed) => void
) => Effect.Effect<void>

/** By the settings of an engine. */
export const make = (
  { elapsed, run, settings }: Surroundings,
  { deliveries, intake }: Parts,
  lateReplies: LateReplies
): GiveOwed => {
  /** A hold that is recorded, like any action; one that is not, if the store is late again. */
  const holdLine = Effect.fnUntraced(function*(arrival: Arrival, line: number) {
    const due = (): CallInput.CallInput => isAnswered(arrival) ? { _tag: "Wake" } : { _tag: "ReplyDue", line }
    const reading = (call: Call.Call) => Call.reply(call, line, "line", settings)
    const holding = run(intake.take(arrival.entity, due, reading, { whileDown: "again" }))
    const watched = Effect.timeoutOption(Fiber.join(holding), settings.reply.lateAfter - settings.reply.deadline)
    const reply = yield* Effect.result(watched)
    if (reply._tag === "Success" && Option.isSome(reply.success)) return reply.success.value
    lateReplies.answer(arrival)
    return { _tag: "Nothing" } as const
  })

  /** The call may have left the line since the flow decided: then whoever is on it is hung up on. */
  const owedNow = ({ live }: Entity, line: number, reply: Owed): Owed =>
    live !== undefined && Call.lineOf(live.call, line)?.left === true
      ? Call.reply(live.call, line, "line", settings)
      : reply

  return Effect.fnUntraced(function*(arrival, line, waiter, give) {
    const { entity, since } = arrival
    const left = Math.max(0, since + settings.reply.deadline - elapsed())
    const held = Effect.andThen(Effect.sleep(left), Effect.suspend(() => holdLine(arrival, line)))
    const reply = yield* Effect.ensuring(
      Effect.raceFirst(Deferred.await(waiter), held),
      Effect.sync(() => deliveries.awaitNoMore(entity, line, waiter))
    )
    give(owedNow(entity, line, reply))
  })
}
