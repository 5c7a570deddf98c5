/** What kind of project a folder holds. */
import { Predicate } from "effect"

/** Nothing yet, or an application: of Effect, of a server framework, or of Node alone. */
export type Kind = "empty" | "effect" | "express" | "fastify" | "node"

/** What an application can be that is there already. */
export const kinds = ["effect", "express", "fastify", "node"] as const

/** What of a `package.json` matters here. Values of other types are as good as none. */
export interface Manifest {
  readonly [field: string]: unknown
}

/** The entries of a part of it, such as its scripts. */
export const entries = (manifest: Manifest | undefined, field: string): Readonly<Record<string, string>> => {
  const found = manifest?.[field]
  return Predicate.isObject(found) ? found as Record<string, string> : {}
}

/** In which version a project has a package, whatever for. */
export const rangeOf = (manifest: Manifest | undefined, name: string): string | undefined =>
  entries(manifest, "dependencies")[name] ?? entries(manifest, "devDependencies")[name]

/** Whose server answers decides: an application of Express may use Effect within. */
export const detect = (manifest: Manifest | undefined): Kind => {
  if (manifest === undefined) return "empty"
  return (["express", "fastify", "effect"] as const).find((name) => rangeOf(manifest, name) !== undefined) ?? "node"
}

/** What it is called in a sentence. */
export const words: Readonly<Record<Kind, string>> = {
  empty: "A new application",
  effect: "An Effect application",
  express: "An Express application",
  fastify: "A Fastify application",
  node: "A Node application"
}

const majorOf = (range: string): string | undefined => /^[\^~>=v\s]*(\d+)/.exec(range)?.[1]

/** Why nothing can be written, in words. */
export const obstacle = (manifest: Manifest | undefined): string | undefined => {
  if (rangeOf(manifest, "@ringback/core") !== undefined) return "This project has Ringback already"
  const effect = rangeOf(manifest, "effect")
  const major = effect === undefined ? undefined : majorOf(effect)
  return major === undefined || Number(major) >= 4
    ? undefined
    : `This project has Effect ${major}, and Ringback is for Effect 4: move it first, or begin in a folder of its own`
}

/** Tools that are there in another major version than what was written is tested with. */
export const differing = (
  manifest: Manifest | undefined,
  wanted: Readonly<Record<string, string>>
): ReadonlyArray<string> =>
  Object.entries(wanted).flatMap(([name, version]) => {
    const range = rangeOf(manifest, name)
    const major = range === undefined ? undefined : majorOf(range)
    return major === undefined || major === majorOf(version) ? [] : [`${name} ${range}; this is tested with ${version}`]
  })
