/** Calls that nobody looked after for a while: of a process that is gone, or while time jumped. */
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type * as LiveCall from "../../LiveCall.ts"
import type { Entity } from "./entity.ts"

/** What a call is told that nobody looked after for a while. */
export type First = (live: LiveCall.LiveCall, entity: Entity) => CallInput.CallInput

/** What such calls are told before anything else. */
export class Unattended {
  private readonly firsts = new Map<CallId, First>()

  has(id: CallId): boolean {
    return this.firsts.has(id)
  }

  /** A call is told this, in the place of what it was to be told. */
  tell(id: CallId, first: First): void {
    this.firsts.set(id, first)
  }

  firstOf(id: CallId): First | undefined {
    return this.firsts.get(id)
  }

  /** A call has been told. Time may have jumped again meanwhile: then there is something new to tell. */
  told(id: CallId, first: First): void {
    if (this.firsts.get(id) === first) this.firsts.delete(id)
  }

  forget(id: CallId): void {
    this.firsts.delete(id)
  }
}
