/** Addresses that are none: `/calls/%zz`. No route of a router is theirs. */
import { Context, Effect } from "effect"
import { type HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"

type Request = HttpServerRequest.HttpServerRequest

const isDecodable = (path: string): boolean => {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

const isBelow = (path: string, url: string): boolean => url.startsWith(`${path}/`)

interface Place {
  readonly path: string
  /** What lies below it and is answered by others. */
  readonly but?: string
}

/** Answers them below a path. */
export const answered = (
  router: HttpRouter.HttpRouter,
  { but, path }: Place,
  answer: (request: Request) => Effect.Effect<HttpServerResponse.HttpServerResponse>
): Effect.Effect<void> =>
  router.addGlobalMiddleware((routed) =>
    Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const { url } = request
      const isOurs = url.includes("%") && isBelow(path, url) && (but === undefined || !isBelow(but, url))
      return isOurs && !isDecodable(url.split(/[?#]/)[0] ?? "") ? answer(request) : routed
    })
  )
