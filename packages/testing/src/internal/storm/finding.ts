/** What laws find in a history. */
import type * as StormHistory from "../../StormHistory.ts"

/** A breach, or an outcome that the law names and allows. */
export type Finding =
  | { readonly _tag: "Violation"; readonly problem: string }
  | { readonly _tag: "Remains"; readonly name: string }

export type Findings = ReadonlyArray<Finding>

/** A law over a finished history, and what it leaves open, by name. */
export interface Law {
  readonly name: string
  readonly remains: ReadonlyArray<string>
  readonly check: (history: StormHistory.StormHistory) => Findings
}

export const violation = (problem: string): Finding => ({ _tag: "Violation", problem })

export const remains = (name: string): Finding => ({ _tag: "Remains", name })

export const none: Findings = []
