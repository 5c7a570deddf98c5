/** Who may see the calls: here whoever has the password of the environment, elsewhere who is logged in to the application. */
import type { IncomingMessage } from "node:http"

export const whoIs = ({ headers }: IncomingMessage): string | undefined => {
  const password = process.env["OPERATOR_PASSWORD"]
  const known = password !== undefined && headers.authorization === `Basic ${btoa(`ann:${password}`)}`
  return known ? "ann" : undefined
}
