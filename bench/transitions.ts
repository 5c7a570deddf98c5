// How many steps of a flow the pure interpreter makes in a second on one core, beside a reducer written by hand as one
// switch, which is about the least that such a conversation can cost, and beside XState. All hold the same conversation: a
// menu of three tries, over and over; all keep their state by value. Run: npm run bench -- transitions [seconds]
import { Flow, Line, Step } from "@ringback/core"
import { assign, initialTransition, setup, transition } from "xstate"
import { printMachine } from "./machine.ts"

const presses = ["", "7", "", "7", "1"]

// In the language

const menu = Line.menu("Press 1 to keep it, 2 to cancel it.", { choices: { "1": "kept", "2": "cancelled" } })

const asFlow = (conversation: Flow.Flow<unknown, unknown, Flow.Line>) => (): number => {
  let step = Step.start(conversation)
  let transitions = 0
  for (let i = 0; step._tag === "Waiting"; i++) {
    step = Step.next(step as never, { _tag: "Heard", digits: presses[i % presses.length]! } as never)
    transitions++
  }
  return transitions
}

const rounds = 50

const inGenerator = asFlow(Flow.gen(function*() {
  for (let round = 0; round < rounds; round++) yield* menu
}))

const inReducer = asFlow(Flow.reducer({
  initial: 0,
  decide: (round: number) => round === rounds ? { done: round } : { ask: menu },
  evolve: (round) => round + 1
}))

const bare = asFlow(Flow.forEach(Array.from({ length: rounds * presses.length }), () => Line.speak("Hello.")))

// By hand

interface State {
  readonly round: number
  readonly silences: number
  readonly mistakes: number
  readonly asked:
    | { readonly _tag: "Speak"; readonly text: string; readonly collect: { readonly max: number } }
    | undefined
}

type Event = { readonly _tag: "Heard"; readonly digits: string } | { readonly _tag: "HungUp" }

const question = { _tag: "Speak", text: "Press 1 to keep it, 2 to cancel it.", collect: { max: 1 } } as const

const evolve = (state: State, event: Event): State => {
  switch (event._tag) {
    case "Heard":
      switch (event.digits) {
        case "1":
        case "2":
          return state.round + 1 === rounds
            ? { ...state, round: rounds, asked: undefined }
            : { round: state.round + 1, silences: 0, mistakes: 0, asked: question }
        case "":
          return state.silences === 2
            ? { ...state, asked: undefined }
            : { ...state, silences: state.silences + 1, asked: question }
        default:
          return state.mistakes === 2
            ? { ...state, asked: undefined }
            : { ...state, mistakes: state.mistakes + 1, asked: question }
      }
    case "HungUp":
      return { ...state, asked: undefined }
  }
}

const byHand = (): number => {
  let state: State = { round: 0, silences: 0, mistakes: 0, asked: question }
  let transitions = 0
  for (let i = 0; state.asked !== undefined; i++) {
    state = evolve(state, { _tag: "Heard", digits: presses[i % presses.length]! })
    transitions++
  }
  return transitions
}

// As a state machine of XState, by its pure functions

interface Counts {
  readonly round: number
  readonly silences: number
  readonly mistakes: number
}

const isChoice = (event: Event) => event._tag === "Heard" && (event.digits === "1" || event.digits === "2")
const isSilence = (event: Event) => event._tag === "Heard" && event.digits === ""

const machine = setup({
  types: { context: {} as Counts, events: {} as Event & { readonly type: Event["_tag"] } },
  guards: {
    isChoice: ({ event }) => isChoice(event),
    isSilence: ({ event }) => isSilence(event),
    isLastMistake: ({ context }) => context.mistakes === 2
  },
  actions: {
    choose: assign(({ context }) => ({ round: context.round + 1, silences: 0, mistakes: 0 })),
    countSilence: assign(({ context }) => ({ silences: context.silences + 1 })),
    countMistake: assign(({ context }) => ({ mistakes: context.mistakes + 1 }))
  }
}).createMachine({
  context: { round: 0, silences: 0, mistakes: 0 },
  initial: "asking",
  states: {
    asking: {
      on: {
        Heard: [
          { guard: ({ context, event }) => isChoice(event) && context.round + 1 === rounds, target: "over" },
          { guard: "isChoice", actions: "choose" },
          { guard: ({ context, event }) => isSilence(event) && context.silences === 2, target: "over" },
          { guard: "isSilence", actions: "countSilence" },
          { guard: "isLastMistake", target: "over" },
          { actions: "countMistake" }
        ],
        HungUp: "over"
      }
    },
    over: { type: "final" }
  }
})

const inXState = (): number => {
  let [state] = initialTransition(machine)
  let transitions = 0
  for (let i = 0; state.status === "active"; i++) {
    const event = { type: "Heard", _tag: "Heard", digits: presses[i % presses.length]! } as const
    state = transition(machine, state, event)[0]
    transitions++
  }
  return transitions
}

// Measuring: each contender in turn, five times, and the best of its turns, which others on the machine disturb least.

const contenders = {
  "a switch by hand": byHand,
  "a flow, each prompt alone": bare,
  "a flow as a generator": inGenerator,
  "a flow as a reducer": inReducer,
  "XState": inXState
}

const rate = (run: () => number, millis: number): number => {
  const start = process.cpuUsage()
  const used = () => {
    const { system, user } = process.cpuUsage(start)
    return (system + user) / 1000
  }
  let transitions = 0
  let spent = 0
  while ((spent = used()) < millis) for (let i = 0; i < 50; i++) transitions += run()
  return transitions / spent * 1000
}

const seconds = Number(process.argv[2] ?? 1)
if (!(seconds > 0)) throw new Error("Expected seconds to measure each contender for")

for (const run of Object.values(contenders)) rate(run, 200 * seconds)
const best = new Map<string, number>()
for (let turn = 0; turn < 5; turn++) {
  for (const [name, run] of Object.entries(contenders)) {
    best.set(name, Math.max(best.get(name) ?? 0, rate(run, 200 * seconds)))
  }
}

printMachine()
for (const [name, perSecond] of best) {
  const times = best.get("a switch by hand")! / perSecond
  console.log(
    `${name.padEnd(28)}${(perSecond / 1e6).toFixed(2).padStart(8)} M transitions/s of processor time` +
      (times > 1 ? `, ${times.toFixed(1)} times the switch` : "")
  )
}
