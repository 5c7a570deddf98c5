/** Strangers: whoever finds the address of the webhooks and posts there what the carrier never said. */
import { Flow, Line, type Webhook } from "@ringback/core"
import { TelesignWire } from "@ringback/http"
import { Cause, Effect, Exit, Schema } from "effect"
import type * as StormFaults from "../../StormFaults.ts"
import type * as StormHistory from "../../StormHistory.ts"
import type { Border } from "./border.ts"
import type * as Dice from "./dice.ts"
import { type Mutable, reach, type World } from "./world.ts"

/** A number of ours at which a stranger can call in, whatever the flow of the storm does. */
export const deskNumber = "15550170098"

/** Who answers there. */
export const Desk = Flow.make("desk of a storm", {
  version: 1,
  input: {},
  output: Schema.Void,
  run: () => Flow.inbound(() => Flow.catchTag(Line.speak("Good day."), "HungUp", () => Flow.succeed(undefined)))
})

const characters = "0123456789abcdefghjkmnpqrstvwxyz"

const text = (dice: Dice.Dice, length: number): string =>
  Array.from({ length }, () => characters[dice.between(0, characters.length - 1)]).join("")

/** What a stranger may think of: of the session of a line that is open, if there is one. */
type Post = (dice: Dice.Dice, referenceId: string | undefined) => Webhook.Webhook

const incoming = (referenceId: string): Webhook.Webhook => ({
  kind: "IncomingCall",
  event: "incoming_call",
  referenceId,
  to: deskNumber,
  from: "15550170097"
})

const foreign: ReadonlyArray<Post> = [
  (dice, referenceId) => incoming(referenceId ?? text(dice, 32)),
  (dice, referenceId) => ({ ...incoming(referenceId ?? text(dice, 32)), externalId: text(dice, 20) }),
  (dice) => ({ kind: "SpeakCompleted", event: "speak_completed", referenceId: text(dice, 32), digits: "1" }),
  (dice) =>
    TelesignWire.named({
      event: dice.pick(["speak_completed", "dial_completed", "call_completed"]),
      referenceId: text(dice, 32),
      externalId: `${text(dice, 8)}.${text(dice, 20)}.1`,
      status: "answered"
    })
]

const oversized: ReadonlyArray<Post> = [
  (dice) => incoming(text(dice, 3_000)),
  (dice) => ({ kind: "CallCompleted", event: "call_completed", referenceId: text(dice, 3_000) }),
  (dice) => ({
    kind: "DialCompleted",
    event: "dial_completed",
    referenceId: text(dice, 32),
    externalId: `${text(dice, 8)}.${text(dice, 3_000)}.1`
  })
]

/** Whether the session of a line is on record: nobody knows one before the engine does. */
const isKnown = ({ records }: World, { referenceId }: { readonly referenceId: string }): boolean =>
  records.turns.some(({ turn }) =>
    turn.events.some((event) => "referenceId" in event && event.referenceId === referenceId)
  )

/** Posts a few times in the first minutes. */
const posting = (world: World, border: Border, posts: ReadonlyArray<Post>, dice: Dice.Dice): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let times = dice.between(1, 4); times > 0; times--) {
      yield* Effect.sleep(dice.between(0, 40_000))
      const open = (yield* world.company.lines).filter((line) => line.state._tag !== "Ended" && isKnown(world, line))
      const line = open.length === 0 ? undefined : open[dice.between(0, open.length - 1)]
      const webhook = posts[dice.between(0, posts.length - 1)]!(dice, line?.referenceId)
      yield* post(world, border, { ...webhook, extra: { stranger: true } })
    }
  })

/** Calls in, several at a time, a few times in the first minutes. */
const calling = (world: World, border: Border, dice: Dice.Dice): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let times = dice.between(1, 4); times > 0; times--) {
      yield* Effect.sleep(dice.between(0, 60_000))
      for (let callers = dice.between(2, 8); callers > 0; callers--) {
        yield* post(world, border, { ...incoming(text(dice, 32)), extra: { stranger: true } })
      }
    }
  })

/** Posts what the carrier did not say, or not now. */
export const post = (world: World, border: Border, webhook: Webhook.Webhook): Effect.Effect<void> =>
  Effect.suspend(() => {
    const process = reach(world)
    if (process === undefined) return Effect.void
    const posted: Mutable<StormHistory.Foreign> = { ...world.moment(), webhook, incarnation: process.id }
    world.records.strangers.push(posted)
    return process.run(Effect.gen(function*() {
      yield* border.cross(process)
      const exit = yield* Effect.exit(process.calls!.receive(webhook))
      if (Exit.isFailure(exit)) return void (posted.failed = { ...world.moment(), problem: Cause.pretty(exit.cause) })
      const { action, basis } = exit.value
      posted.answered = { ...world.moment(), action, basis }
    }))
  })

/** The strangers of a run, if there are any. */
export const appear = (world: World, border: Border): Effect.Effect<void> => {
  const each = (kind: StormFaults.Kind, posts: ReadonlyArray<Post>) => {
    const dice = world.strikes(kind)
    return dice === undefined ? Effect.void : world.begin(posting(world, border, posts, dice))
  }
  const { callers } = world
  return Effect.all([
    each("sessionForeign", foreign),
    each("sessionOversized", oversized),
    callers === undefined ? Effect.void : world.begin(calling(world, border, callers))
  ], { discard: true })
}
