/** A page on which people see what calls do, behind the login of the application. */
import { Inspector } from "@ringback/http"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"

/** Here the login is a cookie that a proxy in front has checked. */
export const Page = Inspector.layer({
  path: "/ops/calls",
  authorize: ({ cookies }) =>
    cookies["user"] === undefined
      ? Effect.fail(HttpServerResponse.redirect("/login"))
      : Effect.succeed({ who: cookies["user"], scopes: ["read", "steer"] as const })
})
