/**
 * One run of a storm: the real engine, incarnation after incarnation, between a store and a carrier that fail as the dice
 * say.
 */
import { Calls, EventLog, EventStore, type LiveCall, PhoneNumber, Retention, Settings, Transport } from "@ringback/core"
import { Cause, Clock, Context, Deferred, Effect, Exit, Fiber, Latch, Layer, Random, Scope } from "effect"
import type * as PhoneCompany from "../../PhoneCompany.ts"
import type * as StormHistory from "../../StormHistory.ts"
import * as Border from "./border.ts"
import * as Carrier from "./carrier.ts"
import * as Database from "./database.ts"
import type * as Dice from "./dice.ts"
import * as Following from "./following.ts"
import * as Kept from "./kept.ts"
import * as Onlooker from "./onlooker.ts"
import * as Owners from "./owners.ts"
import * as People from "./people.ts"
import * as Pruning from "./pruning.ts"
import * as Store from "./store.ts"
import * as Strangers from "./strangers.ts"
import { Witness } from "./witness.ts"
import * as World from "./world.ts"

export type { Options, Sabotage, StoreKind } from "./world.ts"

/** A run that has not come to its end after so long is given up on. */
const longestRun = 8 * 60 * 60 * 1000

export const run: (
  options: World.Options
) => Effect.Effect<StormHistory.StormHistory, never, PhoneCompany.PhoneCompany | Scope.Scope> = Effect.fnUntraced(
  function*(options) {
    const world = yield* World.make(options, options.settings)
    const { openStore, view } = yield* stores(world)
    const boot = (place: number): Effect.Effect<void> =>
      Effect.suspend(() => start(world, border, place, () => boot(place), openStore, wanted))
    const border = Border.make(world, boot)
    const { begin, company, nature, strikes } = world
    const wanted = options.calls < 2 || nature.hit(0.5) ? 1 : nature.between(2, options.calls)

    yield* company.connect(Carrier.handler(world, border))
    yield* options.callees === undefined
      ? company.everyone(People.strangers(nature, 3 + wanted))
      : Effect.forEach(Object.entries(options.callees), ([number, scripts]) => company.callee(number, scripts))
    yield* begin(boot(0))
    yield* Strangers.appear(world, border)
    yield* Pruning.appear(world, border, view)
    const follower: Following.Follower = { after: undefined }
    yield* Following.appear(world, border, follower)
    if (world.isCluster) yield* Effect.forkScoped(Onlooker.readShards(world))
    for (let index = 0; index < wanted; index++) {
      if (options.incoming !== undefined) yield* begin(calling(world, options.incoming))
      const cancels = strikes("cancel")
      if (cancels !== undefined) yield* begin(People.cancelling(world, border, index, cancels.between(0, 60_000)))
      for (const name of Object.keys(options.signals)) yield* begin(People.signalling(world, border, { index, name }))
    }
    const abandoned = !(yield* comesToItsEnd(world, border, wanted))
    for (const process of world.processes) {
      border.kill(process)
      process.readMetrics()
    }
    const kept = yield* Kept.read(world, view, follower.after)
    return yield* finished(world, wanted, abandoned, kept)
  }
)

/** Somebody calls one of our numbers. */
const calling = (world: World.World, incoming: NonNullable<World.Options["incoming"]>) => {
  const { nature } = world
  const { callee = People.stranger(nature), ...parties } = incoming
  return Effect.andThen(Effect.sleep(nature.between(0, 10_000)), world.company.incoming({ ...parties, callee }))
}

/** Waits until nothing is left to happen. `false` if that takes too long. */
const comesToItsEnd = Effect.fnUntraced(function*(world: World.World, border: Border.Border, wanted: number) {
  const { now, records } = world
  const startedAt = now()
  const isOver = Effect.gen(function*() {
    const isStarted = world.options.incoming !== undefined ||
      new Set([...records.started, ...records.keysPruned].map(({ key }) => key)).size === wanted
    if (!isStarted || world.underWay() > 0) return false
    const states = new Map(records.turns.map(({ summary, turn }) => [turn.callId, summary.status]))
    if ([...states.values()].includes("running")) return false
    return (yield* world.company.lines).every((line) => line.state._tag === "Ended")
  })
  for (let pause = 1_000;; pause = Math.min(pause * 2, 60_000)) {
    yield* Effect.sleep(pause)
    if (yield* isOver) return true
    if (border.isExhausted() || now() - startedAt > longestRun) return false
  }
})

