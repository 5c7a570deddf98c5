/**
 * The limit to measure against: the same calls by hand on bare `node:http` and `node:sqlite`, or PostgreSQL. The same JSON in and out, the
 * same durability (one commit, on the disk before the answers, for all turns that arrive together), a fold written
 * for this one conversation, and no rule that a real carrier would need.
 */
import { createServer, type ServerResponse } from "node:http"
import { open } from "./bareStore.ts"
import { prompts, usage } from "./conversation.ts"

const store = await open(process.argv[2] ?? "")

interface Call {
  version: number
  asked: number
  pressed: string
}
const calls = new Map<string, Call>()
let started = 0

const record = (id: string, call: Call, events: ReadonlyArray<object>, answer: string, response: ServerResponse) =>
  store.append({ row: [id, ++call.version, Date.now(), JSON.stringify(events)], stored: () => response.end(answer) })

const next = (id: string, call: Call, response: ServerResponse, fact: object) => {
  const prompt = prompts[call.asked++]
  const action = prompt === undefined
    ? { method: "hangup", params: {} }
    : { method: "speak", params: { tts: { message: prompt }, collect_digits: { max: 1 } } }
  record(id, call, [fact, { _tag: "ActionDecided", action }], JSON.stringify(action), response)
}

const receive = (text: string, response: ServerResponse) => {
  const body = JSON.parse(text) as {
    readonly event: string
    readonly external_id: string
    readonly data: { readonly status?: string; readonly collected_digits?: string }
  }
  const call = calls.get(body.external_id)
  response.setHeader("content-type", "application/json")
  if (call === undefined) return response.end("{}")
  switch (body.event) {
    case "dial_completed":
      return next(body.external_id, call, response, { _tag: "CallAnswered" })
    case "speak_completed": {
      const digits = body.data.collected_digits ?? ""
      call.pressed += digits
      return next(body.external_id, call, response, { _tag: "PromptCompleted", digits })
    }
    default:
      calls.delete(body.external_id)
      record(body.external_id, call, [{ _tag: "CallEnded" }], "{}", response)
  }
}

/** Starts calls, which is not measured. */
const start = async (count: number, response: ServerResponse) => {
  const ids = Array.from({ length: count }, () => `bare.${String(++started).padStart(20, "0")}.1`)
  const events = JSON.stringify([{ _tag: "CallStarted" }, { _tag: "DialAttempted" }])
  await store.prepare(ids.map((id) => [id, 1, Date.now(), events]))
  for (const id of ids) calls.set(id, { version: 1, asked: 0, pressed: "" })
  response.end(JSON.stringify(ids))
}

const server = createServer((request, response) => {
  if (request.url === "/usage") return response.end(JSON.stringify(usage(store.commits())))
  if (request.url?.startsWith("/start")) return void start(Number(request.url.split("=")[1]), response)
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => void (body += chunk))
  request.on("end", () => receive(body, response))
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(typeof address === "object" && address !== null ? address.port : 0)
})
