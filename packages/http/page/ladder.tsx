/**
 * The ladder of a call. However long it is, only the rows in sight are in the page: rows are of one height, so where each stands is
 * known without drawing it.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import type * as api from "./api.ts"
import * as clock from "./clock.ts"
import { Marked } from "./parts.tsx"

/** A row: something that was told, what was folded, a time in which nothing happened, or a new day, or an hour that the clock was set. */
export type Row =
  | { readonly _tag: "Rung"; readonly rung: api.Rung; readonly isNoise: boolean }
  | { readonly _tag: "Fold"; readonly fold: api.Fold; readonly isOpen: boolean }
  | { readonly _tag: "Idle"; readonly idle: api.Idle }
  | { readonly _tag: "Day"; readonly words: string }

/**
 * The name of a rung in the address: its first event. What the callee did, how the carrier told it and that it was hung up on for it
 * are one event and several rungs, of which the names of the first and the last say so.
 */
export const nameOf = ({ events, from, text, to }: api.Rung): string => {
  const isCallees = from !== "Ringback" && to !== "Ringback"
  return `${events[0] ?? 0}${isCallees ? "-callee" : text === "hangup" ? "-hangup" : ""}`
}

/** Whether a rung is meant by a name; each event of a rung is a name of it too, but for what the callee did. */
export const isNamed = (rung: api.Rung, name: string): boolean => {
  const own = nameOf(rung)
  return own === name || (!own.endsWith("-callee") && rung.events.includes(Number(name)))
}

/** What is wanted of a ladder. */
export interface Wanted {
  /** In small letters. */
  readonly text: string
  readonly failuresOnly: boolean
}

/** The rows of a ladder: what is wanted of it, and folds that were opened. */
export const rowsOf = (
  items: ReadonlyArray<api.Item>,
  opened: ReadonlySet<number>,
  { failuresOnly, text }: Wanted,
  isFailure: (rung: api.Rung) => boolean,
  chosen: clock.Clock
): ReadonlyArray<Row> => {
  const isFiltered = text !== "" || failuresOnly
  const isWanted = (rung: api.Rung) =>
    (text === "" || rung.text.toLowerCase().includes(text)) && (!failuresOnly || isFailure(rung))
  const rows: Array<Row> = []
  const first = items[0]?.at ?? 0
  let day = clock.dayOf(first, chosen)
  let offset = clock.offsetOf(first, chosen)
  let quarter = Math.floor(first / 900_000)
  const newDay = (at: number) => {
    // Days begin at a quarter of an hour in every zone, and clocks are set at one; to ask for each of 10,000 rows takes long.
    if (Math.floor(at / 900_000) === quarter) return
    quarter = Math.floor(at / 900_000)
    const now = { day: clock.dayOf(at, chosen), offset: clock.offsetOf(at, chosen) }
    const isSet = now.offset !== offset
    if (now.day !== day || isSet) {
      rows.push({ _tag: "Day", words: isSet ? `${now.day}, the clock was set: ${offset} to ${now.offset}` : now.day })
    }
    day = now.day
    offset = now.offset
  }
  for (const item of items) {
    switch (item._tag) {
      case "Rung":
        if (!isWanted(item)) break
        newDay(item.at)
        rows.push({ _tag: "Rung", rung: item, isNoise: false })
        break
      case "Fold": {
        // What is looked for is shown wherever it is.
        const found = item.rungs.filter(isWanted)
        const isOpen = opened.has(item.events[0] ?? 0)
        if (isFiltered ? found.length === 0 : false) break
        newDay(item.at)
        if (!isFiltered) rows.push({ _tag: "Fold", fold: item, isOpen })
        if (isOpen || isFiltered) rows.push(...found.map((rung) => ({ _tag: "Rung", rung, isNoise: true }) as const))
        break
      }
      case "Idle":
        if (!isFiltered) rows.push({ _tag: "Idle", idle: item })
        break
    }
  }
  return rows
}

const actors = ["application", "Ringback", "carrier", "callee"] as const
const columns = ["Application", "Ringback", "Carrier", "Callee"]

const rowHeight = 37
const beyond = 12

