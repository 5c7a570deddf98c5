/**
 * `npm run bench -- page`: how soon a long call is seen in the inspector, from the click in the list to its first rung, in a real
 * Chromium beside the server on one machine. `--turns 100 --rounds 7`: a turn has 100 events.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Calls, Flow, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { Inspector, TelesignNode } from "@ringback/http"
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { parseArgs } from "node:util"
import type { Page } from "playwright-core"
import * as Chromium from "../scripts/chromium.ts"
import * as Contest from "./contest.ts"
import { printMachine } from "./machine.ts"
import { positive } from "./positive.ts"

const { values } = parseArgs({
  options: { turns: { type: "string", default: "100" }, rounds: { type: "string", default: "7" } }
})
const turns = positive("turns", values.turns)
const rounds = positive("rounds", values.rounds)

/** What a round has taken, in milliseconds: by the clock, and of the processor. */
interface Taken {
  readonly seen: number
  readonly whole: number
  readonly page: number
  readonly server: number
}

/** Clicks on the first call of the list, and tells when its first rung was painted, and when all of it was there. */
const open = `new Promise((resolve) => {
  const begin = performance.now()
  let seen
  const look = () => {
    if (seen === undefined && document.querySelector(".rung") !== null) {
      seen = 0
      requestAnimationFrame(() => setTimeout(() => void (seen = performance.now() - begin)))
    }
    const isWhole = !document.querySelector(".rungs")?.textContent.includes("The rest is being read")
    if (seen > 0 && isWhole) resolve({ seen, whole: performance.now() - begin })
    else setTimeout(look, 5)
  }
  document.querySelector(".calls tbody a").click()
  look()
})`

/** The processor time of the thread that a page runs on, in milliseconds. */
const processorOf = async (page: Page) => {
  const session = await page.context().newCDPSession(page)
  await session.send("Performance.enable", { timeDomain: "threadTicks" })
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics")
    return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN)
  }
}

/** A call of so many turns, in which nobody is rung. */
const Busy = Flow.make("busy", {
  version: 1,
  input: { turns: Schema.Int },
  output: Schema.Void,
  run: ({ turns }) =>
    Flow.gen(function*() {
      for (let turn = 0; turn < turns; turn++) {
        for (let note = 0; note < 98; note++) yield* Flow.note(`note ${turn}.${note}`)
        yield* Flow.sleep(1)
      }
    })
})

const nobody = Layer.succeed(Transport.Transport, Transport.Transport.of({ send: () => Effect.never }))

const listener = TelesignNode.keepEarly(createServer())

/** An application with the page, on a database in a file. */
const application = (filename: string) =>
  HttpRouter.serve(
    Inspector.layer({ path: "/calls", authorize: () => Effect.succeed({ who: "bench", scopes: ["read"] }) }),
    { disableLogger: true, disableListenLog: true }
  ).pipe(
    Layer.provideMerge(Calls.layer({ flows: [Busy] })),
    Layer.provide(nobody),
    Layer.provideMerge(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename })),
    Layer.provideMerge(NodeHttpServer.layer(() => listener, { port: 0, host: "127.0.0.1" }))
  )

const { clear, place } = await Contest.emptyFile()
const runtime = ManagedRuntime.make(application(place))
const url = await runtime.runPromise(
  HttpServer.HttpServer.use(({ address }) =>
    Effect.succeed("port" in address ? `http://127.0.0.1:${address.port}` : "")
  )
)
await runtime.runPromise(Effect.flatMap(Calls.start(Busy, { turns }), ({ outcome }) => outcome))
const browser = await Chromium.launch()

const round = async (): Promise<Taken> => {
  const { close, page } = await Chromium.open(browser, url)
  await page.goto("/calls")
  await page.locator(".badge", { hasText: "Live" }).waitFor()
  const processor = await processorOf(page)
  const [ofPage, ofServer] = [await processor(), process.cpuUsage()]
  const times = await page.evaluate(open) as Pick<Taken, "seen" | "whole">
  const { system, user } = process.cpuUsage(ofServer)
  const taken = { ...times, page: await processor() - ofPage, server: (user + system) / 1000 }
  await close()
  return taken
}

const median = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!

printMachine()
const taken: Array<Taken> = []
for (let n = 0; n <= rounds; n++) taken.push(await round())
const words = ({ page, seen, server, whole }: Taken): string =>
  `seen after ${seen.toFixed(0)} ms, all of it there after ${whole.toFixed(0)}; ` +
  `processor time of the page ${page.toFixed(0)} ms, of the server ${server.toFixed(0)}`
const [first, ...later] = taken
const of = (field: keyof Taken) => median(later.map((each) => each[field]))
console.log(`the first one of a process: ${words(first!)}`)
console.log(
  `the median of ${rounds} more:     ${
    words({ seen: of("seen"), whole: of("whole"), page: of("page"), server: of("server") })
  }`
)
await browser.close()
await runtime.dispose()
await clear()
