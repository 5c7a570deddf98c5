import { assert, describe, it } from "@effect/vitest"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { inject } from "vitest"
import * as Packed from "./packed.ts"

// What others find wrong with packages, and how large these are.

const { archives } = inject("packed")

/** What each may weigh, in KB: packed, which is what is downloaded, and unpacked. About a tenth more than they did when this was written. */
const bounds: Readonly<Record<string, readonly [packed: number, unpacked: number]>> = {
  "@ringback/cli": [110, 745],
  "@ringback/core": [900, 3_800],
  "@ringback/http": [275, 1_120],
  "@ringback/testing": [740, 3_100]
}

const block = 512

/** How large the files of an archive are together. */
const unpacked = (archive: string): number => {
  const tar = gunzipSync(readFileSync(archive))
  let bytes = 0
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(tar.toString("ascii", at + 124, at + 136), 8)
    bytes += size
    at += block + Math.ceil(size / block) * block
  }
  return bytes
}

const kilobytes = (bytes: number) => Math.ceil(bytes / 1024)

describe.each(Object.entries(archives))("%s", (name, archive) => {
  it("is as large as it may be", () => {
    const [packed, whole] = [statSync(archive).size, unpacked(archive)].map(kilobytes) as [number, number]
    console.log(`${name}: ${packed} KB packed, ${whole} KB unpacked`)
    const [mostPacked, mostUnpacked] = bounds[name]!
    assert.isAtMost(packed, mostPacked)
    assert.isAtMost(whole, mostUnpacked)
  })

  it("pleases publint", async () => {
    const tarball = Uint8Array.from(readFileSync(archive)).buffer
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
    assert.deepStrictEqual(messages.map((message) => formatMessage(message, pkg!, { color: false })), [])
  })

  it("has types that are right, says attw", async () => {
    const attw = join(Packed.root, "node_modules/.bin/attw")
    await Packed.run(attw, [archive, "--profile", "esm-only", "--no-color", "--no-emoji"], { cwd: Packed.root })
  })
})
