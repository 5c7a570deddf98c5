/** Bare `node:http` around something that holds the measured calls: the same JSON in and out, and nothing that is not needed. */
import { createServer, type ServerResponse } from "node:http"
import { dial } from "./bareDial.ts"
import { isHeld, patience, prompts, usage } from "./conversation.ts"

/** What a webhook says of a call. */
export type Fact =
  | { readonly _tag: "CallAnswered" }
  | { readonly _tag: "PromptCompleted"; readonly digits: string }
  | { readonly _tag: "CallEnded" }

/** What holds calls. */
export interface Holder {
  /** Makes calls that nobody has answered yet, which is not measured. */
  readonly start: (ids: ReadonlyArray<string>) => Promise<void>
  /** Starts one call, and says when it is durable. Only servers that hold whole calls can. */
  readonly begin?: (id: string, stored: () => void) => void
  /** The carrier has accepted the dial of a call. */
  readonly accept?: (id: string, referenceId: string) => void
  /** Takes a fact of a call. What it leads to is durable when `answer` is called with it. */
  readonly receive: (id: string, fact: Fact, answer: (action: string) => void) => void | Promise<void>
  /** How many commits there were, as far as that is known. */
  readonly commits: () => number
}

/** The action that asks the question of this number, or hangs up after the last. */
export const asking = (question: number): object => {
  const prompt = prompts[question]
  return prompt === undefined
    ? { method: "hangup", params: {} }
    : { method: "speak", params: { tts: { message: prompt }, collect_digits: { max: 1 } } }
}

/** Serves, and prints the port. */
export const serve = (name: string, holder: Holder): void => {
  let started = 0

  const nextId = () => `${name}.${String(++started).padStart(20, "0")}.1`

  const start = async (count: number, response: ServerResponse) => {
    const ids = Array.from({ length: count }, nextId)
    await holder.start(ids)
    response.end(JSON.stringify(ids))
  }

  /** An application's request: it is answered when the call is durable, and then the call is dialled. */
  const begin = (response: ServerResponse) => {
    const id = nextId()
    holder.begin?.(id, () => {
      response.setHeader("content-type", "application/json")
      response.end(JSON.stringify({ id: id.split(".")[1] }))
      if (!isHeld) dial(id, (referenceId) => holder.accept?.(id, referenceId))
    })
  }

  const receive = (text: string, response: ServerResponse) => {
    const body = JSON.parse(text) as {
      readonly event: string
      readonly external_id: string
      readonly data: { readonly collected_digits?: string }
    }
    response.setHeader("content-type", "application/json")
    void holder.receive(
      body.external_id,
      factOf(body.event, body.data.collected_digits),
      (action) => response.end(action)
    )
  }

  const server = createServer({ keepAliveTimeout: patience }, (request, response) => {
    if (request.url === "/usage") return response.end(JSON.stringify(usage({ commits: holder.commits() })))
    if (request.url?.startsWith("/start")) return void start(Number(request.url.split("=")[1]), response)
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => void (body += chunk))
    request.on("end", () => request.url === "/calls" ? begin(response) : receive(body, response))
  })

  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    console.log(typeof address === "object" && address !== null ? address.port : 0)
  })
}

const factOf = (event: string, digits = ""): Fact => {
  if (event === "dial_completed") return { _tag: "CallAnswered" }
  return event === "speak_completed" ? { _tag: "PromptCompleted", digits } : { _tag: "CallEnded" }
}
