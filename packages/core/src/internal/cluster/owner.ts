/** The owner of a call as an entity of Effect Cluster: other machines ask it over a socket. */
import type { Layer } from "effect"
import type { Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import type { Local } from "../engine/asked.ts"
import * as Answers from "./answers.ts"
import { Group } from "./messages.ts"

/** Answers for the engine that there is at the moment. Handlers fork, for one that waits must not hold up another. */
export const layer = (engine: () => Local | undefined): Layer.Layer<never, never, Sharding.Sharding> => {
  const { Cancel, Outcome, Signal, Start } = Answers.make(engine)
  return Group.toLayer({
    Start: ({ payload }) => Rpc.fork(Start(payload)),
    Signal: ({ payload }) => Rpc.fork(Signal(payload)),
    Cancel: ({ payload }) => Rpc.fork(Cancel(payload)),
    Outcome: ({ payload }) => Rpc.fork(Outcome(payload))
  }, { concurrency: "unbounded", mailboxCapacity: mailbox })
}

/** So many messages an owner has in hand for one group; the next one is refused, and taken from the log. */
const mailbox = 4096
