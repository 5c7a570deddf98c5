/** What is asked for under the path of `CallsApi` and is not there. */
import { Effect, type Layer } from "effect"
import { HttpRouter, type HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApi } from "effect/http-api"
import type * as CallsApi from "../../CallsApi.ts"
import * as Problem from "../../CallsApiProblem.ts"
import * as Undecodable from "../undecodable.ts"
import * as Guarding from "./guarding.ts"

/** Not `HEAD`: the router answers it by what there is for `GET`. */
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const

interface Endpoint {
  readonly method: string
  readonly parts: ReadonlyArray<string>
}

const partsOf = (path: string): ReadonlyArray<string> => path.split("/").filter((part) => part !== "")

const endpointsOf = (api: typeof CallsApi.CallsApi): ReadonlyArray<Endpoint> => {
  const found: Array<Endpoint> = []
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint: { method, path } }) => void found.push({ method, parts: partsOf(path) })
  })
  return found
}

/** By which methods a path can be asked. */
const allowed = (endpoints: ReadonlyArray<Endpoint>, url: string): ReadonlyArray<string> => {
  const asked = partsOf(url.split(/[?#]/)[0] ?? "")
  const isAt = ({ parts }: Endpoint) =>
    parts.length === asked.length && parts.every((part, i) => part.startsWith(":") || part === asked[i])
  return Array.from(new Set(endpoints.filter(isAt).map(({ method }) => method)))
}

/** Says so in a problem, like all else that goes wrong there. */
export const layer = (api: typeof CallsApi.CallsApi, path: string): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const endpoints = endpointsOf(api)
    const answer = ({ method, url }: HttpServerRequest.HttpServerRequest) => {
      const known = allowed(endpoints, url)
      // What could be asked so is here because a part of it is too long for a route.
      const isOther = known.length > 0 && !known.includes(method === "HEAD" ? "GET" : method)
      return Effect.map(
        HttpServerRespondable.toResponse(isOther ? new Problem.MethodNotAllowed({}) : new Problem.NoSuchPath({})),
        HttpServerResponse.setHeaders({ ...Guarding.headers, ...isOther ? { allow: known.join(", ") } : {} })
      )
    }
    yield* Undecodable.answered(router, { path }, answer)
    for (const method of methods) yield* router.add(method, `${path}/*` as `/${string}`, answer)
  }))
