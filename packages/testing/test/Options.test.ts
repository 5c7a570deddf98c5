/** Options of tests that make no sense: each is told at the line that gave it, and so is one that there is not. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  Arbitraries,
  FakeClock,
  FlowExplorer,
  People,
  PhoneCompany,
  PhoneLine,
  Storm,
  TestCalls
} from "../src/index.ts"
import { Announcement } from "./fixtures/flows.ts"
import { input } from "./fixtures/storms.ts"

const nobody = Arbitraries.calleeFrom(Announcement, input)([])

/** What takes options, with some that it cannot use. */
const users: { readonly [user: string]: readonly [use: (options: never) => unknown, ...wrong: ReadonlyArray<object>] } =
  {
    "FlowExplorer.check": [
      (options) => FlowExplorer.check(Announcement, input, [], options),
      { depth: 0 },
      { max: 1.5 },
      { seconds: Number.NaN },
      { keys: ["12"] },
      { digits: [12] },
      { random: [1] },
      { now: [Number.NaN] },
      { cancel: "yes" },
      { accept: "all" }
    ],
    "FlowExplorer.explore": [(options) => FlowExplorer.explore(Announcement, input, options), { max: 0 }, {
      laws: "all"
    }],
    "FlowExplorer.scenarios": [(options) => FlowExplorer.scenarios(Announcement, input, options), { depth: -1 }],
    "FlowExplorer.draw": [(options) => FlowExplorer.draw(Announcement, input, options), { seconds: -1 }],
    "Arbitraries.calleeOf": [
      (options) => Arbitraries.calleeOf(Announcement, input, options),
      { depth: 0 },
      { seconds: -1 },
      { cancel: true } // The application cancels, and no people do.
    ],
    "Arbitraries.calleeFrom": [(options) => Arbitraries.calleeFrom(Announcement, input, options), { max: Number.NaN }],
    "People.meet": [
      (options) => People.meet(Announcement, input, nobody, options),
      { turns: Number.NaN },
      { turns: 0 },
      { meanwhile: Effect.void },
      { company: { speed: 0 } }
    ],
    "PhoneCompany.layerWith": [
      (options) => PhoneCompany.layerWith(options),
      { speed: 0 },
      { ringMillis: -1 },
      { charactersPerSecond: 0 },
      { strict: "yes" },
      { statuses: { engaged: "busy" } }
    ],
    "PhoneLine.settings": [(options) => PhoneLine.settings(options), { speed: Infinity }],
    "TestCalls.layer": [(options) => TestCalls.layer({ flows: [Announcement], company: options }), {
      silenceMillis: Number.NaN
    }],
    "FakeClock.layerWith": [
      (options) => FakeClock.layerWith(options),
      { start: Number.NaN },
      { patience: "none" },
      { warnAfterMillis: -1 }
    ],
    "Storm.run": [
      (options) => Storm.run(Announcement, input, options),
      { runs: 0 },
      { seed: 0.5 },
      { calls: 0 },
      { store: "mysql" },
      { faults: { crash: 2 } },
      { faults: { crush: 1 } },
      { company: { speed: -1 } }
    ],
    "Storm.once": [(options) => Storm.once(Announcement, input, options), { seed: Number.NaN }]
  }

/** What it throws, or dies with, or rejects with. */
const thrownBy = async (use: () => unknown): Promise<unknown> => {
  try {
    await use()
    return undefined
  } catch (thrown) {
    return thrown
  }
}

/** The option that is wrong, which may be inside of another one. */
const nameOf = (options: object): string => {
  const [name, value] = Object.entries(options)[0]!
  return typeof value === "object" && !Array.isArray(value) && name !== "meanwhile" ? nameOf(value as object) : name
}

/** It names the option, and its stack begins in this file. */
const isTold = (thrown: unknown, option: string): void => {
  assert.instanceOf(thrown, RangeError)
  assert.include(thrown.message, option)
  assert.match(thrown.stack!.split("\n")[1]!, /Options\.test\.ts/)
}

describe("options of tests", () => {
  for (const [user, [use, ...wrong]] of Object.entries(users)) {
    for (const options of [...wrong, { misspelt: 1 }]) {
      it(`${user} refuses ${JSON.stringify(options)} at the line that gave it`, async () => {
        isTold(await thrownBy(() => use(options as never)), nameOf(options))
      })
    }
  }

  it("People.always refuses them, and tells so as it tells all else", async () => {
    for (const options of [{ runs: 0 }, { seed: Number.NaN }, { turns: -1 }, { misspelt: 1 }]) {
      isTold(
        await People.always(Announcement, input, () => true, options as never).catch((thrown) => thrown),
        nameOf(options)
      )
    }
  })
})
