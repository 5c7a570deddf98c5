/** What a program tells those who watch it: spans and lines of the log, kept for tests to look into. */
import { Logger, References, Tracer } from "effect"

/** A tracer, and the spans that were begun with it. */
export const tracing = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

/** A logger, and all that was said to it, annotations too. */
export const logging = () => {
  const said: Array<unknown> = []
  const logger = Logger.make((options) => {
    said.push(options.message, options.cause, options.fiber.getRef(References.CurrentLogAnnotations))
  })
  return { said, logger }
}
