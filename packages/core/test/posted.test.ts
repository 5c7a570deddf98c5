import { assert, describe, it } from "@effect/vitest"
import { CallEvent, Transport } from "@ringback/core"
import { accepted, unconfirmed } from "../src/internal/engine/posted.ts"

describe("what a transport says of a dial", () => {
  it("is lost, not refused, if it was accepted under an id that cannot be kept, for the phone may ring", () => {
    assert.deepStrictEqual(accepted({ referenceId: "7A10" }), { _tag: "Accepted", referenceId: "7A10" })
    for (const referenceId of ["ab".repeat(1500), "", "7A10\n", undefined, 7]) {
      assert.strictEqual(accepted({ referenceId } as never)._tag, "Lost")
    }
  })

  it("is lost if it says nothing that is known", () => {
    assert.strictEqual(unconfirmed({ _tag: "Busy" } as never)._tag, "Lost")
  })

  const endless = "a".repeat(496) + "\ud83d\ude00".repeat(10_000)
  const reasons: ReadonlyArray<Transport.TransportError["reason"]> = [
    new Transport.Refused({ status: endless }),
    new Transport.NotSent({ problem: endless, obstacle: "credentials" }),
    new Transport.NotSent({ problem: endless, throttled: true, retryAfterMillis: 30_000 }),
    new Transport.Lost({ problem: endless })
  ]
  for (const reason of reasons) {
    it(`is recorded in 500 characters, whatever it says: ${reason._tag}`, () => {
      const posted = unconfirmed(reason)
      const { status, problem, ...rest } = { status: undefined, problem: undefined, ...posted } as Record<
        string,
        unknown
      >
      const words = String(status ?? problem)
      assert.strictEqual(words, `${"a".repeat(496)}...`)
      const { status: _, problem: __, ...expected } = { ...reason } as Record<string, unknown>
      assert.deepStrictEqual(rest, expected)
    })
  }

  it("is in the way of nothing that is not known", () =>
    assert.deepStrictEqual(
      unconfirmed({ ...new Transport.NotSent({ problem: "busy" }), obstacle: "the weather" } as never),
      { _tag: "NotSent", problem: "busy" }
    ))

  it("is no time if it cannot be one, and never makes a record that cannot be read", () => {
    for (const retryAfterMillis of [Number.NaN, Infinity, -Infinity, -1]) {
      const posted = unconfirmed({ ...new Transport.NotSent({ problem: "busy" }), retryAfterMillis } as never)
      assert.deepStrictEqual(posted, { _tag: "NotSent", problem: "busy" })
    }
    const fact = { _tag: "DialNotSent", at: 1, line: 1, reason: "busy" } as const
    assert.deepStrictEqual(CallEvent.decode(CallEvent.encode([fact])), [fact])
  })
})