const finished = (world: World.World, wanted: number, abandoned: boolean, kept: StormHistory.Kept) =>
  Effect.gen(function*() {
    const { company, options, records } = world
    const { cancelled, keysPruned, missing, outcomes, signalled, started, ...others } = records
    return {
      flow: options.flow,
      requestOf: options.requestOf,
      settings: world.settings,
      wanted: options.incoming === undefined ? wanted : 0,
      ...others,
      rings: yield* company.rings,
      log: yield* company.log,
      told: { cancelled, keysPruned, missing, outcomes, signalled, started },
      kept,
      endedAt: world.now(),
      abandoned
    } satisfies StormHistory.StormHistory
  })

// ---------------------------------------------------------------------------------------------------------------------
// Processes
// ---------------------------------------------------------------------------------------------------------------------

type OpenStore = (border: Border.Border, process: World.Process) => Layer.Layer<Store.Services, unknown>

/** How a process opens its store, and how somebody looks at it from outside. */
const stores: (
  world: World.World
) => Effect.Effect<{ readonly openStore: OpenStore; readonly view: World.View }, never, Scope.Scope> = Effect
  .fnUntraced(function*(world) {
    if (world.options.store !== "memory") {
      const database = yield* Database.open
      const view = yield* Database.view(database)
      return { view, openStore: (border, process) => Database.layer(world, border, process, database) }
    }
    const base = yield* Layer.build(
      EventStore.layerMemory.pipe(Layer.provide(Store.numbersKey), Layer.fresh)
    )
    return {
      view: Store.viewOfMemory(world, base),
      openStore: (border, process) => Layer.succeedContext(Store.memory(world, border, process, base))
    }
  })

/** The second computer is a little ahead of the first, or behind. */
const machine = (world: World.World, place: number): World.Machine => ({
  ahead: place === 0 ? 0 : world.diceOf("secondProcess").between(-2_000, 2_000),
  slept: 0,
  asleepUntil: 0
})

/** How long a process stays that does not know the flow: then one takes its place that may. */
const staysFor = [2_000, 20_000, 120_000, 600_000, 1_800_000] as const

/** So many processes of a run do not know the flow: after them there is one that does. */
const mostUnknowing = 3

/** The next process does not know the flow. Then another one is deployed after a while, if it still lives. */
const comesUnknowing = ({ options, processes, records, strikes }: World.World): Dice.Dice | undefined =>
  options.store !== "postgres" || processes.length === 0 ||
    records.lives.filter(({ knowsFlow }) => !knowsFlow).length >= mostUnknowing
    ? undefined
    : strikes("versionUnknown")

/** Takes a process away after a while and begins another one in its place, if it is still the newest there. */
const replace = (
  world: World.World,
  border: Border.Border,
  { after, again, process }: {
    readonly process: World.Process
    readonly again: () => Effect.Effect<void>
    readonly after: number
  }
) =>
  Effect.andThen(
    Effect.raceFirst(Effect.sleep(after), Deferred.await(process.died)),
    Effect.suspend(() => {
      if (process.dead || World.newest(world, process.place) !== process) return Effect.void
      border.kill(process)
      return again()
    })
  )

const newProcess = (world: World.World, place: number, flow: LiveCall.AnyDefinition): World.Process => {
  const born = world.moment()
  const before = World.newest(world, place)
  // A store that is no place for several shows no process to another.
  const unknown = world.options.store === "postgres" ? [] : world.processes.filter(({ dead }) => !dead)
  for (const { life } of unknown) life.erred.push({ from: born.at, to: Infinity })
  const life = {
    incarnation: world.processes.length + 1,
    computer: place + 1,
    knowsFlow: flow === world.options.flow,
    born,
    died: Infinity,
    stood: [],
    erred: unknown.map(() => ({ from: born.at, to: Infinity })),
    waited: [],
    failed: [],
    jumped: []
  }
  const process: World.Process = {
    id: life.incarnation,
    place,
    machine: before?.machine ?? machine(world, place),
    flow,
    born,
    thawed: Latch.makeUnsafe(true),
    died: Deferred.makeUnsafe(),
    life,
    frozen: 0,
    dead: false,
    appends: new Map(),
    appending: 0,
    name: undefined,
    flows: new Set(),
    lines: 0,
    told: undefined,
    unseen: [],
    apartUntil: 0,
    calls: undefined,
    answer: undefined,
    retention: undefined,
    log: undefined,
    readMetrics: () => {},
    run: () => Effect.void,
    close: Effect.void
  }
  world.processes.push(process)
  world.records.lives.push(life)
  return process
}

