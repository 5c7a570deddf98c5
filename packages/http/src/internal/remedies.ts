/** What stands in the way of dials and what to do about it, in words for whoever is on duty. */
import type { Calls } from "@ringback/core"

interface Remedy {
  /** What is so where it does not stand there. */
  readonly well: string
  readonly says: string
  readonly todo: string
}

export const remedies: { readonly [Obstacle in Calls.Hindrance["obstacle"]]: Remedy } = {
  credentials: {
    well: "The carrier accepts the credentials",
    says: "The carrier does not accept the credentials: nobody is rung",
    todo: "Set TELESIGN_CUSTOMER_ID and TELESIGN_API_KEY to what the Telesign portal shows"
  },
  unreachable: {
    well: "The carrier is reached",
    says: "The carrier is not reached: nobody is rung",
    todo: "Look at the network, and at TELESIGN_BASE_URL if that is set"
  },
  "caller id": {
    well: "The carrier takes our numbers as the caller",
    says: "The carrier does not take a number of ours as the caller: nobody is rung from it",
    todo: "The `from` of Flow.dial has to be a number that this Telesign account owns"
  }
}
