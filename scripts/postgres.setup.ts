// One PostgreSQL for all test files of a run: that of `DATABASE_URL`, or one that is started when the first file asks for it. The
// files have it one after another, because a transaction of one holds up what another sees of its own.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { TestProject } from "vitest/node"
import * as EmbeddedPostgres from "./embeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /**
     * Where a file asks. When its turn comes it is answered with the URL of the server, or with 500 and why there is none; its turn
     * ends when it closes the connection.
     */
    readonly postgres: string
  }
}

const given = process.env["DATABASE_URL"] ?? ""

const start = (): Promise<EmbeddedPostgres.Server> =>
  given === "" ? EmbeddedPostgres.start({ fsync: "off" }) : Promise.resolve({ url: given, stop: async () => {} })

export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  let started: Promise<EmbeddedPostgres.Server> | undefined
  let turn = Promise.resolve<unknown>(undefined)
  const asked = createServer((_, response) => {
    const mine = turn
    turn = Promise.all([mine, once(response, "close")])
    const answered = mine.then(() => started ??= start())
    answered.then(
      ({ url }) => response.write(url),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    )
  })
  await once(asked.listen(0, "127.0.0.1").unref(), "listening")
  provide("postgres", `http://127.0.0.1:${(asked.address() as AddressInfo).port}`)
  return async () => {
    asked.close().closeAllConnections()
    await started?.then((server) => server.stop(), () => undefined)
  }
}
