import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Calls } from "@ringback/core"
import { Deferred, Effect, Exit, Fiber, Layer, Random, Redacted, Scope, Stream } from "effect"
import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"
import { address, tokens } from "../../../scripts/testApplication.ts"
import { CallsApiClient, CallsApiProblem } from "../src/index.ts"
import { client, layer, pass, request, stepSignals, whileTimePasses } from "./fixtures/callsApi.ts"

const seed = "17"

/** A network that ends each connection after so many bytes of what the server says. */
const breaking = (target: string, bytes: () => number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { hostname, port } = new URL(target)
      const sockets = new Set<Socket>()
      let broken = 0
      const server: Server = createServer((near) => {
        const far = connect(Number(port), hostname)
        let left = bytes()
        const end = () => (near.destroy(), far.destroy())
        for (const socket of [near, far]) sockets.add(socket.on("error", end).on("close", end))
        near.pipe(far)
        far.on("data", (data: Buffer) => {
          const heard = data.subarray(0, left)
          left -= heard.length
          near.write(heard, () => {
            if (left > 0) return
            broken++
            end()
          })
        })
      })
      await once(server.listen(0, "127.0.0.1"), "listening")
      const { port: own } = server.address() as { port: number }
      return { server, sockets, url: `http://127.0.0.1:${own}/ringback`, broken: () => broken }
    }),
    ({ server, sockets }) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )

const begin = (api: CallsApiClient.Client, steps: number) =>
  Effect.map(api.calls.start({ headers: {}, payload: { flow: "steps", input: { steps } } }), ({ callId }) => callId)

const step = (callId: string, i: number) =>
  Effect.flatMap(Calls.Calls, (calls) => calls.signal(callId as never, stepSignals[i % 3]!, null))

const textOf = (response: Response) => Effect.promise(() => response.text())

