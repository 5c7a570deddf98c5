/**
 * When a server begins to close. It takes no new connection then, and waits for all that is under way: what has no end of its own, or one
 * that is far, would keep it from closing, and the carrier from whoever comes after it.
 */
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"

/** How soon that is seen. */
const often = "1 second"

/** The server of Node that a request came to, if it is one. */
const serverOf = ({ source }: HttpServerRequest.HttpServerRequest): { readonly listening?: unknown } | undefined =>
  (source as { readonly socket?: { readonly server?: object } }).socket?.server

/** Servers that have listened. One that never does, as it is handed its connections, does not close by not listening. */
const listened = new WeakSet<object>()

/** Ends when the server of this request does not listen any more, at once if it has ended that before; never where that cannot be seen. */
export const begins: Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  (request) => {
    const server = serverOf(request)
    if (server === undefined) return Effect.never
    if (server.listening === true) listened.add(server)
    if (!listened.has(server)) return Effect.never
    return Effect.repeat(Effect.sleep(often), { while: () => server.listening === true }).pipe(
      Effect.when(Effect.sync(() => server.listening === true)),
      Effect.asVoid
    )
  }
)
