/**
 * What was done by hand, as a test to paste.
 */
import * as Callee from "../../Callee.ts"
import * as PhoneLine from "../../PhoneLine.ts"
import { calleeCode } from "../calleeCode.ts"

/** A test in which somebody does the same again. It asserts that, and leaves what became of it to who pastes it. */
export const code = (line: PhoneLine.PhoneLine): string => {
  const script = calleeCode(PhoneLine.asScript(line) ?? Callee.answers())
  return `import { it } from "@effect/vitest"
${line.direction === "outbound" ? `import { Calls, PhoneNumber } from "@ringback/core"\n` : ""}\
import { Callee, ${needsCompany(line) ? "PhoneCompany, " : ""}TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { YourFlow } from "./flow.ts"

it.effect("goes as it went by hand", () =>
  Effect.gen(function*() {
${[...others(line), ...starting(line, script)].map((statement) => `    ${statement}\n`).join("")}\
    yield* Effect.exit(call.outcome) // what became of it: assert here what you expect
    yield* TestCalls.followed // all that was done by hand was done again
  }).pipe(Effect.provide(TestCalls.layer({ ${wiring(line)} }))))
`
}

const needsCompany = ({ direction, legs }: PhoneLine.PhoneLine): boolean => direction === "outbound" || legs.length > 0

const starting = ({ direction, from, to }: PhoneLine.PhoneLine, script: string): ReadonlyArray<string> =>
  direction === "outbound"
    ? [
      `yield* PhoneCompany.callee(${quoted(to)}, ${script})`,
      `const input = { to: PhoneNumber.make(${quoted(to)}), from: PhoneNumber.make(${quoted(from)}) }`,
      `const call = yield* Calls.start(YourFlow, input)`
    ]
    : [
      `const callee = ${script}`,
      `const call = yield* TestCalls.incoming(YourFlow, { to: ${quoted(to)}, from: ${quoted(from)}, callee })`
    ]

const wiring = ({ direction, to }: PhoneLine.PhoneLine): string =>
  direction === "outbound" ? "flows: [YourFlow]" : `flows: [], inbound: { ${quoted(to)}: YourFlow }`

/** Those whom bridges dialled: a callee for each time that they were rung. */
const others = ({ legs }: PhoneLine.PhoneLine): ReadonlyArray<string> =>
  Array.from(new Set(legs.map(({ to }) => to)), (number) => {
    const rings = legs.filter(({ to }) => to === number).map(({ reach }) => calleeCode({ reach, steps: [] }))
    return `yield* PhoneCompany.callee(${quoted(number)}, [${rings.join(", ")}])`
  })

const quoted = (text: string): string => JSON.stringify(text)
