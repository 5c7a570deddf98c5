/**
 * What every transport promises, as a suite of tests, over real HTTP on loopback: one request for one dial, and of each answer what it
 * proves. Run it on a transport of your own.
 *
 * It has its own entry point, `@ringback/testing/TransportContract`, because it works only inside of vitest.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Action, PhoneNumber, Transport } from "@ringback/core"
import { Effect, Fiber, type Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Carrier from "./internal/contract/carrier.ts"

/**
 * An answer of a carrier to a dial.
 *
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** JSON, or text as it is. */
  readonly body?: unknown
  readonly headers?: { readonly [name: string]: string }
}

/**
 * A transport, and what its carrier's answers mean.
 *
 * @since 0.1.0
 */
export interface Options<E> {
  /** The transport to the carrier at an address. */
  readonly transport: (url: string) => Layer.Layer<Transport.Transport, E>
  /** That it takes the dial, in a session of this id. */
  readonly accepted: Answer & { readonly referenceId: string }
  /** That it will not ring this number. */
  readonly refused: Answer
  /** That it does not accept the credentials. */
  readonly notAuthorized: Answer
  /** That it takes no more for now. */
  readonly throttled: Answer
}

const to = PhoneNumber.make("15550170001")

const dial = Action.dial({
  to,
  from: PhoneNumber.make("15550170009"),
  externalId: "contrac.0123456789abcdefghjk.00000001",
  maxCallDurationSeconds: 900
})

/** What becomes of one dial, and the door that it came to. */
const sent = Effect.fnUntraced(function*<E>({ transport }: Options<E>, deed: Carrier.Deed) {
  const door = yield* Carrier.open(deed)
  const send = Transport.Transport.use(({ send }) => Effect.result(send(dial)))
  const sending = yield* Effect.forkScoped(Effect.provide(send, transport(door.url)))
  yield* door.asked
  yield* TestClock.adjust("10 minutes")
  const result = yield* Fiber.join(sending)
  return { door, result }
})

const reasonOf = Effect.fnUntraced(function*<E>(options: Options<E>, deed: Carrier.Deed) {
  const { door, result } = yield* sent(options, deed)
  assert.strictEqual(door.requests(), 1, "one request for one dial")
  if (result._tag === "Success") return assert.fail("it said that the dial was taken")
  const { reason } = result.failure
  assert.notInclude(JSON.stringify(reason) + result.failure.message, PhoneNumber.digits(to), "the number is shown")
  return reason
})

/**
 * Declares the suite.
 *
 * @since 0.1.0
 */
export const suite = <E>(name: string, options: Options<E>): void => {
  const { accepted, notAuthorized, refused, throttled } = options
  const isLost = (deed: Carrier.Deed) =>
    Effect.map(reasonOf(options, deed), ({ _tag }) => assert.strictEqual(_tag, "Lost"))

  describe(name, () => {
    it.effect("sends one request, with the id of the dial, and gives the session", () =>
      Effect.gen(function*() {
        const { door, result } = yield* sent(options, Carrier.answers(accepted))
        if (result._tag === "Failure") return assert.fail(result.failure.message)
        assert.strictEqual(result.success.referenceId, accepted.referenceId)
        assert.strictEqual(door.requests(), 1)
        assert.include(door.bodies()[0], dial.externalId)
        assert.include(door.bodies()[0], PhoneNumber.digits(to))
      }))

    it.effect("knows a number that will not be rung, and nothing else as that", () =>
      Effect.map(reasonOf(options, Carrier.answers(refused)), ({ _tag }) => assert.strictEqual(_tag, "Refused")))

    it.effect("knows credentials that are not accepted as what stands in the way of all", () =>
      Effect.map(reasonOf(options, Carrier.answers(notAuthorized)), (reason) => {
        assert.deepInclude(reason, { _tag: "NotSent", obstacle: "credentials" })
      }))

    it.effect("knows that it is throttled", () =>
      Effect.map(reasonOf(options, Carrier.answers(throttled)), (reason) => {
        assert.deepInclude(reason, { _tag: "NotSent", throttled: true })
      }))

    it.effect("takes a server's error for a dial that may ring", () => isLost(Carrier.answers({ status: 503 })))
    it.effect("takes a broken connection for a dial that may ring", () => isLost(Carrier.breaks))
    it.effect("takes no answer for a dial that may ring, in ten minutes at most", () => isLost(Carrier.isSilent))
    it.effect("takes an answer that it cannot read for a dial that may ring", () =>
      isLost(Carrier.answers({ status: accepted.status, body: "<html>" })))
    it.effect("follows no redirect", () =>
      isLost(Carrier.answers({ status: 307, headers: { location: "/elsewhere" } })))
  })
}
