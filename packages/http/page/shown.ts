/** What is shown of a call, and how it is read: what is in sight first, then the rest, and then what is new. */
import { joined } from "../src/internal/joined.ts"
import * as api from "./api.ts"

/** All that is shown of a call, from the server or from a file. */
export interface Shown extends Omit<api.View, "signal"> {
  readonly signal: api.Awaited | undefined
  readonly context: api.Context
}

/** Whether nothing of it is still to be read. */
export const isWhole = ({ next }: Shown): boolean => next === undefined

/** So many events are read first: more than a window has room for. */
const firstPiece = 150

/** So many are read at a time behind them, so that the page is never busy for long. */
const laterPiece = 2_500

const pieceOf = (
  callId: string,
  asked: { readonly reveal: boolean; readonly after?: string; readonly limit: number },
  signal?: AbortSignal
): Promise<api.View> => {
  const { reveal, ...rest } = asked
  return api.get<api.View>(`/calls/${encodeURIComponent(callId)}/view`, reveal ? asked : rest, signal)
}

/** How a call stands, and of what happened as much as is in sight. */
export const read = async (callId: string, reveal: boolean, signal: AbortSignal): Promise<Shown> => {
  const [view, context] = await Promise.all([
    pieceOf(callId, { reveal, limit: firstPiece }, signal),
    api.zone(callId, signal)
  ])
  return { ...view, signal: view.signal, context }
}

/** The same with the next piece of it, or with what is new: what is as it was is not sent again. */
export const readOn = async ({ context, ...before }: Shown, reveal: boolean, signal?: AbortSignal): Promise<Shown> => {
  const asked = { reveal, after: before.next ?? before.place, limit: laterPiece }
  const view = await pieceOf(before.report.callId, asked, signal)
  return { ...joined({ ...before, signal: before.signal }, { ...view, signal: view.signal }), context }
}

/** All of a call. */
export const wholeOf = async (shown: Shown, reveal: boolean): Promise<Shown> => {
  let whole = shown
  while (whole.next !== undefined) whole = await readOn(whole, reveal)
  return whole
}
