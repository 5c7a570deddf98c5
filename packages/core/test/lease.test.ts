/** Whether the others may have taken a process for dead. */
import { assert, describe, it } from "vitest"
import * as Lease from "../src/internal/engine/lease.ts"

const millis = 15_000

const leased = () => {
  const clock = { now: 0 }
  const silences: Array<number> = []
  return { clock, silences, lease: Lease.make(() => clock.now, millis, (silence) => silences.push(silence)) }
}

describe("a lease", () => {
  it("is not over before the first sign of life", () => {
    const { clock, lease } = leased()
    clock.now = 60_000
    assert.deepStrictEqual([lease.lapses(), lease.isOver()], [0, false])
  })

  it("counts from when a sign of life was sent, not from when it is known to have arrived", () => {
    const { clock, lease } = leased()
    const arrived = lease.renewing()
    clock.now = 4_000
    arrived()
    clock.now = millis - 1
    assert.isFalse(lease.isOver())
    clock.now = millis
    assert.isTrue(lease.isOver())
  })

  it("is over until a sign of life arrives, and was over once by then", () => {
    const { clock, lease, silences } = leased()
    lease.renewing()()
    clock.now = 20_000
    assert.deepStrictEqual([lease.lapses(), lease.isOver(), lease.lapses()], [1, true, 1])
    lease.renewing()()
    assert.deepStrictEqual([lease.lapses(), lease.isOver(), silences], [1, false, [20_000]])
  })

  it("is still over after one that was sent too long ago, and that is the same time", () => {
    const { clock, lease, silences } = leased()
    lease.renewing()()
    const arrived = lease.renewing()
    clock.now = 40_000
    arrived()
    assert.deepStrictEqual([lease.lapses(), lease.isOver(), silences], [1, true, [40_000]])
  })
})
