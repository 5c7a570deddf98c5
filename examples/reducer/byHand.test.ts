import { assert, describe, it } from "@effect/vitest"
import { Call, CallEvent, LiveCall, PhoneNumber, Replay } from "@ringback/core"
import { TableReady } from "../table-ready/flow.ts"
import { type Happening, play, states } from "./byHand.ts"

const id = CallEvent.CallId.make("0123456789abcdefghjk")
const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

const webhook = (
  event: string,
  fields: { readonly status?: string; readonly digits?: string }
): Happening["input"] => ({
  _tag: "Webhook",
  line: 1,
  received: {
    webhook: { event, referenceId: "7E4C", ...fields },
    receivedAt: 0,
    before: false,
    copies: 0,
    unsent: false
  }
})

const happenings: ReadonlyArray<Happening> = [
  { at: 0, input: { _tag: "Start", flow: "table-ready", version: 1, input } },
  { at: 200, input: { _tag: "Posted", line: 1, posted: { _tag: "Accepted", referenceId: "7E4C" } } },
  { at: 3000, input: webhook("dial_completed", { status: "answered" }) },
  { at: 9000, input: webhook("speak_completed", { status: "speak_successful", digits: "1" }) },
  { at: 11_000, input: webhook("speak_completed", { status: "speak_successful" }) },
  { at: 11_500, input: webhook("call_completed", { status: "hangup" }) }
]

describe("a call by hand", () => {
  const { live, log } = play(LiveCall.prepare(id, TableReady, input), happenings)

  it("is decided by plain functions, from its start to its end", () => {
    assert.deepStrictEqual(live.call.exit, { _tag: "Success", value: "coming" })
    assert.isTrue(Call.isOver(live.call))
  })

  it("is what its log folds to", () => {
    assert.deepStrictEqual(states(id, log).at(-1), live.call)
  })

  it("is decided so again by a replay of its log", () => {
    assert.isUndefined(Replay.rebuild(id, TableReady, log).divergence)
  })
})
