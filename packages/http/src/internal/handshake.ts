/**
 * How far a request of `node:http` has come, as Node tells it: nothing leaves before there is a connection and, with https, TLS is
 * agreed on. That client asks for a body before either, and its errors do not say by themselves how far it had come. Other clients
 * and other runtimes tell nothing.
 */
import { Context, Effect, Fiber } from "effect"
import type { Scope } from "effect"

/** The part of Node's `ClientRequest` that is needed. */
interface Request {
  readonly socket?: { readonly connecting?: boolean; readonly secureConnecting?: boolean } | null
  readonly destroy: () => unknown
}

/** One dial on its way, with the requests that its client has made for it: one, if that is left plain. */
export class Attempt {
  readonly requests = new Set<Request>()

  /** Whether TLS was being agreed on when it broke. */
  get wasInHandshake(): boolean {
    return this.isEach((request) => request.socket?.secureConnecting === true)
  }

  /** Gives it up if surely nothing of it has left, and nothing will. */
  giveUp(): boolean {
    const isUnsent = this.isEach(({ socket }) => socket?.connecting === true || socket?.secureConnecting === true)
    if (isUnsent) { for (const request of this.requests) request.destroy() }
    return isUnsent
  }

  private isEach(is: (request: Request) => boolean): boolean {
    return this.requests.size > 0 && Array.from(this.requests).every(is)
  }
}

/** The attempt that a fiber makes. */
export const Current: Context.Reference<Attempt | undefined> = Context.Reference(
  "@ringback/http/internal/handshake/Current",
  { defaultValue: (): Attempt | undefined => undefined }
)

type Listener = (created: unknown) => void

/** The part of `node:diagnostics_channel` that is needed, for no runtime has to have it. */
interface Channels {
  readonly subscribe: (name: string, listener: Listener) => void
  readonly unsubscribe: (name: string, listener: Listener) => void
}

const name = "http.client.request.created"

const channels = (): Channels | undefined => {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (id: string) => Channels | undefined }
  }
  return process?.getBuiltinModule?.("node:diagnostics_channel")
}

/** Listens until the scope closes. A request is created within the fiber that asks for it. */
export const watch: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() => {
  const all = channels()
  if (all === undefined) return Effect.void
  const listen: Listener = (created) =>
    void Fiber.getCurrent()?.getRef(Current)?.requests.add((created as { readonly request: Request }).request)
  return Effect.acquireRelease(
    Effect.sync(() => all.subscribe(name, listen)),
    () => Effect.sync(() => all.unsubscribe(name, listen))
  )
})
