/** What each event of a call is on its ladder. */
import type * as Action from "../../Action.ts"
import * as Call from "../../Call.ts"
import type { CallEvent } from "../../CallEvent.ts"
import type { CallLine } from "../../CallLine.ts"
import * as Explain from "../../Explain.ts"
import { mask } from "../../PhoneNumber.ts"
import * as Prompt from "../../Prompt.ts"
import type { Actor, Noise, Rung } from "../ladder/items.ts"
import * as Masked from "../masked.ts"
import { span } from "../spans.ts"
import * as spoken from "../spoken.ts"

type Of<Tag extends CallEvent["_tag"]> = Extract<CallEvent, { readonly _tag: Tag }>

/** A rung before its time and its events are put on it. */
type Draft = Pick<Rung, "from" | "to" | "text" | "noise">

const draft = (from: Actor, to: Actor, text: string, noise?: Noise): Draft => ({
  from,
  to,
  text,
  ...(noise === undefined ? {} : { noise })
})
const own = (text: string): Draft => draft("Ringback", "Ringback", text)
const says = (text: string, noise?: Noise): Draft => draft("Ringback", "carrier", text, noise)
const reports = (text: string, noise?: Noise): Draft => draft("carrier", "Ringback", text, noise)
const does = (text: string): Draft => draft("callee", "carrier", text)
const asks = (text: string): Draft => draft("Ringback", "application", text)
const tells = (text: string): Draft => draft("application", "Ringback", text)

const withStatus = (event: string, status: string | undefined): string =>
  status === undefined ? event : `${event} (${Masked.word(status)})`

/** The event that ends what is in flight. */
const completion = (line: CallLine | undefined): string => Explain.completion(line?.inFlight?.action)

/** Words or keys as text without control characters. */
const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, " ")

/** What is heard of an action. */
const wordsOf = (action: Action.Action): string => {
  if (action._tag !== "Speak") return ""
  return Prompt.words({ _tag: spoken.isMarkup(action.text) ? "Ssml" : "Speech", text: action.text })
}

/** Climbs a log: makes the rungs of each event, by what the call was before it. Mutable, and never leaves `Ladder.rungs`. */
export class Climber {
  private call: Call.Call
  private readonly reveal: boolean
  private number = 0
  private readonly made: Array<Rung> = []
  /** A dial that was planned and not attempted yet, by its event. */
  private planned: { readonly event: Of<"DialPlanned">; readonly number: number } | undefined
  /** What was decided while something else was in flight. */
  private waiting: ReadonlyArray<{ readonly event: Of<"ActionDecided">; readonly number: number }> = []
  private readonly signals = new Map<number, string>()

  constructor(call: Call.Call, reveal: boolean) {
    this.call = call
    this.reveal = reveal
  }

  take(event: CallEvent): void {
    const before = this.call
    this.number++
    this.call = Call.evolve(before, event)
    if (event._tag !== "DialAttempted" || event.line !== this.planned?.event.line) this.tellPlan()
    if (isMinor(event) && this.made.at(-1)?.at === this.call.at) this.join()
    else for (const rung of this.draftsOf(event, before)) this.add(rung, event)
    this.tellNext(event, before)
  }

  /** All rungs, those included of what never came about. */
  get rungs(): ReadonlyArray<Rung> {
    this.tellPlan()
    for (const { event, number } of this.waiting) {
      this.put(own(`${this.action(event.action)}, decided and not said`), event.at, [number], event.line)
    }
    this.waiting = []
    return this.made
  }

  private put(rung: Draft, at: number, events: ReadonlyArray<number>, line: number | undefined): void {
    this.made.push({
      _tag: "Rung",
      at,
      ...rung,
      events,
      ...(line === undefined ? {} : { line }),
      ...(this.waitsFor === undefined ? {} : { waitsFor: this.waitsFor })
    })
  }

  private add(rung: Draft, event: CallEvent, more: ReadonlyArray<number> = []): void {
    this.put(rung, this.call.at, [...more, this.number], "line" in event ? event.line : undefined)
  }

