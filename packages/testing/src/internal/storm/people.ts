/**
 * The people of a storm: callees whom nobody has scripted, and the application, which starts calls until that is
 * acknowledged, tells them things, cancels some, and waits for their outcomes.
 */
import { CallError, type CallEvent, type Calls, EventStore, Flow } from "@ringback/core"
import { Cause, Deferred, Effect, Result, Schedule, Schema } from "effect"
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

type Started = Handle & { readonly isNew: boolean }

type Refused = { readonly _tag: string; readonly message: string }

/** When a call was over of which an error says that it was pruned. */
const prunedAt = (error: unknown): number | undefined =>
  error instanceof CallError.CallNotFound ? error.endedAt : undefined

/** What a call is started with: always the same, and perhaps something at which its flow throws. */
const inputOf = (world: World, key: string): unknown => {
  const { inputs, options } = world
  if (!inputs.has(key)) {
    const throws = options.throwing === undefined ? undefined : world.strikes("flowThrows")
    inputs.set(key, throws === undefined ? options.input : options.throwing!(throws.next()))
  }
  return inputs.get(key)
}

/** Starts a call under its key, until that is acknowledged. Gives nothing if the call of that key was pruned. */
export const start = Effect.fnUntraced(
  function*(world: World, border: Border, process: Process, key: string): Effect.fn.Return<Handle | undefined> {
    const { flow } = process
    const input = inputOf(world, key)
    while (true) {
      yield* border.cross(process)
      const begun = world.moment()
      const asked: Result.Result<Started, Refused> = yield* Effect.result(
        process.calls!.start(flow as never, input as never, { key })
      )
      if (Result.isFailure(asked)) world.show("error", asked.failure.message)
      if (Result.isFailure(asked) && asked.failure._tag === "StoreError") {
        yield* Effect.sleep(1_000)
        continue
      }
      yield* border.cross(process)
      if (Result.isSuccess(asked)) {
        const { id, isNew } = asked.success
        world.records.started.push({ ...world.moment(), begun, key, id, incarnation: process.id, isNew })
        return asked.success
      }
      const { failure } = asked
      if (!(failure instanceof CallError.KeyPruned)) return yield* Effect.die(failure)
      const { callId, endedAt, message } = failure
      world.records.keysPruned.push({ ...world.moment(), begun, key, id: callId, endedAt, message })
      return undefined
    }
  }
)

/** What the application does about one call in each incarnation: it starts it, under one key, and waits for the outcome. */
export const application = (world: World, border: Border, process: Process, key: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    const known = world.records.started.find((started) => started.key === key)
    const handle = known !== undefined && world.nature.hit(0.5)
      ? process.calls!.handle(process.flow, known.id)
      : yield* start(world, border, process, key)
    if (handle === undefined) return
    yield* border.cross(process)
    const outcome = yield* Effect.result(
      Effect.retry(handle.outcome, { while: isStoreError, schedule: Schedule.spaced("1 second") })
    )
    yield* border.cross(process)
    const pruned = Result.isFailure(outcome) ? prunedAt(outcome.failure) : undefined
    if (pruned !== undefined) {
      return void world.records.missing.push({ ...world.moment(), id: handle.id, endedAt: pruned })
    }
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

/** Asks something of the engine until it is acknowledged or there is no such call any more, of whichever process can be reached. */
const insist = <E>(world: World, border: Border, ask: (process: Process) => Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 600; tries++) {
      const process = reach(world)
      if (process !== undefined) {
        const done = Deferred.makeUnsafe<"done" | "gone" | "failed">()
        const asked = Effect.flatMap(
          Effect.result(Effect.andThen(border.cross(process), ask(process))),
          (result) =>
            Deferred.succeed(
              done,
              Result.isSuccess(result) ? "done" : prunedAt(result.failure) === undefined ? "failed" : "gone"
            )
        )
        yield* process.run(Effect.catchCause(asked, () => Deferred.succeed(done, "failed")))
        const died = Effect.as(Deferred.await(process.died), "failed" as const)
        const found = yield* Effect.raceFirst(Deferred.await(done), died)
        if (found !== "failed") return found === "done"
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
        ({ calls }) => calls!.signal(id, Flow.Signal(name, Schema.Json), signals[name]!, { key })
      )
      if (isDone) world.records.signalled.push({ ...world.moment(), id, name, key })
    }
  })
