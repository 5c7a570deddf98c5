/** A user of the library: what is said, what comes of it, and the service that it needs. */
import { Flow, Line } from "@ringback/core"
import { Context, Effect, Schema } from "effect"
import { defineCampaign } from "./campaign.ts"

export class Shelf
  extends Context.Service<Shelf, { readonly keep: (days: number) => Effect.Effect<boolean> }>()("Shelf")
{}

/** The shelf is full: an error of this conversation. */
export class Full extends Schema.TaggedError<Full>()("Full", {}) {}

const keep = (days: number) =>
  Flow.activity("keep", { success: Schema.Boolean }, Effect.flatMap(Shelf, (shelf) => shelf.keep(days)))

export const Parcel = defineCampaign("parcel", {
  output: Schema.Literals(["today", "kept"]),
  error: Full,
  talk: () =>
    Line.menu("Your parcel is here. Press 1 to fetch it today, 2 to have it kept.", {
      choices: { "1": Flow.succeed("today"), "2": Flow.map(keep(7), (isKept) => isKept ? "kept" : "full") }
    }).pipe(
      Flow.flatMap((next) => next),
      Flow.flatMap((found) => found === "full" ? Flow.fail(new Full()) : Flow.succeed(found))
    )
})
