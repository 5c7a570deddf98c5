/** What one event says, and why it happened: the way from cause to cause. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks"
import { choose } from "./address.ts"
import * as api from "./api.ts"
import * as clock from "./clock.ts"
import { isNamed } from "./ladder.tsx"
import { Problem } from "./parts.tsx"
import { isWhole, type Shown } from "./shown.ts"

/** The event before it in the chain of causes, up to the start. */
const causes = (report: api.Report, number: number): ReadonlyArray<api.EventReport> => {
  const found: Array<api.EventReport> = []
  let at = causeOf(report, number)
  while (at !== undefined && found.length < 20) {
    const event = report.events[at - 1]
    if (event === undefined) break
    found.push(event)
    at = causeOf(report, at)
  }
  return found
}

/** A decision names its cause; what comes from outside answers the decision before it on its line, if there was one. */
const causeOf = (report: api.Report, number: number): number | undefined => {
  const event = report.events[number - 1]
  if (event === undefined) return undefined
  if (event.isDecision) return event.cause
  return report.events.slice(0, number - 1).findLast((each) => each.isDecision && each.line === event.line)?.number
}

export const Panel = ({ clock: chosen, isRevealed, isServer, name, shown }: {
  /** Of a rung, or the number of an event. */
  readonly name: string
  readonly shown: Shown
  readonly clock: clock.Clock
  readonly isServer: boolean
  readonly isRevealed: boolean
}) => {
  const { ladder, report } = shown
  const number = Number.parseInt(name, 10)
  const rung = rungOf(ladder, name)
  const numbers = rung?.events ?? [number]
  const main = numbers.find((each) => report.events[each - 1]?.isDecision) ?? number
  const event = report.events[main - 1]
  const [isLong, setLong] = useState(false)
  const close = () => choose({ event: "" })
  // Whoever sees it can close it: what listens or has the focus does so in the frame that shows it.
  useLayoutEffect(() => {
    const leave = (event: KeyboardEvent) => {
      if (event.key === "Escape" && document.querySelector("dialog[open]") === null) close()
    }
    addEventListener("keydown", leave)
    return () => removeEventListener("keydown", leave)
  }, [])
  const chain = causes(report, main)
  const near = isLong ? chain : chain.slice(0, 4)
  return (
    <aside class="panel" aria-label="Event">
      <header>
        <h2>{rung?.text ?? event?.words ?? `Event ${number}`}</h2>
        <button type="button" class="button quiet" onClick={close} aria-label="Close">✕</button>
      </header>
      {rung === undefined
        ? null
        : <p class="soft">{rung.from === rung.to ? `${rung.from}, by itself` : `${rung.from} to ${rung.to}`}</p>}
      {event === undefined
        ? <p class="soft">{isWhole(shown) ? `This call has no event ${number} yet.` : "It is being read…"}</p>
        : (
          <>
            <h3>Why</h3>
            <p>{whyOf(event, rung, chain.length)}</p>
            <ol class="why">
              {near.map((each) => (
                <li key={each.number}>
                  <button type="button" class="link" onClick={() => choose({ event: String(each.number) })}>
                    {told(rungOf(ladder, String(each.number))) ?? each.words}
                  </button>
                  {each.rule === undefined ? null : <span class="soft">{` because ${each.rule}`}</span>}
                </li>
              ))}
            </ol>
            {near.length === chain.length ?
              null :
              (
                <button type="button" class="link" onClick={() => setLong(true)}>
                  The whole way from the start ({chain.length})
                </button>
              )}
            {rung?.silenceMillis === undefined
              ? null
              : <p class="soft">Before it nothing of ours was heard for {clock.span(rung.silenceMillis)}.</p>}
            {rung?.waitsFor === undefined ? null : (
              <>
                <h3>From here on it waits for</h3>
                <p>{rung.waitsFor}</p>
              </>
            )}
            <h3>On record</h3>
            {numbers.map((each) => <One key={each} event={report.events[each - 1]} clock={chosen} />)}
            {isServer
              ? <Data key={`${numbers.join()} ${isRevealed}`} shown={shown} numbers={numbers} isRevealed={isRevealed} />
              : null}
          </>
        )}
    </aside>
  )
}

const whyOf = (event: api.EventReport, rung: api.Rung | undefined, causes: number): string => {
  if (event.rule !== undefined) return `Because ${event.rule}.`
  if (causes === 0) return "It came from outside, and nothing in this call led to it."
  return rung?.from === "Ringback" ? "It follows from this:" : "It came from outside, in answer to this:"
}

const told = (rung: api.Rung | undefined): string | undefined => {
  if (rung === undefined) return undefined
  return rung.from === rung.to ? `${rung.from} ${rung.text}` : `${rung.from} → ${rung.to}: ${rung.text}`
}

const rungOf = ({ items }: api.Ladder, name: string): api.Rung | undefined => {
  for (const item of items) {
    const rungs = item._tag === "Rung" ? [item] : item._tag === "Fold" ? item.rungs : []
    const found = rungs.find((rung) => isNamed(rung, name))
    if (found !== undefined) return found
  }
  return undefined
}

const One = ({ clock: chosen, event }: { readonly event: api.EventReport | undefined; readonly clock: clock.Clock }) =>
  event === undefined ? null : (
    <dl class="numbers">
      <dt>Event</dt>
      <dd>{event.number}{event.turn === undefined ? "" : `, in turn ${event.turn}`}</dd>
      <dt>Says</dt>
      <dd>{event.words}</dd>
      <dt>At</dt>
      <dd>
        <time dateTime={clock.exact(event.at)} title={clock.exact(event.at)}>{clock.momentOf(event.at, chosen)}</time>
      </dd>
      {event.n === undefined ? null : (
        <>
          <dt>Decision</dt>
          <dd>{event.n} of the flow</dd>
        </>
      )}
    </dl>
  )

/** The events as they are stored, read when somebody looks. */
const Data = ({ isRevealed, numbers, shown }: {
  readonly shown: Shown
  readonly numbers: ReadonlyArray<number>
  readonly isRevealed: boolean
}) => {
  const [isWanted, setWanted] = useState(isRevealed)
  const [data, setData] = useState<ReadonlyArray<unknown>>()
  const [problem, setProblem] = useState<string>()
  const turns = Array.from(
    new Set(numbers.map((number) => shown.report.events[number - 1]?.turn).filter((turn) => turn !== undefined))
  )
  useEffect(() => {
    if (!isWanted) return
    const abort = new AbortController()
    const read = async () => {
      const pages = await Promise.all(turns.map((turn) =>
        api.get<{ readonly turns: ReadonlyArray<api.Turn> }>(
          `/calls/${encodeURIComponent(shown.report.callId)}/events`,
          { after: turn - 1, limit: 1, ...(isRevealed ? { reveal: true } : {}) },
          abort.signal
        )
      ))
      const events = pages.flatMap(({ turns }) => turns.flatMap(({ events }) => events))
      setData(events.filter(({ number }) => number === undefined || numbers.includes(number)).map(({ data }) => data))
    }
    read().catch((error: unknown) => abort.signal.aborted || setProblem(api.problemOf(error)))
    return () => abort.abort()
  }, [isWanted])
  if (!isWanted) {
    return (
      <p>
        <button type="button" class="link" onClick={() => setWanted(true)}>
          As it is stored{isRevealed ? "" : ", masked"}
        </button>
      </p>
    )
  }
  if (problem !== undefined) return <Problem words={problem} />
  return (
    <pre tabIndex={0} aria-label="As it is stored">{data?.map((each) => JSON.stringify(each, null, 2)).join("\n")}</pre>
  )
}
