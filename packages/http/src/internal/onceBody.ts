/**
 * The body of a request that is sent once, whatever the client is made of: who asks for it again (a retry, a hedge, a redirect
 * that is followed, the `fetch` of a runtime after 421) gets nothing, and no second request is complete without it.
 */
import { Effect, Schema, Stream } from "effect"
import { HttpBody, HttpClient, HttpClientRequest } from "effect/http"

/** A client tried to send a request again that it had been given once, or after it was given up. */
export class Repeated extends Schema.TaggedError<Repeated>()("Repeated", {}) {}

/** What became of the body of one request. */
export class OnceBody {
  /** Somebody asked for it in vain. */
  isRepeated = false
  private isAskedFor = false
  private isWithFetch = false
  private isPulled = false
  private isClosed = false

  /**
   * Whether any of the request may have left. Clients ask for a body when the connection is there, TLS included, and send no
   * head before; only that of `node:http` asks at once.
   */
  get isGone(): boolean {
    return this.isWithFetch ? this.isPulled : this.isAskedFor
  }

  /** It is given up: nobody gets it from now on. */
  close(): void {
    this.isClosed = true
  }

  /** The same client, by which it leaves once. A client that puts another body in its place is on its own. */
  guard(client: HttpClient.HttpClient): HttpClient.HttpClient {
    return HttpClient.mapRequestEffect(client, (request) => {
      if (this.isAskedFor || this.isClosed) return Effect.die(this.again())
      if (request.body._tag === "Uint8Array") return Effect.succeed(this.seal(request, request.body))
      this.isAskedFor = true
      return Effect.succeed(request)
    })
  }

  /** The same `fetch`, by which it leaves once: as a stream, for what a runtime could read again it may send again. */
  guardFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return (input, init) => {
      const { bytes } = this
      if (bytes === undefined || !(init?.body instanceof ReadableStream)) return fetch(input, init)
      if (this.isWithFetch) return Promise.reject(this.again())
      this.isWithFetch = true
      // What the client has made of the body is read before the connection is there, and does not say how long it is.
      const headers = { ...init.headers as Record<string, string>, "content-length": String(bytes.length) }
      return fetch(input, { ...init, headers, body: this.pulled(bytes) })
    }
  }

  private bytes: Uint8Array<ArrayBuffer> | undefined

  private seal(request: HttpClientRequest.HttpClientRequest, { body, contentType }: HttpBody.Uint8Array) {
    this.bytes = body as Uint8Array<ArrayBuffer>
    const stream = Stream.suspend(() => this.ask() ? Stream.succeed(body) : Stream.die(this.again()))
    return HttpClientRequest.setBody(request, HttpBody.stream(stream, contentType, body.length))
  }

  private pulled(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: (controller) => {
        if (this.isClosed || this.isPulled) return controller.error(this.again())
        this.isPulled = true
        controller.enqueue(bytes)
        controller.close()
      }
    }, { highWaterMark: 0 })
  }

  private ask(): boolean {
    const isFirst = !this.isAskedFor && !this.isClosed
    this.isAskedFor = true
    return isFirst
  }

  private again(): Repeated {
    this.isRepeated = true
    return new Repeated()
  }
}
