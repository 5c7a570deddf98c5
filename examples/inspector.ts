/** A page on which people see what calls do, behind the login of the application. */
import { Inspector } from "@ringback/http"
import { Context, Effect } from "effect"
import { HttpServerResponse } from "effect/http"

/** Who is logged in, as the application knows it: nothing that a browser sends is believed by itself. */
export class Sessions extends Context.Service<Sessions, {
  readonly find: (secret: string) => Effect.Effect<{ readonly email: string } | undefined>
}>()("examples/Sessions") {}

export const Page = Inspector.layer({
  path: "/ops/calls",
  authorize: ({ cookies }) =>
    Sessions.use(({ find }) => find(cookies["session"] ?? "")).pipe(
      Effect.flatMap((user) =>
        user === undefined
          ? Effect.fail(HttpServerResponse.redirect("/login"))
          : Effect.succeed({ who: user.email, scopes: ["read", "steer"] as const })
      )
    )
})
