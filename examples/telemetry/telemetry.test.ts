import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { parser } from "@prometheus-io/lezer-promql"
import { Calls, CallTrace, PhoneNumber, SqlEventStore, Transport } from "@ringback/core"
import * as SqliteClient from "@ringback/core/SqliteClient"
import { TelesignAuth, TelesignWebhook } from "@ringback/http"
import { ConfigProvider, Effect, Exit, Layer, Metric, Redacted, Schema, Scope } from "effect"
import { Yaml } from "effect/encoding"
import { HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { TableReady } from "../table-ready/flow.ts"
import * as Telemetry from "./telemetry.ts"

const key = "q0hvb3NlIGEgbG9uZyBhbmQgcmFuZG9tIGtleSBoZXJlIQ=="

const file = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8")

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** A collector that keeps what it is sent, by path. */
const collector = Effect.gen(function*() {
  const seen: Array<readonly [path: string, body: string]> = []
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (data) => body += data).on("end", () => {
      seen.push([request.url ?? "", body])
      response.setHeader("content-type", "application/json").end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
    () => Effect.sync(() => server.close().closeAllConnections())
  )
  return { url: urlOf(server), seen }
})

/** What the example says that has to be set, so that all three go out. */
const environment = (endpoint: string) => ({
  OTEL_SERVICE_NAME: "restaurant",
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp"
})

/** The application of the example, but for the carrier, the clock of the machine and the port. */
const application = Effect.fnUntraced(function*(endpoint: string) {
  const dialled: Array<string> = []
  const carrier = Layer.succeed(
    Transport.Transport,
    Transport.Transport.of({
      send: ({ externalId = "" }) => {
        dialled.push(externalId)
        return Effect.succeed({ referenceId: `of ${externalId}` })
      }
    })
  )
  const server = createServer()
  const engine = Calls.layer({ flows: [TableReady] }).pipe(
    Layer.provide(carrier),
    Layer.provideMerge(Telemetry.layer),
    Layer.provideMerge(SqlEventStore.layer),
    Layer.provide(SqliteClient.layer({ filename: ":memory:" }))
  )
  const routes = Layer.merge(TelesignWebhook.layer({ path: "/events" }), Telemetry.routes)
  const context = yield* Layer.build(
    HttpRouter.serve(routes, { disableListenLog: true }).pipe(
      Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" })),
      Layer.provideMerge(engine),
      Layer.provide(
        Layer.succeed(TelesignAuth.Account, { customerId: Redacted.make("11AA"), apiKey: Redacted.make(key) })
      ),
      Layer.provide(Telemetry.untraced),
      Layer.provide(Telemetry.otlp),
      Layer.provide(NodeHttpClient.layerNodeHttp),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment(endpoint) })))
    )
  )
  return { url: urlOf(server), context, dialled }
})

const get = (url: string) => Effect.promise(async () => (await fetch(url, { headers: { connection: "close" } })).text())

/** One call from its start to its end, over HTTP; then what `/metrics` prints. */
const night = Effect.gen(function*() {
  const { seen, url: endpoint } = yield* collector
  const scope = yield* Scope.make()
  const { context, dialled, url } = yield* Scope.provide(application(endpoint), scope)
  const input = { to: PhoneNumber.make("15559130461"), from: PhoneNumber.make("15559130472") }
  const call = yield* Effect.provideContext(Calls.start(TableReady, input), context)
  const post = (event: string, data: object) => {
    const id = dialled.at(-1)!
    const body = JSON.stringify({ event, reference_id: `of ${id}`, external_id: id, data })
    const headers = {
      connection: "close",
      "x-ts-authorization": createHmac("sha256", Buffer.from(key, "base64")).update(body).digest("base64")
    }
    return Effect.promise(() => fetch(`${url}/events`, { method: "POST", body, headers }))
  }
  yield* post("dial_completed", { status: "answered" })
  yield* post("speak_completed", { collected_digits: "1" })
  yield* post("speak_completed", {})
  yield* post("call_completed", { status: "hangup" })
  yield* Effect.provideContext(call.outcome, context)
  const metrics = yield* get(`${url}/metrics`)
  const status = yield* get(`${url}/health/status`)
  yield* Scope.close(scope, Exit.void)
  return { call: call.id, metrics, status, seen }
}).pipe(Effect.provideServiceEffect(Metric.MetricRegistry, Effect.sync(() => new Map())), TestClock.withLive)

/** What Prometheus takes in: the names of series and the values of their labels. */
const scraped = (text: string) => {
  const kinds = new Map(Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, kind]) => [name!, kind!]))
  const series = Array.from(
    text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm),
    ([, name, labels = "", value]) => ({
      name: name!,
      labels: Object.fromEntries(Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, key, value]) => [key!, value!])),
      value: Number(value)
    })
  )
  return { kinds, series, names: new Set(series.map(({ name }) => name)) }
}

interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<{ readonly label: string; readonly op: string; readonly value: string }>
}

/** The selectors of an expression, by the grammar of Prometheus. Throws for what Prometheus would not take. */
const selectors = (expression: string): ReadonlyArray<Selector> => {
  const found: Array<{ metric: string; matchers: Array<Selector["matchers"][number]> }> = []
  const textOf = (node: { readonly from: number; readonly to: number }) => expression.slice(node.from, node.to)
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`"${expression}" is wrong at ${node.from}`)
      if (node.name === "VectorSelector") found.push({ metric: textOf(node.node.firstChild!), matchers: [] })
      if (node.name !== "UnquotedLabelMatcher") return
      const [label, op, value] = [node.node.firstChild!, node.node.firstChild!.nextSibling!, node.node.lastChild!]
      found.at(-1)!.matchers.push({ label: textOf(label), op: textOf(op), value: textOf(value).slice(1, -1) })
    }
  })
  return found
}

