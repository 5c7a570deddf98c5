/** What a runner is asked by its parent. */
export interface Asked {
  readonly what: "shards" | "begin" | "end" | "hops" | "reads"
  readonly atOnce: number
  /** How many webhooks go in one message. */
  readonly together: number
  readonly seconds: number
  readonly calls: number
}

/** What it says: how many it did, in which times (milliseconds), and in how much processor time (microseconds). */
export interface Told {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly cpu: number
}
