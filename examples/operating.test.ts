import { assert, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, FakeTransport, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect, Layer } from "effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Operating from "./operating.ts"
import { TableReady } from "./table-ready/flow.ts"

const who = { to: PhoneNumber.make("15550170001"), from: PhoneNumber.make("15550170009") }

const folders = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "ringback-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => {
    const [data, witness] = [join(folder, "data"), join(folder, "witness")]
    for (const each of [data, witness]) mkdirSync(each)
    return { data, witness }
  }
)

it.effect("an engine with a witness leaves it what was surely stored", () =>
  Effect.gen(function*() {
    const where = yield* folders
    yield* PhoneCompany.callee("15550170001", Callee.answers("2 seconds"))
    const id = yield* Effect.provide(
      Effect.map(Calls.start(TableReady, who), (call) => call.id),
      TestCalls.connection.pipe(Layer.provideMerge(Operating.layer(where)), Layer.provide(FakeTransport.layer))
    )
    assert.include(readFileSync(join(where.witness, "calls.json"), "utf8"), id)
  }).pipe(Effect.provide(PhoneCompany.layer.pipe(Layer.provideMerge(FakeClock.layer)))))
