import { assert, describe, it } from "@effect/vitest"
import { Calls, EventStore } from "@ringback/core"
import { CallsApiClient, TelesignWire } from "@ringback/http"
import { Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { address, carrier, from, Pin, served, session, to, tokens } from "../scripts/testApplication.ts"
import * as Audit from "./audit.ts"

const secrets = ["9130461", "9130472", "7395184", "tangerine", "canary-key"]

const application = (keep: (audited: Audit.Audited) => void) =>
  served().pipe(
    Layer.provideMerge(Calls.layer({ flows: [Pin] })),
    Layer.provide(carrier),
    Layer.provideMerge(EventStore.layerMemory),
    Layer.provideMerge(FetchHttpClient.layer),
    Layer.provide(Audit.layer(keep))
  )

/** A call in which a PIN was asked for and entered. */
const played = Effect.gen(function*() {
  const api = yield* CallsApiClient.make({ url: yield* address, token: Redacted.make(tokens.all) })
  const { callId } = yield* api.calls.start({
    headers: { "idempotency-key": "canary-key" },
    payload: { flow: "pin", input: { to, from, word: "tangerine" } }
  })
  yield* Effect.yieldNow
  const webhooks = [
    { event: "dial_completed", status: "answered" },
    { event: "speak_completed", digits: "7395184" },
    { event: "call_completed", status: "hangup", durationSeconds: 4 }
  ]
  for (const webhook of webhooks) {
    const reply = yield* Calls.receive(TelesignWire.named({ ...webhook, referenceId: session(1) }))
    yield* reply.sent(true)
  }
  return callId
})

const headers = { authorization: `Bearer ${tokens.all}` }

const places = [
  ["ladder", "ladder"],
  ["ladder.txt", "ladder"],
  ["ladder.html", "ladder"],
  ["view", "ladder"],
  ["events", "log"],
  ["live", "log"],
  ["outcome", "outcome"]
] as const

describe("an application that keeps who has looked", () => {
  it.effect("hears who has looked at what of which call unmasked, and nothing of what they saw", () => {
    const kept: Array<Audit.Audited> = []
    return Effect.gen(function*() {
      const callId = yield* played
      const url = `${yield* address}/calls/${callId}`
      for (const [place, revealed] of places) {
        kept.length = 0
        const masked = yield* Effect.promise(async () => (await fetch(`${url}/${place}`, { headers })).text())
        assert.deepStrictEqual(kept, [], `${place}, masked`)
        const whole = yield* Effect.promise(async () =>
          (await fetch(`${url}/${place}?reveal=true`, { headers })).text()
        )
        assert.deepStrictEqual(
          kept.map(({ actor, call, revealed }) => ({ actor, call, revealed })),
          [{ actor: "ann", call: callId, revealed }],
          place
        )
        assert.isTrue(secrets.some((secret) => whole.includes(secret)), place)
        for (const secret of secrets) assert.notInclude(masked + JSON.stringify(kept), secret)
      }
    }).pipe(Effect.provide(application((audited) => void kept.push(audited))))
  })
})