const Alerts = Schema.Struct({
  groups: Schema.Array(Schema.Struct({
    name: Schema.String,
    rules: Schema.Array(Schema.Struct({
      alert: Schema.String.check(Schema.isPattern(/^Ringback[A-Za-z]+$/)),
      expr: Schema.String,
      for: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d+[smh]$/))),
      labels: Schema.Struct({ severity: Schema.Literals(["page", "ticket"]) }),
      annotations: Schema.Struct({ summary: Schema.String, description: Schema.String })
    }))
  }))
})

const alerts = Schema.decodeUnknownSync(Alerts, { onExcessProperty: "error" })(Yaml.parse(file("alerts.yaml")))
  .groups.flatMap(({ rules }) => rules)

interface Panel {
  readonly title: string
  readonly description: string
  readonly targets: ReadonlyArray<{ readonly expr: string; readonly legendFormat: string }>
}

const panels: ReadonlyArray<Panel> = JSON.parse(file("dashboard.json")).panels

const expressions = [
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...alerts.map(({ expr }) => expr)
]

describe("the example", () => {
  it.effect("prints each metric that the dashboard and the alerts name, with the labels and values that they ask for", () =>
    Effect.gen(function*() {
      const { kinds, names, series } = scraped((yield* night).metrics)
      for (const expression of expressions) {
        for (const { matchers, metric } of selectors(expression)) {
          if (metric === "ringback_shard_due_age_seconds") continue // Only a cluster has shards.
          assert.isTrue(names.has(metric), `${metric} in ${expression}`)
          const found = series.filter(({ name }) => name === metric)
          const base = metric.replace(/_(bucket|sum|count)$/, "")
          assert.isDefined(kinds.get(metric) ?? kinds.get(base), metric)
          for (const { label, op, value } of matchers) {
            const pattern = new RegExp(op.endsWith("~") ? `^(?:${value})$` : `^${value.replaceAll(/\W/g, "\\$&")}$`)
            const isThere = found.some(({ labels }) => pattern.test(labels[label] ?? ""))
            assert.isTrue(isThere, `${label} of ${metric} is never ${value}`)
          }
        }
      }
    }))

  it.effect("tells the call in figures, in one trace and in a status, and nobody's number", () =>
    Effect.gen(function*() {
      const { call, metrics, seen, status } = yield* night
      const { series } = scraped(metrics)
      const value = (name: string, labels: object) =>
        series.find((each) => each.name === name && JSON.stringify(each.labels) === JSON.stringify(labels))?.value
      assert.strictEqual(value("ringback_calls_started_total", { flow: "table-ready", direction: "outbound" }), 1)
      assert.strictEqual(value("ringback_calls_ended_total", { flow: "table-ready", outcome: "Success" }), 1)
      assert.strictEqual(value("ringback_dials_total", { result: "accepted" }), 1)
      assert.strictEqual(value("ringback_first_word_seconds_count", {}), 1)
      assert.strictEqual(JSON.parse(status).level, "ok")
      const traces = seen.filter(([path]) => path === "/v1/traces").map(([, body]) => JSON.parse(body))
      const spans = traces.flatMap(({ resourceSpans }) => resourceSpans[0].scopeSpans[0].spans)
      const own = spans.filter(({ traceId }) => traceId === CallTrace.traceId(call))
      assert.lengthOf(own.filter(({ name }) => name === "call table-ready"), 1)
      assert.lengthOf(own.filter(({ name }) => name === "line dialled"), 1)
      const linked = spans.filter(({ links }) =>
        links.some((link: { traceId: string }) => link.traceId === CallTrace.traceId(call))
      )
      assert.lengthOf(linked, 4)
      for (const span of own.filter(({ parentSpanId }) => parentSpanId !== undefined)) {
        assert.isTrue(own.some(({ spanId }) => spanId === span.parentSpanId), span.name)
      }
      assert.isAbove(seen.filter(([path]) => path === "/v1/metrics").length, 0)
      for (const [, body] of [...seen, ["", metrics], ["", status]]) assert.notMatch(body!, /9130461|9130472/)
    }))
})

describe("the dashboard", () => {
  it("has the ten figures that one wants at night, and says what each means", () => {
    assert.lengthOf(panels, 10)
    for (const { description, targets, title } of panels) {
      assert.isAbove(description.length, 10, title)
      assert.isAbove(targets.length, 0, title)
    }
  })
})

describe("the alerts", () => {
  it("are each named once, and say what to do", () => {
    assert.strictEqual(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
    assert.isAbove(alerts.filter(({ labels }) => labels.severity === "page").length, 4)
  })

  it("are read by the grammar of Prometheus, which finds what is wrong", () => {
    assert.throws(() => selectors("sum(rate(ringback_dials_total[5m])"))
    assert.deepStrictEqual(selectors("sum by (a) (x_total{b=~\"c|d\"}) > 3"), [
      { metric: "x_total", matchers: [{ label: "b", op: "=~", value: "c|d" }] }
    ])
  })
})
