/**
 * Whether another site makes a browser ask. A login by cookie goes along with such requests, so what changes something is refused to
 * them.
 */
import type { HttpServerRequest } from "effect/http"

/** What whoever asks so is told. */
export const words = "The request comes from another site"

const safe = new Set(["GET", "HEAD", "OPTIONS"])

/** Browsers say where a request comes from (`Sec-Fetch-Site`), old ones at least its `Origin`; what says neither is no browser. */
export const isForeign = (
  { headers, method }: Pick<HttpServerRequest.HttpServerRequest, "headers" | "method">
): boolean => {
  if (safe.has(method)) return false
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  const origin = headers["origin"]
  return origin !== undefined && hostOf(origin) !== headers["host"]
}

const hostOf = (origin: string): string | undefined => URL.canParse(origin) ? new URL(origin).host : undefined
