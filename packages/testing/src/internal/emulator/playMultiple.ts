/**
 * `play_multiple` exists and answers wherever `play` does ("Voice - Actions"). None of its parameters is public, so any are
 * taken: the addresses among them are heard one after another, and `play_completed` ends them, which is ours.
 */
import type { Action } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Predicate, Result } from "effect"

/** The same as one `play`; `undefined` for whatever is no `play_multiple`. `millis` is how long one file plays. */
export const asPlay = (json: unknown, millis: number): Action.Action | undefined => {
  const one = Array.isArray(json) && json.length === 1 ? json[0] : json
  if (!Predicate.isObject(one) || one.method !== "play_multiple") return undefined
  const params = Predicate.isObject(one.params) ? one.params : {}
  const urls = addressesIn(params)
  const play = TelesignWire.decodeAction({ method: "play", params: { ...params, url: urls.join(" ") } })
  return Result.isSuccess(play) && play.success._tag === "Play"
    ? { ...play.success, millis: millis * Math.max(1, urls.length) }
    : undefined
}

const addressesIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return /^https?:\/\//i.test(value) ? [value] : []
  return Predicate.isObjectOrArray(value) ? Object.values(value).flatMap(addressesIn) : []
}
