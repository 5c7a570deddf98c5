/** Who uses the application meanwhile: it starts calls, sometimes at two runners at once, tells them, cancels some; people call. */
import { PhoneNumber } from "@ringback/core"
import { Callee } from "@ringback/testing"
import { Effect } from "effect"
import { ourNumber } from "./flows.ts"
import { type Asked, type Asking, between, hits, pick, type Run } from "./run.ts"
import type { Place } from "./runners.ts"

const callees = [
  Callee.answers("3 seconds").presses("1"),
  Callee.answers("2 seconds").presses("2"),
  Callee.answers("4 seconds").presses("1"),
  Callee.answers("4 seconds").staysSilent(),
  Callee.answers("2 seconds").hangsUpDuring(2),
  Callee.busy
]

/** After the end of a run, in which all runners live again, somebody asks for so many milliseconds more. */
const patience = 20_000

const numberOf = (n: number): PhoneNumber.PhoneNumber => PhoneNumber.make(`1555${String(1_000_000 + n)}`)

/** Keeps calls coming, so many a second, until it is interrupted. */
export const keep = Effect.fnUntraced(function*(run: Run, perSecond: number) {
  for (let n = 0;; n++) {
    yield* Effect.forkDetach(call(run, n))
    yield* Effect.sleep(2 * (yield* between(0, 1_000)) / perSecond)
  }
})

const call = Effect.fnUntraced(function*(run: Run, n: number) {
  const callee = yield* pick(callees)
  if (yield* hits(0.25)) {
    return yield* Effect.asVoid(run.telesign.incoming({ to: ourNumber, from: numberOf(n), callee }))
  }
  yield* run.telesign.callee(numberOf(n), [callee, callee])
  yield* outbound(run, n, yield* pick(["survey", "survey", "order"] as const))
})

const outbound = Effect.fnUntraced(function*(run: Run, n: number, flow: "survey" | "order") {
  const asked: Asked = { key: `call-${n}`, number: numberOf(n), at: Date.now(), id: undefined, problem: undefined }
  run.asked.push(asked)
  const start = insist(run, { tell: "start", flow, key: asked.key, to: asked.number })
  const twice = yield* hits(0.2)
  const [started] = yield* Effect.all(twice ? [start, start] : [start], { concurrency: 2 })
  const id = started?.says === "done" ? started.id : undefined
  if (started?.says === "failed") asked.problem = started.problem
  if (id === undefined) return
  asked.id = id
  if (flow === "order" && (yield* hits(0.85))) yield* signalled(run, id)
  if (yield* hits(0.1)) yield* cancelled(run, id)
})

const signalled = Effect.fnUntraced(function*(run: Run, id: string) {
  yield* Effect.sleep(yield* between(0, 3_000))
  const key = `signal-${id}`
  const answer = yield* insist(run, { tell: "signal", id, key })
  if (answer?.says === "done") run.told.signalled.push({ at: Date.now(), id, key })
})

const cancelled = Effect.fnUntraced(function*(run: Run, id: string) {
  yield* Effect.sleep(yield* between(0, 2_000))
  const answer = yield* insist(run, { tell: "cancel", id })
  if (answer?.says === "done") run.told.cancelled.push({ at: Date.now(), id })
})

/** What another runner may be asked again: the first one did not answer, or its store did not. */
const isPassing = (answer: { readonly says: string; readonly problem?: string } | undefined): boolean =>
  answer === undefined || answer.problem === "StoreError"

/** Asks runner after runner until one has done it, as an application would, or refuses it for good. */
const insist = Effect.fnUntraced(function*(run: Run, command: Asking) {
  while (Date.now() < run.ended + patience) {
    const up = run.places.filter((place) => place.isUp())
    const place: Place | undefined = up.length === 0 ? undefined : yield* pick(up)
    if (place !== undefined) {
      const answer = yield* run.ask(place, command)
      if (answer?.says === "done" && command.tell === "start" && answer.id !== undefined) {
        run.told.started.push({ at: Date.now(), key: command.key, id: answer.id, life: place.life })
      }
      if (!isPassing(answer)) return answer
    }
    yield* Effect.sleep("500 millis")
  }
  return undefined
})
