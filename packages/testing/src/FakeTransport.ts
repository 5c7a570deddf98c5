/**
 * The carrier of tests: core's `Transport`, straight into the `PhoneCompany`.
 *
 * @since 0.1.0
 */
import { Transport } from "@ringback/core"
import { Effect, Layer } from "effect"
import { PhoneCompany } from "./PhoneCompany.ts"

/**
 * Sends dials to the `PhoneCompany`, which accepts them at once.
 *
 * @since 0.1.0
 */
export const layer: Layer.Layer<Transport.Transport, never, PhoneCompany> = Layer.effect(
  Transport.Transport,
  Effect.map(PhoneCompany, (company) => Transport.Transport.of({ send: company.dial }))
)

/**
 * Fails every dial with this reason. With `rings: true` the phone rings all the same and only the answer to the sender is
 * missing: what `Transport.Lost` leaves open.
 *
 * @since 0.1.0
 */
export const failing = (
  reason: Transport.TransportError["reason"],
  options?: { readonly rings?: boolean }
): Layer.Layer<Transport.Transport, never, PhoneCompany> =>
  Layer.effect(
    Transport.Transport,
    Effect.map(PhoneCompany, (company) =>
      Transport.Transport.of({
        send: (action) => {
          const error = new Transport.TransportError({ reason })
          return options?.rings === true ? Effect.andThen(company.dial(action), Effect.fail(error)) : Effect.fail(error)
        }
      }))
  )
