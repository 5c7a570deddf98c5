/**
 * The limit to measure against: the same calls by hand on bare `node:http` and `node:sqlite`. The same JSON in and out, the
 * same durability (one commit for all turns that arrive together, `synchronous=FULL`, before the answers), a fold written
 * for this one conversation, and no rule that a real carrier would need.
 */
import { createServer, type ServerResponse } from "node:http"
import { DatabaseSync } from "node:sqlite"
import { prompts, usage } from "./conversation.ts"

const database = new DatabaseSync(process.argv[2] ?? "")
database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
database.exec(
  "CREATE TABLE turns (position INTEGER PRIMARY KEY, call TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, " +
    "events TEXT NOT NULL, UNIQUE (call, version))"
)
const insert = database.prepare("INSERT INTO turns (call, version, at, events) VALUES (?, ?, ?, ?)")

interface Call {
  version: number
  asked: number
  pressed: string
}
const calls = new Map<string, Call>()
let started = 0

interface Job {
  readonly row: readonly [string, number, number, string]
  readonly answer: string
  readonly response: ServerResponse
}
let waiting: Array<Job> = []
let commits = 0

/** Everything that has arrived in this turn of the event loop shares one commit. */
const commit = () => {
  const jobs = waiting
  waiting = []
  database.exec("BEGIN")
  for (const { row } of jobs) insert.run(...row)
  database.exec("COMMIT")
  commits++
  for (const { answer, response } of jobs) response.end(answer)
}

const append = (job: Job) => {
  if (waiting.length === 0) setImmediate(commit)
  waiting.push(job)
}

const record = (id: string, call: Call, events: ReadonlyArray<object>, answer: string, response: ServerResponse) =>
  append({ row: [id, ++call.version, Date.now(), JSON.stringify(events)], answer, response })

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
const start = (count: number, response: ServerResponse) => {
  const ids = Array.from({ length: count }, () => `bare.${String(++started).padStart(20, "0")}.1`)
  database.exec("BEGIN")
  for (const id of ids) {
    insert.run(id, 1, Date.now(), JSON.stringify([{ _tag: "CallStarted" }, { _tag: "DialAttempted" }]))
    calls.set(id, { version: 1, asked: 0, pressed: "" })
  }
  database.exec("COMMIT")
  response.end(JSON.stringify(ids))
}

const server = createServer((request, response) => {
  if (request.url === "/usage") return response.end(JSON.stringify(usage(commits)))
  if (request.url?.startsWith("/start")) return start(Number(request.url.split("=")[1]), response)
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => void (body += chunk))
  request.on("end", () => receive(body, response))
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(typeof address === "object" && address !== null ? address.port : 0)
})
