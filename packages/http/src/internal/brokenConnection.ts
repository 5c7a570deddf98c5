/** What a broken connection proves of a request: that it surely did not travel, or nothing. */
import { Transport } from "@ringback/core"
import { Predicate } from "effect"
import type * as Handshake from "./handshake.ts"
import type { OnceBody } from "./onceBody.ts"

const lost = (problem: string) => new Transport.Lost({ problem })

const notSent = (problem: string) => new Transport.NotSent({ problem, obstacle: "unreachable" })

/**
 * Tells whether a request surely did not travel: it is so if the name did not resolve, no connection was made, TLS was not
 * agreed on, or the client had not yet asked for the body. Anything else that breaks may have broken after the carrier had read
 * the request. Errors nest differently in Node's clients and in fetch; words of other runtimes are not known.
 */
export const judge = (
  cause: unknown,
  once: OnceBody,
  sending: Handshake.Attempt
): Transport.NotSent | Transport.Lost => {
  const proof = neverTravelled(cause) ??
    (sending.wasInHandshake ? `${brokenHandshake}${codeOf(cause)}` : undefined)
  if (proof !== undefined) return notSent(proof)
  if (isRedirect(cause)) return lost("the answer is a redirect, which is not followed")
  return once.isGone
    ? lost(`the connection broke${codeOf(cause)}`)
    : notSent(`the connection broke before the request was sent${codeOf(cause)}`)
}

const brokenHandshake = "the TLS handshake failed"

/** The words of Node's `fetch`. */
const isRedirect = (cause: unknown): boolean =>
  Predicate.isObject(cause) && (cause.message === "unexpected redirect" || isRedirect(cause.cause))

const neverTravelled = (cause: unknown): string | undefined => {
  if (!Predicate.isObject(cause)) return undefined
  if (Array.isArray(cause.errors) && cause.errors.length > 0) { // one per address of the host
    const proofs = cause.errors.map(neverTravelled)
    return proofs.includes(undefined) ? undefined : proofs[0]
  }
  const { code, message, syscall } = cause
  if (syscall === "getaddrinfo") return `the host name does not resolve${codeOf(cause)}`
  if (syscall === "connect" || code === "UND_ERR_CONNECT_TIMEOUT") return `no connection${codeOf(cause)}`
  if (typeof code === "string" && certificateCodes.has(code)) return `the certificate is not trusted (${code})`
  if (typeof message === "string" && failedHandshake.test(message)) return brokenHandshake
  return neverTravelled(cause.cause)
}

const codeOf = (cause: unknown): string => {
  if (!Predicate.isObject(cause)) return ""
  return typeof cause.code === "string" && /^[A-Z][A-Z0-9_]*$/.test(cause.code)
    ? ` (${cause.code})`
    : codeOf(cause.cause)
}

/** Node's names for a certificate that the client itself refused, before it sent anything. */
const certificateCodes = new Set([
  "CERT_CHAIN_TOO_LONG",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

/** Words that Node and OpenSSL have only for a handshake that was not finished. A broken record may come at any time. */
const failedHandshake = new RegExp(
  "before secure TLS connection was established|" +
    "alert (handshake failure|protocol version|insufficient security|unrecognized name|no application protocol)"
)
