/** What the emulator tells the page, by the contract of `EmulatorApi`, and what the page asks of it. */
import type * as EmulatorApi from "../src/EmulatorApi.ts"

export type Line = typeof EmulatorApi.Line.Encoded
export type State = typeof EmulatorApi.State.Encoded
export type Settings = typeof EmulatorApi.Settings.Encoded
export type Entry = typeof EmulatorApi.Entry.Encoded
export type Whose = "first" | "second"

const base = "/emulator"

const asked = async (method: string, path: string, body?: unknown): Promise<Response> => {
  const response = await fetch(base + path, {
    method,
    cache: "no-store",
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
  }).catch(() => {
    throw new Error("The emulator cannot be reached")
  })
  if (response.ok) return response
  const problem: unknown = await response.json().catch(() => undefined)
  const words = typeof problem === "object" && problem !== null && "problem" in problem
    ? String(problem.problem)
    : `The emulator answered ${response.status}`
  throw new Error(words)
}

const at = (line: Line, rest = "", whose: Whose = "first") =>
  `/calls/${encodeURIComponent(line.reference_id)}${rest}${whose === "second" ? "?whose=second" : ""}`

/** The address of the stream of states. */
export const live = (attend: boolean): string => `${base}/live${attend ? "?attend=true" : ""}`

export const answer = (line: Line, whose: Whose) => asked("POST", at(line, "/answer", whose))
export const decline = (line: Line, whose: Whose) => asked("POST", at(line, "/decline", whose))
export const machine = (line: Line) => asked("POST", at(line, "/machine"))
export const press = (line: Line, keys: string) => asked("POST", at(line, "/keys"), { keys })
export const hangUp = (line: Line, whose: Whose) => asked("DELETE", at(line, "", whose))
export const ladder = async (line: Line) => (await asked("GET", at(line, "/ladder"))).text()
export const test = async (line: Line) => (await asked("GET", at(line, "/test"))).text()
export const call = (from: string, to: string) => asked("POST", "/calls", { from, to, callee: "by hand" })
export const change = (settings: Partial<Settings>) => asked("PATCH", "/settings", settings)
export const skip = () => asked("POST", "/skip", {})
export const reset = () => asked("POST", "/reset")

/** What happened on a line. */
export const record = async (line: Line): Promise<ReadonlyArray<Entry>> => {
  const response = await asked("GET", `/record?reference_id=${encodeURIComponent(line.reference_id)}`)
  return (await response.json() as { readonly entries: ReadonlyArray<Entry> }).entries
}

/** What went wrong, in words. */
export const problemOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
