/** Calls as `CallsApi` shows them. */
import { Call, CallEvent, Explain, Ladder } from "@ringback/core"
import type { CallIndex, Calls, EventStore, Settings } from "@ringback/core"
import { DateTime, Schema } from "effect"
import type * as CallsApi from "../../CallsApi.ts"
import { remedies } from "../remedies.ts"

type Wire<S extends { readonly Type: unknown }> = S["Type"]

/** The fields of an object that are there. */
export const present = <A extends object>(fields: A): { readonly [K in keyof A]: Exclude<A[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

/** A call in a list. */
export const entry = (entry: CallIndex.Entry): Wire<typeof CallsApi.Entry> => present(entry) as never

/** A schema as JSON Schema of the stored form; one that takes anything where it cannot be told. */
export const jsonSchema = (schema: Schema.Constraint): Wire<typeof CallsApi.JsonSchema> => {
  try {
    const { definitions, schema: root } = Schema.toJsonSchemaDocument(Schema.toCodecJson(schema as Schema.Top))
    const $defs = Object.keys(definitions).length === 0 ? {} : { $defs: definitions }
    return { $schema: "https://json-schema.org/draft/2020-12/schema", ...root, ...$defs } as never
  } catch {
    return {}
  }
}

/** What is known of a call: its log, and what its process knows around it. */
export interface Known {
  readonly summary: EventStore.Summary
  readonly turns: ReadonlyArray<EventStore.Turn>
  readonly known: Explain.Known
}

/** The events of turns. */
export const eventsOf = (turns: ReadonlyArray<EventStore.Turn>): ReadonlyArray<CallEvent.CallEvent> =>
  turns.flatMap(({ events }) => events)

/** What reports rest on beside the log. */
export interface Around {
  readonly settings: Settings.Settings
  readonly flows: ReadonlyArray<Calls.Registered>
}

const flowOf = (events: ReadonlyArray<CallEvent.CallEvent>, { flows }: Around): Calls.Registered | undefined => {
  const [first] = events
  return first?._tag === "CallStarted" || first?._tag === "CallArrived"
    ? flows.find(({ flow }) => flow.name === first.flow && flow.version === first.version)
    : undefined
}

/** A call in words, whole. */
export const report = ({ known, summary, turns }: Known, around: Around): Explain.Report => {
  const events = eventsOf(turns)
  return Explain.report(summary.callId, events, {
    known,
    settings: around.settings,
    turns: turns.map(({ events }) => events.length),
    flow: flowOf(events, around)?.flow
  })
}

/** What a call waits to be told, if it waits for that. */
export const awaited = (
  call: Call.Call,
  { turns }: Known,
  around: Around
): Wire<typeof CallsApi.Awaited> | undefined => {
  if (call.wait?._tag !== "Signal" || call.exit !== undefined) return undefined
  const { name, until } = call.wait
  const signals = flowOf(eventsOf(turns), around)?.flow.signals ?? []
  const declared = signals.find((signal) => signal.name === name)
  return present({ name, until, schema: declared === undefined ? undefined : jsonSchema(declared.schema) })
}

/** A call with all that is told of it. */
export const detail = (known: Known, around: Around): Wire<typeof CallsApi.Detail> => {
  const { summary, turns } = known
  const call = Call.fold(summary.callId, eventsOf(turns))
  const { at, callId, direction, flow, flowVersion, lines, startedAt, state, waitingFor, words } = report(known, around)
  return present({
    callId,
    flow,
    flowVersion,
    direction,
    status: state === "over" ? "over" as const : "running" as const,
    startedAt,
    endedAt: state === "over" ? at : undefined,
    outcome: call.exit?._tag,
    waitingFor: waitingFor.what,
    due: summary.due ?? undefined,
    version: turns.length,
    state,
    words,
    waiting: waitingFor,
    cancelled: call.cancelled,
    lines,
    signal: awaited(call, known, around)
  }) as Wire<typeof CallsApi.Detail>
}

/** The JSON of an event as it is stored. */
const whole = (event: CallEvent.CallEvent): Wire<typeof CallsApi.Event>["data"] =>
  (JSON.parse(CallEvent.encode([event])) as ReadonlyArray<never>)[0]!

/** An event; `number` is its place in the call, if that is known. */
export const event = (
  event: CallEvent.CallEvent,
  options: { readonly reveal: boolean; readonly number: number | undefined }
): Wire<typeof CallsApi.Event> =>
  present({
    number: options.number,
    at: event.at,
    type: event._tag,
    line: "line" in event ? event.line : undefined,
    text: Explain.event(event),
    decision: CallEvent.isDecision(event),
    data: options.reveal ? whole(event) : CallEvent.shown(event)
  }) as never

/** A turn; `first` is the number of its first event in the call, if that is known. */
export const turn = (
  { at, callId, events, version }: EventStore.Turn,
  options: { readonly reveal: boolean; readonly first: number | undefined }
): Wire<typeof CallsApi.Turn> => ({
  callId,
  version,
  at,
  events: events.map((each, i) =>
    event(each, { reveal: options.reveal, number: options.first === undefined ? undefined : options.first + i })
  )
})

const failure = (error: unknown): Wire<typeof CallsApi.Ended>["failure"] => {
  if (typeof error !== "object" || error === null) return undefined
  const { _tag, reason } = CallEvent.shown(error as never)
  return typeof _tag === "string"
    ? present({ tag: _tag, reason: typeof reason === "string" ? reason : undefined }) as never
    : undefined
}

/** How a flow ended. */
export const ended = (
  callId: CallEvent.CallId,
  exit: CallEvent.Exit,
  reveal: boolean
): Wire<typeof CallsApi.Ended> => {
  switch (exit._tag) {
    case "Success":
      return { callId, outcome: exit._tag, ...(reveal ? { value: plain(exit.value) } : {}) }
    case "Failure":
      return present({
        callId,
        outcome: exit._tag,
        error: reveal ? plain(exit.error) : undefined,
        failure: failure(exit.error)
      }) as never
    case "Stopped":
      return { callId, outcome: exit._tag, stopped: exit.reason }
  }
}

/** A recorded value, which is JSON, as plain JSON: what prints masked would be written masked. */
const plain = (value: unknown): Schema.Json => structuredClone(value) as Schema.Json

/** A flow that is registered. */
export const flow = (
  { flow: { name, schemas, signals, version }, startable }: Calls.Registered,
  drawing: boolean
): Wire<typeof CallsApi.FlowInfo> =>
  present({
    flow: name,
    version,
    startable,
    input: jsonSchema(schemas.input),
    output: jsonSchema(schemas.output),
    error: schemas.error && jsonSchema(schemas.error),
    signals: Object.fromEntries(signals.map(({ name, schema }) => [name, jsonSchema(schema)])),
    drawing
  }) as never

const pageOfEvents = { usual: 200, most: 1000 }

/** Some turns of a call. */
export const page = (
  turns: ReadonlyArray<EventStore.Turn>,
  { after = 0, limit = pageOfEvents.usual, reveal }: {
    readonly after?: number
    readonly limit?: number
    readonly reveal: boolean
  }
): { readonly turns: ReadonlyArray<Wire<typeof CallsApi.Turn>>; readonly next?: number } => {
  const size = Math.min(Math.max(1, limit), pageOfEvents.most)
  const before = turns.filter(({ version }) => version <= after)
  const asked = turns.slice(before.length, before.length + size)
  let first = 1 + eventsOf(before).length
  const shown = asked.map((each) => {
    const written = turn(each, { reveal, first })
    first += each.events.length
    return written
  })
  const last = asked.at(-1)?.version
  return present({ turns: shown, next: before.length + size < turns.length ? last : undefined })
}

/** A place in a call: so many turns, with so many events, lie before it. */
export interface Place {
  readonly turns: number
  readonly events: number
}

/** The name of a place in a live stream. */
export const idOf = ({ events, turns }: Place): string => `${turns}-${events}`

/** The place that a client has heard last. How many events lie before it is not known to who names a turn alone. */
export const placeOf = (
  lastEventId: string | undefined
): { readonly turns: number; readonly events?: number } | undefined => {
  const [, turns, events] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(lastEventId ?? "") ?? []
  if (turns === undefined) return undefined
  return { turns: Number(turns), ...(events === undefined ? {} : { events: Number(events) }) }
}

/** A call as a ladder. */
export const ladder = ({ turns }: Known, reveal: boolean): Ladder.Ladder => Ladder.make(eventsOf(turns), { reveal })

/** A ladder as a page of its own. */
export const ladderPage = (known: Known, reveal: boolean): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Call ${known.summary.callId}</title>` +
  `<style>${Ladder.css}</style></head><body>${Ladder.html(ladder(known, reveal))}</body></html>\n`

/** What stands in the way of dials. */
export const obstacle = ({ from, obstacle, since }: Calls.Hindrance): Wire<typeof CallsApi.Obstacle> =>
  present({
    obstacle,
    words: Explain.obstacle(obstacle),
    from,
    since: DateTime.toEpochMillis(since),
    todo: remedies[obstacle].todo
  }) as never
