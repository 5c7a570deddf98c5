/** How runners share calls: the layer that makes them one application. */
import { Calls, SqlEventStore } from "@ringback/core"

/** `postgres`: several processes on one PostgreSQL, each of which answers whatever comes. */
export const names = ["postgres"] as const

export type Mode = typeof names[number]

/** The engine of a runner, by mode. */
export const engines = { postgres: Calls.layer } as const satisfies Record<Mode, unknown>

/** What it keeps its calls in. */
export const stores = { postgres: SqlEventStore.layer } as const satisfies Record<Mode, unknown>
