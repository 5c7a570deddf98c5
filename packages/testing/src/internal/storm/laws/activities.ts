/** Activities run at least once under one key, and what comes of them is recorded once: what they said, held against the record. */
import type { CallEvent } from "@ringback/core"
import type * as StormHistory from "../../../StormHistory.ts"
import { type Findings, none, violation } from "../finding.ts"
import * as StoredCalls from "../storedCalls.ts"

export const check = (history: StormHistory.StormHistory): Findings => [
  ...StoredCalls.of(history).calls.flatMap((call) => [...results(call), ...runs(history, call)]),
  ...keys(history)
]

type Completed = Extract<CallEvent.CallEvent, { readonly _tag: "ActivityCompleted" }>

const completions = ({ events }: StoredCalls.StoredCall): ReadonlyArray<Completed> =>
  events.filter((event) => event._tag === "ActivityCompleted")

const results = (call: StoredCalls.StoredCall): Findings => {
  const places = completions(call).map(({ n }) => n)
  return new Set(places).size < places.length ? [violation("the result of an activity was recorded twice")] : none
}

/** What has a result has run, where activities of its name say that they run. */
const runs = (history: StormHistory.StormHistory, call: StoredCalls.StoredCall): Findings => {
  const telling = new Set(history.ran.map(({ name }) => name))
  const places = new Set(completions(call).map(({ n }) => n))
  return call.events.flatMap((event) =>
    event._tag === "ActivityStarted" && places.has(event.n) && telling.has(event.name) &&
      !history.ran.some(({ key, name }) => name === event.name && callIdOf(key) === call.id)
      ? [violation("a result was recorded of an activity that never ran")]
      : none
  )
}

/** The call that a key names. */
const callIdOf = (key: string): string => key.split("/")[0]!

/** One request has one key, however often it runs. A call that begins again, for its key was forgotten, asks anew. */
const keys = (history: StormHistory.StormHistory): Findings => {
  const begun = ({ key, seq }: StormHistory.Ran) =>
    StoredCalls.callAt(history, callIdOf(key), seq)?.turns[0]!.turn.seq ?? 0
  const requests = StoredCalls.grouped(history.ran, (ran) => `${callIdOf(ran.key)} ${begun(ran)} ${ran.name}`)
  return [...requests.values()].flatMap((ran) =>
    new Set(ran.map(({ key }) => key)).size > 1 ? [violation("one request of the flow ran under two keys")] : none
  )
}
