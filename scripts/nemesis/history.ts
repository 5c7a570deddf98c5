/** A run as the laws of storms read it: what the database holds, what the carrier saw, what the application was told. */
import { type CallEvent, EventStore, type LiveCall, Settings } from "@ringback/core"
import type { StormHistory } from "@ringback/testing"
import { Effect } from "effect"
import * as Flows from "./flows.ts"
import type { Run } from "./run.ts"
import type { Life } from "./runners.ts"

/** All that the laws want to know of a run, with the turns of the calls that it knows of. */
export const read = Effect.fnUntraced(function*(run: Run, ids: ReadonlyArray<CallEvent.CallId>) {
  const store = yield* EventStore.EventStore
  const read = yield* Effect.forEach(ids, (id) => store.read(id), { concurrency: 8 })
  const summaries = new Map((yield* store.summaries(ids)).map((summary) => [summary.callId, summary]))
  const log = yield* run.telesign.log
  const lives = run.lives.map(lifeOf)
  let seq = 0
  const moment = (at: number): StormHistory.Moment => ({ seq: ++seq, at })
  const turns = inOrder(read).map((turn): StormHistory.Appended => {
    const appended = moment(turn.at)
    return {
      ...appended,
      begun: appended,
      incarnation: incarnationOf(run.lives, turn),
      turn,
      summary: { ...summaries.get(turn.callId)!, due: null }
    }
  })
  const history: StormHistory.StormHistory = {
    flow: Flows.Survey as LiveCall.AnyDefinition,
    requestOf: undefined,
    settings: Settings.make({ speed: run.speed }),
    wanted: run.asked.length,
    turns,
    deliveries: [],
    sent: sent(run, log, moment),
    ran: run.heard.flatMap(({ life, message }) =>
      message.says === "ran"
        ? [{ ...moment(message.at), name: message.name, key: message.key, incarnation: life.number }]
        : []
    ),
    rings: yield* run.telesign.rings,
    log,
    faults: [],
    told: told(run, moment),
    lives,
    strayed: [],
    shown: [],
    refused: [],
    logged: [],
    strangers: [],
    prunings: [],
    looks: [],
    followed: [],
    behind: [],
    kept: {
      calls: [],
      counts: { running: 0, over: { Success: 0, Failure: 0, Stopped: 0 } },
      byNumber: new Map(),
      log: [],
      unread: []
    },
    endedAt: Date.now(),
    abandoned: false
  }
  return history
})

/** The turns of all calls as they came, those of one call by their versions. */
const inOrder = (calls: ReadonlyArray<ReadonlyArray<EventStore.Turn>>): ReadonlyArray<EventStore.Turn> => {
  const placed = calls.flatMap((turns) => {
    let latest = 0
    return turns.map((turn) => ({ turn, at: latest = Math.max(latest, turn.at) }))
  })
  return placed.toSorted((a, b) => a.at - b.at || a.turn.version - b.turn.version).map(({ turn }) => turn)
}

/** Which of the lives appended a turn: its id begins with the name of the process. */
export const incarnationOf = (lives: ReadonlyArray<Life>, { id }: Pick<EventStore.Turn, "id">): number =>
  lives.find(({ name }) => name !== undefined && id.startsWith(name))?.number ?? 1

const lifeOf = (life: Life): StormHistory.Life => ({
  incarnation: life.number,
  computer: life.place + 1,
  knowsFlow: true,
  born: { seq: 0, at: life.born },
  ready: life.ready,
  died: life.died,
  stood: life.frozen,
  erred: [],
  waited: [],
  failed: [],
  jumped: life.set
})

type Moments = (at: number) => StormHistory.Moment

/** The dials that runners sent, and when the carrier had them. */
const sent = (run: Run, log: StormHistory.StormHistory["log"], moment: Moments): ReadonlyArray<StormHistory.Sent> => {
  const requested = new Map(
    log.flatMap((entry) => entry._tag === "Requested" ? [[entry.action.externalId, entry]] : [])
  )
  return run.heard.flatMap(({ life, message }) => {
    const request = message.says === "sends" ? requested.get(message.externalId) : undefined
    if (request === undefined) return []
    const begun = moment(message.at)
    return [{ ...moment(request.at), begun, incarnation: life.number, action: request.action, fault: undefined }]
  })
}

const told = (run: Run, moment: Moments): StormHistory.Told => ({
  started: run.told.started.map(({ at, id, key, life }) => ({
    ...moment(at),
    begun: moment(at),
    key,
    id: id as CallEvent.CallId,
    incarnation: life.number,
    isNew: true
  })),
  keysPruned: [],
  missing: [],
  outcomes: run.heard.flatMap(({ message }) =>
    message.says === "outcome"
      ? [{ ...moment(message.at), id: message.id as CallEvent.CallId, exit: message.exit }]
      : []
  ),
  signalled: run.told.signalled.map(({ at, id, key }) => ({
    ...moment(at),
    id: id as CallEvent.CallId,
    name: "ready",
    key
  })),
  cancelled: run.told.cancelled.map(({ at, id }) => ({ ...moment(at), id: id as CallEvent.CallId }))
})
