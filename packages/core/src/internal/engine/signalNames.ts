/** The names of the signals that flows wait for, by which a name that is misspelt shows. */
import type * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"

/** What is known of names in one process. */
export interface SignalNames {
  /** Learns from the events of a turn, and the call after it, what flows wait for. */
  readonly learn: (events: ReadonlyArray<CallEvent>, call: Call.Call) => void
  /** Whether nothing has waited for this name so far, and nobody was told so. */
  readonly isNews: (call: Call.Call, name: string) => boolean
}

/** So many names are told apart: who makes them up one by one is not told of each. */
const maxNames = 1_000

/** No name is known yet. */
export const make = (): SignalNames => {
  const known = new Set<string>()
  const place = (call: Call.Call, name: string) => `${call.flow}@${call.flowVersion}/${name}`
  const add = (name: string): boolean => {
    if (known.has(name) || known.size >= maxNames) return false
    known.add(name)
    return true
  }
  return {
    learn: (events, call) => {
      for (const event of events) if (event._tag === "SignalAwaited") add(place(call, event.name))
    },
    isNews: (call, name) => {
      if (call.wait?._tag === "Signal") add(place(call, call.wait.name))
      return call.signals.some((signal) => signal.name === name) && add(place(call, name))
    }
  }
}
