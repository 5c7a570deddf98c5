/**
 * Node's own requests and responses of HTTP/1, known by their shape alone. Those of HTTP/2 are left alone: there Node says
 * `finish` even of an answer that was cut off.
 */
import { Headers } from "effect/http"
import type { Body, Unread } from "./answering.ts"

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
  readonly writeContinue: () => unknown
  readonly end: (body?: string) => unknown
  readonly on: (event: "finish" | "close", listener: () => void) => unknown
}

/** Whether a request is one of Node's over HTTP/1.1. */
export const isRequest = (source: object): boolean =>
  (source as { readonly httpVersionMajor?: number }).httpVersionMajor === 1

/**
 * Node's own request behind that of another server, to read its body with nothing in between. Only if the body is still whole
 * and nobody has to do something about it first: its sender waits to be asked for it, it is encoded (a middleware that
 * decompresses gives the request another body, not the source), or another protocol was offered with it.
 */
export const sourceOf = (request: object): Source | undefined => {
  if (!isRequest(request)) return undefined
  const source = request as Source & {
    readonly destroyed?: boolean
    readonly readableDidRead?: boolean
    readonly headers: { readonly [name: string]: unknown }
  }
  const isWhole = source.readableDidRead === false && source.destroyed === false
  return isWhole && !special.some((name) => source.headers[name] !== undefined) ? source : undefined
}

const special = ["expect", "content-encoding", "upgrade"]

/** Reads the body of a request: the bytes, or why there are none. Called once. */
export type Read = (source: Source, then: (body: Body | Unread) => void) => void

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
    const done = (body: Body | Unread) => {
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

const joined = (chunks: ReadonlyArray<Uint8Array>, size: number): Body => {
  if (chunks.length === 1) return chunks[0] as Body
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
  readonly httpVersion: string
  readonly rawHeaders: ReadonlyArray<string>
  readonly headersDistinct: { readonly [name: string]: ReadonlyArray<string> | undefined }
}

/** All headers, each of those that came twice with all of its values: by itself Node keeps the first `Authorization` alone. */
export const headersOf = ({ headersDistinct }: Request): { readonly [name: string]: string } =>
  Object.fromEntries(Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(", ")]))

/**
 * The headers that another server has made of a request of Node's, with all values of an `Authorization` that came twice, unless
 * something on the way has put another in its place.
 */
export const withAllOf = (headers: Headers.Headers, source: object): Headers.Headers => {
  const all = authorizations(source)
  return all.length > 1 && headers["authorization"] === all[0]
    ? Headers.set(headers, "authorization", all.join(", "))
    : headers
}

/** The values of `Authorization` as they came, over HTTP/1 or HTTP/2; none where that is not known. */
const authorizations = (source: object): ReadonlyArray<string> => {
  const { rawHeaders } = source as { readonly rawHeaders?: ReadonlyArray<string> }
  return Array.isArray(rawHeaders) ? valuesOf(rawHeaders, "authorization") : []
}

const valuesOf = (rawHeaders: ReadonlyArray<string>, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name)

/** The protocols that are offered with a request: none is an empty text. */
export const offerOf = ({ rawHeaders }: Request): string => valuesOf(rawHeaders, "upgrade").join(", ")