const start = Effect.fnUntraced(function*(
  world: World.World,
  border: Border.Border,
  place: number,
  again: () => Effect.Effect<void>,
  openStore: OpenStore,
  wanted: number
) {
  const { options } = world
  const asleep = (World.newest(world, place)?.machine.asleepUntil ?? 0) - world.now()
  if (asleep > 0) yield* Effect.sleep(asleep)
  const unknowing = comesUnknowing(world)
  const process = newProcess(world, place, unknowing === undefined ? options.flow : world.otherVersion)
  if (unknowing !== undefined) {
    yield* world.begin(replace(world, border, { process, again, after: unknowing.pick(staysFor) }))
  }
  const scope = yield* Scope.make()
  const engineScope = yield* Scope.make()
  const inside = surroundings(world, border, process)
  process.readMetrics = () => Onlooker.readMetrics(world, inside)
  process.run = (effect) => Effect.asVoid(Effect.forkIn(Effect.provideContext(effect, inside), scope))
  process.close = Effect.provideContext(Scope.close(engineScope, Exit.void), inside)
  const layer = engine(world, border, process, openStore(border, process))
  // Whatever a dead process is interrupted in never ends, for its clock stands still: so it is left alone.
  const building = yield* Effect.forkIn(
    Effect.provideContext(Layer.buildWithScope(layer, engineScope), inside),
    scope,
    { startImmediately: true }
  )
  const built = yield* Effect.raceFirst(
    Fiber.await(building),
    Effect.as(Deferred.await(process.died), undefined)
  )
  if (built === undefined) return
  if (Exit.isFailure(built)) {
    if (process.life.failed.length === 0) {
      world.show("log", `The engine died: ${Cause.pretty(built.cause)}`)
    }
    border.kill(process)
    return yield* world.begin(Effect.andThen(Effect.sleep(1_000), Effect.suspend(again)))
  }
  const calls = Context.get(built.value, Calls.Calls)
  const retention = Context.get(built.value, Retention.Retention)
  const log = Context.get(built.value, EventLog.EventLog)
  process.retention = options.sabotage.retention?.(retention) ?? retention
  process.log = options.sabotage.log?.(log) ?? log
  process.calls = options.sabotage.calls?.(calls) ?? calls
  process.life.ready = world.now()
  if (options.incoming !== undefined) return
  for (let n = 1; n <= wanted; n++) yield* process.run(People.application(world, border, process, `call ${n}`))
})

/** The engine of a process, between its store and its way to the carrier. */
const engine = (
  world: World.World,
  border: Border.Border,
  process: World.Process,
  store: Layer.Layer<Store.Services, unknown>
): Layer.Layer<Calls.Calls | Store.Services, unknown> => {
  const { incoming, sabotage, store: kind } = world.options
  const { flow } = process
  const others = kind === "postgres" && flow !== world.otherVersion ? [world.otherVersion] : []
  const desk = { [Strangers.deskNumber]: Strangers.Desk }
  const flows = incoming === undefined
    ? { flows: [flow, ...others], inbound: desk }
    : { flows: others, inbound: { ...desk, [PhoneNumber.make(incoming.to)]: flow as never } }
  const transport = Carrier.transport(world, border, process)
  const ownStore = Layer.effect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (service) => sabotage.store?.(service) ?? service)
  ).pipe(Layer.provideMerge(store))
  const owners = Owners.of(world, process)
  return Calls.layer({ ...flows, settings: Settings.merge(world.tuning, sabotage.settings ?? {}) }).pipe(
    Layer.provide(world.isCluster ? Calls.layerOwners(sabotage.owners?.(owners) ?? owners) : Layer.empty),
    Layer.provideMerge(ownStore),
    Layer.provide(Layer.succeed(Transport.Transport, sabotage.transport?.(transport) ?? transport)),
    Layer.fresh
  ) as Layer.Layer<Calls.Calls | Store.Services, unknown>
}

/** What a process finds around itself: the time of its computer, chance, and somebody who looks at it from outside. */
const surroundings = (world: World.World, border: Border.Border, process: World.Process) => {
  const clock = border.clockOf(process)
  return Context.make(Clock.Clock, world.options.sabotage.clock?.(clock) ?? clock).pipe(
    Context.add(Random.Random, world.random),
    Context.add(Calls.Chance, world.chance),
    Context.add(Witness, (name, key) => {
      world.records.ran.push({ ...world.moment(), name, key, incarnation: process.id })
    }),
    Context.merge(Onlooker.services(world, process))
  )
}
