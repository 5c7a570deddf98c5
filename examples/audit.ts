/** Keeps who has steered a call, and who has looked at what is masked, where the application keeps such things. */
import { Logger, References } from "effect"

/** What somebody did. It holds no number, no digit, no word and no value. */
export interface Audited {
  readonly at: Date
  readonly actor: string
  readonly call: string | undefined
  /** What was looked at unmasked: `ladder`, `log` or `outcome`. */
  readonly revealed: string | undefined
  readonly words: string
}

/** Gives `keep` each line of the log that says who did something. The log goes on as it is. */
export const layer = (keep: (audited: Audited) => void) =>
  Logger.layer([
    Logger.make(({ date, fiber, message }) => {
      const { actor, call, revealed } = fiber.getRef(References.CurrentLogAnnotations)
      if (typeof actor !== "string") return
      keep({ at: date, actor, call: textOf(call), revealed: textOf(revealed), words: String(message) })
    })
  ], { mergeWithExisting: true })

const textOf = (value: unknown): string | undefined => typeof value === "string" ? value : undefined
