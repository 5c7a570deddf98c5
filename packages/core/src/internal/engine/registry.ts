/** The flows that an engine knows, by name and version, and whether its running calls need others. */
import { Effect } from "effect"
import { DuplicateFlow, FlowsMissing } from "../../CallError.ts"
import type { Summary } from "../../EventStore.ts"
import type { AnyDefinition } from "../../LiveCall.ts"
import * as Neighbours from "./neighbours.ts"

/** The flows by their names, each of which stands for one. */
export const make = (
  definitions: ReadonlyArray<AnyDefinition>
): Effect.Effect<ReadonlyMap<string, AnyDefinition>, DuplicateFlow> => {
  const found = new Map<string, AnyDefinition>()
  for (const definition of definitions) {
    const name = Neighbours.nameOf(definition.name, definition.version)
    const other = found.get(name)
    if (other !== undefined && other !== definition) {
      return Effect.fail(new DuplicateFlow({ flow: definition.name, version: definition.version }))
    }
    found.set(name, definition)
  }
  return Effect.succeed(found)
}

/** Running calls are only taken over when all of them can go on. */
export const check = (
  running: ReadonlyArray<Summary>,
  flows: ReadonlyMap<string, AnyDefinition>
): Effect.Effect<void, FlowsMissing> => {
  const missing = new Map<string, { readonly flow: string; readonly version: number; calls: number }>()
  for (const summary of running) {
    const name = Neighbours.nameOf(summary.flow, summary.flowVersion)
    if (flows.has(name)) continue
    const entry = missing.get(name) ?? { flow: summary.flow, version: summary.flowVersion, calls: 0 }
    entry.calls++
    missing.set(name, entry)
  }
  return missing.size === 0 ? Effect.void : Effect.fail(new FlowsMissing({ missing: [...missing.values()] }))
}
