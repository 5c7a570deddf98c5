/**
 * Dials an extension behind a switchboard: after the answer Telesign keys in the digits by itself, and only then the
 * message starts. A `w` waits half a second.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Schema } from "effect"

const Extension = Schema.String.check(
  Schema.isPattern(/^\d{1,6}$/, { message: "Expected an extension of 1 to 6 digits" })
)

export const DialAnExtension = Flow.make("dial-an-extension", {
  version: 1,
  input: {
    to: PhoneNumber.PhoneNumber,
    from: PhoneNumber.PhoneNumber,
    extension: Extension,
    message: Schema.String
  },
  output: Schema.Literal("told"),
  run: ({ extension, from, message, to }) =>
    Line.speak(message).pipe(
      Flow.as("told"),
      // Two seconds for the switchboard to answer, the extension, and the key that ends it.
      Flow.dial({ to, from, sendDtmf: `wwww${extension}#`, maxCallDuration: "5 minutes" })
    )
})
