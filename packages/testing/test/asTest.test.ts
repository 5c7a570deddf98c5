import { assert, it } from "@effect/vitest"
import { Callee } from "@ringback/testing"
import * as Arbitraries from "../src/Arbitraries.ts"
import { calleeCode } from "../src/internal/calleeCode.ts"

it.prop("a callee as it is written in TypeScript is that callee", [Arbitraries.callee], ([callee]) => {
  const written = new Function("Callee", `return ${calleeCode(callee)}`)(Callee)
  assert.deepStrictEqual(Callee.describe(written), Callee.describe(callee))
})
