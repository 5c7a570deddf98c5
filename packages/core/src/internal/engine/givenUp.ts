/** Calls with which the engine cannot do what it should, for nothing of it can be recorded. */
import type { CallId } from "../../CallEvent.ts"

/** Which calls those are. That is told once of each, until something is recorded of it again. */
export class GivenUp {
  private readonly abandoned = new Set<CallId>()
  private readonly incomplete = new Set<CallId>()

  /** Whether a call can be neither gone on with nor stopped: nothing wakes it here any more. */
  isAbandoned(id: CallId): boolean {
    return this.abandoned.has(id)
  }

  /** A call can be neither gone on with nor stopped. `false` if that is known. */
  abandon(id: CallId): boolean {
    return isNewIn(this.abandoned, id)
  }

  /** Something that came in after the outcome of a call is not recorded. `false` if that is known. */
  leaveOut(id: CallId): boolean {
    return isNewIn(this.incomplete, id)
  }

  /** Something is recorded of a call. */
  stored(id: CallId): void {
    this.abandoned.delete(id)
    this.incomplete.delete(id)
  }
}

const isNewIn = (ids: Set<CallId>, id: CallId): boolean => {
  const before = ids.size
  return ids.add(id).size > before
}
