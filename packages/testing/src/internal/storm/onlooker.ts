/** Whoever looks at a process from outside: reads its log, its spans and its metrics. */
import { Cause, Context, Effect, Exit, Logger, Metric, References, Tracer } from "effect"
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

/** So often somebody looks at the status of each process, in milliseconds: at other moments than processes look at their calls. */
const every = 17_000

/** Looks from time to time how far behind the shards of a cluster are, as each of its processes says that can be asked. */
export const readShards = ({ moment, processes, records }: World): Effect.Effect<never> => {
  const read = ({ calls, dead, frozen, id }: Process) =>
    calls === undefined || dead || frozen > 0 ? Effect.void : Effect.map(calls.load, ({ isDraining, shardsBehind }) => {
      if (isDraining) return // It looks no more.
      records.behind.push({ ...moment(), incarnation: id, forMillis: shardsBehind[0]?.forMillis ?? 0 })
    })
  return Effect.forever(Effect.delay(Effect.suspend(() => Effect.forEach(processes, read, { discard: true })), every))
}

/** Reads the metrics of a process. */
export const readMetrics = (world: World, context: Context.Context<never>): void => {
  for (const { attributes, description, id } of Metric.snapshotUnsafe(context)) {
    world.show("metric", `${id} ${description ?? ""} ${JSON.stringify(attributes ?? {})}`)
  }
}
