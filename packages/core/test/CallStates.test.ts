/** Every cell of the decision table, each under its own name. The data and the words are in `fixtures/callStates.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { Call, type CallLine, Settings } from "../src/index.ts"
import { beginnings, type Case, type Reply, type Row, rows } from "./fixtures/callStates.ts"
import { type State, states, type Way, ways } from "./fixtures/callWays.ts"
import { Trial } from "./fixtures/Trial.ts"

const casesOf = (row: Row, state: State): ReadonlyArray<Case> => {
  const cell = row.cells[state] as Case | ReadonlyArray<Case>
  return "records" in cell ? [cell] : cell
}

const waysInto = (state: State): ReadonlyArray<readonly [string, Way]> => Object.entries<Way>(ways[state])

const waysOf = (found: Case, state: State): ReadonlyArray<readonly [string, Way]> => {
  const named: ReadonlyArray<string> | undefined = found.in
  return waysInto(state).filter(([name, way]) => named === undefined ? way.special !== true : named.includes(name))
}

/** Takes a call into a state. */
const reach = (way: Way): Trial => {
  const settings = Settings.merge({ dial: { ignored: ["ringing"] } }, way.settings ?? {})
  const trial = new Trial(way.flow, way.begin, settings, { hasPlace: way.isPaced !== true })
  for (const step of way.steps) step(trial)
  trial.line = way.line ?? 1
  return trial
}

/** What the open webhook is answered with, in the words of the table. */
const replyOf = (trial: Trial, before?: CallLine.CallLine): Reply => {
  const reply = Call.reply(trial.call, trial.line, trial.answer, trial.settings)
  if (reply._tag === "Wait") return "wait"
  if (reply._tag === "Nothing") return "{}"
  if (reply.action._tag === "Hangup") return "hangup"
  const now = trial.state
  const isInFlight = now.inFlight?.action === reply.action && now.inFlight.at === before?.inFlight?.at &&
    now.inFlight.n === before.inFlight.n
  return isInFlight ? "in flight" : reply.n === 0 ? "hold" : "next action"
}

const exitOf = (trial: Trial): string | undefined => {
  const { exit } = trial.call
  if (exit?._tag !== "Failure") return undefined
  const { _tag, reason } = exit.error as { readonly _tag: string; readonly reason?: string }
  return reason === undefined ? _tag : `${_tag}: ${reason}`
}

const check = (row: Row, state: State, way: Way, expected: Case): void => {
  const trial = reach(way)
  trial.verify()
  assert.strictEqual(trial.status, state, "the state before")
  const before = trial.state
  const count = trial.events.length
  const recorded = (expected.send ?? row.send)(trial)
  if (row.kind !== "event" && state === "Owing") trial.answer = "line" // the webhook that is still open
  assert.deepStrictEqual(recorded, expected.records)
  if (row.kind === "timer" && recorded.length === 0) return
  if (expected.reply !== "-") assert.strictEqual(replyOf(trial, before), expected.reply, "the reply")
  const stray = row.kind === "event" ? trial.events.slice(count).find((event) => event._tag === "Stray") : undefined
  if (stray !== undefined) assert.strictEqual(stray.hungUp, replyOf(trial) === "hangup", "whether it is hung up on")
  assert.strictEqual(trial.status, expected.to ?? state, "the state after")
  if (expected.flow !== undefined) assert.strictEqual(exitOf(trial), expected.flow, "what the flow ends with")
  trial.verify()
}

const nameOf = (row: Row, state: State, way: Way, { never, records, reply, to, when }: Case): string => {
  const facts = records.length === 0 ? "nothing" : records.join(", ")
  const after = [facts, ...(to === undefined ? [] : [to])].join("; ")
  const words = [way.words, ...(when === undefined ? [] : [when]), ...(never === true ? ["cannot happen"] : [])]
  return `${state} × ${row.input} (${words.join("; ")}): ${after}${reply === "-" ? "" : ` → ${reply}`}`
}

describe("the beginning of a call", () => {
  for (const { input, records, reply, to, way } of beginnings) {
    it(`nothing × ${input} (${way.words}): ${records.join(", ")}; ${to}${reply === "-" ? "" : ` → ${reply}`}`, () => {
      const trial = reach(way)
      assert.deepStrictEqual(trial.events.map((event) => event._tag), records)
      if (reply !== "-") assert.strictEqual(replyOf(trial), reply)
      assert.strictEqual(trial.status, to)
      trial.verify()
    })
  }
})

describe("a call that has begun", () => {
  for (const state of states) {
    for (const [, way] of waysInto(state).filter(([, way]) => way.special !== true)) {
      it(`is not begun again where a line is ${state} (${way.words})`, () => {
        const trial = reach(way)
        assert.deepStrictEqual(trial.take({ _tag: "Start", flow: "test", version: 1, input: {} }), [])
        assert.strictEqual(trial.answer, "nothing")
      })
    }
  }
})

for (const row of rows) {
  describe(row.input, () => {
    for (const state of states) {
      for (const expected of casesOf(row, state)) {
        for (const [, way] of waysOf(expected, state)) {
          it(nameOf(row, state, way, expected), () => check(row, state, way, expected))
        }
      }
    }
  })
}

/** Whether a case needs more of a history than its state alone tells, such as a prompt to be a copy of. */
const isSpecial = (found: Case, state: State): boolean => waysOf(found, state).every(([, way]) => way.special === true)

describe("the table", () => {
  it("has a cell for every input and every state, in whichever way it was reached", () => {
    const missing = rows.flatMap((row) =>
      states.flatMap((state) => {
        const cases = casesOf(row, state)
        const covered = cases.flatMap((found) => waysOf(found, state).map(([name]) => name))
        const isOfSpecialWays = covered.length > 0 && cases.every((found) => isSpecial(found, state))
        return waysInto(state)
          .filter(([name, way]) => way.special !== true && !isOfSpecialWays && !covered.includes(name))
          .map(([name]) => `${state}, ${name} × ${row.input}`)
      })
    )
    assert.deepStrictEqual(missing, [])
  })

  it("uses every way into a state that is made for some cell", () => {
    const unused = states.flatMap((state) =>
      waysInto(state)
        .filter(([name]) =>
          !rows.some((row) => casesOf(row, state).some((found) => waysOf(found, state).some(([used]) => used === name)))
        )
        .map(([name]) => `${state}, ${name}`)
    )
    assert.deepStrictEqual(unused, [])
  })

  it("names every state and every input once", () => {
    assert.strictEqual(new Set(rows.map((row) => row.input)).size, rows.length)
  })
})
