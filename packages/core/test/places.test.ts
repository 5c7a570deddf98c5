import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Places } from "../src/internal/places.ts"

/** Below 0: whoever came so many steps ago leaves. Else: one more comes. */
const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -10, maximum: 9 }))).check(
  Schema.isMinLength(50),
  Schema.isMaxLength(100)
)

describe("places", () => {
  it.prop("are taken by one at a time, again when they are free, and hold what is there and nothing else", [Steps], (
    [steps]
  ) => {
    const places = new Places<number>()
    const taken: Array<number> = []
    const here = new Map<number, number>()
    let most = 0
    steps.forEach((step, thing) => {
      const leaving = step < 0 ? taken.at(step) : undefined
      if (step >= 0) {
        const place = places.take()
        assert.isFalse(here.has(place))
        places.put(place, thing)
        here.set(place, thing)
        taken.push(place)
        most = Math.max(most, here.size)
      } else if (leaving !== undefined && here.delete(leaving)) places.leave(leaving)
      assert.sameMembers([...places.all()], [...here.values()])
      assert.isTrue([...here.keys()].every((place) => place >= 0 && place < most))
    })
  })

  it("hold nothing where somebody has come and brought nothing yet", () => {
    const places = new Places<string>()
    places.take()
    assert.deepStrictEqual(places.all(), [])
  })
})