  /** What nobody looks for is behind the rung before it. */
  private join(): void {
    const last = this.made.pop()!
    this.made.push({ ...last, events: [...last.events, this.number] })
  }

  private get waitsFor(): string | undefined {
    const { exit, wait } = this.call
    if (wait !== undefined) return Explain.wait(wait)
    return exit !== undefined && !Call.isOver(this.call) ? "the end of the line" : undefined
  }

  private tellPlan(): void {
    const { planned } = this
    this.planned = undefined
    if (planned === undefined) return
    const { at, line, to } = planned.event
    this.put(own(`plans a dial to ${mask(to)}`), at, [planned.number], line)
  }

  /** What was decided before goes out when what was in flight is over. */
  private tellNext(event: CallEvent, before: Call.Call): void {
    if (!("line" in event) || event._tag === "ActionDecided") return
    const [earlier, line] = [Call.lineOf(before, event.line), Call.lineOf(this.call, event.line)]
    const next = this.waiting.find(({ event }) => event.line === line?.id && event.n === line.inFlight?.n)
    if (next === undefined || line?.actions === earlier?.actions) return
    this.waiting = this.waiting.filter((other) => other !== next)
    this.add(says(this.action(next.event.action)), event, [next.number])
  }

  private action(action: Action.Action): string {
    const words = this.reveal ? plain(wordsOf(action)) : ""
    if (action._tag === "Dial") return `dial ${mask(action.to)}`
    return words === "" ? Explain.action(action) : `${Explain.action(action)}: “${words}”`
  }

  private keys(digits: string): string {
    return this.reveal ? plain(digits) : "•".repeat(Math.min(digits.length, 128))
  }

  private draftsOf(event: CallEvent, before: Call.Call): ReadonlyArray<Draft> {
    const line = "line" in event ? Call.lineOf(before, event.line) : undefined
    switch (event._tag) {
      case "CallStarted":
        return [tells(`start ${Masked.line(event.flow)}`)]
      case "CallArrived":
        return [does(`calls${event.to === undefined ? "" : ` ${mask(event.to)}`}`), reports("incoming call")]

      case "DialPlanned":
        this.planned = { event, number: this.number }
        return []
      case "ActionDecided":
        return this.decided(event, line)
      case "LineLeft":
        return [this.left(event, line)]
      case "SleepStarted":
        return [own(`waits ${span(event.until - event.at)}`)]
      case "ActivityStarted":
        return [asks(`activity ${Masked.line(event.name)}`)]
      case "SignalAwaited":
        this.signals.set(event.n, Masked.line(event.name))
        return [own(
          event.heard === true
            ? `hears the signal ${Masked.line(event.name)}`
            : `waits for the signal ${Masked.line(event.name)}`
        )]
      case "DeadlineSet":
        return [own(`sets a deadline in ${span(event.until - event.at)}`)]
      case "DeadlineLifted":
        return [own("lifts a deadline")]
      case "Drawn":
        return [own("draws a number")]
      case "Noted":
        return [own(`notes ${Masked.line(event.name)}`)]
      case "FlowEnded":
        return [asks(Explain.exitWords(event.exit))]

      case "DialHeld":
        return [own("holds the dial")]
      case "DialAttempted":
        return this.attempted(event, line)
      case "DialAccepted":
        return [reports("accepted")]
      case "DialRefused":
        return [reports(`refused (${Masked.word(event.status)})`)]
      case "DialNotSent":
        return [own(`not sent: ${Masked.line(event.reason)}`)]
      case "DialUnknown":
        return [own(`nobody knows whether it was dialled: ${Masked.line(event.reason)}`)]
      case "DialGivenUp":
        return [own(`gives the dial up: ${event.reason}`)]

      case "CallAnswered":
        return [does("answers"), reports("dial completed (answered)")]
      case "LateAnswer":
        return [does("answers late"), reports("dial completed (answered)"), says("hangup")]
      case "DialFailed":
        return [reports(withStatus("dial completed", event.status))]
      case "SecondLine":
        return [reports("a second line of the same dial"), says("hangup")]
      case "PromptCompleted":
        return [
          ...event.digits === "" ? [] : [does(`presses ${this.keys(event.digits)}`)],
          reports(withStatus(completion(line), event.status))
        ]
      case "HoldAnswered":
        return [says(`${this.action(event.action)}, a hold`, "hold")]
      case "HoldCompleted":
        return [reports(completion(line), "hold")]
      case "LegAnswered":
        return [reports("the third party answers")]
      case "LegFailed":
        return [reports(withStatus("the third party is not reached", event.status))]
      case "LegEnded":
        return [reports(`leg completed: ${legs[event.leg]}`)]
      case "CallEnded":
        return [
          ...event.status === "hangup" && line?.answered === true && line.hungUpAt === undefined
            ? [does("hangs up")]
            : [],
          reports(withStatus("call completed", event.status))
        ]
      case "Stray":
        return stray(event, line)
      case "ReplyBroken":
        return [own("its reply was perhaps not delivered")]

      case "SettleElapsed":
        return [own("no word that the prompt was heard to its end")]
      case "LineSilent":
        return [own("takes the line for lost")]
      case "HoldExpired":
        return [own("holds no longer")]
      case "LinePresumedClosed":
        return [own("takes the line for closed")]
      case "SleepElapsed":
        return [own("has waited")]
      case "SignalExpired":
        return [own(`no signal ${this.signals.get(event.n) ?? ""}`.trimEnd())]
      case "DeadlinePassed":
        return [own("time is up")]
      case "ActivityOverdue":
        return [own(`${Masked.line(event.name)} is overdue`)]

      case "ActivityCompleted":
        return [tells(event.ok ? "its result" : "it fails")]
      case "ActivityDied":
        return [tells("it dies")]
      case "SignalReceived":
        return [tells(`signal ${Masked.line(event.name)}${Explain.steered(event.by)}`)]
      case "Cancelled":
        return [tells(`cancel${Explain.steered(event.by)}`)]
      case "Restarted":
        return [own(event.jumpedMillis === undefined ? "another process goes on" : "its clock jumped")]
      case "FlowAwaited":
        return [own("goes on without its flow")]
      case "FlowResumed":
        return [own("goes on with its flow")]
    }
  }

