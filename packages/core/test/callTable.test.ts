/** What is answered before it is recorded, while the store is late. The table of what is recorded is in `CallStates.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { TelesignWire } from "@ringback/http"
import { Settings } from "../src/index.ts"
import type { Webhook } from "../src/index.ts"
import * as table from "../src/internal/call/table.ts"
import { type State, states, type Way, ways } from "./fixtures/callWays.ts"
import { session, Trial } from "./fixtures/Trial.ts"

/** What may come of a line, by short names. A status tells of an answer only where a dial is over. */
const came = {
  incoming: { event: "incoming_call", status: "answered" },
  answered: { event: "dial_completed", status: "answered" },
  busy: { event: "dial_completed", status: "busy" },
  prompt: { event: "speak_completed", status: "answered" },
  leg: { event: "call_leg_completed", status: "answered" },
  end: { event: "call_completed" },
  surprise: { event: "surprise_completed", status: "answered" }
} satisfies Readonly<Record<string, Partial<Webhook.Webhook>>>

type Came = keyof typeof came

/** What waits on the line hears a hold. */
const held: Readonly<Record<Exclude<State, "Planned" | "Closing" | "Closed">, ReadonlyArray<Came>>> = {
  Dialing: ["answered", "prompt"],
  Owing: ["incoming", "answered", "prompt", "leg"],
  Acting: ["incoming", "answered", "busy", "prompt"],
  Bridged: ["incoming", "busy", "prompt", "leg"],
  Settling: []
}

const expected = (state: State, line: Trial["state"], name: Came): ReturnType<typeof table.unrecorded> => {
  if (name === "end" || name === "surprise") return "nothing"
  if (state === "Planned" || state === "Closing") return "hangup"
  if (state !== "Closed") return held[state].includes(name) ? "hold" : "nothing"
  const isOver = line.closedBy === "ended" || line.closedBy === "settled"
  return name === "answered" && !isOver ? "hangup" : "nothing"
}

const reach = (way: Way): Trial["state"] => {
  const settings = Settings.merge({ dial: { ignored: ["ringing"] } }, way.settings ?? {})
  const trial = new Trial(way.flow, way.begin, settings, { hasPlace: way.isPaced !== true })
  for (const step of way.steps) step(trial)
  trial.line = way.line ?? 1
  return trial.state
}

describe("what the store could not record in time", () => {
  for (const state of states) {
    for (const way of Object.values<Way>(ways[state])) {
      it(`on a line that is ${state} (${way.words}) gets a hold where somebody waits, and a hang-up where nobody is wanted`, () => {
        const line = reach(way)
        for (const [name, webhook] of Object.entries(came) as ReadonlyArray<[Came, typeof came[Came]]>) {
          assert.strictEqual(
            table.unrecorded(line, TelesignWire.named({ referenceId: session, ...webhook })),
            expected(state, line, name),
            name
          )
        }
      })
    }
  }

  it("on a line of which nothing is known gets a hold, unless nobody can wait there", () => {
    for (const [name, webhook] of Object.entries(came)) {
      const isHeld = (held.Owing as ReadonlyArray<string>).includes(name)
      assert.strictEqual(
        table.unrecorded(undefined, TelesignWire.named({ referenceId: session, ...webhook })),
        isHeld ? "hold" : "nothing",
        name
      )
    }
  })
})
