/**
 * A webhook between its arrival and its answer.
 */
import type { Effect, Exit } from "effect"
import type * as Action from "../Action.ts"
import type { StoreError } from "../EventStore.ts"
import type * as Webhook from "../Webhook.ts"
import type { Cell } from "./cells.ts"
import type * as Lateness from "./lateness.ts"

/** What to answer to a webhook, and how to say what became of the answer. */
export interface Reply {
  readonly action: Action.Action | undefined
  readonly sent: (whole: boolean) => Effect.Effect<void>
}

/** A webhook on its way through the engine. */
export interface Letter {
  readonly cell: Cell
  readonly webhook: Webhook.Webhook
  /** Its place among all webhooks and replies of this process. */
  readonly arrival: number
  readonly receivedAt: number
  /** When it came by a clock that is not set back, by which it is told how late its answer is. */
  readonly since: number
  /** The attempt that its `external_id` names. */
  readonly attempt: number | undefined
  /** A hold went out on its line before it came, which the log does not know. */
  readonly afterHold: boolean
  /** What becomes late with it. Separate, because it is kept for as long as the answer could have been late. */
  readonly watched: Lateness.Watched<Letter>
  /** Gives whoever posted it the answer. `undefined` when that is done. */
  answer: ((reply: Exit.Exit<Reply, StoreError>) => void) | undefined
}

export const isAnswered = (letter: Letter): boolean => letter.answer === undefined

/** Answers a letter. `false` if that was done before. */
export const answer = (letter: Letter, reply: Exit.Exit<Reply, StoreError>): boolean => {
  const give = letter.answer
  if (give === undefined) return false
  letter.answer = undefined
  letter.watched.item = undefined
  give(reply)
  return true
}
