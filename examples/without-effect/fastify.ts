/** The same with Fastify. */
import { fastify } from "fastify"
import { type Environment, openCalls } from "./calls.ts"
import { whoIs } from "./desk.ts"

interface Ready {
  readonly Params: { readonly reservation: string }
  readonly Body: { readonly phone: string }
}
interface Outcome {
  readonly Params: { readonly call: string }
}

export const serve = async (port: number, environment?: Environment) => {
  const app = fastify()
  const calls = await openCalls(app.server, environment)

  const page = await calls.page(whoIs)
  app.addHook("onRequest", async (request, reply) => { // before Fastify reads the body
    if (/^\/ops\/calls(\/|\?|$)/.test(request.url)) {
      reply.hijack()
      page(request.raw, reply.raw)
    }
  })
  app.post<Ready>("/tables/:reservation/ready", async (request, reply) => {
    reply.status(202)
    return calls.start(request.params.reservation, request.body.phone)
  })
  app.get<Outcome>("/calls/:call/outcome", async (request) => ({ outcome: await calls.outcome(request.params.call) }))
  app.addHook("onClose", () => calls.close()) // Fastify runs it when the server has closed

  await app.listen({ port })
  return { server: app.server, close: () => app.close() }
}
