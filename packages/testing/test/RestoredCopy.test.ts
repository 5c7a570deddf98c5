import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import {
  Call,
  Calls,
  EventStore,
  Explain,
  Flow,
  Line,
  PhoneNumber,
  Settings,
  SqlEventStore,
  Witness
} from "@ringback/core"
import type { CallEvent } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignWire } from "@ringback/http"
import { Clock, DateTime, Effect, FileSystem, Layer, Logger, Option, Schema } from "effect"
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "../src/index.ts"
import * as Predictable from "./fixtures/Predictable.ts"

const to = PhoneNumber.make("15550170001")
const from = PhoneNumber.make("15550170009")

const Later = Flow.make("later", {
  version: 1,
  input: {},
  output: Schema.Literals(["heard", "unreached", "unknown"]),
  run: () =>
    Flow.sleep("10 minutes").pipe(
      Flow.flatMap(() => Flow.dial(Line.speak("Good morning."), { to, from })),
      Flow.as("heard" as const),
      Flow.catchTag("HungUp", () => Flow.succeed("heard" as const)),
      Flow.catchTag(
        "NotAnswered",
        ({ reason }) => Flow.succeed(reason === "unknown" ? "unknown" as const : "unreached" as const)
      )
    )
})

const Insistent = Flow.make("insistent", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () =>
    Flow.sleep("10 minutes").pipe(
      Flow.flatMap(() => Flow.dial(Line.speak("Good morning."), { to, from, evenIfUnknown: true })),
      Flow.catchTag(["HungUp", "NotAnswered"], () => Flow.succeed(undefined)),
      Flow.as(undefined)
    )
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** What outlives a process: a database that can be copied and restored, what the witness holds, and the log. */
const scene = Effect.map(folder, (folder) => {
  const filename = join(folder, "calls.db")
  const lines: Array<string> = []
  let testimony: Witness.Testimony | undefined
  const witness = Layer.effect(
    Witness.Witness,
    Effect.sync((): Witness.Service => ({
      last: Option.fromUndefinedOr(testimony),
      write: (written) =>
        Effect.sync(() => {
          testimony = written
        })
    }))
  )
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  ])

  /** One life of the engine. */
  const life = (
    options: {
      readonly witnessed?: boolean
      readonly restored?: Calls.Options<[], {}>["restored"]
      readonly settings?: Settings.Options
    } = {}
  ) =>
    TestCalls.connection.pipe(
      Layer.provideMerge(Predictable.layer({
        flows: [Later, Insistent],
        namespace: "ours",
        settings: options.settings ?? {},
        ...(options.restored === undefined ? {} : { restored: options.restored })
      })),
      Layer.provide(options.witnessed === false ? Layer.empty : witness),
      Layer.provide(FakeTransport.layer),
      Layer.provide(SqlEventStore.layer),
      Layer.provide(SqliteClient.layer({ filename })),
      Layer.provideMerge(logger)
    )
  return {
    life,
    lines,
    testimony: () => testimony,
    /** Dates the restore that the witness knows of. */
    date: (restoredBefore: number) => {
      testimony = { ...testimony, restoredBefore }
    },
    backUp: Effect.sync(() => copyFileSync(filename, `${filename}.copy`)),
    restore: Effect.sync(() => copyFileSync(`${filename}.copy`, filename))
  }
})

type Scene = Effect.Success<typeof scene>

const world = PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer))

const ringsOf = Effect.map(PhoneCompany.rings, (rings) => rings.length)

/** Three calls that wait. */
const three = (life: ReturnType<Scene["life"]>) =>
  Effect.gen(function*() {
    yield* PhoneCompany.callee("15550170001", Callee.answers("2 seconds"))
    return yield* Effect.provide(
      Effect.gen(function*() {
        const calls = yield* Effect.forEach([1, 2, 3], () => Calls.start(Later, {}))
        yield* Effect.sleep("1 minute")
        return calls.map(({ id }) => id)
      }),
      life
    )
  })

