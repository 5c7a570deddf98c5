/** Whoever looks at a process from outside: reads its log, its spans and its metrics. */
import { Cause, Context, Exit, Logger, Metric, References, Tracer } from "effect"
import type { Process, World } from "./world.ts"

/** The services by which a process shows itself, all of them read. */
export const services = (world: World, process: Process) => {
  const logger = Logger.make(({ cause, fiber, logLevel, message }) => {
    const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
    const said = [...(Array.isArray(message) ? message : [message]), ...annotations].map(wordsOf)
    const text = [...said, ...cause.reasons.length === 0 ? [] : [Cause.pretty(cause)]].join(" ")
    world.show("log", text)
    if (logLevel === "Warn" || logLevel === "Error" || logLevel === "Fatal") {
      world.records.logged.push({ ...world.moment(), level: logLevel, text, incarnation: process.id })
    }
  })
  const tracer = Tracer.make({ span: (options) => new ReadSpan(options, (text) => world.show("span", text)) })
  return Context.make(Logger.CurrentLoggers, new Set([logger])).pipe(
    Context.add(Tracer.Tracer, tracer),
    Context.add(Metric.MetricRegistry, new Map())
  )
}

const wordsOf = (said: unknown): string => said instanceof Error ? `${said.message} ${said.stack}` : String(said)

/** A span that is read when it ends. */
class ReadSpan extends Tracer.NativeSpan {
  private readonly show: (text: string) => void

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], show: (text: string) => void) {
    super(options)
    this.show = show
  }

  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    const attributes = [...this._attributes ?? []].map(([key, value]) => `${key}=${String(value)}`)
    const events = (this._events ?? []).map(([name, , attributes]) => `${name} ${JSON.stringify(attributes)}`)
    const failures = Exit.isFailure(exit)
      ? exit.cause.reasons.map((reason) => Cause.isFailReason(reason) ? String(reason.error) : "")
      : []
    this.show([this.name, ...attributes, ...events, ...failures].join(" "))
    super.end(endTime, exit)
  }
}

/** Reads the metrics of a process. */
export const readMetrics = (world: World, context: Context.Context<never>): void => {
  for (const { attributes, description, id } of Metric.snapshotUnsafe(context)) {
    world.show("metric", `${id} ${description ?? ""} ${JSON.stringify(attributes ?? {})}`)
  }
}
