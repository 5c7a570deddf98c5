import { assert, describe, it } from "@effect/vitest"
import { Calls, Reply, type Webhook } from "@ringback/core"
import { Effect, Layer, Metric, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createHmac } from "node:crypto"
import { TelesignAuth, TelesignWebhook } from "../src/index.ts"

// Who cannot sign cannot make anything that is taken, whatever was seen before; who changes the key loses nothing.

const seed = Number(process.env.SEED ?? 1)

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
const chance = (() => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
})()
const below = (n: number) => Math.floor(chance() * n)
const oneOf = <A>(all: ReadonlyArray<A>): A => all[below(all.length)]!

const path = "/telesign/events"
const customerId = "11AA22BB-0000-4000-8000-CC33DD44EE55"
const keyOf = (text: string) => Buffer.from(text).toString("base64")
const keys = { old: keyOf("the key of this account"), next: keyOf("the next key of this account") }
const sign = (body: string | Uint8Array, key: string) =>
  createHmac("sha256", Buffer.from(key, "base64")).update(body).digest("base64")

const events = [
  { event: "incoming_call", reference_id: "7A10", data: { to: "15550170009", from: "15550170044" } },
  { event: "dial_completed", reference_id: "7A11", external_id: "rb-1", data: { status: "answered" } },
  { event: "speak_completed", reference_id: "7A11", data: { status: "speak_successful", collected_digits: "2" } },
  { event: "call_completed", reference_id: "7A11", data: { status: "hangup", duration: 31 } }
].map((event) => JSON.stringify(event))

/** An application that answers everything that it is handed over, as one function from a request to a response. */
const application = (apiKey: string, ...furtherApiKeys: ReadonlyArray<string>) => {
  const received: Array<Webhook.Webhook> = []
  const engine = Layer.succeed(
    Calls.Calls,
    Calls.Calls.of({
      receiveUnsafe: (webhook: Webhook.Webhook, answer: (reply: unknown) => void) => {
        received.push(webhook)
        Effect.runFork(Effect.as(Effect.yieldNow, Reply.make(undefined, "recorded"))).addObserver(answer)
      }
    } as never)
  )
  const account = Layer.succeed(TelesignAuth.Account, {
    customerId: Redacted.make(customerId),
    apiKey: Redacted.make(apiKey),
    furtherApiKeys: furtherApiKeys.map((key) => Redacted.make(key))
  })
  const { dispose, handler } = HttpRouter.toWebHandler(
    TelesignWebhook.layer({ path }).pipe(
      Layer.provide([engine, account]),
      Layer.provideMerge(HttpServer.layerServices)
    ),
    { disableLogger: true }
  )
  const post = async (body: string | Uint8Array, headers: Record<string, string>) =>
    (await handler(
      new Request(`http://localhost${path}`, { method: "POST", body: body as Uint8Array<ArrayBuffer>, headers })
    )).status
  return { dispose, post, received }
}

// Mutations

const printable = () => String.fromCharCode(0x20 + below(0x5f))

/** Changes a text in one place, or as a whole. */
const changed = (text: string): string => {
  const at = below(text.length)
  return oneOf([
    () => text.slice(0, at) + printable() + text.slice(at + 1),
    () => text.slice(0, at) + printable() + text.slice(at),
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, at),
    () => text.slice(at),
    () => text.slice(at) + text.slice(0, at),
    () => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    () => text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase(),
    () => text + text,
    () => `${text}, ${text}`,
    () => `${text},`,
    () => `${text}=`
  ])()
}

const changedBytes = (body: string): Uint8Array => {
  const bytes = new Uint8Array(Buffer.from(body))
  bytes[below(bytes.length)]! ^= 1 << below(8)
  return oneOf([
    () => bytes,
    () => Buffer.from(changed(body)),
    () => Buffer.from(oneOf(events)),
    () => Buffer.from(`${body}\n`)
  ])()
}

interface Forged {
  readonly body: string | Uint8Array
  readonly headers: Record<string, string>
}

const both = (signature: string) => ({
  authorization: `TSA ${customerId}:${signature}`,
  "x-ts-authorization": signature
})

