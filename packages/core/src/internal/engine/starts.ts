/** Starts of calls, inside of a transaction of the application or outside. */
import { Effect, Random } from "effect"
import * as Call from "../../Call.ts"
import type { CallNotFound } from "../../CallError.ts"
import type { CallId } from "../../CallEvent.ts"
import type * as CallInput from "../../CallInput.ts"
import type { Decided } from "../../Decider.ts"
import type { StoreError } from "../../EventStore.ts"
import * as LiveCall from "../../LiveCall.ts"
import * as ids from "../ids.ts"
import { draining } from "./closing.ts"
import type * as Joining from "./joining.ts"
import type { Parts } from "./parts.ts"
import type { Requests } from "./requests.ts"
import type { Surroundings } from "./surroundings.ts"

/** What a start came to. */
export interface Started {
  readonly id: CallId
  /** `false` if there was a call of this key already. */
  readonly isNew: boolean
  /** `false` if the key is that of a call which began with another input. */
  readonly sameInput: boolean
  readonly version: number
}

/** Starts a call, or gives the one that the key stands for. That is not found if it was pruned. `id` may be given as it would be. */
export type Start = (
  definition: LiveCall.AnyDefinition,
  input: unknown,
  key: string | undefined,
  id?: CallId
) => Effect.Effect<Started, StoreError | CallNotFound>

/** The call, and whether it begins now. */
type Begun = Joining.Begun

const begun = (call: Call.Call, { events }: Decided): Begun => ({
  call,
  isNew: events.some(({ _tag }) => _tag === "CallStarted")
})

type StartInput = Extract<CallInput.CallInput, { readonly _tag: "Start" }>

const startInput = (
  { name, version }: LiveCall.AnyDefinition,
  input: unknown,
  key: string | undefined
): StartInput => ({
  _tag: "Start",
  flow: name,
  version,
  input,
  ...(key === undefined ? {} : { key })
})

/** A machine with a hundredth of the shards finds one of its own nearly always. */
const mostDraws = 500

/** Starts calls of an engine. */
export const make = Effect.fnUntraced(function*(
  { closing, now, placement }: Surroundings,
  { entities, intake }: Parts,
  requests: Requests,
  joining: Joining.Joining
): Effect.fn.Return<Start> {
  const random = yield* Random.Random

  const fresh = (): CallId => ids.newCallId(now(), () => random.nextDoubleUnsafe())

  /** A fresh id is one whose call is looked after here, if any is: then it need not be asked for elsewhere. */
  const ownId = (): CallId => {
    let id = fresh()
    for (let draws = 1; placement?.isOwn(id) === false && draws < mostDraws; draws++) id = fresh()
    return id
  }

  const idOf = ({ name }: LiveCall.AnyDefinition, key: string | undefined): CallId =>
    key === undefined ? ownId() : ids.namedCallId(name, key)

  const begin = (
    id: CallId,
    fresh: () => LiveCall.LiveCall,
    input: StartInput
  ): Effect.Effect<Begun, StoreError | CallNotFound> => {
    const isNew = input.key === undefined
    const how = { fresh, isNew, asks: !isNew, brings: "CallStarted" } as const
    return requests.ask<Begun, StoreError | CallNotFound>((taken) =>
      intake.post(entities.of(id), { ...how, input, look: begun, taken })
    )
  }

  return Effect.fnUntraced(function*(definition, input, key, given) {
    if (closing.isDraining() && !closing.isBegun()) return yield* draining
    const id = given ?? idOf(definition, key)
    const prepared = () => LiveCall.prepare(id, definition, input)
    const started = startInput(definition, input, key)
    const transaction = yield* joining.current
    const { call, isNew } = yield* transaction === undefined
      ? begin(id, prepared, started)
      : requests.unlessRefused(joining.start(transaction, id, prepared, started))
    if (call.flow !== definition.name || call.key !== key) {
      return yield* Effect.die(new Error(`Two keys of the flow ${definition.name} stand for one id`))
    }
    return { id, isNew, sameInput: Call.isSameInput(call, input), version: call.flowVersion }
  })
})
