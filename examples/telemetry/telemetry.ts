/**
 * Figures, traces, the log and health of an application, for whoever is on duty: to be mounted beside what there is.
 *
 * `dashboard.json` is for Grafana, `alerts.yaml` for Prometheus; both speak of what `/metrics` prints.
 */
import { CallMetrics, CallTelemetry } from "@ringback/core"
import { Health } from "@ringback/http"
import { Layer } from "effect"
import { HttpMiddleware, HttpRouter } from "effect/http"
import { Otlp, OtlpSerialization, PrometheusMetrics } from "effect/observability"

/** Who scrapes and probes does so every few seconds, and leaves neither a line of the access log nor a span. */
const metrics = PrometheusMetrics.layerHttp({ path: "/metrics" }).pipe(Layer.provide(HttpRouter.disableLogger))
export const untraced = HttpMiddleware.layerTracerDisabledForUrls(["/metrics", "/health/live", "/health/ready"])

/** `/metrics` for Prometheus, and `/health/live`, `/health/ready`, `/health/status`. Keep them from strangers by a proxy or a port. */
export const routes = Layer.merge(metrics, Health.layer())

/** Traces of calls, and the age of the oldest due work. Between the engine and its store. */
export const layer = Layer.merge(CallTelemetry.layer(), CallMetrics.layerDue())

/**
 * Sends traces, metrics and the log to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, under the name that `OTEL_SERVICE_NAME` gives: those of
 * which `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER` say `otlp`, and else nothing. Below all the rest, so that
 * what is said last goes out too.
 */
export const otlp = Otlp.layerFromConfig().pipe(Layer.provide(OtlpSerialization.layerJson))
