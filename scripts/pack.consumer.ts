import { Action, PhoneNumber, Prompt } from "@ringback/core"

const dial: Action.Dial = Action.dial({
  to: PhoneNumber.make("15550170001"),
  from: PhoneNumber.make("15550170002"),
  maxCallDurationSeconds: 60
})

export const actions: ReadonlyArray<Action.Action> = [dial, Action.prompt(Prompt.speech("Hello.")), Action.hangup]

// @ts-expect-error: wrong use is refused, so that what compiles is known to have been looked at.
export const wrong: number = PhoneNumber.make("15550170001")
