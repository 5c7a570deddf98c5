/**
 * The door for webhooks on Node's own server: for Express, Fastify, bare `node:http`, and wherever many calls are live at a time.
 * The answers are those of the route (`TelesignWebhook`), which needs no Node, to all that the server lets through to that: Effect's own
 * answers an offer of HTTP/2 whose body comes in chunks by 411, and here it is taken.
 *
 * @since 0.1.0
 */
import { Calls } from "@ringback/core"
import { Duration, Effect, Latch, Layer } from "effect"
import * as Answering from "./internal/answering.ts"
import * as NodeHttp from "./internal/nodeHttp.ts"
import * as Starting from "./internal/starting.ts"
import type * as TelesignWebhook from "./TelesignWebhook.ts"

/**
 * The part of a `Server` of `node:http` or `node:https` that a door needs.
 *
 * @since 0.1.0
 */
export interface Server extends NodeHttp.Server {}

/**
 * Takes the webhooks of a Node server before anything else that listens to it: an Express or Fastify application, or an
 * `HttpRouter` served by `NodeHttpServer.layer(() => server, ...)`, which get all other requests. Where nothing else listens,
 * those are answered 404. As there is no router on the way, there are more turns a second (`bench/README.md`), and no
 * middleware, access log or span of a request. A defect is logged, and answered with 500.
 *
 * Requests over HTTP/2 are left to the others. When the layer closes it takes nothing new, and waits until all that it has read
 * is answered; who has not sent all of a body yet is not waited for.
 *
 * ```ts
 * const server = createServer()
 * const Server = HttpRouter.serve(Routes).pipe(
 *   Layer.provide(TelesignNode.layer(server, { path: "/telesign/events" })),
 *   Layer.provide(NodeHttpServer.layer(() => server, { port: 3000 })),
 *   Layer.provideMerge(CallsLive)
 * )
 * ```
 *
 * @since 0.1.0
 */
export const layer = <const V extends TelesignWebhook.Verification<unknown> = "required">(
  server: Server,
  options: TelesignWebhook.Options<V>
): Layer.Layer<never, TelesignWebhook.Fails<V>, Calls.Calls | TelesignWebhook.Needs<V>> =>
  Layer.effectDiscard(
    Effect.flatMap(Calls.Calls, (calls) => door(server, calls.receiveUnsafe, options as TelesignWebhook.Options))
  ) as Layer.Layer<never, TelesignWebhook.Fails<V>, Calls.Calls | TelesignWebhook.Needs<V>>

/**
 * The same for a server that listens before its engine is ready, or after it has closed: it needs no engine. Whoever waits on a
 * line hears a hold, and after three in a row is hung up on; any other event is answered 503, so that it comes again. Nothing
 * is recorded. A `layer` on the same server that is built after it goes before it.
 *
 * Better is a server that listens when the engine is ready, as in the README.
 *
 * @since 0.1.0
 */
export const layerStarting = <const V extends TelesignWebhook.Verification<unknown> = "required">(
  server: Server,
  options: TelesignWebhook.Options<V>
): Layer.Layer<never, TelesignWebhook.Fails<V>, TelesignWebhook.Needs<V>> =>
  Layer.effectDiscard(
    Effect.suspend(() => door(server, Starting.make(), options as TelesignWebhook.Options))
  ) as Layer.Layer<never, TelesignWebhook.Fails<V>, TelesignWebhook.Needs<V>>

/**
 * Has a server of `node:http`, `node:https` or `node:http2` keep requests that come before anybody listens to it. `NodeHttpServer.layer`
 * opens the port, and its routes are built after that; whoever asks in between is never answered by Node itself. Put it where the
 * server is made, before the port opens:
 *
 * ```ts
 * NodeHttpServer.layer(() => TelesignNode.keepEarly(createServer()), { port: 3000 })
 * ```
 *
 * A request is kept for at most 10 seconds unless `forAtMost` says otherwise, and then answered 503, as is what comes when 1,000 are
 * kept. Kept requests go to the first listener in the order in which they came. From then on the server is as it was.
 *
 * Whatever else is about the port, such as `TelesignNode.layer`, takes its requests at once. A server to which nobody else ever
 * listens needs none of this: it would keep, and answer 503, what is else answered 404.
 *
 * @since 0.1.0
 */
export const keepEarly = <S extends NodeHttp.Listened>(
  server: S,
  { forAtMost = "10 seconds" }: { readonly forAtMost?: Duration.Input | undefined } = {}
): S => {
  NodeHttp.keepEarly(server, { atMost: 1000, forAtMost: Duration.toMillis(forAtMost) })
  return server
}

/** Opens a door until the scope closes. */
const door = Effect.fnUntraced(function*(
  server: Server,
  receive: Answering.Receive,
  options: TelesignWebhook.Options
) {
  const { answer, limit } = yield* Answering.make(receive, options)
  const read = NodeHttp.reader(limit)
  const latch = yield* Latch.make(true)
  let underWay = 0

  const take = (request: NodeHttp.Request, response: NodeHttp.Response): void => {
    read(request, (body) => {
      if (++underWay === 1) latch.closeUnsafe()
      answer(() => NodeHttp.headersOf(request), body, (answer) => {
        write(response, answer)
        if (--underWay === 0) latch.openUnsafe()
      })
    })
  }
  const isFor = (request: NodeHttp.Request): boolean =>
    request.method === "POST" && NodeHttp.isRequest(request) &&
    Answering.isAt(options.path, NodeHttp.targetOf(request.url ?? "")) &&
    !Answering.isSocket(NodeHttp.offerOf(request))

  yield* Effect.acquireRelease(
    Effect.sync(() => NodeHttp.intercept(server, { isFor, take })),
    (undo): Effect.Effect<void> => Effect.andThen(Effect.sync(undo), latch.await)
  )
})

const write = (response: NodeHttp.Response, answer: Answering.Answer): void => {
  if (response.destroyed || response.headersSent) return answer.sent(false)
  NodeHttp.onWritten(response, answer.sent)
  response.statusCode = answer.status
  for (const name in answer.headers) response.setHeader(name, answer.headers[name]!)
  response.end(answer.text)
}
