/**
 * The world of one run of a storm: its dice, its time, and the record of everything that happens. What the carrier, the
 * application and the faults do runs in the world, where no death of a process stops it.
 */
import { Settings } from "@ringback/core"
import type {
  Action,
  CallEvent,
  CallIndex,
  Calls,
  EventLog,
  EventStore,
  LiveCall,
  Retention,
  Transport
} from "@ringback/core"
import { Clock, Context, Deferred, Effect, type Latch, Random } from "effect"
import type { Queue, Schema } from "effect"
import type * as Callee from "../../Callee.ts"
import * as PhoneCompany from "../../PhoneCompany.ts"
import type * as PhoneLine from "../../PhoneLine.ts"
import type * as StormFaults from "../../StormFaults.ts"
import type * as StormHistory from "../../StormHistory.ts"
import * as Dice from "./dice.ts"

/** Whose behaviour under failure the store has. */
export type StoreKind = "memory" | "sqlite" | "postgres"

/** One run: what runs, and what befalls it. */
export interface Options {
  readonly flow: LiveCall.AnyDefinition
  readonly input: unknown
  readonly seed: number
  readonly store: StoreKind
  /** How many calls at most; each run draws. */
  readonly calls: number
  readonly faults: StormFaults.StormFaults
  readonly callees: { readonly [number: string]: Callee.Script | ReadonlyArray<Callee.Script> } | undefined
  readonly incoming: { readonly to: string; readonly from: string; readonly callee?: Callee.Script } | undefined
  readonly signals: { readonly [name: string]: Schema.Json }
  readonly throwing: ((drawn: number) => unknown) | undefined
  readonly requestOf: ((dial: Action.Dial) => string) | undefined
  readonly settings: Settings.Options
  readonly company: PhoneLine.Settings
  readonly sabotage: Sabotage
}

/** Parts of the engine that a test replaces by broken ones. */
export interface Sabotage {
  readonly store?: (store: EventStore.EventStore["Service"]) => EventStore.EventStore["Service"]
  readonly retention?: (retention: Retention.Retention["Service"]) => Retention.Retention["Service"]
  readonly log?: (log: EventLog.EventLog["Service"]) => EventLog.EventLog["Service"]
  /** The list of calls, as it is looked at when the run is over. */
  readonly index?: (index: CallIndex.CallIndex["Service"]) => CallIndex.CallIndex["Service"]
  readonly transport?: (transport: Transport.Transport["Service"]) => Transport.Transport["Service"]
  readonly calls?: (calls: Calls.Calls["Service"]) => Calls.Calls["Service"]
  readonly clock?: (clock: Clock.Clock) => Clock.Clock
  /** What owners of calls are asked by, and answer. */
  readonly owners?: (owners: Calls.Owners) => Calls.Owners
  /** Settings that the engine has and that the laws do not know of. */
  readonly settings?: Settings.Options
}

export type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** What a computer shows as time. Processes that follow each other on one computer share it. */
export interface Machine {
  /** How far its wall clock is ahead. */
  ahead: number
  /** How long it slept, for which its monotonic clock stood still. */
  slept: number
  /** Until when it sleeps or slept last. Meanwhile nothing begins on it. */
  asleepUntil: number
}

