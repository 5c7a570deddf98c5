/**
 * A request that is turned away before anything rings.
 */
import { Data } from "effect"

export class TurnedAway extends Data.TaggedError("TurnedAway")<{
  readonly httpStatus: number
  readonly status: string
  readonly problem?: string
}> {}

export const invalid = (problem: string) => new TurnedAway({ httpStatus: 400, status: "invalid_request", problem })
