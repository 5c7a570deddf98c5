/** A call to take away: as text, and as a file that opens in another inspector. */
import * as api from "./api.ts"
import type { Shown } from "./shown.ts"

/** What a file begins with, so that it is known again. */
const kind = "ringback call"

/** The version of the form of the file. */
const version = 1

/** The ladder as text, as the server draws it for terminals and failures of tests too. */
export const ladderText = async ({ context, report }: Shown): Promise<string> =>
  context.text ?? api.text(`/calls/${encodeURIComponent(report.callId)}/ladder.txt`)

/** The call as a file, always masked, whatever is shown right now. */
export const file = async (shown: Shown, isServer: boolean): Promise<string> => {
  const { context, report } = shown
  const drawing = isServer ? await api.drawing(report.callId) : context.drawing
  const path = `/calls/${encodeURIComponent(report.callId)}`
  const ladder = shown.ladder.revealed && isServer ? await api.get<api.Ladder>(`${path}/ladder`) : shown.ladder
  if (ladder.revealed) throw new Error("What is revealed is not saved: mask it first")
  return JSON.stringify(
    {
      kind,
      version,
      savedAt: new Date().toISOString(),
      report,
      ladder,
      context: { ...context, drawing, text: await ladderText(shown) }
    },
    null,
    1
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Reads a file. Throws an `Error` in words if it is none, or one of a later release. */
export const opened = (text: string): Shown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (!isRecord(value) || value["kind"] !== kind) throw new Error("This file is no call that an inspector has saved")
  if (value["version"] !== version) throw new Error("This file was saved by a newer release of Ringback")
  const { context, ladder, report } = value
  const isWhole = isRecord(report) && Array.isArray(report["events"]) && Array.isArray(report["lines"]) &&
    isRecord(report["waitingFor"]) && Array.isArray(report["waitingFor"]["enders"]) && isRecord(ladder) &&
    Array.isArray(ladder["items"]) && isRecord(context)
  if (!isWhole) throw new Error("This file is damaged: it holds only a part of a call")
  return {
    report: report as unknown as api.Report,
    ladder: ladder as unknown as api.Ladder,
    signal: undefined,
    place: "",
    total: { events: (report["events"] as Array<unknown>).length, items: (ladder["items"] as Array<unknown>).length },
    context: context as unknown as api.Context
  }
}
