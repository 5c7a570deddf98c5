// PostgreSQL for the test files of a run: that of `DATABASE_URL`, or servers that are started when files ask for them, as many as
// files run at a time. A file has a server to itself, because a transaction of one file holds up what another sees of its own.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { availableParallelism } from "node:os"
import type { TestProject } from "vitest/node"
import * as EmbeddedPostgres from "./embeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /**
     * Where a file asks. When a server is free it is answered with its URL, or with 500 and why there is none; the server is free
     * again when the file closes the connection.
     */
    readonly postgres: string
  }
}

const given = process.env["DATABASE_URL"] ?? ""

/** A server that files have one after another. It is started for the first. */
interface Place {
  started: Promise<Server> | undefined
}

type Server = Pick<EmbeddedPostgres.Server, "url" | "stop">

const start = (): Promise<Server> =>
  given === "" ? EmbeddedPostgres.start({ fsync: "off" }) : Promise.resolve({ url: given, stop: async () => {} })

export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  const places = Array.from(
    { length: given === "" ? availableParallelism() : 1 },
    (): Place => ({ started: undefined })
  )
  const free = places.toReversed()
  const waiting: Array<(place: Place) => void> = []
  const taken = (): Promise<Place> =>
    new Promise((resolve) => {
      const place = free.pop()
      if (place === undefined) waiting.push(resolve)
      else resolve(place)
    })
  const release = (place: Place): void => {
    const next = waiting.shift()
    if (next === undefined) free.push(place)
    else next(place)
  }
  const asked = createServer(async (_, response) => {
    const place = await taken()
    response.once("close", () => release(place))
    try {
      const { url } = await (place.started ??= start())
      response.write(url)
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    }
  })
  await once(asked.listen(0, "127.0.0.1").unref(), "listening")
  provide("postgres", `http://127.0.0.1:${(asked.address() as AddressInfo).port}`)
  return async () => {
    asked.close().closeAllConnections()
    for (const { started } of places) await started?.then((server) => server.stop(), () => undefined)
  }
}
