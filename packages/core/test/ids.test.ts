import { assert, describe, it } from "@effect/vitest"
import { CallEvent } from "@ringback/core"
import { Schema } from "effect"
import * as ids from "../src/internal/ids.ts"

describe("the id of a call", () => {
  for (const now of [0, 0.5, 1_796_000_000_000, 1_796_000_000_000.123, 1_796_000_000_031.999]) {
    it(`is one at the time ${now}, of which a database gives parts of a millisecond`, () =>
      assert.isTrue(Schema.is(CallEvent.CallId)(ids.newCallId(now, () => 0.5))))
  }
})
