// A registry of packages for tests. It takes what is published to it and gives that out again; installers ask it for `@ringback/*`
// alone. Its addresses are never used twice, so that no installer's cache mistakes one build for another.
import { createHash, randomUUID } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

/** A version of a package, as a registry tells of it. */
interface Version {
  readonly name: string
  readonly version: string
  dist: Readonly<Record<string, unknown>>
}

/** What a client sends to publish a version. */
interface Publication {
  readonly name: string
  readonly versions: Readonly<Record<string, Version>>
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

export interface Registry {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** Long ago: installers that take nothing which was published today take it. */
const published = "2026-01-01T00:00:00.000Z"

const bodyOf = async (request: IncomingMessage): Promise<string> =>
  (await request.setEncoding("utf8").toArray()).join("")

const archiveName = ({ name, version }: Version) => `${name.replace("@", "").replace("/", "-")}-${version}.tgz`

/** Starts a registry. What is published to it counts as attested where `provenance` says so. */
export const start = async ({ provenance = false } = {}): Promise<Registry> => {
  const packages = new Map<string, Map<string, Version>>()
  const archives = new Map<string, Buffer>()
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url ?? "").split("?")[0]!.slice(base.length)
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(body))
    if (request.method === "PUT") {
      const isNew = take(JSON.parse(await bodyOf(request)))
      return isNew ? answer(201, { ok: true }) : answer(403, { error: "cannot publish over the previously published" })
    }
    const archive = archives.get(path)
    if (archive !== undefined) return response.end(archive)
    const versions = packages.get(path)
    return versions === undefined ? answer(404, { error: "Not found" }) : answer(200, packument(path, versions))
  })
  const take = ({ _attachments, name, versions }: Publication): boolean => {
    const known = packages.get(name) ?? new Map<string, Version>()
    packages.set(name, known)
    return Object.values(versions).every((version) => {
      if (known.has(version.version)) return false
      const archive = Buffer.from(Object.values(_attachments)[0]!.data, "base64")
      const path = `${name}/-/${archiveName(version)}`
      archives.set(path, archive)
      known.set(version.version, { ...version, dist: { ...dist(archive), tarball: `${url}${path}` } })
      return true
    })
  }
  const dist = (archive: Buffer) => ({
    shasum: createHash("sha1").update(archive).digest("hex"),
    integrity: `sha512-${createHash("sha512").update(archive).digest("base64")}`,
    ...(provenance ? { attestations: { provenance: { predicateType: "https://slsa.dev/provenance/v1" } } } : {})
  })
  const base = `/${randomUUID()}/`
  await once(server.listen(0, "127.0.0.1").unref(), "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`
  return {
    url,
    stop: async () => {
      server.close().closeAllConnections()
      await once(server, "close")
    }
  }
}

const packument = (name: string, versions: ReadonlyMap<string, Version>) => ({
  name,
  "dist-tags": { latest: [...versions.keys()].at(-1) },
  versions: Object.fromEntries(versions),
  time: Object.fromEntries(["created", "modified", ...versions.keys()].map((key) => [key, published]))
})
