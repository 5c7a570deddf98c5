/** A server and its standby, of which other tests make failovers. */
import { assert, describe, it } from "@effect/vitest"
import * as Standby from "./standby.ts"

const timeline = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline"

const started = (synchronous: boolean) =>
  Standby.start({ fsync: "off", synchronous }).catch((error: unknown) => {
    process.stderr.write(`A failover is skipped, for no pair could be started: ${String(error)}\n`)
    return undefined
  })

describe("a failover", () => {
  it.each([true, false])("goes on with what the standby has, and again with the next (synchronous: %s)", async (
    synchronous
  ) => {
    const pair = await started(synchronous)
    if (pair === undefined) return
    try {
      await pair.primary().query("CREATE TABLE kept AS SELECT 1 AS n")
      if (!synchronous) await pair.rebuild() // It has all that was committed before.
      const first = await pair.failOver("kill")
      await pair.primary().query("INSERT INTO kept VALUES (2)")
      await pair.rebuild()
      const second = await pair.failOver("leave")
      assert.deepStrictEqual(await pair.primary().query("SELECT count(*)::integer AS n FROM kept WHERE n = 1"), [{
        n: 1
      }])
      await first.resume()
      const timelines = await Promise.all([first, second, pair.primary()].map((server) => server.query(timeline)))
      assert.deepStrictEqual(timelines.map(([row]) => row), [1, 2, 3].map((n) => ({ timeline: `0000000${n}` })))
    } finally {
      await pair.stop()
    }
  })
})
