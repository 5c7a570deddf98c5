/**
 * The limit to measure against: the same calls by hand on bare `node:http` and `node:sqlite`, or PostgreSQL. The same JSON in
 * and out, the same durability (one commit, on the disk before the answers, for all turns that arrive together), a fold
 * written for this one conversation, and no rule that a real carrier would need.
 */
import { asking, serve } from "./bareHttp.ts"
import { open } from "./bareStore.ts"

interface Call {
  version: number
  asked: number
  pressed: string
}

const store = await open(process.argv[2] ?? "")
const calls = new Map<string, Call>()
const begin = JSON.stringify([{ _tag: "CallStarted" }, { _tag: "DialAttempted" }])

serve("bare", {
  start: async (ids) => {
    await store.prepare(ids.map((id) => [id, 1, Date.now(), begin]))
    for (const id of ids) calls.set(id, { version: 1, asked: 0, pressed: "" })
  },
  begin: (id, stored) => {
    calls.set(id, { version: 1, asked: 0, pressed: "" })
    store.append({ row: [id, 1, Date.now(), begin], stored })
  },
  accept: (id, referenceId) => {
    const call = calls.get(id)
    if (call === undefined) return
    const events = JSON.stringify([{ _tag: "DialAccepted", referenceId }])
    store.append({ row: [id, ++call.version, Date.now(), events], stored: () => undefined })
  },
  receive: (id, fact, answer) => {
    const call = calls.get(id)
    if (call === undefined) return answer("{}")
    const record = (events: ReadonlyArray<object>, text: string) =>
      store.append({ row: [id, ++call.version, Date.now(), JSON.stringify(events)], stored: () => answer(text) })
    if (fact._tag === "CallEnded") {
      calls.delete(id)
      return record([fact], "{}")
    }
    if (fact._tag === "PromptCompleted") call.pressed += fact.digits
    const action = asking(call.asked++)
    record([fact, { _tag: "ActionDecided", action }], JSON.stringify(action))
  },
  commits: store.commits
})
