/** Runs storms in a thread of its own: a part comes in as a message, its report goes back. */
import type { Storm } from "@ringback/testing"
import { Effect, Result } from "effect"
import { parentPort } from "node:worker_threads"
import { examples } from "./storm.examples.ts"

/** Some runs of one example over one store. */
export interface Part {
  readonly example: string
  readonly store: Storm.StoreKind
  readonly seed: number
  readonly runs: number
}

/** What came of it: the report, or the violation in words. */
export type Answer =
  | { readonly _tag: "Report"; readonly report: Storm.Report }
  | { readonly _tag: "Violation"; readonly message: string }

// Errors are made by the thousand, and nobody looks at where.
Error.stackTraceLimit = 0

parentPort?.on("message", async ({ example, ...options }: Part) => {
  const result = await Effect.runPromise(Effect.result(examples[example]!(options)))
  const answer: Answer = Result.isSuccess(result)
    ? { _tag: "Report", report: result.success }
    : { _tag: "Violation", message: result.failure.message }
  parentPort?.postMessage(answer, [])
})
