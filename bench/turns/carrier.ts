/** The carrier's side of a connection, on bare sockets, so that the server is busy before its caller is. */
import { connect, type Socket } from "node:net"
import { type Turn, turnsOf, type Usage } from "./conversation.ts"

/** A request that is written down, and what the answer to it holds. */
export interface Request {
  readonly bytes: Buffer
  readonly expected: string
}

/** What can be asked of a server that is measured. */
export const make = (port: number) => {
  const url = (path: string) => `http://127.0.0.1:${port}${path}`
  const toRequest = (path: string, { body, expected }: Turn): Request => ({
    bytes: Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    ),
    expected
  })
  const requestsOf = (externalId: string) => turnsOf(externalId).map((turn) => toRequest("/events", turn))
  return {
    /** The request of the application's own client that starts a call. */
    startOne: toRequest("/calls", { body: "{}", expected: "\"id\"" }),
    /** The requests of the carrier in a call, in order. */
    requestsOf,
    /** Starts calls and writes down their requests, call after call. */
    start: async (count: number): Promise<Array<ReadonlyArray<Request>>> => {
      const response = await fetch(url(`/start?count=${count}`), { method: "POST" })
      return (await response.json() as Array<string>).map(requestsOf)
    },
    usage: async (): Promise<Usage> => await (await fetch(url("/usage"))).json() as Usage,
    connect: (): Promise<Socket> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => resolve(socket)).setNoDelay(true).once("error", reject)
      })
  }
}

/** Sends a request and gives the body of the answer, which has a `Content-Length`. Fails if it is not the expected one. */
export const exchange = (socket: Socket, { bytes, expected }: Request): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    const read = (chunk: Buffer) => {
      text += chunk.toString("latin1")
      const head = text.indexOf("\r\n\r\n")
      if (head === -1 || text.length < head + 4 + lengthOf(text)) return
      socket.off("data", read)
      if (text.startsWith("HTTP/1.1 200") && text.includes(expected, head)) resolve(text.slice(head + 4))
      else reject(new Error(`Expected ${expected}, got ${text}`))
    }
    socket.on("data", read)
    socket.write(bytes)
  })

const lengthOf = (text: string): number => Number(/\ncontent-length: *(\d+)/i.exec(text)?.[1])
