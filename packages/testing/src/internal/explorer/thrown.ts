/** What a flow threw, with the lines of its author. */
import type { Step } from "@ringback/core"
import * as usersCode from "../usersCode.ts"

const most = 5

/** What was thrown where a flow ended, if something was: its name, its message, and the author's frames. */
export const at = (step: Step.Step<unknown, unknown>): string | undefined => {
  if (step._tag !== "Done" || step.exit._tag !== "Stopped" || step.exit.why._tag !== "Defect") return undefined
  const { defect } = step.exit.why
  if (!(defect instanceof Error)) return `It threw ${String(defect)}`
  const frames = usersCode.own(defect.stack)
  return [`${defect.name}: ${defect.message}`, ...frames.slice(0, most).map((frame) => `    ${frame.trim()}`)].join(
    "\n"
  )
}