/** An incarnation of the application, between its start and its death. */
export interface Process {
  readonly id: number
  /** Processes of one place follow each other, those of different places live side by side. */
  readonly place: number
  readonly machine: Machine
  /** What it starts calls with, and answers them with. */
  readonly flow: LiveCall.AnyDefinition
  readonly born: { readonly seq: number; readonly at: number }
  readonly thawed: Latch.Latch
  readonly died: Deferred.Deferred<void>
  readonly life: Mutable<StormHistory.Life>
  /** For how many reasons it stands still. */
  frozen: number
  dead: boolean
  /** What it asked the store to append and that is not stored, by the id of the turn. */
  readonly appends: Map<string, Append>
  /** How many appends wait for their answer. */
  appending: number
  /** What it calls itself where others can see it, and the flows that it has registered. */
  name: string | undefined
  flows: ReadonlySet<string>
  /** How many lines it has said that it uses. */
  lines: number
  /** What others have told it, once it listens. */
  told: Queue.Queue<EventStore.Told | EventStore.ToldTurns> | undefined
  /** When the others cannot see that it lives. */
  readonly unseen: Array<StormHistory.Stretch>
  /** Until when it does not reach its store. */
  apartUntil: number
  calls: Calls.Calls["Service"] | undefined
  /** What it says when another one asks it as the owner of a call. */
  answer: ((message: Calls.OwnerMessage) => Effect.Effect<unknown>) | undefined
  /** What it prunes with, and where it reads the turns of all calls. */
  retention: Retention.Retention["Service"] | undefined
  log: EventLog.EventLog["Service"] | undefined
  readMetrics: () => void
  run: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<void>
  /** Closes its engine, within the bound that the settings set. */
  close: Effect.Effect<void>
}

/** The store as somebody sees it whom no fault befalls. */
export interface View {
  /** What is left of the calls that were pruned. */
  readonly look: Effect.Effect<Pick<StormHistory.Look, "pruned" | "rest">>
  readonly index: CallIndex.CallIndex["Service"]
  readonly log: EventLog.EventLog["Service"]
}

/** A turn on its way into the store. */
export interface Append {
  readonly turn: EventStore.Turn
  readonly summary: EventStore.Summary
  readonly begun: StormHistory.Moment
}

/** Everything that has happened so far. */
export interface Records {
  readonly turns: Array<Mutable<StormHistory.Appended>>
  readonly deliveries: Array<Mutable<StormHistory.Delivery>>
  readonly sent: Array<StormHistory.Sent>
  readonly ran: Array<StormHistory.Ran>
  readonly faults: Array<StormHistory.Fault>
  readonly lives: Array<StormHistory.Life>
  readonly strayed: Array<string>
  /** What the engine showed to the outside: log, spans, metrics, errors. */
  readonly shown: Array<StormHistory.Shown>
  readonly refused: Array<StormHistory.Refused>
  readonly logged: Array<StormHistory.Logged>
  readonly strangers: Array<StormHistory.Foreign>
  readonly started: Array<StormHistory.Started>
  readonly keysPruned: Array<StormHistory.KeyPruned>
  readonly missing: Array<StormHistory.Missing>
  readonly prunings: Array<StormHistory.Pruning>
  readonly looks: Array<StormHistory.Look>
  readonly followed: Array<StormHistory.Followed>
  readonly behind: Array<StormHistory.Behind>
  readonly outcomes: Array<StormHistory.Outcome>
  readonly signalled: Array<StormHistory.Signalled>
  readonly cancelled: Array<StormHistory.Cancelled>
}

