/**
 * A process that is frozen (SIGSTOP) for longer than its lease, and thaws (SIGCONT): real processes on a real PostgreSQL, and the
 * rings that an emulator has counted.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { EventLog, SqlEventStore } from "@ringback/core"
import { Callee, PhoneCompany, TelesignEmulator } from "@ringback/testing"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Postgres from "./testPostgres.ts"

const server = await Postgres.start()
const program = fileURLToPath(new URL("frozen.process.ts", import.meta.url))
const often = Schedule.spaced("50 millis")

/** Starts a process and waits until it is ready. It is killed with the scope, frozen or not. */
const start = Effect.fnUntraced(function*(url: string, freezes?: "dial" | "activity") {
  const child = spawn(process.execPath, ["--conditions=source", program], {
    env: {
      ...process.env,
      NODE_NO_WARNINGS: "1",
      NO_COLOR: "1",
      TELESIGN_BASE_URL: yield* TelesignEmulator.url,
      TELESIGN_CUSTOMER_ID: Redacted.value(TelesignEmulator.credentials.customerId),
      TELESIGN_API_KEY: Redacted.value(TelesignEmulator.credentials.apiKey),
      TELESIGN_CALLER_ID: "15550170009",
      DATABASE_URL: url,
      ...(freezes === undefined ? {} : { FREEZES: freezes })
    },
    stdio: ["ignore", "pipe", "inherit"]
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  let said = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (said += text))
  const says = (words: string) =>
    Effect.repeat(Effect.sync(() => said), { until: (said) => said.includes(words), schedule: often })
  yield* says("ready")
  return { says, thaw: Effect.sync(() => child.kill("SIGCONT")) }
})

/** The one call, as the store has it. */
const looking = Effect.fnUntraced(function*(url: string) {
  const services = yield* Layer.build(
    SqlEventStore.layerReading.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))
  )
  const log = Context.get(services, EventLog.EventLog)
  return Effect.map(
    log.read({ limit: 1_000 }),
    (read) => read.flatMap(({ turn }) => turn.events.map(({ _tag }) => _tag))
  )
})

const emulator = TelesignEmulator.layer({ line: { speed: 20 } })

describe.skipIf(server === undefined)("a process that is frozen for longer than its lease", () => {
  it.effect(
    "sends no dial that it recorded before, which another one listens for meanwhile: it says so, and dials anew",
    () =>
      Effect.gen(function*() {
        const url = yield* Postgres.schema(server!)
        yield* PhoneCompany.callee("15550170001", [Callee.answers("1 second")])
        yield* start(url)
        const frozen = yield* start(url, "dial")
        const tags = yield* looking(url)
        yield* Effect.repeat(tags, { until: (tags) => tags.includes("DialUnknown"), schedule: often })
        yield* frozen.thaw
        yield* frozen.says("longer than its lease of 6 s")
        // What surely rang nobody is attempted anew, as any dial that could not be sent in time.
        yield* Effect.repeat(PhoneCompany.rings, { until: (rings) => rings.length > 0, schedule: often })
        // Whether its answer is recorded by now is a matter of moments.
        const dials = (yield* tags).filter((tag) => tag.startsWith("Dial") && tag !== "DialAccepted")
        assert.deepStrictEqual(dials.slice(-4), ["DialAttempted", "DialUnknown", "DialNotSent", "DialAttempted"])
        assert.lengthOf(yield* PhoneCompany.rings, 1)
      }).pipe(Effect.provide(emulator), TestClock.withLive),
    120_000
  )

  it.effect(
    "stops an activity that another one has run meanwhile, and its result is recorded once",
    () =>
      Effect.gen(function*() {
        const url = yield* Postgres.schema(server!)
        const other = yield* start(url)
        const frozen = yield* start(url, "activity")
        const tags = yield* looking(url)
        yield* other.says("works")
        yield* Effect.repeat(tags, { until: (tags) => tags.includes("FlowEnded"), schedule: often })
        yield* frozen.thaw
        yield* frozen.says("stopped working")
        assert.lengthOf((yield* tags).filter((tag) => tag === "ActivityCompleted"), 1)
      }).pipe(Effect.provide(emulator), TestClock.withLive),
    120_000
  )
})
