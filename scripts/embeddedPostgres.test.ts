/** A process that has had a PostgreSQL of its own ends as any other. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const program = `
  import * as EmbeddedPostgres from "./scripts/embeddedPostgres.ts"
  const server = await EmbeddedPostgres.start({ fsync: "off" }).catch(() => undefined)
  if (server === undefined) process.exit(77)
  await server.stop()
`

/** The code with which the program ends, after a last line; `undefined` where no server can be started. */
const codeOf = (last: string): number | null | undefined => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--conditions=source", "--input-type=module-typescript", "--eval", program + last],
    { cwd: fileURLToPath(new URL("../", import.meta.url)), encoding: "utf8" }
  )
  assert.strictEqual(stderr, "")
  return status === 77 ? undefined : status
}

describe.each(
  [
    ["0 when all went well", "", 0],
    ["the code that it has", "process.exitCode = 3", 3],
    ["the code that it is ended with", "process.exit(4)", 4]
  ] as const
)("a process that stopped its server", (name, last, code) => {
  it(`ends with ${name}`, ({ skip }) => {
    const ended = codeOf(last)
    skip(ended === undefined, "no PostgreSQL could be started")
    assert.strictEqual(ended, code)
  })
})
