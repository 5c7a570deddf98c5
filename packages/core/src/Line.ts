/**
 * What can be done on a live line. All of it needs a `Line`, which `Flow.dial` and `Flow.inbound` give.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import * as Action from "./Action.ts"
import * as Flow from "./Flow.ts"
import * as Prompt from "./Prompt.ts"

/**
 * The requirement of a live line.
 *
 * @since 0.1.0
 */
export type Line = Flow.Line

const heard = (input: Prompt.Input, collect?: { readonly max: number }): Flow.Flow<string, Flow.HungUp, Line> =>
  Flow.suspend(() => Flow.prompt(Action.prompt(Prompt.from(input), collect)))

/**
 * Lets the callee hear a prompt and goes on when it has been heard to its end. Fails with `HungUp` if the callee leaves
 * before.
 *
 * @example
 * Line.speak("Your code is 1 2 3 4.")
 * @since 0.1.0
 */
export const speak = (prompt: Prompt.Input): Flow.Flow<void, Flow.HungUp, Line> => Flow.as(heard(prompt), undefined)

/**
 * Plays an audio file that Telesign can fetch. Fails with `HungUp` if the callee leaves before its end.
 *
 * @since 0.1.0
 */
export const play = (
  url: string,
  options?: Parameters<typeof Prompt.audio>[1]
): Flow.Flow<void, Flow.HungUp, Line> => Flow.suspend(() => speak(Prompt.audio(url, options)))

/**
 * Asks for up to `max` digits and gives those that were pressed. Silence asks again, `attempts` times in all (default 3),
 * then fails with `NoInput`.
 *
 * How the carrier ends the waiting for digits is not documented: the only parameter seen is `max`.
 *
 * @since 0.1.0
 */
export const collect = (
  prompt: Prompt.Input,
  options: { readonly max: number; readonly attempts?: number }
): Flow.Flow<string, Flow.HungUp | Flow.NoInput, Line> => choose(prompt, options, (digits) => ({ accepted: digits }))

type Key = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "*" | "#"

type Choices<C> = {
  readonly [K in keyof C]: `${K & (string | number)}` extends Key ? C[K] : "A choice is one key: 0 to 9, * or #"
}

/**
 * Offers one key per choice and gives what the pressed key stands for. Silence and other keys ask again, `attempts` times
 * in all (default 3), then fail with `NoInput`.
 *
 * @example
 * Line.menu("Press 1 to keep it, 2 to cancel it.", { choices: { "1": "kept", "2": "cancelled" } })
 * @since 0.1.0
 */
export const menu = <const C extends Choices<C>>(
  prompt: Prompt.Input,
  options: { readonly choices: C; readonly attempts?: number }
): Flow.Flow<C[keyof C], Flow.HungUp | Flow.NoInput, Line> =>
  choose(
    prompt,
    { max: 1, ...options },
    (digits) =>
      Object.hasOwn(options.choices, digits)
        ? { accepted: options.choices[digits as keyof C] as C[keyof C] }
        : undefined
  )

const choose = <A>(
  prompt: Prompt.Input,
  options: { readonly max: number; readonly attempts?: number },
  accept: (digits: string) => { readonly accepted: A } | undefined
): Flow.Flow<A, Flow.HungUp | Flow.NoInput, Line> => {
  const attempts = options.attempts ?? 3
  const attempt = (count: number): Flow.Flow<A, Flow.HungUp | Flow.NoInput, Line> =>
    Flow.flatMap(heard(prompt, { max: options.max }), (digits): Flow.Flow<A, Flow.HungUp | Flow.NoInput, Line> => {
      const choice = digits === "" ? undefined : accept(digits)
      if (choice !== undefined) return Flow.succeed(choice.accepted)
      if (count < attempts) return attempt(count + 1)
      return Flow.fail(new Flow.NoInput({ last: digits === "" ? "silence" : "invalid", attempts: count }))
    })
  return attempt(1)
}

/**
 * The last words: hanging up during them is no failure.
 *
 * @since 0.1.0
 */
export const goodbye = (prompt: Prompt.Input): Flow.Flow<void, never, Line> =>
  Flow.suspend(() => Flow.prompt(Action.prompt(Prompt.from(prompt)), { goodbye: true })).pipe(
    Flow.as(undefined),
    Flow.catchTag("HungUp", () => Flow.succeed(undefined))
  )

/**
 * Runs a flow that waits (an activity, a sleep, a signal) while the callee hears `prompt`, again and again if need be.
 * Unlike a wait without it, it notices a hang-up at once and fails with `HungUp`. Keys pressed meanwhile are not heard.
 *
 * @example
 * lookUp(account).pipe(Line.hold("One moment, please."))
 * @since 0.1.0
 */
export const hold: {
  (prompt: Prompt.Input): <A, E, R>(self: Flow.Flow<A, E, R>) => Flow.Flow<A, E | Flow.HungUp, R | Line>
  <A, E, R>(self: Flow.Flow<A, E, R>, prompt: Prompt.Input): Flow.Flow<A, E | Flow.HungUp, R | Line>
} = dual(
  2,
  <A, E, R>(self: Flow.Flow<A, E, R>, prompt: Prompt.Input): Flow.Flow<A, E | Flow.HungUp, R | Line> =>
    Flow.suspend(() => Flow.hold(self, Prompt.from(prompt)))
)

/**
 * Keys in tones on the live line. Experimental: neither the parameters of this action nor the event that ends it are
 * public ("Voice - Actions" names it only), so the line may not be steerable again before it ends. Digits right after
 * the answer belong in `Flow.dial({ sendDtmf })`, which is documented.
 *
 * @since 0.1.0
 */
export const sendDtmf = (tones: string): Flow.Flow<void, Flow.HungUp, Line> =>
  Flow.suspend(() => Flow.as(Flow.prompt(Action.sendDtmf(tones)), undefined))

/**
 * Hangs up. What the flow does after it needs no line.
 *
 * @since 0.1.0
 */
export const hangup: Flow.Flow<void, never, Line> = Flow.hangup
