/** The parts of an engine that hold its calls, put together. */
import * as Deciding from "./deciding.ts"
import * as Deliveries from "./deliveries.ts"
import * as Duplicates from "./duplicates.ts"
import * as Entities from "./entities.ts"
import { GivenUp } from "./givenUp.ts"
import { Hearsay } from "./hearsay.ts"
import * as Intake from "./intake.ts"
import * as Loading from "./loading.ts"
import * as Sessions from "./sessions.ts"
import * as Stopping from "./stopping.ts"
import * as Storing from "./storing.ts"
import type { Follow, Surroundings } from "./surroundings.ts"
import * as Timing from "./timing.ts"
import { Unattended } from "./unattended.ts"

/** What holds the calls of an engine. */
export interface Parts {
  readonly sessions: Sessions.Sessions
  readonly entities: Entities.Entities
  readonly unattended: Unattended
  readonly deliveries: Deliveries.Deliveries
  readonly storing: Storing.Storing
  readonly loading: Loading.Loading
  readonly intake: Intake.Intake
  readonly hearsay: Hearsay
}

/** Puts them together. `follow` does what follows from a turn elsewhere. */
export const make = (surroundings: Surroundings, follow: Follow): Parts => {
  const sessions = Sessions.make(surroundings)
  const entities = Entities.make(surroundings, sessions)
  const timing = Timing.make(surroundings)
  const held = {
    sessions,
    entities,
    timing,
    follow,
    unattended: new Unattended(),
    givenUp: new GivenUp(),
    hearsay: new Hearsay(surroundings.process),
    deliveries: Deliveries.make(surroundings),
    duplicates: Duplicates.make(surroundings),
    deciding: Deciding.make(surroundings, timing)
  }
  const storing = Storing.make(surroundings, {
    ...held,
    doubt: (entity, unsure) => void surroundings.run(loading.findOut(entity, unsure))
  })
  const loading: Loading.Loading = Loading.make(surroundings, { ...held, storing })
  const stopping = Stopping.make(surroundings, { ...held, storing, loading })
  return { ...held, storing, loading, intake: Intake.make(surroundings, { ...held, storing, loading, stopping }) }
}
