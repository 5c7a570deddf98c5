import { assert, describe, it } from "@effect/vitest"
import { Call, CallEvent, LiveCall, PhoneNumber, Replay } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Schema } from "effect"
import { TableReady } from "../table-ready/flow.ts"
import { type Happening, newTicket, play, states, ticketed } from "./byHand.ts"

const id = CallEvent.CallId.make("0123456789abcdefghjk")
const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170009") }

const webhook = (
  event: string,
  fields: { readonly status?: string; readonly digits?: string }
): Happening["input"] => ({
  _tag: "Webhook",
  line: 1,
  received: {
    webhook: TelesignWire.named({ event, referenceId: "7E4C", ...fields }),
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

  it("is what somebody else makes of its log", () => {
    assert.deepStrictEqual(log.reduce(ticketed, newTicket), { rings: 1, heard: ["1"], state: "closed" })
  })

  it.prop(
    "folded in two parts is folded whole, and never goes back, whatever happens and in whichever order",
    [
      Schema.Array(Schema.Literals(happenings.map((_, n) => n))),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
    ],
    ([order, cut]) => {
      const start = happenings[0]!
      const played = play(LiveCall.prepare(id, TableReady, input), [start, ...order.map((n) => happenings[n]!)])
      const whole = Call.fold(id, played.log)
      assert.deepStrictEqual(played.log.slice(cut).reduce(Call.evolve, Call.fold(id, played.log.slice(0, cut))), whole)
      assert.deepStrictEqual(whole, played.live.call)
      const ranks = { open: 0, answered: 1, closed: 2 }
      const tickets = played.log.map((_, n) => ranks[played.log.slice(0, n + 1).reduce(ticketed, newTicket).state])
      assert.deepStrictEqual(tickets, tickets.toSorted((a, b) => a - b))
      assert.isAtMost(played.log.reduce(ticketed, newTicket).rings, 1)
    }
  )

  it("is decided so again by a replay of its log", () => {
    assert.isUndefined(Replay.rebuild(id, TableReady, log).divergence)
  })
})
