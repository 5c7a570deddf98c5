/** What the measurement says to its processes, and what they answer. */
export type Asked =
  | {
    readonly what: "start"
    readonly calls: number
    readonly from: number
    readonly to: number
    /** So many callers hear the first word of a process that does not go on with them. */
    readonly lines: number
  }
  | { readonly what: "listen" }
  /** The callers of another process go on at this one, which has its part of them. */
  | {
    readonly what: "go on"
    readonly of: string
    readonly lines: number
    readonly place: number
    readonly places: number
  }
  | { readonly what: "report" }

/** What a process has done since it was asked last. */
export interface Told {
  readonly what: "ready" | "started" | "listening" | "going on" | "report"
  readonly name: string
  readonly reads: number
  readonly appends: number
  readonly conflicts: number
  readonly duplicates: number
  /** How long each caller waited for the first word, in milliseconds. */
  readonly waits: ReadonlyArray<number>
  /** How long each caller of another process waited for what came next. */
  readonly theirs: ReadonlyArray<number>
}