/** Which rows are in sight, and a few around them. */
const useSight = (count: number) => {
  const element = useRef<HTMLDivElement>(null)
  const [sight, setSight] = useState<readonly [number, number]>([0, 60])
  useLayoutEffect(() => {
    const look = () => {
      const top = element.current?.getBoundingClientRect().top ?? 0
      // When rows go away, the window has not scrolled back yet.
      const most = Math.ceil(innerHeight / rowHeight) + 2 * beyond
      const first = Math.max(0, Math.min(Math.floor(-top / rowHeight) - beyond, count - most))
      const last = Math.min(count, first + most)
      setSight((before) => before[0] === first && before[1] === last ? before : [first, last])
    }
    look()
    addEventListener("scroll", look, { passive: true })
    addEventListener("resize", look)
    return () => {
      removeEventListener("scroll", look)
      removeEventListener("resize", look)
    }
  }, [count])
  return { element, first: sight[0], last: Math.min(count, sight[1]) }
}

interface Props {
  readonly rows: ReadonlyArray<Row>
  /** How many rows are still to be read, about: there is room for them. */
  readonly unread: number
  readonly clock: clock.Clock
  readonly wanted: string
  readonly selected: string | undefined
  readonly isFailure: (rung: api.Rung) => boolean
  readonly onSelect: (name: string) => void
  readonly onFold: (event: number) => void
}

/** The rows, one below the other. Arrow keys go from row to row. */
export const Ladder = ({ clock: chosen, isFailure, onFold, onSelect, rows, selected, unread, wanted }: Props) => {
  const count = rows.length + unread
  const { element, first, last } = useSight(count)
  const [focus, setFocus] = useState<number>()
  const at = useMemo(
    () => selected === undefined ? -1 : rows.findIndex((row) => row._tag === "Rung" && isNamed(row.rung, selected)),
    [rows, selected]
  )

  const show = (row: number) => {
    const top = (element.current?.getBoundingClientRect().top ?? 0) + scrollY + row * rowHeight
    if (top < scrollY + 90 || top > scrollY + innerHeight - 90) scrollTo(0, top - innerHeight / 3)
  }
  // Who comes by a link to an event sees it at once.
  const hasShown = useRef(false)
  useEffect(() => {
    if (at === -1 || hasShown.current) return
    hasShown.current = true
    show(at)
  }, [at])

  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 15,
      PageUp: -15,
      Home: -rows.length,
      End: rows.length
    }
    const step = steps[event.key]
    if (step === undefined || event.metaKey || event.ctrlKey || event.altKey) return
    event.preventDefault()
    const direction = Math.sign(step)
    let next = Math.min(rows.length - 1, Math.max(0, (focus ?? 0) + step))
    while (rows[next] !== undefined && !hasButton(rows[next]!)) next += direction
    if (rows[next] === undefined) return
    setFocus(next)
    show(next)
  }
  useLayoutEffect(() => {
    if (focus === undefined) return
    const button = element.current?.querySelector<HTMLElement>(`[data-row="${focus}"]`)
    if (button !== document.activeElement) button?.focus({ preventScroll: true })
  }, [focus, first, last])

  // One of the rows can be reached by the tab key: the one that had the focus, the one that is open, or the first.
  const preferred = focus ?? (at === -1 ? 0 : at)
  const reachable = preferred >= first && preferred < last ? preferred : first
  const entry = rows.findIndex((row, i) => i >= reachable && hasButton(row))
  return (
    <section class="ladder" aria-label="Ladder">
      <div class="actors" aria-hidden="true">
        <div>{chosen.kind === "since" ? "Since start" : "Time"}</div>
        <ol>{columns.map((name) => <li key={name}>{name}</li>)}</ol>
        <div />
      </div>
      <div
        class="rungs"
        role="list"
        ref={element}
        style={{ height: `${count * rowHeight}px` }}
        onKeyDown={move}
      >
        {rows.slice(first, last).map((row, i) => {
          const index = first + i
          return (
            <div
              key={keyOf(row, index)}
              role="listitem"
              aria-setsize={count}
              aria-posinset={index + 1}
              class={row._tag === "Rung" ? "rung" : "between"}
              data-tone={row._tag === "Rung" ? toneOf(row.rung, row.isNoise, isFailure) : undefined}
              style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
            >
              <Content
                row={row}
                index={index}
                clock={chosen}
                wanted={wanted}
                isCurrent={index === at}
                isReachable={index === entry}
                onFocus={() => setFocus(index)}
                onFold={onFold}
                onSelect={onSelect}
              />
            </div>
          )
        })}
        {unread === 0 ?
          null :
          (
            <div
              class="between"
              style={{ top: `${rows.length * rowHeight}px`, height: `${rowHeight}px` }}
              aria-hidden="true"
            >
              <span />
              <span>
                <span class="words">The rest is being read…</span>
              </span>
              <span />
            </div>
          )}
      </div>
    </section>
  )
}

