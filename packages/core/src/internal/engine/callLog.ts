/** What is logged about a call carries its id and its flow, and nothing of what foreign code said unmasked. */
import { Cause, Effect } from "effect"
import * as CallTrace from "../../CallTrace.ts"
import type * as Decider from "../../Decider.ts"
import * as Defect from "../defect.ts"
import type { Entity } from "./entity.ts"
import { below } from "./tracing.ts"

/** The log lines of an effect, with the call that they are about, and its trace. */
export const about = <A, E, R>(entity: Entity, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const call = entity.live?.call ?? entity.known
  const flow = call === undefined || call.flow === "" ? {} : { flow: call.flow, version: call.flowVersion }
  return below(Effect.annotateLogs(effect, { call: entity.id, ...flow }), CallTrace.ofCall(entity.id))
}

/** One line at `Error` about a call, with the stack of what was thrown. */
export const died = (entity: Entity, what: string, thrown: unknown): Effect.Effect<void> =>
  about(entity, Effect.logError(what, Cause.die(Defect.error(thrown))))

/** The same of what failed, unless somebody has only interrupted it. */
export const lost = (entity: Entity, what: string, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Cause.hasInterruptsOnly(cause) ? Effect.void : died(entity, what, Cause.squash(cause))

/**
 * What is said when a flow was stopped without its consent and nobody asked for it. `cause` is why the engine stops the call,
 * if it does. Of an activity that died is said where it ran.
 */
export const stopOf = (entity: Entity, decided: Decider.Decided, cause: unknown): Effect.Effect<void> | undefined => {
  const ended = decided.events.find((event) => event._tag === "FlowEnded")
  if (ended === undefined || ended.exit._tag !== "Stopped") return undefined
  const { reason } = ended.exit
  if (reason._tag === "Defect") return defectOf(entity, decided, cause, reason.message)
  if (reason._tag !== "Overdue") return undefined
  const words = `The flow of call ${entity.id} is stopped: its activity ${reason.activity} took longer than it may. ` +
    "Give it more time (`within`), or let the flow go on without it: declare overdue: \"fail\" and catch Overdue"
  return about(entity, Effect.logError(words))
}

const defectOf = (entity: Entity, { live: { step } }: Decider.Decided, cause: unknown, message: string) => {
  const isThrown = step._tag === "Done" && step.exit._tag === "Stopped" && step.exit.why._tag === "Defect"
  const thrown = isThrown ? step.exit.why.defect : cause
  if (Defect.isActivityDeath(thrown)) return undefined
  const words = `The flow of call ${entity.id} is stopped by a defect`
  return thrown === undefined
    ? about(entity, Effect.logError(`${words}: ${message}`))
    : died(entity, words, thrown)
}
