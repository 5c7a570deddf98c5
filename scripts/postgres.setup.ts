// One PostgreSQL for all test files of a run, started when the first of them asks for it.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { TestProject } from "vitest/node"
import * as EmbeddedPostgres from "./embeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Where a test asks: it is answered with the URL of the server, or with 500 and why there is none. */
    readonly postgres: string
  }
}

export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  let started: Promise<EmbeddedPostgres.Server> | undefined
  const asked = createServer((_, response) => {
    started ??= EmbeddedPostgres.start({ fsync: "off" })
    started.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    )
  })
  await once(asked.listen(0, "127.0.0.1").unref(), "listening")
  provide("postgres", `http://127.0.0.1:${(asked.address() as AddressInfo).port}`)
  return async () => {
    asked.close()
    await started?.then((server) => server.stop(), () => undefined)
  }
}