export interface World {
  readonly options: Options
  /** The flow in another version, which every process has registered where processes share a store. */
  readonly otherVersion: LiveCall.AnyDefinition
  /** What the laws hold the engine to. */
  readonly settings: Settings.Settings
  /** The same as an engine is given them. */
  readonly tuning: Settings.Options
  readonly company: PhoneCompany.PhoneCompany["Service"]
  readonly clock: Clock.Clock
  readonly random: Context.Service.Shape<typeof Random.Random>
  /** What stands in an `external_id` for what nobody can guess: no two are alike. */
  readonly chance: () => string
  /** Whether the processes are a cluster. */
  readonly isCluster: boolean
  /** To draw when strangers call in by the dozen, if they do. */
  readonly callers: Dice.Dice | undefined
  readonly now: () => number
  /** Numbers everything that happens, also within one millisecond. */
  readonly moment: () => StormHistory.Moment
  /** Draws what no fault has to do with. */
  readonly nature: Dice.Dice
  readonly diceOf: (kind: StormFaults.Kind) => Dice.Dice
  /** Whether a fault strikes at this opportunity: then its dice, to draw how hard. */
  readonly strikes: (kind: StormFaults.Kind) => Dice.Dice | undefined
  readonly record: (kind: StormFaults.Kind) => void
  /** Something can be read outside. What was read before is not kept twice. */
  readonly show: (where: StormHistory.Shown["where"], text: string) => void
  /** The steps of the processes at which a fault strikes a run. */
  readonly moments: (kind: StormFaults.Kind, most: number) => Array<number>
  /** Begins something that no death of a process stops. */
  readonly begin: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<void>
  /** The same, and waits for it. */
  readonly outside: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** How much has begun and not ended. */
  readonly underWay: () => number
  readonly records: Records
  /** The disk below the store: full once in a run at most. */
  readonly disk: { fullUntil: number }
  /** What the store never takes, by the turn that brings it, and how often it was asked to. */
  readonly refused: Map<string, number>
  /** Until when the carrier has had enough dials, and how many it takes until then. */
  readonly throttle: { until: number; room: number }
  /** Until when the carrier accepts no credentials. */
  readonly lock: { until: number }
  /** What each call is started with, by its key. */
  readonly inputs: Map<string, unknown>
  /** All that ever lived, in the order of their births. */
  readonly processes: Array<Process>
}

/** How long dials may wait under a starved pace. */
const patience = [{ waitAtMost: "1 minute" }, { waitAtMost: "10 minutes" }, {}] as const

const noRecords = (): Records => ({
  turns: [],
  deliveries: [],
  sent: [],
  ran: [],
  faults: [],
  lives: [],
  strayed: [],
  shown: [],
  refused: [],
  logged: [],
  strangers: [],
  started: [],
  keysPruned: [],
  missing: [],
  prunings: [],
  looks: [],
  followed: [],
  behind: [],
  outcomes: [],
  signalled: [],
  cancelled: []
})

/** The settings of a run: crowded, starved, with few lines or with room for few callers, if that strikes. */
const tuned = (
  options: Options,
  settings: Settings.Options,
  { callers, strikes }: Pick<World, "callers" | "strikes">
): Settings.Options => {
  const [crowded, starved, few] = [strikes("crowded"), strikes("paceStarved"), strikes("linesFew")]
  const drawn: ReadonlyArray<Settings.Options> = [
    crowded === undefined ? {} : { store: { waiting: crowded.between(1, 3) } },
    starved === undefined ? {} : { dial: { perSecond: starved.pick([0.5, 0.1, 0.02]), ...starved.pick(patience) } },
    // A process that has registered what others have not needs a line.
    few === undefined ? {} : { dial: { linesAtMost: few.between(1, 3) + (options.faults.versionUnknown > 0 ? 3 : 0) } },
    callers === undefined ? {} : { inbound: { linesAtMost: callers.between(1, 2) } }
  ]
  return drawn.reduce(Settings.merge, settings)
}