/** Three calls wait when the copy is made; each rings in the life after, and then the copy is restored. */
const threeThatRang = ({ backUp, life, restore }: Scene, witnessed = true) =>
  Effect.gen(function*() {
    const ids = yield* three(life({ witnessed }))
    yield* backUp
    yield* Effect.provide(Effect.sleep("30 minutes"), life({ witnessed }))
    assert.strictEqual(yield* ringsOf, 3)
    yield* restore
    return ids
  })

const outcomes = (ids: ReadonlyArray<CallEvent.CallId>) =>
  Effect.gen(function*() {
    const { handle } = yield* Calls.Calls
    return yield* Effect.forEach(ids, (id) => handle(Later, id).outcome)
  })

describe("a store that was restored from a copy", () => {
  it.effect("rings nobody again if it has a witness, and names the calls until somebody says more", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const ids = yield* threeThatRang(set)
      assert.deepStrictEqual(set.lines.filter((line) => /^(Warn|Error)/.test(line)), [])
      const restoredAt = yield* Clock.currentTimeMillis
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* Effect.sleep("3 hours")
          for (const id of ids) {
            const call = Option.getOrThrow(yield* Calls.get(id))
            assert.deepStrictEqual([call.exit, call.lines.length], [undefined, 1])
            assert.isDefined(call.lines[0]?.heldSince)
            assert.strictEqual(
              Explain.waitingFor(call, Settings.defaults).what,
              "somebody to say whether its phone has rung"
            )
          }
          const { restored } = yield* Calls.Calls.use(({ known }) => known({ process: null }))
          assert.deepStrictEqual(restored?.map(({ dials }) => dials), ["hold"])
        }),
        set.life()
      )
      assert.strictEqual(yield* ringsOf, 3)
      const [found, held] = set.lines.filter((line) => /^(Warn|Error)/.test(line))
      assert.match(
        found ?? "",
        /^Error The witness knows turn \d+ of call \w{20}, and the store does not, so the store was/
      )
      assert.match(held ?? "", /^Warn Dials of 3 calls that began before the store was restored are held: /)
      for (const line of [found, held]) {
        for (const id of ids) assert.include(line, id)
        assert.include(line, `DateTime.makeUnsafe("${new Date(restoredAt).toISOString()}")`)
      }
      // The next life remembers it, though the store has gone on since.
      yield* Effect.provide(Effect.sleep("3 hours"), set.life())
      assert.strictEqual(yield* ringsOf, 3)
    }).pipe(Effect.provide(world)))

  it.effect("is noticed too if all of the call that was witnessed is missing", () =>
    Effect.gen(function*() {
      const set = yield* scene
      yield* three(set.life())
      yield* set.backUp
      yield* Effect.provide(Effect.andThen(Calls.start(Later, {}), Effect.sleep("15 seconds")), set.life())
      yield* set.restore
      const rings = yield* ringsOf
      yield* Effect.provide(Effect.sleep("1 second"), set.life())
      yield* Effect.provide(Effect.sleep("30 minutes"), set.life())
      assert.lengthOf(set.lines.filter((line) => line.startsWith("Error")), 1)
      assert.strictEqual(yield* ringsOf, rings)
      assert.match(
        set.lines.find((line) => line.startsWith("Error")) ?? "",
        /turn 1 of call \w{20}, and the store does not/
      )
    }).pipe(Effect.provide(world)))

  it.effect("rings again what may have rung, without a witness and a word", () =>
    Effect.gen(function*() {
      const set = yield* scene
      yield* threeThatRang(set, false)
      yield* Effect.provide(Effect.sleep("30 minutes"), set.life({ witnessed: false }))
      assert.strictEqual(yield* ringsOf, 6)
    }).pipe(Effect.provide(world)))

  for (const witnessed of [true, false]) {
    it.effect(`gives up what may have rung if told so, with${witnessed ? "" : "out"} a witness`, () =>
      Effect.gen(function*() {
        const set = yield* scene
        const ids = yield* threeThatRang(set, witnessed)
        if (witnessed) yield* Effect.provide(Effect.sleep("3 hours"), set.life())
        const before = yield* DateTime.now
        const life = set.life({ witnessed, restored: { before, dials: "give up" } })
        assert.deepStrictEqual(yield* Effect.provide(outcomes(ids), life), ["unknown", "unknown", "unknown"])
        assert.strictEqual(yield* ringsOf, 3)
      }).pipe(Effect.provide(world)))
  }

  it.effect("dials again if told so, soon and not only when the held dials are looked at again", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const ids = yield* threeThatRang(set)
      yield* Effect.provide(Effect.sleep("70 minutes"), set.life())
      const before = yield* DateTime.now
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* Effect.sleep("2 minutes")
          assert.strictEqual(yield* ringsOf, 6)
          assert.deepStrictEqual(yield* outcomes(ids), ["heard", "heard", "heard"])
        }),
        set.life({ restored: { before, dials: "dial" } })
      )
    }).pipe(Effect.provide(world)))

  it.effect("gives up what may go and finds no place for as long as any dial may wait", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const ids = yield* threeThatRang(set)
      yield* Effect.provide(Effect.sleep("70 minutes"), set.life())
      const before = yield* DateTime.now
      const settings = { dial: { perSecond: 1e-6, waitAtMost: "2 hours" } } as const
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* Effect.sleep("2 hours")
          assert.strictEqual(yield* ringsOf, 4) // the first finds a place
          const calls = yield* Effect.forEach(ids, (id) => Effect.map(Calls.get(id), Option.getOrThrow))
          assert.lengthOf(calls.filter(({ exit }) => exit === undefined), 2)
          assert.deepStrictEqual((yield* outcomes(ids)).toSorted(), ["heard", "unknown", "unknown"])
        }),
        set.life({ restored: { before, dials: "dial" }, settings })
      )
    }).pipe(Effect.provide(world)))

  it.effect("holds what nobody has decided: the word about an earlier copy does not count for a later one", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const before = yield* DateTime.now
      yield* Effect.sleep("1 second")
      yield* threeThatRang(set)
      yield* Effect.provide(Effect.sleep("3 hours"), set.life({ restored: { before, dials: "dial" } }))
      assert.strictEqual(yield* ringsOf, 3)
    }).pipe(Effect.provide(world)))

  it.effect("dials for the calls that began after it", () =>
    Effect.gen(function*() {
      const set = yield* scene
      yield* threeThatRang(set)
      const outcome = yield* Effect.provide(
        Effect.flatMap(Calls.start(Later, {}), (call) => call.outcome),
        set.life()
      )
      assert.strictEqual(outcome, "heard")
      assert.strictEqual(yield* ringsOf, 4)
    }).pipe(Effect.provide(world)))

  it.effect("holds no call that begins later, though its witness is dated in the future, which is said", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const [first] = yield* three(set.life())
      const now = yield* Clock.currentTimeMillis
      set.date(now + 24 * 60 * 60 * 1000)
      yield* Effect.provide(
        Effect.gen(function*() {
          const call = yield* Calls.start(Later, {})
          assert.strictEqual(yield* call.outcome, "heard")
          assert.strictEqual(yield* ringsOf, 1)
          assert.isUndefined(Option.getOrThrow(yield* Calls.get(first!)).exit)
        }),
        set.life()
      )
      const said = set.lines.filter((line) => line.includes("which is yet to come"))
      assert.lengthOf(said, 1)
      assert.match(said[0]!, /^WARN|^Warn/)
      assert.isAtMost(set.testimony()?.restoredBefore ?? Infinity, now + 1_000)
    }).pipe(Effect.provide(world)))

  it.effect("lets a held call be cancelled, and ends it so", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const [id] = yield* threeThatRang(set)
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* Effect.sleep("1 hour")
          yield* Calls.cancel(id!)
          assert.isTrue(Call.isOver(Option.getOrThrow(yield* Calls.get(id!))))
        }),
        set.life()
      )
      assert.strictEqual(yield* ringsOf, 3)
    }).pipe(Effect.provide(world)))

  it.effect("gives up no dial that is made even if it is unknown whether it rang", () =>
    Effect.gen(function*() {
      const set = yield* scene
      yield* PhoneCompany.callee("15550170001", Callee.answers("2 seconds"))
      yield* Effect.provide(Calls.start(Insistent, {}), set.life())
      yield* Effect.sleep("1 second")
      const before = yield* DateTime.now
      yield* Effect.provide(Effect.sleep("30 minutes"), set.life({ restored: { before, dials: "give up" } }))
      assert.strictEqual(yield* ringsOf, 1)
    }).pipe(Effect.provide(world)))
})

