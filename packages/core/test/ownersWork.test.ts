/** Which two turns show that a call has two owners. */
import { assert, describe, it } from "vitest"
import type { CallEvent } from "../src/CallEvent.ts"
import * as OwnersWork from "../src/internal/engine/ownersWork.ts"

const at = 0
const lease = 15_000

const slept: CallEvent = { _tag: "SleepElapsed", at, n: 1 }
const silent: CallEvent = { _tag: "LineSilent", at, line: 1 }
const done: CallEvent = { _tag: "ActivityCompleted", at, n: 1, ok: true, value: null }
const accepted: CallEvent = { _tag: "DialAccepted", at, line: 1, referenceId: "session" }
const unknown: CallEvent = { _tag: "DialUnknown", at, line: 1, reason: "the process that sent it is gone" }
const attempted: CallEvent = { _tag: "DialAttempted", at, line: 1, externalId: "id", process: "processa" }
const restarted: CallEvent = { _tag: "Restarted", at, process: "processb", doubtful: false }
const jumped: CallEvent = { ...restarted, jumpedMillis: 60_000 }
const spoken: CallEvent = { _tag: "PromptCompleted", at, line: 1, n: 1, digits: "", content: "" }
const held: CallEvent = { _tag: "HoldAnswered", at, line: 1, action: { _tag: "Hangup" } }
const resumed: CallEvent = { _tag: "FlowResumed", at }
const noted: CallEvent = { _tag: "Noted", at, n: 2, name: "slept", data: true }

const acted = (...events: ReadonlyArray<CallEvent>) => ({ at, events })

const areTwo = (one: OwnersWork.Acted, other: OwnersWork.Acted) => OwnersWork.isDuplicate(one, other, lease)

describe("two turns of one version", () => {
  it("show two owners if both are what time, an activity or a dial brought", () => {
    for (const event of [slept, done, accepted]) {
      assert.isTrue(areTwo(acted(event), acted(event)), event._tag)
    }
    assert.isTrue(areTwo(acted(slept, noted), acted(silent)))
    assert.isTrue(areTwo(acted(resumed, slept), acted(slept)))
  })

  it("show two owners if who comes second goes on with a call that the first has restarted", () => {
    for (const event of [slept, done, accepted, attempted]) {
      assert.isTrue(areTwo(acted(unknown, restarted), acted(event)), event._tag)
    }
  })

  it("show none if a restart comes second: the first may have been killed with its turn on the way", () => {
    for (const event of [slept, done, accepted, attempted]) {
      assert.isFalse(areTwo(acted(event), acted(unknown, restarted)), event._tag)
    }
  })

  it("show none if anybody could have brought one of them, whatever time had brought by then", () => {
    for (const theirs of [slept, done, accepted, restarted]) {
      assert.isFalse(areTwo(acted(spoken), acted(theirs)))
      assert.isFalse(areTwo(acted(slept, spoken), acted(theirs)))
      assert.isFalse(areTwo(acted(theirs), acted(held)))
    }
    assert.isFalse(areTwo(acted(spoken), acted(spoken)))
  })

  it("show none if they are for different processes: who runs the activity, who dialled, and who keeps the time", () => {
    assert.isFalse(areTwo(acted(done), acted(slept)))
    assert.isFalse(areTwo(acted(accepted), acted(silent)))
    assert.isFalse(areTwo(acted(accepted), acted(done)))
  })

  it("show none if both let a dial go that waited: who may dial changes", () =>
    assert.isFalse(areTwo(acted(attempted), acted(attempted))))

  it("show none if two found the call alone, or saw the clock jump", () => {
    assert.isFalse(areTwo(acted(restarted), acted(unknown, restarted)))
    assert.isFalse(areTwo(acted(jumped), acted(slept)))
  })

  it("show none a lease apart: the second did not know for long what the first had done", () => {
    assert.isTrue(areTwo(acted(slept), { ...acted(slept), at: lease - 1 }))
    assert.isFalse(areTwo(acted(slept), { ...acted(slept), at: lease }))
  })

  it("show none if one only decided something", () => assert.isFalse(areTwo(acted(noted), acted(slept))))
})

describe("two that keep the time of one call", () => {
  const isShared = (...before: ReadonlyArray<string>) => OwnersWork.isShared(before, "processa", "processb")

  it("share it if both had gone on with it, however long ago", () => {
    assert.isTrue(isShared("processa", "processb"))
    assert.isTrue(isShared("processb", "processc", "processa", "processc"))
  })

  it("share it if a third one went on with it last, and left it", () => {
    assert.isTrue(isShared("processb", "processc"))
  })

  it("do not if only one had: the other one does not know so", () => {
    assert.isFalse(isShared())
    assert.isFalse(isShared("processa", "processa"))
    assert.isFalse(isShared("processc", "processb"))
  })
})
