/** The command that all verbs belong to, and the flags that they share. */
import { Command, Flag } from "effect/cli"

const on = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))

/** `ringback`, with what every verb takes. */
export const root = Command.make("ringback").pipe(
  Command.withSharedFlags({
    url: Flag.String("url").pipe(
      Flag.withMetavar("URL"),
      Flag.withDescription("Where CallsApiServer is, such as https://example.com/ringback; default RINGBACK_URL"),
      Flag.optional
    ),
    database: Flag.String("database").pipe(
      Flag.withMetavar("DB"),
      Flag.withDescription("Read a database instead: postgres://… or the file of SQLite; default RINGBACK_DATABASE"),
      Flag.optional
    ),
    json: on("json", "Print JSON, one value a line"),
    reveal: on("reveal", "Show what is masked; over a URL it needs the scope reveal and is logged there")
  }),
  Command.withDescription(
    "Finds, follows, explains and steers calls. The token of a URL is read from RINGBACK_TOKEN. " +
      "Exit codes: 0 done, 1 failed, 2 not understood, 3 not found, 4 not allowed, 5 refused, 6 not reached, 7 not yet"
  )
)