describe("an event of a dial that the store does not know", () => {
  it.effect("holds the dials of the calls that were there at the start, and is told with its calls", () =>
    Effect.gen(function*() {
      const set = yield* scene
      const ids = yield* three(set.life({ witnessed: false }))
      yield* Effect.provide(
        Effect.gen(function*() {
          const stray = {
            event: "dial_completed",
            referenceId: "7A10",
            status: "answered",
            externalId: `ours.${ids[0]}.00000001`
          }
          const { action } = yield* Calls.receive(TelesignWire.named(stray))
          assert.strictEqual(action?._tag, "Hangup")
          for (let n = 0; n < 100; n++) yield* Calls.receive(TelesignWire.named({ ...stray, event: `1555017000${n}` }))
          yield* Effect.sleep("1 second")
          yield* Calls.start(Later, {})
          yield* Effect.sleep("30 minutes")
        }),
        set.life({ witnessed: false })
      )
      assert.strictEqual(yield* ringsOf, 1) // that which began after the start
      const told = set.lines.filter((line) => /^(Warn|Error)/.test(line))
      assert.lengthOf(told, 3)
      assert.match(
        told[0] ?? "",
        /^Error An event names a dial of this installation that the store does not know, so the/
      )
      assert.match(
        told[1] ?? "",
        /^Warn 101 events name dials .* \(dial_completed, not shown\): whoever is on the line is/
      )
      for (const id of ids) assert.include(told[0], id)
    }).pipe(Effect.provide(world)))
})

