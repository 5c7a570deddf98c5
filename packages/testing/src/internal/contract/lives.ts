/** Calls that begin, dial, end their flow and are over, and how a list gives them. */
import { assert } from "@effect/vitest"
import { type CallEvent, CallIndex, PhoneNumber } from "@ringback/core"
import { Effect, Schema } from "effect"
import { stored } from "./turns.ts"

export const number = (n: number) => PhoneNumber.make(`1555017${String(n).padStart(4, "0")}`)

/** A life in some turns, each with its time. */
export interface Life {
  readonly flow?: string
  readonly flowVersion?: number
  readonly key?: string
  readonly from?: PhoneNumber.PhoneNumber
  readonly to?: ReadonlyArray<PhoneNumber.PhoneNumber>
  readonly startedAt: number
  readonly outcome?: CallIndex.Outcome
  readonly endedAt?: number
  readonly due?: number
  readonly session?: string
}

const began = ({ flow = "reminder", flowVersion = 1, from, key, startedAt: at }: Life): CallEvent.CallEvent =>
  from === undefined
    ? { _tag: "CallStarted", at, flow, version: flowVersion, input: {}, ...(key === undefined ? {} : { key }) }
    : { _tag: "CallArrived", at, flow, version: flowVersion, line: 1, referenceId: "r", from, content: "" }

const planned = (to: PhoneNumber.PhoneNumber, at: number): CallEvent.CallEvent => ({
  _tag: "DialPlanned",
  at,
  n: 1,
  line: 1,
  to,
  from: number(9999),
  ringForMillis: 30_000,
  maxCallDurationSeconds: 900
})

export const exits: { readonly [K in CallIndex.Outcome]: CallEvent.Exit } = {
  Success: { _tag: "Success", value: null },
  Failure: { _tag: "Failure", error: "no" },
  Stopped: { _tag: "Stopped", reason: { _tag: "Cancelled" } }
}

/** Stores a life: it begins, dials, ends its flow, and is over. Gives how many turns that took. */
export const lives = Effect.fnUntraced(function*(id: CallEvent.CallId, life: Life) {
  const { endedAt, flow = "reminder", flowVersion = 1, outcome, startedAt, to = [] } = life
  let version = 0
  const next = (
    at: number,
    events: ReadonlyArray<CallEvent.CallEvent>,
    status: "running" | "over",
    session?: string
  ) => {
    version++
    return stored(
      { id: `${id}/${version}`, callId: id, version, at, events },
      { flow, flowVersion, status, due: status === "over" ? null : life.due ?? null },
      session
    )
  }
  const [first, ...others] = to
  yield* next(
    startedAt,
    [began(life), ...(first === undefined ? [] : [planned(first, startedAt)])],
    "running",
    life.session
  )
  for (const each of others) yield* next(startedAt, [planned(each, startedAt)], "running")
  if (outcome !== undefined) {
    const at = endedAt ?? startedAt
    yield* next(at, [{ _tag: "FlowEnded", exit: exits[outcome], at }], "running")
  }
  if (endedAt !== undefined) yield* next(endedAt, [{ _tag: "LineSilent", at: endedAt, line: 1 }], "over")
  return version
})

export const list = (
  filter?: CallIndex.Filter,
  page?: { readonly limit?: number; readonly after?: CallIndex.Cursor | undefined }
) => CallIndex.CallIndex.use((index) => index.list(filter, page))

/** The calls of a list, page by page. */
export const listed = Effect.fnUntraced(function*(filter: CallIndex.Filter, limit: number) {
  const found: Array<CallEvent.CallId> = []
  let after: CallIndex.Cursor | undefined
  do {
    const page: CallIndex.Page = yield* list(filter, { limit, after })
    assert.isAtMost(page.calls.length, limit)
    found.push(...page.calls.map((call) => call.callId))
    after = page.next === undefined ? undefined : yield* Schema.decodeUnknownEffect(CallIndex.Cursor)(page.next)
  } while (after !== undefined)
  return found
})

export const someLives: ReadonlyArray<Life> = [
  { startedAt: 10, outcome: "Success", endedAt: 15 },
  { startedAt: 20, outcome: "Failure", endedAt: 90 },
  { startedAt: 30, due: 40 },
  { startedAt: 40, due: 60, outcome: "Stopped" },
  { startedAt: 50, flow: "survey", outcome: "Success", endedAt: 60 },
  { startedAt: 60, flow: "survey", flowVersion: 2, outcome: "Success", endedAt: 70 },
  { startedAt: 70, flow: "survey", flowVersion: 2, due: 100 },
  { startedAt: 80, flow: "hotline", from: number(8), outcome: "Stopped", endedAt: 81 },
  { startedAt: 80, flow: "hotline", from: number(9) },
  { startedAt: 90, flow: "hotline", flowVersion: 2, from: number(10), outcome: "Failure", endedAt: 95 }
]