const hasButton = (row: Row): boolean => row._tag === "Rung" || row._tag === "Fold"

const keyOf = (row: Row, index: number): string => {
  switch (row._tag) {
    case "Rung":
      return `r${row.rung.events.join()} ${row.rung.from} ${row.rung.text}`
    case "Fold":
      return `f${row.fold.events[0]}`
    case "Idle":
    case "Day":
      return `${row._tag}${index}`
  }
}

const toneOf = (rung: api.Rung, isNoise: boolean, isFailure: (rung: api.Rung) => boolean): string => {
  if (isFailure(rung)) return "bad"
  return isNoise ? "faint" : rung.from === rung.to ? "own" : "told"
}

interface ContentProps {
  readonly row: Row
  readonly index: number
  readonly clock: clock.Clock
  readonly wanted: string
  readonly isCurrent: boolean
  readonly isReachable: boolean
  readonly onFocus: () => void
  readonly onSelect: (name: string) => void
  readonly onFold: (event: number) => void
}

const Content = (
  { clock: chosen, index, isCurrent, isReachable, onFocus, onFold, onSelect, row, wanted }: ContentProps
) => {
  switch (row._tag) {
    case "Rung": {
      const { at, from, line, text, to } = row.rung
      const whom = from === to ? `${from}:` : `${from} to ${to}:`
      return (
        <button
          type="button"
          data-row={index}
          tabIndex={isReachable ? 0 : -1}
          aria-current={isCurrent}
          onFocus={onFocus}
          onClick={() => onSelect(nameOf(row.rung))}
        >
          <time class="at" dateTime={clock.exact(at)} title={clock.exact(at)}>{clock.timeOf(at, chosen)}</time>
          <span class="hiddenText">{whom}</span>
          <Lanes from={from} to={to}>
            <bdi>
              <Marked text={text} wanted={wanted} />
            </bdi>
          </Lanes>
          <span class="marks">{line === undefined || line === 1 ? "" : `line ${line}`}</span>
        </button>
      )
    }
    case "Fold":
      return (
        <>
          <span class="at" />
          <span>
            <button
              type="button"
              data-row={index}
              tabIndex={isReachable ? 0 : -1}
              aria-expanded={row.isOpen}
              onFocus={onFocus}
              onClick={() => onFold(row.fold.events[0] ?? 0)}
            >
              {row.isOpen ? "Fold" : "Show"} {row.fold.text}
            </button>
          </span>
          <span />
        </>
      )
    case "Idle":
      return (
        <>
          <span />
          <span>
            <span class="words">
              {row.idle.text} later
              {row.idle.waitedFor === undefined ?
                null :
                <span class="wide">{`, having waited for ${row.idle.waitedFor}`}</span>}
            </span>
          </span>
          <span />
        </>
      )
    case "Day":
      return (
        <>
          <span />
          <span>
            <span class="words">{row.words}</span>
          </span>
          <span />
        </>
      )
  }
}

const Lanes = (
  { children, from, to }: {
    readonly from: api.Rung["from"]
    readonly to: api.Rung["to"]
    readonly children: preact.ComponentChildren
  }
) => {
  const [a, b] = [actors.indexOf(from), actors.indexOf(to)]
  const place = { "--low": String(Math.min(a, b)), "--span": String(Math.abs(a - b)) }
  return (
    <span class="lanes" style={place}>
      {a === b ? <span class="dot" /> : <span class="arrow" data-to={a < b ? "right" : "left"} />}
      <span class={a === b ? "label own" : "label"}>{children}</span>
    </span>
  )
}
