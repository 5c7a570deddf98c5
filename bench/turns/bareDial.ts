/** A dial by hand: one `POST` on a connection of its own, as Ringback sends it, for the carrier cannot recognise a repeat. */
import { request } from "node:http"
import { carrierPort } from "./conversation.ts"

const headers = {
  "authorization": `Basic ${btoa("customer:key")}`,
  "content-type": "application/json",
  "accept": "application/json",
  "connection": "close"
}

/** Dials, and tells the carrier's own id of the call when it has accepted. */
export const dial = (externalId: string, accepted: (referenceId: string) => void): void => {
  const body = JSON.stringify({
    method: "dial",
    params: { to: "15550170001", caller_id_number: "15550170009", max_call_duration: "900", external_id: externalId }
  })
  const length = { "content-length": Buffer.byteLength(body) }
  const options = { host: "127.0.0.1", port: carrierPort, path: "/v2/voice", method: "POST", agent: false } as const
  request({ ...options, headers: { ...headers, ...length } }, (response) => {
    let text = ""
    response.setEncoding("utf8")
    response.on("data", (chunk: string) => void (text += chunk))
    response.on("end", () => accepted((JSON.parse(text) as { readonly reference_id: string }).reference_id))
  }).end(body)
}