const alone = (signature: string): Record<string, string> => {
  const { authorization, "x-ts-authorization": own } = both(signature)
  return oneOf<Record<string, string>>([{ authorization }, { "x-ts-authorization": own }, {
    "x-ts-authorization": authorization
  }])
}

/** What somebody can make of a signed event that was seen, without the key. */
const forge = (): Forged => {
  const body = oneOf(events)
  const right = sign(body, keys.old)
  return oneOf<() => Forged>([
    () => ({ body: changedBytes(body), headers: both(right) }),
    () => ({ body: changedBytes(body), headers: alone(right) }),
    () => {
      const [[name, value]] = Object.entries(alone(right)) as [[string, string]]
      return { body, headers: { [name]: changed(value) } }
    },
    () => ({ body, headers: { ...both(right), ...alone(changed(right)) } }),
    () => ({ body, headers: both(oneOf([keys.next, customerId, ""]) === "" ? "" : sign(body, keys.next)) }),
    () => ({ body, headers: {} }),
    () => ({ body, headers: { authorization: `Basic ${keyOf(`${customerId}:guess`)}` } })
  ])()
}

/** Whether nothing that is signed, and no form, was changed: such as the customer id, which proves nothing. */
const isGenuine = ({ body, headers }: Forged): boolean => {
  const right = sign(body, keys.old)
  const values = Object.values(headers).map((value) => value.trim())
  return values.length > 0 &&
    values.every((value) => value === right || (/^TSA +[^\s:]+:/i.test(value) && value.endsWith(`:${right}`)))
}

describe("webhooks", () => {
  it("of 10,000 forgeries of signed events none is taken, and each is counted by what is wrong", async () => {
    const { dispose, post, received } = application(keys.old)
    const forgeries = Array.from({ length: 12_000 }, forge).filter((each) => !isGenuine(each)).slice(0, 10_000)
    assert.lengthOf(forgeries, 10_000)
    const before = await refusals()
    for (const { body, headers } of forgeries) {
      assert.strictEqual(
        await post(body, headers),
        401,
        `seed ${seed}: ${JSON.stringify(headers)} ${Buffer.from(body)}`
      )
    }
    assert.lengthOf(received, 0)
    const after = await refusals()
    const counted = Object.fromEntries(
      Object.entries(after).map(([kind, count]) => [kind, count - (before[kind] ?? 0)])
    )
    assert.strictEqual(Object.values(counted).reduce((sum, count) => sum + count), 10_000)
    for (const kind of ["unsigned", "wrong_signature", "malformed_signature", "doubled_signature"]) {
      assert.isAbove(counted[kind] ?? 0, 100, kind)
    }
    // The events themselves are taken.
    for (const body of events) assert.strictEqual(await post(body, both(sign(body, keys.old))), 200)
    assert.lengthOf(received, events.length)
    await dispose()
  })

  it("are none of them lost when an account changes its key under load", async () => {
    const phases = [
      { server: application(keys.old), signedWith: [keys.old] },
      { server: application(keys.old, keys.next), signedWith: [keys.old, keys.next] },
      { server: application(keys.next, keys.old), signedWith: [keys.old, keys.next] },
      { server: application(keys.next), signedWith: [keys.next] }
    ]
    let sent = 0
    // The next server takes over while what the last one has is still under way.
    const statuses = await Promise.all(phases.flatMap(({ server, signedWith }) =>
      Array.from({ length: 250 }, () => {
        const body = oneOf(events)
        sent++
        return server.post(body, both(sign(body, oneOf(signedWith))))
      })
    ))
    assert.deepStrictEqual([...new Set(statuses)], [200], `seed ${seed}`)
    assert.strictEqual(phases.reduce((sum, { server }) => sum + server.received.length, 0), sent)
    for (const { server } of phases) await server.dispose()
  })
})

const refusals = async (): Promise<Record<string, number>> => {
  const all = await Effect.runPromise(Metric.snapshot)
  return Object.fromEntries(
    all.filter(({ attributes, id }) => id === "ringback_webhooks_total" && attributes?.event === "unread").map((
      each
    ) => [
      each.attributes!.result!,
      (each.state as { readonly count: number }).count
    ])
  )
}
