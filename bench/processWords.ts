/** What is printed of processes that share a database. */
import type * as Contest from "./contest.ts"

export const words: Contest.Words = {
  shown: (of) =>
    `${of.perSecond.toFixed(0).padStart(7)} requests/s  ` +
    `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)} ms  cpu a request ` +
    `${of.serverMicros.toFixed(0).padStart(4)} us (postgres ${of.postgresMicros.toFixed(0)}, generator ${
      of.generatorMicros.toFixed(0)
    })  each ${of.statementsPerRequest.toFixed(3)} statements (${of.readsPerRequest.toFixed(3)} reads)  ` +
    `${(1 / of.requestsPerCommit).toFixed(3)} commits  ${of.conflictsPerRequest.toFixed(3)} conflicts`,
  shownRatios: (of) =>
    `${of.perSecond.toFixed(2).padStart(7)} requests/s  ` +
    `p50 ${of.p50.toFixed(2).padStart(6)}  p99 ${of.p99.toFixed(2).padStart(6)}     cpu a request ` +
    `${of.serverMicros.toFixed(2).padStart(4)} (postgres ${of.postgresMicros.toFixed(2)})`
}
