/** What the measurement says to its processes, and what they answer. */
export type Asked =
  | { readonly what: "start"; readonly calls: number; readonly from: number; readonly to: number }
  | { readonly what: "listen" }
  | { readonly what: "report" }

/** What a process has done since it was asked last. */
export interface Told {
  readonly what: "ready" | "started" | "listening" | "report"
  readonly name: string
  readonly reads: number
  readonly appends: number
  readonly conflicts: number
  readonly duplicates: number
  /** How long each caller waited for the first word, in milliseconds. */
  readonly waits: ReadonlyArray<number>
}
