/** What of an engine can be asked at another machine in its place. */
import { Context } from "effect"
import type { Effect } from "effect"
import type * as LiveCall from "../../LiveCall.ts"
import type * as Settings from "../../Settings.ts"
import type { Outcomes } from "./outcomes.ts"
import type { Placement } from "./placement.ts"
import type { Signals } from "./signals.ts"
import type { Start } from "./starts.ts"

/** What can be asked: all of it is data. */
export interface Asked extends Signals, Pick<Outcomes, "outcome"> {
  readonly start: Start
}

/** An engine as those ask it that found its place. */
export interface Local extends Asked {
  readonly settings: Settings.Settings
  readonly definition: (name: string, version: number) => LiveCall.AnyDefinition | undefined
}

/** The machines that an engine shares its calls with. */
export interface Cluster extends Placement {
  /** The engine as the application of this process sees it, which asks others for calls of theirs. */
  readonly join: (engine: Local) => Effect.Effect<Asked>
}

/** The cluster of the engine that is built, if it is in one. */
export const Cluster = Context.Reference<Cluster | undefined>("@ringback/core/Calls/Cluster", {
  defaultValue: () => undefined
})