describe("a store that lost nothing", () => {
  it.effect("is not taken for a copy, however often it changes hands", () =>
    Effect.gen(function*() {
      const set = yield* scene
      yield* PhoneCompany.callee("15550170001", Callee.answers("2 seconds"))
      for (let n = 0; n < 5; n++) {
        yield* Effect.provide(Effect.andThen(Calls.start(Later, {}), Effect.sleep("7 seconds")), set.life())
      }
      yield* Effect.provide(Effect.sleep("30 minutes"), set.life())
      assert.strictEqual(yield* ringsOf, 5)
      assert.deepStrictEqual(set.lines.filter((line) => /^(Warn|Error)/.test(line)), [])
    }).pipe(Effect.provide(world)))

  it.effect("may lack what was stored in the last ten seconds: a turn is witnessed when it has been stored for so long", () =>
    Effect.gen(function*() {
      const set = yield* scene
      yield* Effect.provide(
        Effect.gen(function*() {
          const { id } = yield* Calls.start(Later, {})
          yield* Effect.sleep("9 seconds")
          assert.isUndefined(set.testimony()?.turn)
          yield* Effect.sleep("12 seconds")
          assert.deepStrictEqual(set.testimony()?.turn, { callId: id, version: 1 })
          const second = yield* Calls.start(Later, {})
          yield* Effect.sleep("14 seconds") // it was written meanwhile, when the second had been stored for nine
          assert.strictEqual(set.testimony()?.turn?.callId, id)
          yield* Effect.sleep("20 seconds")
          assert.strictEqual(set.testimony()?.turn?.callId, second.id)
        }),
        set.life()
      )
    }).pipe(Effect.provide(world)))
})

