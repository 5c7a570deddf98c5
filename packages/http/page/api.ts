/** What the server tells the page, by the contract of `CallsApi`, and what went wrong. */
import type { Explain, Ladder as CoreLadder } from "@ringback/core"
import type * as CallsApi from "../src/CallsApi.ts"
import type { Overlay } from "../src/internal/inspector/overlay.ts"
import { base } from "./address.ts"

export type Entry = typeof CallsApi.Entry.Encoded
export type Page = typeof CallsApi.Page.Encoded
export type Counts = typeof CallsApi.Counts.Encoded
export type View = typeof CallsApi.View.Encoded
export type Awaited = typeof CallsApi.Awaited.Encoded
export type FlowInfo = typeof CallsApi.FlowInfo.Encoded
export type Turn = typeof CallsApi.Turn.Encoded
export type Event = typeof CallsApi.Event.Encoded
export type Ended = typeof CallsApi.Ended.Encoded
export type Actor = typeof CallsApi.Actor.Encoded
export type Obstacle = typeof CallsApi.Obstacle.Encoded
export type Report = typeof Explain.Report.Encoded
export type EventReport = typeof Explain.EventReport.Encoded
export type Ender = typeof Explain.Ender.Encoded
export type Ladder = typeof CoreLadder.Ladder.Encoded
export type Item = typeof CoreLadder.Item.Encoded
export type Rung = typeof CoreLadder.Rung.Encoded
export type Fold = typeof CoreLadder.Fold.Encoded
export type Idle = typeof CoreLadder.Idle.Encoded

/** A request that was not answered as hoped, in words for whoever sees it. */
export class Refused extends Error {
  readonly status: number
  /** The `type` of the problem, if the server gave one. */
  readonly type: string
  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

const api = `${base}/api`

/** The address of something in the API. */
export const url = (
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>> = {}
): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "")
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return `${api}${path}${text === "" ? "" : `?${text}`}`
}

const wordsOf = async (response: Response): Promise<Refused> => {
  if (response.status === 401) return new Refused(401, "", "You are not logged in: load the page again")
  const problem: unknown = await response.json().catch(() => undefined)
  const field = (name: string): string => {
    const value = typeof problem === "object" && problem !== null
      ? (problem as Record<string, unknown>)[name]
      : undefined
    return typeof value === "string" ? value : ""
  }
  const [title, detail] = [field("title"), field("detail")]
  const words = title === "" ? `The server answered ${response.status}` : detail === "" ? title : `${title}. ${detail}`
  return new Refused(response.status, field("type"), words)
}

const asked = async (address: string, init?: RequestInit): Promise<Response> => {
  const response = await fetch(address, { cache: "no-store", ...init }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error
    throw new Refused(0, "", "The server cannot be reached")
  })
  // Who is sent to a login page has no session any more: the whole page goes there and comes back.
  if (response.redirected) location.reload()
  if (!response.ok) throw await wordsOf(response)
  return response
}

/** Reads something as JSON. */
export const get = async <A>(
  path: string,
  query?: Readonly<Record<string, string | number | boolean | undefined>>,
  signal?: AbortSignal
): Promise<A> => {
  const response = await asked(url(path, query), signal === undefined ? {} : { signal })
  return await response.json() as A
}

/** Reads something as text. */
export const text = async (path: string): Promise<string> => (await asked(url(path))).text()

/** Asks for something to be done, or for what should not stand in an address. */
export const post = async <A>(
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {}
): Promise<A> => {
  const response = await asked(url(path), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })
  return (response.status === 204 ? undefined : await response.json()) as A
}

/** What went wrong, in words. */
export const problemOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** What is told of a call beside its log: the zone of the callee; in a file the drawing of its flow and the ladder as text, too. */
export interface Context {
  readonly zone?: string
  readonly drawing?: Overlay
  readonly text?: string
}

/** The zone of the callee, if the application has told it. */
export const zone = async (callId: string, signal: AbortSignal): Promise<Pick<Context, "zone">> => {
  const response = await asked(`${base}/zone/${encodeURIComponent(callId)}`, { signal })
  return await response.json() as Pick<Context, "zone">
}

/** The drawing of a call's flow with the way of the call, if the application has given one. */
export const drawing = async (callId: string, signal?: AbortSignal): Promise<Overlay | undefined> => {
  try {
    const response = await asked(
      `${base}/drawing/${encodeURIComponent(callId)}`,
      signal === undefined ? {} : { signal }
    )
    return await response.json() as Overlay
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined
    throw error
  }
}

/** A call as the start of a test. */
export const test = async (callId: string): Promise<string> =>
  (await asked(`${base}/test/${encodeURIComponent(callId)}`)).text()
