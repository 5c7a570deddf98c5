/** An engine that a test holds in its hands: it can be ended and begun again over the same store, and its calls go on. */
import { Calls } from "@ringback/core"
import { Context, Deferred, Effect, Exit, Layer, Scope } from "effect"
import * as failing from "./failing.ts"
import * as usersCode from "./usersCode.ts"

/** Ends the engine and begins the next. */
export class Restart extends Context.Service<Restart, Effect.Effect<void>>()("@ringback/testing/Restart") {}

type Service = Calls.Calls["Service"]

/** One life of an engine. `over` comes with its end. */
interface Life {
  readonly calls: Service
  readonly scope: Scope.Closeable
  readonly over: Deferred.Deferred<void>
  /** From when on the next one is to go on. */
  isEnding: boolean
}

/** An engine, as a layer that can be built more than once. */
export const make = <E, R>(engine: Layer.Layer<Calls.Calls, E, R>): Layer.Layer<Calls.Calls | Restart, E, R> =>
  Layer.effectContext(Effect.gen(function*() {
    const services = yield* Effect.context<R>()
    const begin: Effect.Effect<Life, E> = Effect.gen(function*() {
      const scope = yield* Scope.make()
      const built = yield* Layer.buildWithMemoMap(engine, yield* Layer.makeMemoMap, scope).pipe(
        Effect.provideContext(services)
      )
      return { calls: Context.get(built, Calls.Calls), scope, over: yield* Deferred.make<void>(), isEnding: false }
    })
    let life = yield* begin
    yield* Effect.addFinalizer((exit) => Scope.close(life.scope, exit))
    const restart = Effect.gen(function*() {
      const { over, scope } = life
      life.isEnding = true
      yield* Scope.close(scope, Exit.void)
      life = yield* Effect.orDie(begin)
      yield* Deferred.succeed(over, undefined)
    })
    return Context.make(Calls.Calls, inHand(() => life)).pipe(Context.add(Restart, restart))
  }))

/** The calls of whichever engine lives. */
const inHand = (life: () => Life): Service => {
  const handled = <H extends Calls.Handle<unknown, unknown>>(flow: never, handle: H): H => {
    const now = () => life().calls.handle(flow, handle.id) as Calls.Handle<unknown, unknown>
    const cancel: H["cancel"] = Effect.suspend(() => now().cancel)
    const signal: H["signal"] = (...told) => Effect.suspend(() => now().signal(...told))
    return Object.defineProperty({ ...handle, cancel, signal }, "outcome", {
      enumerable: true,
      // Whoever asks for it stands in the line of the test that waits.
      get: () => failing.waiting(outliving(life, () => now().outcome), usersCode.here())
    })
  }
  const own: Partial<Record<keyof Service, unknown>> = {
    start: (flow: never, ...rest: [never]) =>
      Effect.map(
        Effect.suspend(() => life().calls.start(flow, ...rest)),
        (started) => handled(flow, started as Calls.Handle<unknown, unknown>)
      ),
    handle: (flow: never, id: never) => handled(flow, life().calls.handle(flow, id) as Calls.Handle<unknown, unknown>),
    outcome: (id: never) => outliving(life, () => life().calls.outcome(id))
  }
  return new Proxy({} as Service, {
    get: (_, name) => own[name as keyof Service] ?? life().calls[name as keyof Service],
    has: (_, name) => name in life().calls
  })
}

/** Waits on in the next life of an engine for what this one does not bring. */
const outliving = <A, E, R>(life: () => Life, wait: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const now = life()
    const again = Effect.flatMap(Deferred.await(now.over), () => outliving(life, wait))
    const ends = Effect.catchCause(wait(), (cause) => now.isEnding ? again : Effect.failCause(cause))
    return Effect.raceFirst(ends, again)
  })
