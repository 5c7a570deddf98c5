/**
 * One conversation as a test: given a flow, when these things happen, then it does this. It runs the pure part of a flow
 * only: no engine, no store, no time.
 *
 * ```ts
 * it("asks again after a wrong PIN", () =>
 *   Scenario.given(Door, input)
 *     .when(Scenario.answers, Scenario.presses("0000"))
 *     .then("That is not right.", "Enter your PIN."))
 * ```
 *
 * What needs nobody goes on by itself: a prompt that takes no keys is heard to its end, a sleep is over, a note is taken.
 *
 * @since 0.1.0
 */
import { Step } from "@ringback/core"
import type { Flow, Prompt, Request } from "@ringback/core"
import { given as over } from "./internal/given.ts"
import * as usersCode from "./internal/usersCode.ts"

type Reason = typeof Request.NotAnsweredReason.Type

/**
 * Something that happens to a conversation.
 *
 * @since 0.1.0
 */
export type Happening =
  | { readonly _tag: "Answers" }
  | { readonly _tag: "NotAnswered"; readonly reason: Reason }
  | { readonly _tag: "Calls"; readonly from: string | undefined; readonly to: string | undefined }
  | { readonly _tag: "Presses"; readonly digits: string }
  | { readonly _tag: "HangsUp" }
  | { readonly _tag: "HangsUpDuring"; readonly words: string }
  | { readonly _tag: "Activity"; readonly result: Request.ActivityResult }
  | { readonly _tag: "Signal"; readonly response: Request.Responses["Signal"] }
  | { readonly _tag: "Bridge"; readonly came: Request.Bridged }
  | { readonly _tag: "Cancel" }

/**
 * The dial is answered.
 *
 * @since 0.1.0
 */
export const answers: Happening = { _tag: "Answers" }

/**
 * Nobody is reached.
 *
 * @since 0.1.0
 */
export const notAnswered = (reason: Reason): Happening => ({ _tag: "NotAnswered", reason })

/**
 * Somebody calls in. The numbers are as a carrier would report them.
 *
 * @since 0.1.0
 */
export const calls = (caller?: { readonly from?: string; readonly to?: string }): Happening => ({
  _tag: "Calls",
  from: caller?.from,
  to: caller?.to
})

/**
 * The callee presses keys at the prompt that asks for them.
 *
 * @since 0.1.0
 */
export const presses = (digits: string): Happening => ({ _tag: "Presses", digits })

/**
 * The callee presses nothing at the prompt that asks for keys.
 *
 * @since 0.1.0
 */
export const staysSilent: Happening = { _tag: "Presses", digits: "" }

/**
 * The callee hangs up: at the prompt that asks for keys, or while the flow waits for something else.
 *
 * @since 0.1.0
 */
export const hangsUp: Happening = { _tag: "HangsUp" }

/**
 * The callee hangs up during the next prompt that holds these words. It stands before what leads to that prompt.
 *
 * @since 0.1.0
 */
export const hangsUpDuring = (words: string): Happening => ({ _tag: "HangsUpDuring", words })

/**
 * The activity that is waited for succeeds; `value` is in stored form.
 *
 * @since 0.1.0
 */
export const succeeds = (value?: unknown): Happening => ({
  _tag: "Activity",
  result: { ok: true, value: value ?? null }
})

/**
 * The activity that is waited for fails; `error` is in stored form.
 *
 * @since 0.1.0
 */
export const fails = (error: unknown): Happening => ({ _tag: "Activity", result: { ok: false, value: error } })

/**
 * The application tells what is waited for; `value` is in stored form.
 *
 * @since 0.1.0
 */
export const signals = (value: unknown): Happening => ({ _tag: "Signal", response: { _tag: "Received", value } })

/**
 * Nobody tells what is waited for in time.
 *
 * @since 0.1.0
 */
export const signalExpires: Happening = { _tag: "Signal", response: { _tag: "Expired" } }

/**
 * What came of connecting somebody.
 *
 * @since 0.1.0
 */
export const bridge = (came: Request.Bridged): Happening => ({ _tag: "Bridge", came })

/**
 * The application cancels the call.
 *
 * @since 0.1.0
 */
export const cancel: Happening = { _tag: "Cancel" }

/**
 * A conversation in the hands of a test. Each step gives the next; what is wrong throws at once, with all that was said and
 * done so far.
 *
 * @since 0.1.0
 */
export interface Scenario {
  /** Lets these things happen, one after the other. Throws if one cannot happen at its place. */
  readonly when: (...happenings: ReadonlyArray<Happening>) => Scenario
  /**
   * What the flow does after the last thing that happened: prompts by their words or address, `"dial"`, `"hang up"`,
   * `"bridge"`, `"note <name>"`, `"sleep"`.
   */
  readonly then: (...actions: ReadonlyArray<string | Prompt.Prompt>) => Scenario
  /** The flow has ended with this value. */
  readonly ends: (value: unknown) => Scenario
  /** The flow has failed with an error of this tag, or was stopped (`"Cancelled"`, `"Defect"`). */
  readonly failsWith: (tag: string) => Scenario
}