describe("a live stream", () => {
  it.effect("tells the turns of a call until it is over, whatever becomes of the connection", () =>
    Effect.gen(function*() {
      const direct = yield* client()
      let broken = 0
      for (let run = 0; run < 5; run++) {
        const after = yield* Effect.all(Array.from({ length: 20 }, () => Random.nextIntBetween(200, 3000)))
        const network = yield* breaking(yield* address, () => after.pop() ?? 3000)
        const api = yield* CallsApiClient.make({ url: network.url, token: Redacted.make(tokens.all) })
        const callId = yield* begin(direct, 8)
        const heard = yield* Effect.forkChild(Stream.runCollect(CallsApiClient.follow(api, callId)))
        for (let i = 0; i < 8; i++) {
          yield* step(callId, i)
          for (let left = yield* Random.nextIntBetween(0, 4); left > 0; left--) yield* pass
        }
        const turns = yield* whileTimePasses(Fiber.join(heard))
        const all = yield* direct.calls.events({ params: { callId }, query: {} })
        assert.deepStrictEqual(turns, all.turns, `seed ${seed}, run ${run}, broken ${network.broken()} times`)
        broken += network.broken()
      }
      assert.isAbove(broken, 5)
    }).pipe(Random.withSeed(seed), Effect.provide(layer())))

  it.effect("tells the turns of all calls, from now on, whatever becomes of the connection", () =>
    Effect.gen(function*() {
      const direct = yield* client()
      yield* begin(direct, 1)
      const network = yield* breaking(yield* address, () => 1500)
      const api = yield* CallsApiClient.make({ url: network.url, token: Redacted.make(tokens.all) })
      const heard = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(CallsApiClient.followAll(api, { after: "1" as never }), 12)),
        { startImmediately: true }
      )
      const ids = []
      for (let i = 0; i < 12; i++) ids.push(yield* begin(direct, 1))
      const turns = yield* whileTimePasses(Fiber.join(heard))
      assert.deepStrictEqual(turns.map(({ callId, version }) => [callId, version]), ids.map((id) => [id, 1]))
      assert.isAbove(network.broken(), 2)
    }).pipe(Effect.provide(layer())))

  it.effect("ends for a call that is over, also where it is gone on with", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const callId = yield* begin(api, 0)
      for (const after of [{}, { "last-event-id": "1" }, { "last-event-id": "1-2" }]) {
        const response = yield* request(`/calls/${callId}/live`, { headers: after as Record<string, string> })
        const text = yield* Effect.promise(() => response.text())
        assert.match(text, /id: 1-2\nevent: over\ndata: \{\}\n\n$/)
        assert.strictEqual(text.includes("event: turn"), !("last-event-id" in after))
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
      }
    }).pipe(Effect.provide(layer())))

  it.effect("begins at the place that it is asked for, and says that it is still there", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const callId = yield* begin(api, 3)
      yield* step(callId, 0)
      const response = yield* request(`/calls/${callId}/live?after=1`)
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      const until = (what: string) =>
        whileTimePasses(Effect.promise(async () => {
          while (!text.includes(what)) text += (await reader.read()).value ?? ""
        }))
      yield* until("event: begin\n") // at once, so that whoever follows a call that is silent knows that it is heard
      yield* until("id: 2-4\n")
      assert.notInclude(text, `"version":1,`)
      yield* until(": still here\n\n")
      yield* Effect.promise(() => reader.cancel())
    }).pipe(Effect.provide(layer())))

  it.effect("of all calls can be gone on with where it began, before the first turn of any", () =>
    Effect.gen(function*() {
      const read = Effect.fnUntraced(function*(headers: Record<string, string>, until: string) {
        const response = yield* request("/live", { headers })
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
        let text = ""
        yield* Effect.promise(async () => {
          while (!text.includes(until)) text += (await reader.read()).value ?? ""
          await reader.cancel()
        })
        return text
      })
      const begun = yield* read({}, "event: begin\n")
      const id = /^id: (.+)$/m.exec(begun)?.[1]
      assert.isDefined(id)
      yield* begin(yield* client(), 1)
      assert.include(yield* read({ "last-event-id": id! }, "event: turn\n"), "CallStarted")
    }).pipe(Effect.provide(layer())))

  it.effect("of all calls goes on from no place that has not come, and who follows hears of it", () =>
    Effect.gen(function*() {
      const api = yield* client()
      yield* begin(api, 1)
      for (const after of ["9", "9".repeat(20), `${"9".repeat(20)}.1`]) {
        const failed = yield* Effect.flip(Stream.runCollect(CallsApiClient.followAll(api, { after: after as never })))
        assert.instanceOf(failed, CallsApiProblem.PlaceUnknown)
      }
      for (const id of ["garbage", "-1", "1,2"]) {
        assert.strictEqual((yield* request("/live", { headers: { "last-event-id": id } })).status, 400)
      }
    }).pipe(Effect.provide(layer())))

  it.effect("ends when the server begins to close, and so does whoever waits for an outcome", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const waited = yield* Deferred.make<void>()
      const waiting = Layer.effect(
        Calls.Calls,
        Effect.map(Calls.Calls, (calls) => ({
          ...calls,
          outcome: (id: CallEvent.CallId) => Effect.andThen(Deferred.succeed(waited, undefined), calls.outcome(id))
        }))
      )
      const context = yield* Layer.buildWithScope(layer({}, waiting), scope)
      yield* Effect.gen(function*() {
        const callId = yield* begin(yield* client(), 1)
        const lives = yield* Effect.forEach(["/live", `/calls/${callId}/live`], (path) => request(path))
        const asked = yield* Effect.forkChild(request(`/calls/${callId}/outcome?wait=60`), { startImmediately: true })
        yield* Deferred.await(waited)
        yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        // Until all of them have seen it, which needs no network. What they say then has all the time: the server waits 20 seconds for it.
        for (let i = 0; i < 5; i++) yield* pass
        for (const live of lives) {
          assert.match(yield* textOf(live), /event: problem\ndata: \{"type":"urn:ringback:problem:store-unavailable"/)
        }
        assert.include(yield* textOf(yield* Fiber.join(asked)), "NotYet")
      }).pipe(Effect.provideContext(context))
    }))

  it.effect("is refused where too many are open, and its place is free when it ends", () =>
    Effect.gen(function*() {
      const api = yield* client()
      const callId = yield* begin(api, 3)
      const open = request(`/calls/${callId}/live`)
      const [first, second] = [yield* open, yield* open]
      const third = yield* Effect.flip(api.calls.live({ params: { callId }, query: {}, headers: {} }))
      assert.instanceOf(third, CallsApiProblem.TooManyStreams)
      assert.strictEqual((yield* (yield* client("reader")).engine.me()).actor, "bob")
      yield* Effect.promise(() => first.body!.cancel())
      yield* whileTimePasses(Effect.gen(function*() {
        for (;;) {
          const again = yield* open
          yield* Effect.promise(() => again.body!.cancel())
          if (again.status === 200) return
        }
      }))
      yield* Effect.promise(() => second.body!.cancel())
    }).pipe(Effect.provide(layer({ limits: { streamsPerActor: 2 } }))))
})
