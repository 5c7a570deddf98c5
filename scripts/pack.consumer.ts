import { Action, PhoneNumber, Prompt } from "@ringback/core"

const dial: Action.Dial = Action.dial({
  to: PhoneNumber.make("15550170001"),
  from: PhoneNumber.make("15550170002"),
  maxCallDurationSeconds: 60
})

export const actions: ReadonlyArray<Action.Action> = [dial, Action.prompt(Prompt.speech("Hello.")), Action.hangup]
