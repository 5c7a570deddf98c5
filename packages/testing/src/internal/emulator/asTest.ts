/**
 * What was done by hand, as a test to paste.
 */
import * as Callee from "../../Callee.ts"
import * as PhoneLine from "../../PhoneLine.ts"

/** A test in which somebody does the same again. */
export const code = (line: PhoneLine.PhoneLine): string => {
  const script = calleeCode(PhoneLine.asScript(line) ?? Callee.answers())
  const started = line.direction === "outbound"
    ? `    yield* PhoneCompany.callee(${quoted(line.to)}, ${script})
    const call = yield* Calls.start(YourFlow, { to: PhoneNumber.make(${quoted(line.to)}), from: PhoneNumber.make(${
      quoted(line.from)
    }) })
    assert.strictEqual(yield* call.outcome, "what you expect")`
    : `    yield* PhoneCompany.incoming({ to: ${quoted(line.to)}, from: ${quoted(line.from)}, callee: ${script} })
    yield* FakeClock.settle`
  const wiring = line.direction === "outbound" ? "flows: [YourFlow]" : `inbound: { ${quoted(line.to)}: YourFlow }`
  return `import { assert, it } from "@effect/vitest"
import { Calls, PhoneNumber } from "@ringback/core"
import { Callee, FakeClock, PhoneCompany, TestCalls } from "@ringback/testing"
import { Effect } from "effect"
import { YourFlow } from "./flow.ts"

it.effect("goes as it went by hand", () =>
  Effect.gen(function*() {
${started}
    assert.deepStrictEqual(yield* PhoneCompany.leftover, [])
  }).pipe(Effect.provide(TestCalls.layer({ ${wiring} }))))
`
}

/** A callee as it is written in TypeScript. */
export const calleeCode = ({ reach, steps }: Callee.Script): string =>
  `Callee.${reachCode(reach)}${steps.map(stepCode).join("")}`

const reachCode = (reach: Callee.Reach): string => {
  switch (reach._tag) {
    case "Busy":
      return "busy"
    case "NoAnswer":
      return "noAnswer"
    case "Fails":
      return `fails(${quoted(reach.status)})`
    case "Answers":
      return `answers(${quoted(`${reach.afterMillis} millis`)})`
    case "Voicemail":
      return "voicemail"
    case "ByHand":
      return "byHand"
  }
}

const stepCode = (step: Callee.Step): string => {
  switch (step._tag) {
    case "Hears":
      return `.hears(${quoted(step.text)})`
    case "HearsMatch":
      return `.hears(/${step.source}/${step.flags})`
    case "Presses":
      return `.presses(${quoted(step.digits)})`
    case "StaysSilent":
      return ".staysSilent()"
    case "HearsNoMore":
      return ".hearsNoMore()"
    case "HeardMore":
      return ""
    case "Talks":
      return ".talks()"
    case "HangsUp":
      return ".hangsUp()"
    case "HangsUpDuring":
      return `.hangsUpDuring(${step.prompt})`
    case "HangsUpAfter":
      return `.hangsUpAfter(${step.prompt})`
  }
}

const quoted = (text: string): string => JSON.stringify(text)
