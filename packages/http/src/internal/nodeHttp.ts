/**
 * Node's own requests and responses of HTTP/1.1, known by their shape alone, so that other servers need no Node. Those of
 * HTTP/2 are left alone: there Node says `finish` even of an answer that was cut off.
 */
import type { Body } from "./desk.ts"

/** The part of Node's `IncomingMessage` that gives the body. */
export interface Source {
  readonly on: (event: "data" | "end" | "close", listener: (chunk: Body) => void) => unknown
  readonly off: (event: "data", listener: (chunk: Body) => void) => unknown
}

/** The part of Node's `ServerResponse` that writes the answer, and shows whether it was written. */
export interface Response {
  readonly destroyed: boolean
  readonly headersSent: boolean
  statusCode: number
  readonly setHeader: (name: string, value: string) => unknown
  readonly writeHead: (status: number, headers: { readonly [name: string]: string }) => unknown
  readonly writeContinue: () => unknown
  readonly end: (body: string | Uint8Array) => unknown
  readonly on: (event: "finish" | "close", listener: () => void) => unknown
}

/** Whether a request is one of Node's over HTTP/1.1. */
export const isRequest = (source: object): boolean =>
  (source as { readonly httpVersionMajor?: number }).httpVersionMajor === 1

/** Reads the body of a request: the bytes, or why there are none. Called once. */
export type Read = (source: Source, then: (body: Body | "too_large" | "unreadable") => void) => void

/**
 * Makes what reads bodies up to a limit in bytes. Whoever stops waiting for one need not say so, for what still comes is taken
 * up to the limit and then let go; the server sees to the connection.
 */
export const reader = (limit: number): Read => {
  const inTurn = stepByStep()
  return (source, then) => {
    const chunks: Array<Body> = []
    let size = 0
    let isDone = false
    const done = (body: Body | "too_large" | "unreadable") => {
      if (isDone) return
      isDone = true
      then(body)
    }
    const take = (chunk: Body) => {
      size += chunk.length
      chunks.push(chunk)
      if (size <= limit) return
      source.off("data", take)
      done("too_large")
    }
    let isWhole = false
    source.on("data", take)
    source.on("end", () => {
      isWhole = true
      inTurn(() => done(joined(chunks, size)))
    })
    source.on("close", () => isWhole || done("unreadable"))
  }
}

/**
 * Makes what runs tasks when the event loop has read all that came in together. So all bodies are read first and then all
 * events are decided on, which is a fifth faster than one request after another: the processor has the code of one step at
 * hand, but not that of all. Effect's own dispatcher does the same, but gave three quarters of the turns a second.
 */
const stepByStep = () => {
  const waiting: Array<() => void> = []
  const runAll = () => {
    for (const task of waiting.splice(0)) task()
  }
  return (task: () => void): void => {
    if (waiting.push(task) === 1) setImmediate(runAll)
  }
}

const joined = (chunks: ReadonlyArray<Body>, size: number): Body => {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** Tells, once, whether the connection took the whole of an answer that is about to be written. */
export const onWritten = (response: Response, tell: (whole: boolean) => void): void => {
  let isTold = false
  const once = (whole: boolean) => {
    if (isTold) return
    isTold = true
    tell(whole)
  }
  // Another status is not our answer: the server gave up, or something between changed it.
  response.on("finish", () => once(response.statusCode === 200))
  response.on("close", () => once(false))
}

/** The part of Node's `Server` by which it hands over what comes in. */
export interface Server {
  emit(event: string, ...values: Array<unknown>): boolean
}

/** A request to a server, as far as it shows before its body. */
export interface Request extends Source {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
}

/** Takes a request, or leaves it to whoever listens to the server. */
export type Take = (request: Request, response: Response) => boolean

/**
 * Has a server offer its requests to `take` before any of its listeners sees them, whenever those came. As `emit` is what a
 * server hands them over with, that is where it is done. Gives the way to undo it.
 */
export const intercept = (server: Server, take: Take): () => void => {
  const own = Object.getOwnPropertyDescriptor(server, "emit")
  const { emit } = server
  let isOpen = true
  const takes = (event: string, values: ReadonlyArray<unknown>): boolean => {
    // Node asks in the second way if any listener wants to decide whether a body is to be sent at all.
    if (event !== "request" && event !== "checkContinue") return false
    const [request, response] = values as [Request, Response]
    if (!take(request, response)) return false
    if (event === "checkContinue") response.writeContinue()
    return true
  }
  function offer(this: Server, event: string, ...values: Array<unknown>): boolean {
    return (isOpen && takes(event, values)) || emit.call(this, event, ...values)
  }
  server.emit = offer
  return () => {
    isOpen = false
    if (server.emit !== offer) return // somebody else stands in front of it now
    if (own === undefined) Reflect.deleteProperty(server, "emit")
    else server.emit = emit
  }
}
