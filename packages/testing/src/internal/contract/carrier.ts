/** A carrier's door on loopback, which does one thing with each dial and counts the requests. */
import { Deferred, Effect } from "effect"
import type { Scope } from "effect"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** What it does with a request that it has read. */
export type Deed = (response: ServerResponse) => void

/** An open door. */
export interface Door {
  readonly url: string
  readonly requests: () => number
  readonly bodies: () => ReadonlyArray<string>
  /** Is done when the first request has been read. */
  readonly asked: Effect.Effect<void>
}

/** Opens a door. */
export const open = (deed: Deed): Effect.Effect<Door, never, Scope.Scope> =>
  Effect.gen(function*() {
    const asked = yield* Deferred.make<void>()
    const bodies: Array<string> = []
    const server = createServer((request, response) => {
      const pieces: Array<Buffer> = []
      request.on("data", (piece: Buffer) => pieces.push(piece))
      request.on("end", () => {
        bodies.push(`${request.url ?? ""} ${Buffer.concat(pieces).toString("utf8")}`)
        deed(response)
        Effect.runFork(Deferred.succeed(asked, undefined))
      })
    })
    yield* Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
    )
    const { port } = server.address() as AddressInfo
    return {
      url: `http://127.0.0.1:${port}`,
      requests: () => bodies.length,
      bodies: () => bodies,
      asked: Deferred.await(asked)
    }
  })

/** Answers with a status and a body. */
export const answers = ({ body, headers, status }: {
  readonly status: number
  readonly body?: unknown
  readonly headers?: { readonly [name: string]: string }
}): Deed =>
(response) => {
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body))
}

/** Breaks the connection without an answer. */
export const breaks: Deed = (response) => void response.destroy()

/** Gives no answer at all. */
export const isSilent: Deed = () => {}