/** The target of a request as a path, also if it came as the whole address. Nothing is made of its dots and escapes. */
export const targetOf = (url: string): string => url.replace(/^https?:\/\/[^/?#]*/i, "")

/** The target of a request as it came, where that is known; else what its server has made of it. */
export const cameTo = (url: string, source: object): string => {
  const { url: raw } = source as { readonly url?: unknown }
  return isRequest(source) && typeof raw === "string" ? targetOf(raw) : url
}

/** A connection whose request offers another protocol. */
interface Socket {
  readonly encrypted?: boolean
  readonly unshift: (bytes: Uint8Array) => unknown
}

/** What a door of a server does. */
export interface Door {
  /** Whether a request is for it, as far as it shows before its body. */
  readonly isFor: (request: Request) => boolean
  readonly take: (request: Request, response: Response) => void
}

/**
 * Has a server offer its requests to a door before any of its listeners sees them, whenever those came, and answer 404 where
 * nobody listens. As `emit` is what a server hands them over with, that is where it is done. Gives the way to undo it.
 */
export const intercept = (server: Server, door: Door): () => void => {
  const own = Object.getOwnPropertyDescriptor(server, "emit")
  const { emit } = server
  let isOpen = true

  const takes = (event: string, values: ReadonlyArray<unknown>): boolean => {
    switch (event) {
      case "request":
      case "checkContinue": { // Node asks so if any listener wants to decide whether a body is to be sent at all.
        const [request, response] = values as [Request, Response]
        if (!door.isFor(request)) return false
        if (event === "checkContinue") response.writeContinue()
        door.take(request, response)
        return true
      }
      case "upgrade": {
        const [request, socket, begun] = values as [Request, Socket, Uint8Array]
        if (!door.isFor(request)) return false
        socket.unshift(withoutOffer(request, begun))
        return emit.call(server, socket.encrypted === true ? "secureConnection" : "connection", socket)
      }
      default:
        return false
    }
  }
  function offer(this: Server, event: string, ...values: Array<unknown>): boolean {
    if (isOpen && takes(event, values)) return true
    if (emit.call(this, event, ...values)) return true
    return isOpen && event === "request" && notFound(values[1] as Response)
  }
  server.emit = offer
  return () => {
    isOpen = false
    if (server.emit !== offer) return // somebody else stands in front of it now
    if (own === undefined) Reflect.deleteProperty(server, "emit")
    else server.emit = emit
  }
}

const notFound = (response: Response): boolean => {
  response.statusCode = 404
  response.end()
  return true
}

/** A request anew, as bytes, without its offer to speak another protocol: whoever ignores that answers as ever. */
const withoutOffer = ({ httpVersion, method, rawHeaders, url }: Request, begun: Uint8Array): Uint8Array => {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (!/^(upgrade|http2-settings|connection)$/i.test(name)) head += `${name}: ${rawHeaders[at + 1]}\r\n`
  }
  const bytes = Uint8Array.from(`${head}\r\n`, (letter) => letter.charCodeAt(0))
  return joined([bytes, begun], bytes.length + begun.length)
}

/** The part of Node's `Server` by which requests are waited for. */
export interface Listened {
  on(event: string, listener: (...values: Array<unknown>) => void): unknown
  off(event: string, listener: (...values: Array<unknown>) => void): unknown
  emit(event: string, ...values: Array<unknown>): boolean
}

/** How long, and how many requests, a server keeps. */
export interface Patience {
  /** In milliseconds. */
  readonly forAtMost: number
  readonly atMost: number
}

/**
 * Has a server keep what is asked of it before anybody listens to it, and hand it over, in the order in which it came, to whoever
 * does so first. By itself Node lets such a request wait without an answer, for ever. Bodies are not read meanwhile.
 */
export const keepEarly = (server: Listened, { atMost, forAtMost }: Patience): void => {
  const kept = new Map<Response, { readonly request: unknown; readonly timer: NodeJS.Timeout }>()

  const refuse = (response: Response): void => {
    kept.delete(response)
    response.statusCode = 503
    response.setHeader("retry-after", "1")
    response.end()
  }
  const keep = (...[request, given]: Array<unknown>): void => {
    const response = given as Response
    if (kept.size >= atMost) return refuse(response)
    kept.set(response, { request, timer: setTimeout(refuse, forAtMost, response) })
  }
  const handOver = (): void => {
    for (const [response, { request, timer }] of kept) {
      clearTimeout(timer)
      if (!response.destroyed) server.emit("request", request, response)
    }
    kept.clear()
  }
  const onListener = (event: unknown): void => {
    if (event !== "request") return
    server.off("newListener", onListener)
    server.off("request", keep)
    queueMicrotask(handOver) // The listener is announced before it is there.
  }
  server.on("request", keep)
  server.on("newListener", onListener)
}
