/**
 * A request that is turned away before anything rings.
 */
import { Schema } from "effect"

export class TurnedAway extends Schema.TaggedError<TurnedAway>()("TurnedAway", {
  httpStatus: Schema.Int,
  status: Schema.String,
  problem: Schema.optionalKey(Schema.String)
}) {}

export const invalid = (problem: string) => new TurnedAway({ httpStatus: 400, status: "invalid_request", problem })