describe("the witness in a file", () => {
  const opened = (path: string, files = NodeFileSystem.layer) =>
    Effect.gen(function*() {
      const witness = yield* Witness.Witness
      assert(witness !== undefined)
      return witness
    }).pipe(Effect.provide(Witness.layerFile(path).pipe(Layer.provide(files))))

  const testimony: Witness.Testimony = {
    turn: { callId: "0123456789abcdefghjk" as CallEvent.CallId, version: 7 },
    restoredBefore: 1_700_000_000_000
  }

  it.effect("holds what was written, and none at first", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "witness.json")
      const first = yield* opened(path)
      assert.isTrue(Option.isNone(first.last))
      yield* first.write({})
      yield* first.write(testimony)
      assert.deepStrictEqual(Option.getOrThrow((yield* opened(path)).last), testimony)
      assert.isFalse(existsSync(`${path}.new`))
      assert.match(readFileSync(path, "utf8"), /^\{.*\}$/)
    }))

  it.effect("is on the disk as a whole before it takes the place of what was written before", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "witness.json")
      const steps: Array<string> = []
      const noted = <A, E>(effect: Effect.Effect<A, E>, step: string) =>
        Effect.tap(effect, () => Effect.sync(() => steps.push(step)))
      const isWritten = () => Option.isSome(Option.liftThrowable(JSON.parse)(readFileSync(`${path}.new`, "utf8")))
      const watched = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (files) =>
          FileSystem.FileSystem.of({
            ...files,
            open: (name, options) =>
              Effect.map(files.open(name, options), (file) =>
                Object.create(file, {
                  sync: {
                    value: Effect.suspend(() => noted(file.sync, `sync ${isWritten() ? "all of it" : "too little"}`))
                  }
                }) as typeof file),
            rename: (from, to) => noted(files.rename(from, to), "rename")
          }))
      ).pipe(Layer.provide(NodeFileSystem.layer))
      const { write } = yield* opened(path, watched)
      for (const written of [{}, testimony]) {
        yield* write(written)
        assert.deepStrictEqual(steps.splice(0), ["sync all of it", "rename"])
      }
    }))

  it.effect("that cannot be read stops the layer, in words", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "witness.json")
      for (const text of ["", "{", "[]", `{"turn":7}`]) {
        writeFileSync(path, text)
        const error = yield* Effect.flip(opened(path))
        assert.strictEqual(
          error.message,
          `The witness of the event store cannot be used. The file ${path} cannot be read. ` +
            "Mend its rights, or delete it if its store was not restored."
        )
      }
    }))

  it.effect("that cannot be written is one line in the log, and calls go on", () =>
    Effect.gen(function*() {
      const path = join(yield* folder, "missing", "witness.json")
      const { write } = yield* opened(path)
      const error = yield* Effect.flip(write(testimony))
      assert.match(
        error.message,
        /missing\/witness.json cannot be written: its folder has to exist and to be writable\.$/
      )
    }))
})

describe("a witness that cannot be written", () => {
  it.effect("is told once, and calls go on", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const witness: Witness.Service = {
        last: Option.none(),
        write: () => Effect.fail(new Witness.WitnessError({ problem: "The disk is full." }))
      }
      yield* PhoneCompany.callee("15550170001", Callee.answers("2 seconds"))
      yield* Effect.gen(function*() {
        const call = yield* Calls.start(Later, {})
        yield* Effect.sleep("1 minute")
        assert.strictEqual(yield* call.outcome, "heard")
      }).pipe(Effect.provide(
        TestCalls.connection.pipe(
          Layer.provideMerge(Predictable.layer({ flows: [Later] })),
          Layer.provide(Layer.succeed(Witness.Witness, witness)),
          Layer.provide(FakeTransport.layer),
          Layer.provide(EventStore.layerMemory),
          Layer.provideMerge(Logger.layer([
            Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
          ]))
        )
      ))
      assert.deepStrictEqual(lines.filter((line) => line.startsWith("Warn")), [
        "Warn The witness of the event store cannot be used. The disk is full. " +
        "Calls go on, but a restored copy may not be noticed"
      ])
    }).pipe(Effect.provide(world)))
})
