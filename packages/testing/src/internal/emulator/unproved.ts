/**
 * Actions whose parameters are not public, such as `play_multiple`, which answers wherever `play` does ("Voice - Actions"). So
 * any parameters are taken: the addresses among them say how long it lasts, and the event that ends it is a setting.
 */
import type { Action } from "@ringback/core"
import { Predicate } from "effect"

export interface Settings {
  /** The event that ends each of them. */
  readonly methods: { readonly [method: string]: string }
  /** How long an audio file plays. */
  readonly audioMillis: number
}

/** The action, or `undefined` if its method is none of these. */
export const read = (json: unknown, { audioMillis, methods }: Settings): Action.Raw | undefined => {
  const one = Array.isArray(json) && json.length === 1 ? json[0] : json
  if (!Predicate.isObject(one) || typeof one.method !== "string" || !Object.hasOwn(methods, one.method)) {
    return undefined
  }
  const params = (Predicate.isObject(one.params) ? one.params : {}) as Action.Raw["params"]
  const max = collectsIn(params)
  return {
    _tag: "Raw",
    method: one.method,
    params,
    completedBy: methods[one.method]!,
    millis: audioMillis * Math.max(1, addressesIn(params)),
    ...(max === undefined ? {} : { collect: { max } })
  }
}

/** How many keys it takes, in the words in which `speak` and `play` say it. */
const collectsIn = (params: { readonly [name: string]: unknown }): number | undefined => {
  const { collect_digits: collect } = params
  const max = Predicate.isObject(collect) ? Number(collect.max) : NaN
  return Number.isInteger(max) && max >= 1 && max <= 128 ? max : undefined
}

const addressesIn = (value: unknown): number => {
  if (typeof value === "string") return /^https?:\/\//i.test(value) ? 1 : 0
  return Predicate.isObjectOrArray(value)
    ? Object.values(value).reduce((sum: number, each) => sum + addressesIn(each), 0)
    : 0
}