export const make = Effect.fnUntraced(function*(options: Options, settings: Settings.Options) {
  const company = yield* PhoneCompany.PhoneCompany
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const scope = yield* Effect.scope
  // With the services of the flow's activities. What begins in the world has these, whoever begins it.
  const surroundings = Context.merge(
    yield* Effect.context<never>(),
    Context.make(Clock.Clock, clock).pipe(Context.add(Random.Random, random))
  )
  const now = () => clock.currentTimeMillisUnsafe()
  let seq = 0
  let chances = 0
  let underWay = 0

  const records = noRecords()
  const moment = (): StormHistory.Moment => ({ seq: ++seq, at: now() })
  const record = (kind: StormFaults.Kind): void => void records.faults.push({ ...moment(), kind })

  const shown = new Set<string>()
  const show: World["show"] = (where, text) => {
    if (shown.has(text)) return
    shown.add(text)
    records.shown.push({ where, text })
  }

  const dice = new Map<StormFaults.Kind, { readonly dice: Dice.Dice; readonly abroad: boolean }>()
  const rolling = (kind: StormFaults.Kind) => {
    const found = dice.get(kind)
    if (found !== undefined) return found
    const own = Dice.make(`${options.seed}/${kind}`)
    const made = { dice: own, abroad: own.hit(0.5) }
    dice.set(kind, made)
    return made
  }
  const hits = (kind: StormFaults.Kind): Dice.Dice | undefined => {
    const { abroad, dice } = rolling(kind)
    return dice.hit(options.faults[kind]) && abroad ? dice : undefined
  }

  const begin: World["begin"] = (effect) =>
    Effect.suspend(() => {
      underWay++
      const ended = Effect.ensuring(effect, Effect.sync(() => void underWay--))
      return Effect.asVoid(Effect.forkIn(Effect.provideContext(ended, surroundings), scope))
    })

  const strikes: World["strikes"] = (kind) => {
    const dice = hits(kind)
    if (dice !== undefined) record(kind)
    return dice
  }
  const callers = options.incoming === undefined ? strikes("callersMany") : undefined
  const tuning = tuned(options, settings, { callers, strikes })

  const world: World = {
    options,
    otherVersion: { ...options.flow, version: options.flow.version + 1 },
    tuning,
    settings: Settings.make(tuning),
    company,
    clock,
    random,
    chance: () => `${String(++chances).padStart(5, "0")}000`, // the number of a line is added to it
    isCluster: options.store === "postgres" && strikes("clustered") !== undefined,
    callers,
    now,
    moment,
    nature: Dice.make(`${options.seed}/nature`),
    diceOf: (kind) => rolling(kind).dice,
    strikes,
    record,
    show,
    moments: (kind, most) => {
      const dice = hits(kind)
      let at = 0
      return dice === undefined ? [] : Array.from({ length: dice.between(1, most) }, () => (at += dice.between(1, 30)))
    },
    begin,
    outside: <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.suspend(() => {
        const done = Deferred.makeUnsafe<A, E>()
        const told = Effect.flatMap(Effect.exit(effect), (exit) => Deferred.done(done, exit))
        return Effect.andThen(begin(told), Deferred.await(done))
      }),
    underWay: () => underWay,
    records,
    disk: { fullUntil: 0 },
    refused: new Map(),
    throttle: { until: 0, room: 0 },
    lock: { until: 0 },
    inputs: new Map(),
    processes: []
  }
  return world
})

/** The process that has a place now, dead or alive. */
export const newest = (world: World, place: number): Process | undefined =>
  world.processes.findLast((process) => process.place === place)

/** Processes that the carrier and the application can reach. */
export const serving = (world: World): ReadonlyArray<Process> =>
  world.processes.filter((process) =>
    !process.dead && process.calls !== undefined &&
    !world.processes.some((other) =>
      other.place === process.place && other.id > process.id && other.calls !== undefined
    )
  )

/** One of the processes that can be reached: the only one, or one by chance. */
export const reach = (world: World): Process | undefined => {
  const all = serving(world)
  return all.length < 2 ? all[0] : all[world.diceOf("secondProcess").between(0, all.length - 1)]
}

/** The turns of a call since it began last: one whose key was forgotten may begin again. */
export const ownTurns = (
  { records }: World,
  id: CallEvent.CallId | undefined
): ReadonlyArray<StormHistory.Appended> => {
  const turns = records.turns.filter(({ turn }) => turn.callId === id)
  return turns.slice(Math.max(0, turns.findLastIndex(({ turn }) => turn.version === 1)))
}

/** Ids of calls of the flow, as far as they are stored: of those that were started and those that came in. */
export const callIds = ({ options, records }: World): ReadonlyArray<CallEvent.CallId> => [
  ...new Set(
    records.turns.filter(({ summary }) => summary.flow === options.flow.name).map(({ turn }) => turn.callId)
  )
]
