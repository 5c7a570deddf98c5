/**
 * A rival: the same calls as Effect's own durable workflow, on the cluster engine with its SQL storage in one SQLite file. A
 * webhook completes the deferred that the workflow waits for; the workflow then runs to its next question, an activity.
 * HTTP is that of the bare server.
 */
import { NodeCrypto } from "@effect/platform-node"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import { ClusterWorkflowEngine, SingleRunner } from "effect/cluster"
import { Activity, DurableDeferred, Workflow } from "effect/workflow"
import { asking, serve } from "./bareHttp.ts"
import { prompts } from "./conversation.ts"

const Conversation = Workflow.make("Conversation", {
  payload: { id: Schema.String },
  success: Schema.String,
  idempotencyKey: ({ id }) => id
})

const heard = (n: number) => DurableDeferred.make(`heard ${n}`, { success: Schema.String })

/** What becomes of a webhook that waits for the next action of its call. */
const waiting = new Map<string, (action: string) => void>()

const say = (id: string, action: object) =>
  Effect.sync(() => {
    waiting.get(id)?.(JSON.stringify(action))
    waiting.delete(id)
  })

const ConversationLive = Conversation.toLayer(Effect.fnUntraced(function*({ id }) {
  yield* DurableDeferred.await(heard(0))
  let pressed = ""
  for (let n = 0; n < prompts.length; n++) {
    yield* Activity.make({ name: `ask ${n}`, execute: say(id, asking(n)) })
    pressed += yield* DurableDeferred.await(heard(n + 1))
  }
  yield* Activity.make({ name: "hang up", execute: say(id, asking(prompts.length)) })
  yield* DurableDeferred.await(heard(prompts.length + 1))
  yield* Activity.make({ name: "end", execute: say(id, {}) })
  return pressed
}))

const runtime = ManagedRuntime.make(
  ConversationLive.pipe(
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(SingleRunner.layer({ runnerStorage: "memory" })),
    Layer.provideMerge(SqliteClient.layer({ filename: process.argv[2] ?? "" })),
    Layer.provide(NodeCrypto.layerDigest)
  )
)

const executions = new Map<string, { readonly execution: string; turn: number }>()
let turns = 0

serve("workflow", {
  start: (ids) =>
    runtime.runPromise(
      Effect.forEach(ids, (id) =>
        Effect.map(Conversation.execute({ id }, { discard: true }), (execution) => {
          executions.set(id, { execution, turn: 0 })
        }), { concurrency: 32, discard: true })
    ),
  receive: (id, fact, answer) => {
    const call = executions.get(id)
    if (call === undefined) return answer("{}")
    waiting.set(id, (action) => {
      turns++
      answer(action)
    })
    const deferred = heard(call.turn++)
    const token = DurableDeferred.tokenFromExecutionId(deferred, {
      workflow: Conversation,
      executionId: call.execution
    })
    const value = fact._tag === "PromptCompleted" ? fact.digits : ""
    void runtime.runPromise(DurableDeferred.succeed(deferred, { token, value }))
  },
  commits: () => turns
})