  private decided(event: Of<"ActionDecided">, before: CallLine | undefined): ReadonlyArray<Draft> {
    const line = Call.lineOf(this.call, event.line)
    if (line !== undefined && line.actions !== before?.actions) return [says(this.action(event.action))]
    this.waiting = [...this.waiting, { event, number: this.number }]
    return []
  }

  private left(event: Of<"LineLeft">, before: CallLine | undefined): Draft {
    const line = Call.lineOf(this.call, event.line)
    if (line?.hungUpAt !== undefined && before?.hungUpAt === undefined) return says("hangup")
    return own(line?.phase === "Closed" ? "leaves the line" : "leaves the line, to be hung up")
  }

  private attempted(event: Of<"DialAttempted">, line: CallLine | undefined): ReadonlyArray<Draft> {
    const { planned } = this
    this.planned = undefined
    const keys = line?.dialling?.sendDtmf === undefined ? "" : ", then keys"
    const rung = says(`POST dial${line?.to === undefined ? "" : ` ${mask(line.to)}`}${keys}`)
    this.add(rung, event, planned === undefined ? [] : [planned.number])
    return []
  }
}

const legs = { them: "they leave", caller: "the caller leaves", unknown: "one leaves" }

/** What is not looked for by itself. */
const isMinor = ({ _tag }: CallEvent): boolean =>
  _tag === "DeadlineSet" || _tag === "DeadlineLifted" || _tag === "Drawn"

/** What meant nothing any more. The first one that is hung up on is how a line that was left comes to its end. */
const stray = (event: Of<"Stray">, line: CallLine | undefined): ReadonlyArray<Draft> => {
  const isEnd = event.hungUp && line?.hungUpAt === undefined
  const noise = isEnd ? undefined : "stale" as const
  return [reports(Masked.word(event.event).replaceAll("_", " "), noise), ...event.hungUp ? [says("hangup", noise)] : []]
}
