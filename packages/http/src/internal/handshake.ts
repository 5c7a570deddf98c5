/**
 * What Node tells of requests of `node:http` that fail: whether TLS had been agreed on. That client asks for a body before there is
 * a connection, and its errors do not say by themselves how far it had come. Other runtimes tell nothing.
 */
import { Effect } from "effect"
import type { Scope } from "effect"

/** What Node publishes when a request fails. */
interface Failed {
  readonly error: object
  readonly request: { readonly socket?: { readonly secureConnecting?: boolean } | null }
}

type Listener = (failed: unknown) => void

/** The part of `node:diagnostics_channel` that is needed, for no runtime has to have it. */
interface Channels {
  readonly subscribe: (name: string, listener: Listener) => void
  readonly unsubscribe: (name: string, listener: Listener) => void
}

const name = "http.client.request.error"

const channels = (): Channels | undefined => {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (id: string) => Channels | undefined }
  }
  return process?.getBuiltinModule?.("node:diagnostics_channel")
}

/** Tells of a cause whether it broke a connection on which TLS had not been agreed on yet, so that nothing had been sent. */
export type WasInHandshake = (cause: object) => boolean

/** Listens until the scope closes. */
export const watch: Effect.Effect<WasInHandshake, never, Scope.Scope> = Effect.gen(function*() {
  const found = new WeakSet<object>()
  const listen: Listener = (failed) => {
    const { error, request } = failed as Failed
    if (request.socket?.secureConnecting === true) found.add(error)
  }
  const all = channels()
  if (all !== undefined) {
    yield* Effect.acquireRelease(
      Effect.sync(() => all.subscribe(name, listen)),
      () => Effect.sync(() => all.unsubscribe(name, listen))
    )
  }
  return (cause) => found.has(cause)
})
