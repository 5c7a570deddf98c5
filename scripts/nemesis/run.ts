/** One run: its runners, the carrier, who uses them, and all that was seen of it. */
import type { Webhook } from "@ringback/core"
import type { TelesignEmulator } from "@ringback/testing"
import { Deferred, Effect, Random } from "effect"
import type { Passage } from "../balancer.ts"
import type { Mode } from "./mode.ts"
import type { Gap } from "./overdue.ts"
import type { Command, Said } from "./runner.ts"
import type { Life, Message, Place, Stretch } from "./runners.ts"

/** A request of the carrier at a runner. */
export interface Delivery extends Omit<Passage, "port" | "body"> {
  readonly life: Life
  readonly webhook: Webhook.Webhook
}

/** Something that was done to runners or to what is around them. */
export interface Deed {
  readonly kind: string
  readonly words: string
  readonly from: number
  /** `Infinity` while it goes on. */
  to: number
  /** The places that are struck; none if it is the database that all share. */
  readonly places: ReadonlyArray<number>
  /** Which wire of a place is cut, if that is all. */
  readonly wire?: "database" | "carrier" | "webhooks" | "cluster"
}

/** A call that the application was asked to start. */
export interface Asked {
  readonly key: string
  readonly number: string
  readonly at: number
  /** The call that it became, once that was acknowledged. */
  id: string | undefined
  /** What was answered last, if it did not. */
  problem: string | undefined
}

export interface Heard {
  readonly life: Life
  readonly message: Message
}

export interface Run {
  readonly seed: string
  readonly mode: Mode
  readonly speed: number
  /** How many calls begin a second. */
  readonly perSecond: number
  began: number
  /** When nothing was done any more. */
  ended: number
  readonly places: Array<Place>
  readonly lives: Array<Life>
  readonly telesign: TelesignEmulator.Emulator
  readonly deliveries: Array<Delivery>
  readonly deeds: Array<Deed>
  readonly asked: Array<Asked>
  readonly heard: Array<Heard>
  /** When this process itself did not get to its work. */
  readonly lags: Array<Stretch>
  /** How much there was to do on this machine, as a multiple of its processors, whenever somebody looked. */
  readonly loads: Array<number>
  readonly gaps: Array<Gap>
  readonly told: Told
  /** Tells a runner, and waits for its answer; nothing if none comes in time. */
  readonly ask: (place: Place, command: Asking) => Effect.Effect<Answer | undefined>
}

export type Answer = Extract<Said, { readonly says: "done" | "failed" }>

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never
export type Asking = Without<Extract<Command, { readonly ask: number }>, "ask">

/** What the application was told. */
export interface Told {
  readonly started: Array<{ readonly at: number; readonly key: string; readonly id: string; readonly life: Life }>
  readonly signalled: Array<{ readonly at: number; readonly id: string; readonly key: string }>
  readonly cancelled: Array<{ readonly at: number; readonly id: string }>
}

/** An application gives a runner so long to answer before it asks another one. */
const patience = "4 seconds"

/** Asks runners, and passes their answers to who waits for them. */
export const asking = () => {
  const waiting = new Map<number, Deferred.Deferred<Answer>>()
  let last = 0
  const hear = (message: Said): void => {
    if (message.says !== "done" && message.says !== "failed") return
    const waiter = waiting.get(message.ask)
    if (waiter !== undefined) Deferred.doneUnsafe(waiter, Effect.succeed(message))
  }
  const ask: Run["ask"] = Effect.fnUntraced(function*(place, command) {
    const number = ++last
    const waiter = yield* Deferred.make<Answer>()
    waiting.set(number, waiter)
    place.tell({ ...command, ask: number } as Command)
    const answer = yield* Effect.timeoutOrElse(Deferred.await(waiter), {
      duration: patience,
      orElse: () => Effect.undefined
    })
    waiting.delete(number)
    return answer
  })
  return { hear, ask }
}

/** One of several by chance. */
export const pick = <A>(among: ReadonlyArray<A>) =>
  Effect.map(Random.nextIntBetween(0, among.length - 1), (index) => among[index]!)

/** A time by chance, in milliseconds. */
export const between = (least: number, most: number) => Random.nextIntBetween(least, most)

export const hits = (rate: number) => Effect.map(Random.next, (drawn) => drawn < rate)
