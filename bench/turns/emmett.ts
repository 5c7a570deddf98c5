/**
 * A rival: the same calls with emmett on PostgreSQL. Each turn reads the stream of its call, decides, and appends with the
 * expected version, which is what its command handler does. HTTP is that of the bare server.
 */
import { CommandHandler } from "@event-driven-io/emmett"
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql"
import { asking, serve } from "./bareHttp.ts"

type CallEvent =
  | { readonly type: "CallStarted"; readonly data: { readonly id: string } }
  | { readonly type: "CallAnswered"; readonly data: { readonly asked: number } }
  | { readonly type: "PromptCompleted"; readonly data: { readonly digits: string; readonly asked: number } }
  | { readonly type: "CallEnded"; readonly data: { readonly id: string } }

interface Call {
  readonly asked: number
  readonly pressed: string
}

const url = new URL(process.argv[2] ?? "")
const store = getPostgreSQLEventStore(url.href)
let turns = 0

const handle = CommandHandler<Call, CallEvent>({
  initialState: () => ({ asked: 0, pressed: "" }),
  evolve: (call, event) => {
    switch (event.type) {
      case "CallAnswered":
        return { ...call, asked: event.data.asked }
      case "PromptCompleted":
        return { asked: event.data.asked, pressed: call.pressed + event.data.digits }
      case "CallStarted":
      case "CallEnded":
        return call
    }
  }
})

serve("emmett", {
  start: async (ids) => {
    for (const id of ids) await handle(store, id, () => ({ type: "CallStarted", data: { id } }))
  },
  receive: async (id, fact, answer) => {
    const { newState } = await handle(store, id, ({ asked }): CallEvent => {
      switch (fact._tag) {
        case "CallAnswered":
          return { type: "CallAnswered", data: { asked: 1 } }
        case "PromptCompleted":
          return { type: "PromptCompleted", data: { digits: fact.digits, asked: asked + 1 } }
        case "CallEnded":
          return { type: "CallEnded", data: { id } }
      }
    })
    turns++
    answer(JSON.stringify(fact._tag === "CallEnded" ? {} : asking(newState.asked - 1)))
  },
  commits: () => turns
})
