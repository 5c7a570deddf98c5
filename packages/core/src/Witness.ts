/**
 * What an engine keeps outside of its store, so that it notices at its start that the store is a copy of an earlier day.
 *
 * @since 0.1.0
 */
import { Context, Effect, FileSystem, Layer, Option, Schema } from "effect"
import { CallId } from "./CallEvent.ts"

/**
 * What was surely stored: a turn of a call. A store that lacks it is older than this. `restoredBefore` is when such a store
 * was last found, in milliseconds since 1970: calls that began before may have gone on elsewhere.
 *
 * @since 0.1.0
 */
export const Testimony = Schema.Struct({
  turn: Schema.optionalKey(Schema.Struct({ callId: CallId, version: Schema.Int })),
  restoredBefore: Schema.optionalKey(Schema.Finite)
})

/**
 * What was surely stored.
 *
 * @since 0.1.0
 */
export type Testimony = typeof Testimony.Type

/**
 * What the witness keeps cannot be read or written. `problem` says what to do.
 *
 * @since 0.1.0
 */
export class WitnessError extends Schema.TaggedError<WitnessError>()("WitnessError", {
  problem: Schema.String
}) {
  override get message() {
    return `The witness of the event store cannot be used. ${this.problem}`
  }
}

/**
 * A place outside of the store. Each process has its own.
 *
 * @since 0.1.0
 */
export interface Service {
  /** What an earlier process left. */
  readonly last: Option.Option<Testimony>
  readonly write: (testimony: Testimony) => Effect.Effect<void, WitnessError>
}

/**
 * The witness of an engine; none by default, and then nobody can know at a start that the store was restored.
 *
 * @since 0.1.0
 */
export const Witness: Context.Reference<Service | undefined> = Context.Reference<Service | undefined>(
  "@ringback/core/Witness",
  { defaultValue: () => undefined }
)

const json = Schema.fromJsonString(Testimony)
const decode = Schema.decodeUnknownEffect(json)
const encode = Schema.encodeEffect(json)

/**
 * A witness in a file, on another disk or at least in another folder than what is restored with the database. It is written
 * at the start, every ten seconds while calls go on, and at the end. Fails if there is a file that cannot be read.
 *
 * @example
 * const CallsLive = Calls.layer({ flows }).pipe(
 *   Layer.provide(Witness.layerFile("/var/lib/ringback/witness.json")),
 *   Layer.provide(NodeFileSystem.layer)
 * )
 * @stability unstable
 * @since 0.1.0
 */
export const layerFile = (path: string): Layer.Layer<never, WitnessError, FileSystem.FileSystem> =>
  Layer.effect(
    Witness,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const failed = (what: string) => () => new WitnessError({ problem: `The file ${path} ${what}.` })

      const read = Effect.gen(function*() {
        if (!(yield* files.exists(path))) return Option.none<Testimony>()
        return Option.some(yield* decode(yield* files.readFileString(path)))
      }).pipe(Effect.mapError(failed("cannot be read. Mend its rights, or delete it if its store was not restored")))

      /** Whole or not at all, also if the machine stops meanwhile. */
      const write = (testimony: Testimony) =>
        Effect.gen(function*() {
          const text = yield* encode(testimony)
          yield* Effect.scoped(Effect.gen(function*() {
            const file = yield* files.open(`${path}.new`, { flag: "w" })
            yield* file.writeAll(new TextEncoder().encode(text))
            yield* file.sync
          }))
          yield* files.rename(`${path}.new`, path)
        }).pipe(Effect.mapError(failed("cannot be written: its folder has to exist and to be writable")))

      return { last: yield* read, write }
    })
  )
