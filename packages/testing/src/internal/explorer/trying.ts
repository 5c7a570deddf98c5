/** What is tried where nothing is said, and how an end is brought into its stored form. */
import type { Flow, Step } from "@ringback/core"
import type * as Choices from "./choices.ts"

/** What may be chosen where a test says nothing else. */
export const defaults: Choices.Samples = {
  keys: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"],
  digits: [],
  activities: {},
  signals: {},
  now: [1_750_000_000_000],
  random: [0, 0.5, 0.999],
  bridges: [
    { _tag: "Left", who: "them" },
    { _tag: "Left", who: "caller" },
    { _tag: "Left", who: "unknown" },
    { _tag: "NotConnected" }
  ],
  callers: [{ from: "15550170001", to: "15550170009" }, { from: undefined, to: "15550170009" }],
  cancel: false
}

/** Values in their stored form, as the engine records them; what does not fit is a defect. */
const finishing =
  <Input, A, E, R>({ codec }: Flow.Definition<string, Input, A, E, R>): Choices.Trial["finish"] => (exit) => {
    const misfit = (what: string): Step.Exit<never, never> => ({
      _tag: "Stopped",
      why: { _tag: "Defect", defect: new TypeError(`The ${what} does not fit its schema`) }
    })
    switch (exit._tag) {
      case "Success": {
        const stored = codec.encodeOutput(exit.value)
        return stored._tag === "Success" ? { _tag: "Success", value: stored.success } : misfit("output")
      }
      case "Failure": {
        const stored = codec.encodeError(exit.error)
        return stored._tag === "Success" ? { _tag: "Failure", error: stored.success } : misfit("error")
      }
      case "Stopped":
        return exit
    }
  }

/** What a search of a flow tries. */
export const trialOf = <Input, A, E, R>(
  flow: Flow.Definition<string, Input, A, E, R>,
  tried: Choices.Samples
): Omit<Choices.Trial, "findings"> => ({
  samples: tried,
  finish: finishing(flow),
  signals: new Set(flow.signals.map(({ name }) => name))
})
