/** Silence on lines whose webhooks arrived: what a runner was asked while it could answer, and what it said. */
import { Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import type { CompanyRecord } from "@ringback/testing"
import { Result } from "effect"
import type { Breach } from "./checks.ts"
import type { Delivery, Run } from "./run.ts"
import * as Times from "./times.ts"

/** An answer comes before this, in milliseconds: the engine's deadline for a reply; and if its store is late. */
const deadline = 2_000
const deadlineWithoutStore = 4_000

/** What wires, a balancer and a busy machine add. */
const underWay = 1_500

const checker = "no dead air"

export const check = (run: Run, log: ReadonlyArray<CompanyRecord.Entry>): ReadonlyArray<Breach> => {
  const ends = new Map(
    log.flatMap((entry) =>
      entry._tag === "Posted" && entry.webhook.event === "call_completed" ? [[entry.referenceId, entry.at]] : []
    )
  )
  return run.deliveries.flatMap((delivery) => {
    const problem = problemOf(run, delivery, ends.get(delivery.webhook.referenceId) ?? Infinity)
    return problem === undefined
      ? []
      : [{ checker, problem: `${delivery.webhook.event} ${problem}`, referenceId: delivery.webhook.referenceId }]
  })
}

/** How long the longest answer took that could be given at all. */
export const longest = (run: Run): number =>
  Math.max(
    0,
    ...run.deliveries.filter(({ begun, ended, life }) => !Times.isUnable(run, life, begun, ended)).map((
      { begun, ended }
    ) => ended - begun)
  )

/** Whether a runner was without its database: what it could not record, the others do not know. */
const isAnyAway = (run: Run, from: number, to: number): boolean =>
  run.lives.some((life) => Times.isWithoutDatabase(run, life, from, to))

const problemOf = (run: Run, { answer, begun, ended, gaveUp, life, status, webhook }: Delivery, closed: number) => {
  if (Times.isUnable(run, life, begun, ended) || !Webhook.asksForAction(webhook) || closed <= ended) return undefined
  const isStoreAway = Times.isWithoutDatabase(run, life, begun, ended)
  const limit = (isStoreAway ? deadlineWithoutStore : deadline) + underWay * Times.business(run) +
    2 * Times.lag(run, begun, ended)
  const waited = ended - begun
  if (waited > limit) return `waited ${waited} ms for its answer`
  if (status === undefined) {
    return isStoreAway || gaveUp ? undefined : `was not answered by runner ${life.place + 1} within ${waited} ms`
  }
  if (status !== 200) return isStoreAway ? undefined : `was answered with ${status}`
  const isUnreached = webhook.kind === "DialCompleted" && webhook.status !== "answered"
  // Of a call that only another runner knows, and that it could not record.
  return isUnreached || hasAction(answer) || isAnyAway(run, begun - deadline, ended)
    ? undefined
    : "was answered with nothing"
}

const hasAction = (answer: string): boolean =>
  answer !== "" && Result.isSuccess(TelesignWire.decodeAction(JSON.parse(answer)))
