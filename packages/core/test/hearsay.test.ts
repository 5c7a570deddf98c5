/** What other processes tell of turns: whatever becomes of it on the way, only what is missing has to be read. */
import { assert, describe, it } from "@effect/vitest"
import { CallEvent } from "@ringback/core"
import { Hearsay } from "../src/internal/engine/hearsay.ts"
import { turnOf } from "../src/internal/store/sqlTelling.ts"

const callId = CallEvent.CallId.make("0123456789abcdefghjk")
const other = CallEvent.CallId.make("0123456789abcdefghjm")

/** A notification of a turn, as PostgreSQL sends it. */
const notified = (version: number, id = `0000000b-${version}`, call = callId): string =>
  `${call} ${version} ${1_000 + version}.5 1 ${id} ${
    CallEvent.encode([{ _tag: "Noted", at: version, n: 1, name: "a b", data: "\n c" }])
  }`

/** What remains of some notifications after a version. */
const versions = (payloads: ReadonlyArray<string>, after = 0, most?: number): ReadonlyArray<number> => {
  const hearsay = new Hearsay("0000000a", most)
  for (const payload of payloads) hearsay.hear([turnOf(payload) ?? []].flat())
  return hearsay.take(callId, after).map(({ version }) => version)
}

const [one, two, three] = [1, 2, 3].map((version) => notified(version)) as [string, string, string]

describe("what another process tells", () => {
  it("is the turn as it is stored", () => {
    const hearsay = new Hearsay("0000000a")
    hearsay.hear([turnOf(one)!])
    const [turn] = hearsay.take(callId, 0)
    const events = [{ _tag: "Noted", at: 1, n: 1, name: "a b", data: "\n c" }]
    assert.deepStrictEqual(JSON.parse(CallEvent.encode(turn!.events)), events)
    assert.deepStrictEqual([turn!.id, turn!.callId, turn!.version, turn!.at], ["0000000b-1", callId, 1, 1_001.5])
  })

  for (
    const [words, payloads, expected] of [
      ["comes in order", [one, two, three], [1, 2, 3]],
      ["comes in another order", [three, one, two], [1, 2, 3]],
      ["comes twice", [one, one, two, one, two], [1, 2]],
      ["lacks the first", [two, three], []],
      ["lacks one between", [one, three], [1]],
      ["is cut off in its events", [one, two.slice(0, -3), three], [1]],
      ["is cut off before them", [one, two.slice(0, 30), three], [1]],
      ["is of this process itself", [one, notified(2, "0000000a-2"), three], [1]],
      ["has events that nobody knows", [`${callId} 1 1 1 0000000b-1 [{"_tag":"Unheard"}]`], []],
      ["has no events", [`${callId} 1 1 1 0000000b-1 []`], []],
      ["is of a later format", [`${callId} 1 1 99 0000000b-1 [{}]`], []],
      ["is of another call", [notified(1, "0000000b-1", other)], []]
    ] as const
  ) {
    it(`is taken as far as it has no gap if it ${words}`, () => {
      assert.deepStrictEqual(versions(payloads), [...expected])
    })
  }

  it("is none of what the call knows already", () => {
    assert.deepStrictEqual(versions([one, two, three], 2), [3])
    assert.deepStrictEqual(versions([one, two, three], 3), [])
  })

  it("is taken once, and there is nothing to take then", () => {
    const hearsay = new Hearsay("0000000a")
    hearsay.hear([turnOf(one)!])
    assert.isTrue(hearsay.has(callId, 0))
    hearsay.take(callId, 0)
    assert.isFalse(hearsay.has(callId, 0))
    assert.deepStrictEqual(hearsay.take(callId, 0), [])
  })

  it("is bounded: the call that was told of longest ago makes room", () => {
    const payloads = [notified(1, "0000000b-1", other), one]
    const hearsay = new Hearsay("0000000a", 400)
    for (const payload of payloads) hearsay.hear([turnOf(payload)!])
    assert.deepStrictEqual([hearsay.has(other, 0), hearsay.has(callId, 0)], [false, true])
    for (let n = 0; n < 1_000; n++) hearsay.hear([turnOf(one)!])
    assert.isTrue(hearsay.has(callId, 0))
    assert.deepStrictEqual(versions([one, two, three], 0, 1), [])
  })

  for (
    const payload of [
      "",
      " ",
      "hello",
      "{\"json\": true}",
      "[]",
      `${callId} 0000000a 0000000b look`,
      `${callId} 1 1 1 0000000b-1`,
      `${callId} 1 1 1 0000000b-1 {}`,
      `${callId} one 1 1 0000000b-1 []`,
      `${callId} 1 1 1 0000 000b-1 []`,
      `ringback 1 1 1 0000000b-1 []`,
      "\u0000\ud800 \n 1 1 1 1 ["
    ]
  ) {
    it(`is no turn: ${JSON.stringify(payload)}`, () => {
      assert.isUndefined(turnOf(payload))
    })
  }
})
