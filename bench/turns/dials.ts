/** The carrier's door for dials, on bare sockets: it accepts each at once, on the connection that it came by. */
import { createServer, type Socket } from "node:net"
import { referenceId } from "./conversation.ts"

/** The dials that came in, by the id of their call. */
export interface Dials {
  /** The `external_id` of the dial of a call, as soon as it is accepted. */
  readonly of: (callId: string) => Promise<string>
}

/** A dial that came in, or that somebody waits for: the answer to a start may be read before or after. */
class Dial {
  accept = (_externalId: string): void => undefined
  readonly externalId = new Promise<string>((resolve) => void (this.accept = resolve))
}

/** Accepts dials on a port. */
export const listen = (port: number): Promise<Dials> => {
  const dials = new Map<string, Dial>()
  const dialOf = (callId: string): Dial => {
    const dial = dials.get(callId) ?? new Dial()
    dials.set(callId, dial)
    return dial
  }
  const dialled = (externalId: string) => dialOf(externalId.split(".").at(-2) ?? "").accept(externalId)
  const server = createServer((socket) => accept(socket, dialled)).unref()
  return new Promise((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", () =>
      resolve({
        of: async (callId) => {
          const externalId = await dialOf(callId).externalId
          dials.delete(callId)
          return externalId
        }
      }))
  )
}

const accept = (socket: Socket, dialled: (externalId: string) => void): void => {
  let text = ""
  const read = (chunk: Buffer) => {
    text += chunk.toString("latin1")
    const externalId = /"external_id":"([^"]+)"/.exec(text)?.[1]
    if (externalId === undefined) return
    socket.off("data", read).resume()
    const body = JSON.stringify({ reference_id: referenceId(externalId), status: "accepted" })
    socket.end(
      `HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nconnection: close\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`
    )
    dialled(externalId)
  }
  socket.on("data", read).on("error", () => socket.destroy())
}
