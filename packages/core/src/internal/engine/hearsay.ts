/**
 * Turns that other processes have told of and that no call here knows yet. They are kept as text, until the call is decided on. What
 * is told may be lost, late, repeated or of no use: whatever is missing here is read.
 */
import { Result } from "effect"
import type { CallId } from "../../CallEvent.ts"
import type { ToldTurn, Turn } from "../../EventStore.ts"
import * as ids from "../ids.ts"
import { decoded } from "../turn.ts"

/** So much is kept at most, in characters: of the calls that were told of last. */
const mostText = 8 * 2 ** 20

/** What a turn takes beside its events. */
const overhead = 200

const sizeOf = ({ events }: ToldTurn): number => events.length + overhead

/** What an engine has been told. */
export class Hearsay {
  private readonly calls = new Map<CallId, Map<number, ToldTurn>>()
  private readonly process: string
  private readonly most: number
  private size = 0

  constructor(process: string, most = mostText) {
    this.process = process
    this.most = most
  }

  /** Some turns were told of; those of this process among them are its own. */
  hear(turns: ReadonlyArray<ToldTurn>): void {
    for (const turn of turns) if (ids.processOf(turn.id) !== this.process) this.keep(turn)
    while (this.size > this.most) this.forget(this.calls.keys().next().value!)
  }

  /** Whether the turn after a version was told of. What came before is forgotten. */
  has(id: CallId, after: number): boolean {
    const turns = this.calls.get(id)
    if (turns === undefined) return false
    for (const version of turns.keys()) if (version <= after) this.drop(turns, version)
    if (turns.size === 0) this.calls.delete(id)
    return turns.has(after + 1)
  }

  /** The turns of a call after a version that were told of, without a gap. They are forgotten, and so is what is not readable. */
  take(id: CallId, after: number): ReadonlyArray<Turn> {
    if (!this.has(id, after)) return []
    const turns = this.calls.get(id)!
    const found: Array<Turn> = []
    for (let version = after + 1; turns.has(version); version++) {
      const [turn] = Result.getOrElse(decoded(id, [turns.get(version)!]), () => [])
      if (turn === undefined || turn.events.length === 0) break
      found.push(turn)
    }
    this.forget(id)
    return found
  }

  /** Forgets what was told of a call. */
  forget(id: CallId): void {
    const turns = this.calls.get(id)
    if (turns === undefined) return
    for (const version of turns.keys()) this.drop(turns, version)
    this.calls.delete(id)
  }

  private keep(turn: ToldTurn): void {
    const turns = this.calls.get(turn.callId) ?? new Map<number, ToldTurn>()
    if (turns.has(turn.version)) return
    turns.set(turn.version, turn)
    this.size += sizeOf(turn)
    this.calls.delete(turn.callId)
    this.calls.set(turn.callId, turns)
  }

  private drop(turns: Map<number, ToldTurn>, version: number): void {
    this.size -= sizeOf(turns.get(version)!)
    turns.delete(version)
  }
}
