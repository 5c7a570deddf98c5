/** How to authenticate. */
import { Effect } from "effect"
import { HttpEffect, HttpServerResponse } from "effect/http"

/** Says how to authenticate, as a 401 has to. */
export const challenge = (how: string) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, "www-authenticate", how))
  )
