/** What all parts of one engine share. */
import type * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"
import type { EventStore } from "../../EventStore.ts"
import type * as LiveCall from "../../LiveCall.ts"
import type * as Settings from "../../Settings.ts"
import type { Report } from "../report.ts"
import type { Run } from "../running.ts"
import type * as Alarm from "./alarm.ts"
import type { Closing } from "./closing.ts"
import type { Entity } from "./entity.ts"
import type { Neighbours } from "./neighbours.ts"
import type { Pacing } from "./pacing.ts"
import type { Restore } from "./restore.ts"
import type { Reading } from "./time.ts"

/** What all parts of one engine share. None of it is a call's. */
export interface Surroundings {
  readonly store: EventStore["Service"]
  readonly settings: Settings.Settings
  readonly namespace: string
  /** The name of this process incarnation. */
  readonly process: string
  readonly neighbours: Neighbours
  readonly definition: (name: string, version: number) => LiveCall.AnyDefinition | undefined
  /** Whether neither this process nor another that lived at the last look has registered a flow. */
  readonly isMissing: (name: string, version: number) => boolean
  readonly alarm: Alarm.Alarm
  readonly pacing: Pacing
  readonly restore: Restore
  /** The time by which facts are recorded, which is that of all processes on this store, in milliseconds since 1970. */
  readonly now: () => number
  /** The time that tells how long something took, in milliseconds. */
  readonly elapsed: () => number
  /** Both of one moment. */
  readonly read: () => Reading
  /** How this engine ends. */
  readonly closing: Closing
  /** What is said of a store that fails, and of one that throws where it should fail. */
  readonly troubles: { readonly store: Report; readonly throws: Report }
  /** Runs something from this moment on that outlives whoever asked for it, until the engine ends. */
  readonly run: Run
}

/**
 * What follows from a durable turn outside of its call: dials are sent, activities run, other processes are told. `since` is
 * when it was decided, by the time that has elapsed.
 */
export type Follow = (
  entity: Entity,
  events: ReadonlyArray<CallEvent>,
  call: Call.Call,
  since: number
) => void
