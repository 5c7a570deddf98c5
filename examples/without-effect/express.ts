/** An Express application that calls guests. Nothing in it knows Effect. */
import express from "express"
import { once } from "node:events"
import { createServer } from "node:http"
import { type Environment, openCalls } from "./calls.ts"
import { whoIs } from "./desk.ts"

export const serve = async (port: number, environment?: Environment) => {
  const app = express()
  const server = createServer(app)
  const calls = await openCalls(server, environment)

  app.all("/ops/calls{/*below}", await calls.page(whoIs)) // before an app.use(express.json()), if there is one
  app.post("/tables/:reservation/ready", express.json(), async (request, response) => {
    response.status(202).json(await calls.start(request.params.reservation, request.body.phone))
  })
  app.get("/calls/:call/outcome", async (request, response) => {
    response.json({ outcome: await calls.outcome(request.params.call) })
  })

  await once(server.listen(port), "listening") // the engine is ready: from here on webhooks are answered
  return {
    server,
    close: async () => {
      await new Promise((closed) => server.close(closed)) // first nothing new comes in, then the engine ends
      await calls.close()
    }
  }
}
