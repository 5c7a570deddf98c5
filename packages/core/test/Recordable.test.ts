import { assert, describe, it } from "@effect/vitest"
import { CallEvent, type CallInput, Decider, Flow, Line, LiveCall } from "@ringback/core"
import type { Request } from "@ringback/core"
import { Effect, Schema } from "effect"
import { define, from, id, incoming, session, settings, to } from "./fixtures/Trial.ts"

const circle: { self?: unknown } = {}
circle.self = circle

/** What application code may give where a value is expected. */
const hostile: ReadonlyArray<unknown> = [
  undefined,
  NaN,
  -0,
  Infinity,
  1n,
  Symbol("s"),
  () => 1,
  new Date(NaN),
  new Map([[1, 2]]),
  circle,
  [undefined],
  { a: NaN },
  { toJSON: () => 1 },
  "\ud800\u0000",
  "x".repeat(70_000),
  JSON.parse(`{"__proto__":{"a":1}}`),
  Object.create({ a: 1 }),
  new Error("no")
]
const durations = [NaN, Infinity, -1, 0.5, 1e300] as const

const ask = (request: Request.Request): Flow.Flow<null> => Flow.ask(request, () => ({ _tag: "Success", value: null }))

/** Made when it is reached: what throws there is a defect of the call. */
const lazily = (make: () => Flow.Flow<unknown, unknown, unknown>): Flow.Flow<unknown, never, never> =>
  Flow.suspend(make) as never

/** A flow for each kind of request, over a value or a number that nobody should give. */
const asking = (value: unknown, number: number): Record<string, Flow.Flow<unknown, never, never>> => ({
  Note: lazily(() => Flow.note("n", value as never)),
  "raw Note": lazily(() => ask({ _tag: "Note", name: String(number), data: value })),
  Sleep: lazily(() => Flow.sleep(number)),
  Deadline: lazily(() => Flow.timeout(Flow.sleep(1), number)),
  Signal: lazily(() => Flow.signal(Flow.Signal("go", Schema.Any), { within: number })),
  Activity: lazily(() => Flow.activity("go", { success: Schema.Any, within: number }, Effect.succeed(value))),
  Dial: lazily(() => Line.speak("Hello.").pipe(Flow.dial({ to, from, ringFor: number, maxCallDuration: number }))),
  "raw Dial": lazily(() =>
    ask({ _tag: "Dial", to, from, ringForMillis: 1000, maxCallDurationSeconds: number, sendDtmf: value as never })
  ),
  Prompt: lazily(() =>
    Flow.flatMap(
      ask({ _tag: "Answer" }),
      () => Line.prompt({ _tag: "Speak", text: value as never, collect: { max: number }, more: value } as never)
    )
  ),
  Bridge: lazily(() =>
    Flow.flatMap(
      ask({ _tag: "Answer" }),
      () => ask({ _tag: "Bridge", action: { _tag: "Dial", to, from, maxCallDurationSeconds: number } })
    )
  ),
  Success: Flow.succeed(value) as never,
  Failure: Flow.fail(value) as never,
  Defect: lazily(() => {
    throw value
  })
})

const inputs = (value: unknown, n: number): ReadonlyArray<CallInput.CallInput> => [
  { _tag: "ActivityEnded", n, result: { ok: true, value } },
  { _tag: "ActivityEnded", n, result: { ok: false, value } },
  { _tag: "ActivityDied", n, message: String(typeof value === "string" ? value : "died") },
  { _tag: "Signalled", name: "go", value },
  { _tag: "Signalled", name: "other", value },
  { _tag: "Wake" },
  { _tag: "Cancel" }
]

const circumstances = (now: number) => ({ now, process: "p1", namespace: "ns", chance: "00000000", settings })

/** Whatever is decided reads back as it is. */
const decided = (live: LiveCall.LiveCall, input: CallInput.CallInput, now: number): Decider.Decided => {
  const result = Decider.decide(live, input, circumstances(now))
  assert.deepStrictEqual(CallEvent.decode(CallEvent.encode(result.events)), result.events)
  return result
}

describe("whatever is decided reads back as it is:", () => {
  for (const kind of Object.keys(asking(null, 1))) {
    it(`of a flow that ends in ${kind}`, () => {
      for (const value of hostile) {
        for (const number of durations) {
          const definition = define(asking(value, number)[kind]!)
          for (const begin of [{ _tag: "Start", flow: "test", version: 1, input: value } as const, incoming]) {
            const begun = decided(LiveCall.prepare(id, definition, {}), begin, 1_000_000)
            const n = begun.live.call.wait !== undefined && "n" in begun.live.call.wait ? begun.live.call.wait.n : 1
            for (const input of inputs(value, n)) decided(begun.live, input, 1_001_000)
            if (begun.live.call.lines.length === 0) continue
            decided(begun.live, {
              _tag: "Webhook",
              line: 1,
              received: {
                webhook: { kind: "DialCompleted", event: "dial_completed", referenceId: session, status: "answered" },
                receivedAt: 1_001_000,
                before: false,
                copies: 0,
                unsent: false
              }
            }, 1_001_000)
          }
        }
      }
    })
  }
})
