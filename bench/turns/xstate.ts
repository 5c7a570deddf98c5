/**
 * A rival: the same calls as a state machine of XState, by its pure functions, with a snapshot of the machine stored at each
 * turn. HTTP and group commit are those of the bare server.
 */
import { assign, initialTransition, setup, type SnapshotFrom, transition } from "xstate"
import { asking, type Fact, serve } from "./bareHttp.ts"
import { open } from "./bareStore.ts"
import { prompts } from "./conversation.ts"

type Event = { readonly type: "CallAnswered" } | { readonly type: "PromptCompleted"; readonly digits: string } | {
  readonly type: "CallEnded"
}

const machine = setup({
  types: { context: {} as { readonly asked: number; readonly pressed: string }, events: {} as Event },
  guards: { isLast: ({ context }) => context.asked === prompts.length },
  actions: {
    ask: assign(({ context }) => ({ asked: context.asked + 1 })),
    press: assign(({ context, event }) => ({
      pressed: context.pressed + (event.type === "PromptCompleted" ? event.digits : "")
    }))
  }
}).createMachine({
  context: { asked: 0, pressed: "" },
  initial: "ringing",
  states: {
    ringing: { on: { CallAnswered: { target: "asking", actions: "ask" }, CallEnded: "over" } },
    asking: {
      on: {
        PromptCompleted: [
          { guard: "isLast", target: "leaving", actions: "press" },
          { actions: ["press", "ask"] }
        ],
        CallEnded: "over"
      }
    },
    leaving: { on: { CallEnded: "over" } },
    over: { type: "final" }
  }
})

const store = await open(process.argv[2] ?? "")
const calls = new Map<string, { readonly version: number; readonly snapshot: SnapshotFrom<typeof machine> }>()

const toEvent = (fact: Fact): Event =>
  fact._tag === "PromptCompleted" ? { type: fact._tag, digits: fact.digits } : { type: fact._tag }

serve("xstate", {
  start: async (ids) => {
    const [snapshot] = initialTransition(machine)
    await store.prepare(ids.map((id) => [id, 1, Date.now(), JSON.stringify(snapshot)]))
    for (const id of ids) calls.set(id, { version: 1, snapshot })
  },
  receive: (id, fact, answer) => {
    const call = calls.get(id)
    if (call === undefined) return answer("{}")
    const [snapshot] = transition(machine, call.snapshot, toEvent(fact))
    const version = call.version + 1
    if (snapshot.status === "done") calls.delete(id)
    else calls.set(id, { version, snapshot })
    const { asked } = snapshot.context
    const action = snapshot.value === "over" ? {} : asking(snapshot.value === "leaving" ? prompts.length : asked - 1)
    store.append({
      row: [id, version, Date.now(), JSON.stringify(snapshot)],
      stored: () => answer(JSON.stringify(action))
    })
  },
  commits: store.commits
})
