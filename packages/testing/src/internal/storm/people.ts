/**
 * The people of a storm: callees whom nobody has scripted, and the application, which starts calls until that is
 * acknowledged, tells them things, cancels some, and waits for their outcomes.
 */
import { CallError, type CallEvent, type Calls, EventStore } from "@ringback/core"
import { Cause, Deferred, Effect, Exit, Result, Schedule } from "effect"
import * as Callee from "../../Callee.ts"
import type { Border } from "./border.ts"
import type * as Dice from "./dice.ts"
import { callIds, type Process, reach, type World } from "./world.ts"

/** People whom nobody has scripted: reached or not, patient or not, pressing what comes to their minds. */
export const strangers = (nature: Dice.Dice, count: number): ReadonlyArray<Callee.Script> =>
  Array.from({ length: count }, () => stranger(nature))

export const stranger = (nature: Dice.Dice): Callee.Script => {
  const reach = nature.between(1, 10)
  if (reach === 1) return Callee.busy
  if (reach === 2) return Callee.noAnswer
  if (reach === 3) return Callee.voicemail
  let person = Callee.answers(nature.between(0, 30_000))
  const steps = nature.between(0, 6)
  for (let step = 1; step <= steps; step++) {
    switch (nature.between(1, 9)) {
      case 1:
        person = person.staysSilent()
        break
      case 2:
        return person.hangsUp()
      case 3: // an answer and the end of the call, at the same time
        return person.presses("1").hangsUpAfter(step)
      default:
        person = person.presses(nature.pick(["1", "1", "1", "2", "2", "9", "1234", "#"]))
    }
  }
  return nature.hit(0.3) ? person.hangsUpAfter(nature.between(0, 3)) : person
}

const isStoreError = (error: unknown): boolean => error instanceof EventStore.StoreError

type Handle = Calls.Handle<unknown, unknown>

/** What a call is started with: always the same, and perhaps something at which its flow throws. */
const inputOf = (world: World, key: string): unknown => {
  const { inputs, options } = world
  if (!inputs.has(key)) {
    const throws = options.throwing === undefined ? undefined : world.strikes("flowThrows")
    inputs.set(key, throws === undefined ? options.input : options.throwing!(throws.next()))
  }
  return inputs.get(key)
}

/** What the application does about one call in each incarnation: it starts it, under one key, and waits for the outcome. */
export const application = (world: World, border: Border, process: Process, key: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { flow } = process
    const calls = process.calls!
    const input = inputOf(world, key)
    const known = world.records.started.find((started) => started.key === key)
    let handle: Handle | undefined
    if (known !== undefined && world.nature.hit(0.5)) handle = calls.handle(flow, known.id)
    while (handle === undefined) {
      yield* border.cross(process)
      const begun: Result.Result<Handle, { readonly _tag: string; readonly message: string }> = yield* Effect.result(
        calls.start(flow as never, input as never, { key })
      )
      if (Result.isSuccess(begun)) handle = begun.success
      else {
        world.show("error", begun.failure.message)
        if (begun.failure._tag !== "StoreError") return yield* Effect.die(begun.failure)
        yield* Effect.sleep(1_000)
      }
    }
    yield* border.cross(process)
    world.records.started.push({ ...world.moment(), key, id: handle.id })
    const outcome = yield* Effect.result(
      Effect.retry(handle.outcome, { while: isStoreError, schedule: Schedule.spaced("1 second") })
    )
    yield* border.cross(process)
    world.records.outcomes.push({ ...world.moment(), id: handle.id, exit: toExit(world, outcome) })
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.sync(() => void world.show("log", `The application died: ${Cause.pretty(cause)}`))
    )
  )

/** An outcome in its stored form. */
const toExit = (world: World, outcome: Result.Result<unknown, unknown>): CallEvent.Exit => {
  const { codec } = world.options.flow
  if (Result.isFailure(outcome) && outcome.failure instanceof CallError.CallStopped) {
    world.show("error", outcome.failure.message)
    return { _tag: "Stopped", reason: outcome.failure.reason }
  }
  return Result.isSuccess(outcome)
    ? { _tag: "Success", value: Result.getOrUndefined(codec.encodeOutput(outcome.success as never)) }
    : { _tag: "Failure", error: Result.getOrUndefined(codec.encodeError(outcome.failure as never)) }
}

/** Asks something of the engine until it is acknowledged, of whichever process can be reached. */
const insist = <E>(world: World, border: Border, ask: (process: Process) => Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 600; tries++) {
      const process = reach(world)
      if (process !== undefined) {
        const done = Deferred.makeUnsafe<boolean>()
        const asked = Effect.flatMap(
          Effect.exit(Effect.andThen(border.cross(process), ask(process))),
          (exit) => Deferred.succeed(done, Exit.isSuccess(exit))
        )
        yield* process.run(Effect.andThen(asked, Effect.void))
        if (yield* Effect.raceFirst(Deferred.await(done), Effect.as(Deferred.await(process.died), false))) return true
      }
      yield* Effect.sleep(1_000)
    }
    return false
  })

/** Waits until a call is there: it was started, or it came in. */
const awaited = (world: World, index: number): Effect.Effect<CallEvent.CallId | undefined> =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 3_600; tries++) {
      const id = callIds(world)[index]
      if (id !== undefined) return id
      yield* Effect.sleep(1_000)
    }
    return undefined
  })

/** Cancels a call after a while, and perhaps again. */
export const cancelling = (world: World, border: Border, index: number, after: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Effect.sleep(after)
    const id = yield* awaited(world, index)
    if (id === undefined) return
    const cancel = Effect.gen(function*() {
      const isDone = yield* insist(world, border, ({ calls }) => calls!.cancel(id))
      if (isDone) world.records.cancelled.push({ ...world.moment(), id })
    })
    yield* cancel
    const again = world.strikes("cancelAgain")
    for (let times = again?.between(1, 2) ?? 0; times > 0; times--) {
      yield* Effect.sleep(again!.pick([0, 2_000, 10_000, 40_000]))
      yield* cancel
    }
  })

/** Tells a call something after a while, and in every second case again under the same key. */
export const signalling = (
  world: World,
  border: Border,
  signal: { readonly index: number; readonly name: string }
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { signals } = world.options
    const { index, name } = signal
    const key = `${name}-${index}`
    for (let times = world.nature.between(1, 2); times > 0; times--) {
      yield* Effect.sleep(world.nature.between(0, 60_000))
      const id = yield* awaited(world, index)
      if (id === undefined) return
      const isDone = yield* insist(
        world,
        border,
        ({ calls, flow }) => calls!.handle(flow, id).signal(name, signals[name]!, { key })
      )
      if (isDone) world.records.signalled.push({ ...world.moment(), id, name, key })
    }
  })