/**
 * Begins a conversation. It goes as far as nothing has to happen.
 *
 * @since 0.1.0
 */
export const given = <Name extends string, Input, A, E, R>(
  flow: Flow.Definition<Name, Input, A, E, R>,
  input: NoInfer<Input>
): Scenario => new Conversation(proceed({ ...beginning, step: Step.start(over(flow, input)) }))

interface State {
  readonly step: Step.Step<unknown, unknown>
  readonly open: boolean
  /** Whoever called, once they were answered: they are so once. */
  readonly caller: Request.Responses["Answer"] | undefined
  /** The words of a prompt that the callee will hang up in. */
  readonly leavesDuring: string | undefined
  /** What the flow has done since the last happening, and all that was said and done. */
  readonly actions: ReadonlyArray<string>
  readonly story: ReadonlyArray<string>
  readonly deadlines: number
}

const beginning: Omit<State, "step"> = {
  open: false,
  caller: undefined,
  leavesDuring: undefined,
  actions: [],
  story: [],
  deadlines: 0
}

class Conversation implements Scenario {
  private readonly state: State
  constructor(state: State) {
    this.state = state
  }

  readonly when = (...happenings: ReadonlyArray<Happening>): Scenario =>
    new Conversation(happenings.reduce((state, happening) => happen(state, happening), this.state))

  // oxlint-disable-next-line unicorn/no-thenable -- given, when, then: nobody awaits a scenario
  readonly then = (...actions: ReadonlyArray<string | Prompt.Prompt>): Scenario => {
    const expected = actions.map((action) => typeof action === "string" ? action : told(action))
    if (JSON.stringify(expected) !== JSON.stringify(this.state.actions)) {
      throw wrong(this.state, `Expected then: ${list(expected)}\nbut it was:    ${list(this.state.actions)}`)
    }
    return this
  }

  readonly ends = (value: unknown): Scenario => {
    const found = ending(this.state)
    const expected = `ends with ${JSON.stringify(value)}`
    if (found !== expected) throw wrong(this.state, `Expected that it ${expected}, but it ${found}`)
    return this
  }

  readonly failsWith = (tag: string): Scenario => {
    const found = ending(this.state)
    if (found !== `fails with ${tag}`) throw wrong(this.state, `Expected that it fails with ${tag}, but it ${found}`)
    return this
  }
}

const list = (actions: ReadonlyArray<string>): string =>
  actions.length === 0 ? "nothing" : actions.map((action) => JSON.stringify(action)).join(", ")

const told = (prompt: Prompt.Prompt): string => prompt._tag === "Audio" ? prompt.url : prompt.text

const wrong = (state: State, problem: string): Error =>
  usersCode.from(
    new Error([problem, "", "So far:", ...state.story.map((line) => `  ${line}`), ...thrownBy(state)].join("\n")),
    usersCode.here()
  )

/** What the flow threw, with the line that did. */
const thrownBy = ({ step }: State): ReadonlyArray<string> => {
  if (step._tag === "Waiting" || step.exit._tag !== "Stopped" || step.exit.why._tag !== "Defect") return []
  const { defect } = step.exit.why
  if (!(defect instanceof Error)) return ["", `The flow threw: ${String(defect)}`]
  const [at] = usersCode.own(defect.stack)
  return ["", `The flow threw: ${defect.name}: ${defect.message}`, ...at === undefined ? [] : [`  ${at.trim()}`]]
}

const ending = ({ step }: State): string => {
  if (step._tag === "Waiting") return `waits (${step.request._tag})`
  switch (step.exit._tag) {
    case "Success":
      return `ends with ${JSON.stringify(step.exit.value)}`
    case "Failure":
      return `fails with ${(step.exit.error as { readonly _tag?: string })._tag ?? String(step.exit.error)}`
    case "Stopped":
      return `fails with ${step.exit.why._tag}`
  }
}

/** Answers a request and remembers what the flow did. */
const answer = (state: State, response: Request.Response, changes: Partial<State> = {}): State =>
  state.step._tag === "Done"
    ? state
    : { ...state, ...changes, step: Step.next(state.step as never, response as never) as State["step"] }

const does = (state: State, action: string): State => ({
  ...state,
  actions: [...state.actions, action],
  story: [...state.story, `→ ${action}`]
})

/** Goes on as long as nothing has to happen. */
const proceed = (from: State): State => {
  let state = from
  for (let steps = 0; steps < 10_000; steps++) {
    const next = goOn(state)
    if (next === undefined) return state
    state = next
  }
  throw wrong(state, "The flow took 10,000 steps without waiting for anything")
}

