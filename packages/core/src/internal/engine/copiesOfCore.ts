/** Whether this process has loaded more than one copy of this package. */
import { Effect } from "effect"
import { type CopyOfCore, here, remedy, words } from "../copyOfCore.ts"

/** The copies of a process. A file that a tool loads anew is no other copy. */
const key: unique symbol = Symbol.for("@ringback/core/copies")

const loaded = (globalThis as { [key]?: Map<string, CopyOfCore> })[key] ??= new Map()
loaded.set(words(here), here)

/** Says so if there are several. */
export const tell: Effect.Effect<void> = Effect.suspend(() =>
  loaded.size < 2 ? Effect.void : Effect.logWarning(
    `${loaded.size} copies of @ringback/core are loaded: ${
      [...loaded.values()].map(words).join(", ")
    }. None of them runs flows ` +
      `that another has made, or knows its errors. ${remedy}`
  )
)
