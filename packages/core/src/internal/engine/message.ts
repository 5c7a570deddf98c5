/** What is said to a call, as data, on its way to it. */
import type { Effect, Exit } from "effect"
import type * as Call from "../../Call.ts"
import type { CallNotFound } from "../../CallError.ts"
import type { CallEvent } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type * as Decider from "../../Decider.ts"
import type { StoreError } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import type { Entity } from "./entity.ts"
import type { Reading } from "./time.ts"

/** How a message is taken beside the ordinary. */
export interface Options {
  /**
   * An input that changes nothing is answered from the newest state: no append of its own would tell that another process
   * went on with the call. If the store fails, the state in memory has to do.
   */
  readonly asks?: boolean
  /** What a call that is not stored begins with; without it there has to be one. */
  readonly fresh?: () => LiveCall.LiveCall
  /** The call has an id of chance, so that the store need not be asked whether there is one. */
  readonly isNew?: boolean
  /**
   * What becomes of it while the store is down. `"again"`: it is tried until it is taken or cannot be, and all that comes to
   * the call after it waits. Otherwise it fails, and does so at once while another is tried.
   */
  readonly whileDown?: "again"
  /** It comes from this process itself, by a timer, an activity or a dial of it, and not from outside. */
  readonly isOwn?: boolean
  /** Whether the state in memory does not do for an answer, so that the store has to be asked. */
  readonly mustAsk?: () => boolean
  /**
   * The event that whoever asks brings. If the store refuses a turn with it for good they are told so, and the call goes on as if
   * it had not been asked. The call is stopped if any other turn is refused, such as what time had brought by then.
   */
  readonly brings?: CallEvent["_tag"]
}

/** What is known of a message before its call has decided on it: that it is for another, or how it is taken. */
export type Route<A> = { readonly instead: A } | { readonly isNew: boolean }

/** What became of a message. */
export type Taken<A> = Exit.Exit<A, StoreError | CallNotFound>

/** An input on its way to its call. */
export interface Message<A> extends Options {
  /** Finds out whether it is for this call, if that is not sure. */
  readonly route?: (entity: Entity) => Effect.Effect<Route<A>, StoreError> | undefined
  /** What is said, from the newest state if need be. */
  readonly input: CallInput.CallInput | ((live: LiveCall.LiveCall, reading: Reading) => CallInput.CallInput)
  /** Looks at what it came to, which is durable, before anybody else can. */
  readonly look: (call: Call.Call, decided: Decider.Decided) => A
  /** What `look` saw, or why it is not taken. */
  readonly taken: (exit: Taken<A>) => void
}

/** For messages whose result nobody looks at. */
export const ignore = () => undefined