const goOn = (state: State): State | undefined => {
  const { step } = state
  if (step._tag === "Done") return undefined
  const unheld = state.open ? step : Step.endHold(step)
  if (unheld !== step) return { ...state, step: unheld }
  const { request } = step
  switch (request._tag) {
    case "Prompt":
      return prompted(state, request.action)
    case "Bridge":
      if (!state.open) return answer(state, { _tag: "HungUp" })
      return state.actions.at(-1) === "bridge" ? undefined : does(state, "bridge")
    case "Dial":
      return state.actions.at(-1) === "dial" ? undefined : does(state, "dial")
    case "Leave":
      return answer(state.open ? does(state, "hang up") : state, null, { open: false })
    case "Sleep":
      return answer(does(state, "sleep"), null)
    case "Note":
      return answer(does(state, `note ${request.name}`), null)
    case "SetDeadline":
      return answer(state, { n: state.deadlines + 1 }, { deadlines: state.deadlines + 1 })
    case "LiftDeadline":
      return answer(state, null)
    case "Now":
      return answer(state, 0)
    case "Random":
      return answer(state, 0.5)
    case "Activity":
    case "Signal":
      return undefined
    case "Answer":
      return state.caller === undefined ? undefined : answer(state, state.caller)
  }
}

type PromptAction = Extract<Request.Request, { readonly _tag: "Prompt" }>["action"]

const wordsOf = (action: PromptAction): string => {
  switch (action._tag) {
    case "Speak":
      return action.text
    case "Play":
      return action.url
    case "SendDtmf":
      return "send DTMF"
    case "Raw":
      return action.method
    case "Dial":
    case "Hangup":
      return action._tag
  }
}

/** A prompt without keys is heard to its end; one with keys is said once, and then waits. */
const prompted = (state: State, action: PromptAction): State | undefined => {
  if (!state.open) return answer(state, { _tag: "HungUp" })
  const words = wordsOf(action)
  const collects = (action._tag === "Speak" || action._tag === "Play") && action.collect !== undefined
  if (state.leavesDuring !== undefined && words.includes(state.leavesDuring)) {
    return answer(does(state, words), { _tag: "HungUp" }, { open: false, leavesDuring: undefined })
  }
  if (!collects) return answer(does(state, words), { _tag: "Heard", digits: "" })
  return state.story.at(-1) === `→ ${words}` ? undefined : does(state, words)
}

const happen = (before: State, happening: Happening): State => {
  const words = describe(happening)
  const state: State = { ...before, actions: [], story: [...before.story, words] }
  const { step } = state
  if (happening._tag === "HangsUpDuring") return { ...state, actions: before.actions, leavesDuring: happening.words }
  if (step._tag === "Done") throw wrong(before, `After its end nothing happens any more: ${words}`)
  if (happening._tag === "Cancel") return proceed({ ...state, step: Step.stop(step, { _tag: "Cancelled" }) })
  const next = respond(state, step.request, happening)
  if (next === undefined) throw wrong(before, `It cannot happen here that it ${words}: the flow ${ending(before)}`)
  return proceed(next)
}

const respond = (state: State, request: Request.Request, happening: Happening): State | undefined => {
  switch (happening._tag) {
    case "Answers":
      return request._tag === "Dial" ? answer(state, { _tag: "Answered" }, { open: true }) : undefined
    case "NotAnswered":
      return request._tag === "Dial" ? answer(state, { _tag: "NotAnswered", reason: happening.reason }) : undefined
    case "Calls": {
      const { from, to } = happening
      return request._tag === "Answer" ? answer(state, { from, to }, { open: true, caller: { from, to } }) : undefined
    }
    case "Presses":
      return request._tag === "Prompt" ? answer(state, { _tag: "Heard", digits: happening.digits }) : undefined
    case "HangsUp": {
      if (!state.open) return undefined
      const isOnLine = request._tag === "Prompt" || request._tag === "Bridge"
      return isOnLine ? answer(state, { _tag: "HungUp" }, { open: false }) : { ...state, open: false }
    }
    case "Activity":
      return request._tag === "Activity" ? answer(state, happening.result) : undefined
    case "Signal":
      return request._tag === "Signal" ? answer(state, happening.response) : undefined
    case "Bridge":
      return request._tag === "Bridge" ? answer(state, happening.came) : undefined
    case "HangsUpDuring":
    case "Cancel":
      return undefined
  }
}

const describe = (happening: Happening): string => {
  switch (happening._tag) {
    case "Answers":
      return "is answered"
    case "NotAnswered":
      return `is not answered: ${happening.reason}`
    case "Calls":
      return "is called"
    case "Presses":
      return happening.digits === "" ? "meets silence" : `is given ${happening.digits}`
    case "HangsUp":
      return "is hung up on"
    case "HangsUpDuring":
      return "will be hung up on in the middle of a prompt"
    case "Activity":
      return happening.result.ok ? "has its activity succeed" : "has its activity fail"
    case "Signal":
      return happening.response._tag === "Received" ? "is told its signal" : "is told nothing in time"
    case "Bridge":
      return "has its bridge end"
    case "Cancel":
      return "is cancelled"
  }
}
