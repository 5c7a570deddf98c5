/** One call: how it stands on top, and below what happened and why. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks"
import { choose, follow, href } from "./address.ts"
import * as api from "./api.ts"
import * as clock from "./clock.ts"
import { Drawing } from "./drawing.tsx"
import * as kept from "./kept.ts"
import { Ladder, rowsOf } from "./ladder.tsx"
import { listen, type Standing } from "./live.ts"
import { Panel } from "./panel.tsx"
import { download, Problem, State, Switch, useNow } from "./parts.tsx"
import { isWhole, read, readOn, type Shown, wholeOf } from "./shown.ts"
import { CancelDialog, SignalDialog, TestDialog } from "./steer.tsx"

/** So much longer than a reading has taken it is waited for the next one: a call of many turns costs its server no more than that. */
const rest = 3

/** So long is it waited after a reading that failed, in milliseconds. */
const afterProblem = 2_000

/** A call of the server, kept up to date while it runs. */
export const LiveCall = ({ callId, flows, me, onStanding, query }: {
  readonly callId: string
  readonly flows: ReadonlyArray<api.FlowInfo>
  readonly query: URLSearchParams
  readonly me: api.Actor | undefined
  readonly onStanding: (standing: Standing) => void
}) => {
  const [shown, setShown] = useState<Shown>()
  const [problem, setProblem] = useState<string>()
  const [isRevealed, setRevealed] = useState(false)
  const refresh = useRef<() => void>(() => {})

  useEffect(() => {
    const abort = new AbortController()
    let last: Shown | undefined
    let isReading = false
    let isWanted = false
    /** Reads what is left of the call, and what is new as long as something is. */
    const goOn = async () => {
      if (isReading || last === undefined) return
      isReading = true
      while ((isWanted || last.next !== undefined) && !abort.signal.aborted) {
        const isNew: boolean = last.next === undefined
        if (isNew) isWanted = false
        const begin = performance.now()
        let pause = 0
        try {
          last = await readOn(last, isRevealed, abort.signal)
          setShown(last)
          setProblem(undefined)
          if (isNew) pause = rest * (performance.now() - begin)
        } catch (error) {
          if (!abort.signal.aborted) setProblem(api.problemOf(error))
          pause = afterProblem
        }
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
      }
      isReading = false
    }
    const again = () => {
      isWanted = true
      void goOn()
    }
    refresh.current = again
    // Only that something happened is heard; what happened is read, so that nothing is ever shown in two ways.
    let stop = () => {}
    const begin = (place: string) =>
      listen({
        url: api.url(`/calls/${encodeURIComponent(callId)}/live`),
        after: place,
        onMessage: ({ event }) => void (event === "turn" && again()),
        onStanding
      })
    onStanding({ _tag: "Connecting" })
    const start = async () => {
      try {
        const first = await read(callId, isRevealed, abort.signal)
        last = first
        setShown(first)
        setProblem(undefined)
        if (abort.signal.aborted) return
        stop = begin(first.place)
        void goOn()
      } catch (error) {
        if (abort.signal.aborted) return
        setProblem(api.problemOf(error))
        onStanding({ _tag: "Disconnected", since: Date.now(), why: api.problemOf(error) })
      }
    }
    void start()
    return () => {
      stop()
      abort.abort()
    }
  }, [callId, isRevealed])

  if (problem !== undefined && shown === undefined) {
    return (
      <>
        <Back />
        <Problem words={problem} />
      </>
    )
  }
  if (shown === undefined) return <Back />
  const { flow, flowVersion } = shown.report
  const hasDrawing = flows.some((each) => each.flow === flow && each.version === flowVersion && each.drawing)
  return (
    <>
      <Back />
      {problem === undefined ? null : <Problem words={problem} />}
      <Call
        shown={shown}
        query={query}
        me={me}
        hasDrawing={hasDrawing}
        source={{ _tag: "Server", refresh: () => refresh.current() }}
        isRevealed={isRevealed}
        onReveal={() => setRevealed((before) => !before)}
      />
    </>
  )
}

const Back = () => {
  const list = { _tag: "List" } as const
  // Back to the list as it was left, filters, page and all, if that is where the visitor came from.
  const back = (event: MouseEvent) => {
    const state: unknown = history.state
    if (typeof state === "object" && state !== null && "fromList" in state) {
      event.preventDefault()
      history.back()
    } else follow(event, list)
  }
  return <a class="back" href={href(list)} onClick={back}>← Calls</a>
}

interface Source {
  readonly _tag: "Server" | "File"
  readonly refresh: () => void
}

const bad = new Set([
  "DialRefused",
  "DialNotSent",
  "DialUnknown",
  "DialGivenUp",
  "DialFailed",
  "ReplyBroken",
  "LineSilent",
  "HoldExpired",
  "SignalExpired",
  "DeadlinePassed",
  "ActivityOverdue",
  "ActivityDied",
  "Cancelled",
  "SecondLine",
  "LegFailed"
])

/** A call, wherever it comes from. */
export const Call = ({ hasDrawing, isRevealed, me, onReveal, query, shown, source }: {
  readonly shown: Shown
  /** Whether the application has given a drawing of its flow. */
  readonly hasDrawing: boolean
  readonly query: URLSearchParams
  readonly me: api.Actor | undefined
  readonly source: Source
  readonly isRevealed: boolean
  readonly onReveal: () => void
}) => {
  const { context, ladder, report } = shown
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const [dialog, setDialog] = useState<"cancel" | "signal" | "test">()
  const [told, setTold] = useState("")
  const chosen = clockOf(query, context.zone, report.startedAt)
  const find = query.get("find") ?? ""
  const failuresOnly = query.get("only") === "failures"
  const selected = query.get("event") ?? undefined
  const isDrawn = query.get("view") === "drawing" && hasDrawing

  const isFailure = useCallback(
    ({ events }: api.Rung) => events.some((number) => isBad(report, number)),
    [report]
  )
  const rows = useMemo(
    () => rowsOf(ladder.items, opened, { text: find.toLowerCase(), failuresOnly }, isFailure, chosen),
    [ladder, opened, find, failuresOnly, isFailure, chosen.kind]
  )
  const isServer = source._tag === "Server"
  const may = (scope: string): boolean => isServer && me !== undefined && me.scopes.some((each) => each === scope)

  const isFiltered = find !== "" || failuresOnly
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(await kept.ladderText(shown))
      setTold("The ladder is in the clipboard")
    } catch {
      download(`${report.callId}.txt`, "text/plain", await kept.ladderText(shown))
      setTold("The ladder was saved as a text file")
    }
  }
  const save = async () => {
    try {
      download(
        `${report.callId}.call.json`,
        "application/json",
        await kept.file(await wholeOf(shown, isRevealed), isServer)
      )
      setTold("Saved, with everything masked. Drop the file on any inspector to open it")
    } catch (error) {
      setTold(api.problemOf(error))
    }
  }
  const toggle = (event: number) =>
    setOpened((before) => {
      const after = new Set(before)
      if (!after.delete(event)) after.add(event)
      return after
    })

  return (
    <>
      <div class="heading">
        <h1 class="title">
          <bdi>{report.flow}</bdi> <span class="soft">v{report.flowVersion}</span>
        </h1>
        <State
          call={{
            status: report.state === "over" ? "over" : "running",
            ...(report.outcome === undefined ? {} : { outcome: report.outcome.kind })
          }}
        />
      </div>
      <Facts report={report} ladder={isWhole(shown) ? ladder : undefined} chosen={chosen} />
      <Waiting report={report} chosen={chosen} isServer={isServer} signal={shown.signal}>
        {may("steer") && report.state === "running" && shown.signal !== undefined
          ? (
            <button type="button" class="button primary" onClick={() => setDialog("signal")}>
              Signal {shown.signal.name}…
            </button>
          )
          : null}
        {may("steer") && report.state === "running"
          ? <button type="button" class="button danger" onClick={() => setDialog("cancel")}>Cancel the call…</button>
          : null}
      </Waiting>

      <div class="tools">
        {!hasDrawing ? null : (
          <Switch
            label="View"
            value={isDrawn ? "drawing" : "ladder"}
            choices={[{ value: "ladder", words: "Ladder" }, { value: "drawing", words: "Drawing" }]}
            onChange={(view) => choose({ view: view === "ladder" ? "" : view })}
          />
        )}
        {isDrawn ? null : (
          <>
            <input
              class="search"
              type="search"
              aria-label="Find in this call"
              placeholder="Find in this call"
              value={find}
              onInput={(event) => choose({ find: event.currentTarget.value }, { replace: true })}
            />
            <label class="check">
              <input
                type="checkbox"
                checked={failuresOnly}
                onChange={(event) => choose({ only: event.currentTarget.checked ? "failures" : "" })}
              />
              Failures only
            </label>
          </>
        )}
        <span class="space" />
        <Clocks chosen={chosen} zone={context.zone} />
        <div class="buttons">
          {may("reveal")
            ? (
              <button type="button" class="button" aria-pressed={isRevealed} onClick={onReveal}>
                {isRevealed ? "Mask" : "Reveal"}
              </button>
            )
            : null}
          <button type="button" class="button" onClick={() => void copy()}>Copy as text</button>
          <button type="button" class="button" onClick={() => void save()}>Save</button>
          {isServer ? <button type="button" class="button" onClick={() => setDialog("test")}>As a test…</button> : null}
        </div>
      </div>
      <p class={told === "" ? "hiddenText" : "told"} role="status">{told}</p>
      {isRevealed
        ? <p class="notice">What was said and pressed is shown, and it is on record that you looked.</p>
        : null}

      {isDrawn
        ? <Drawn shown={shown} isServer={isServer} clock={chosen} />
        : (
          <div class={selected === undefined ? "panes" : "panes two"}>
            {rows.length === 0 && isWhole(shown)
              ? (
                <div class="empty">
                  <h2>Nothing in this call is like that</h2>
                  <p>Change what you look for above.</p>
                </div>
              )
              : (
                <Ladder
                  rows={rows}
                  unread={isWhole(shown) ? 0 : isFiltered ? 1 : shown.total.items - ladder.items.length}
                  clock={chosen}
                  wanted={find.toLowerCase()}
                  selected={selected}
                  isFailure={isFailure}
                  onSelect={(event) => choose({ event: event === selected ? "" : event })}
                  onFold={toggle}
                />
              )}
            {selected === undefined
              ? null
              : <Panel name={selected} shown={shown} clock={chosen} isServer={isServer} isRevealed={isRevealed} />}
          </div>
        )}

      {dialog === "cancel"
        ? <CancelDialog callId={report.callId} onClose={() => setDialog(undefined)} onDone={source.refresh} />
        : null}
      {dialog === "signal" && shown.signal !== undefined
        ? (
          <SignalDialog
            callId={report.callId}
            signal={shown.signal}
            onClose={() => setDialog(undefined)}
            onDone={source.refresh}
          />
        )
        : null}
      {dialog === "test" ? <TestDialog callId={report.callId} onClose={() => setDialog(undefined)} /> : null}
    </>
  )
}

/** The drawing, read when somebody looks at it, and again when the call has gone on. */
const Drawn = ({ clock: chosen, isServer, shown }: {
  readonly shown: Shown
  readonly isServer: boolean
  readonly clock: clock.Clock
}) => {
  const { context, place, report } = shown
  const [drawing, setDrawing] = useState(context.drawing)
  const [problem, setProblem] = useState<string>()
  useEffect(() => {
    if (!isServer) return setDrawing(context.drawing)
    const abort = new AbortController()
    api.drawing(report.callId, abort.signal).then(
      setDrawing,
      (error: unknown) => abort.signal.aborted || setProblem(api.problemOf(error))
    )
    return () => abort.abort()
  }, [report.callId, place])
  if (problem !== undefined) return <Problem words={problem} />
  return drawing === undefined ? null : <Drawing drawing={drawing} clock={chosen} />
}

const isBad = (report: api.Report, number: number): boolean => {
  const event = report.events[number - 1]
  if (event === undefined) return false
  return bad.has(event.kind) ||
    (event.kind === "FlowEnded" && report.outcome !== undefined && report.outcome.kind !== "Success")
}

const remembered = "ringback-inspector-clock"

const clockOf = (query: URLSearchParams, zone: string | undefined, start: number): clock.Clock => {
  const kind = query.get("clock") ?? localStorage.getItem(remembered) ?? "mine"
  if (kind === "callee" && zone !== undefined) return { kind, zone }
  if (kind === "since") return { kind, start }
  return { kind: kind === "utc" ? "utc" : "mine" }
}

const Clocks = ({ chosen, zone }: { readonly chosen: clock.Clock; readonly zone: string | undefined }) => (
  <Switch
    label="Clock"
    value={chosen.kind}
    choices={[
      { value: "mine", words: "My time" },
      { value: "utc", words: "UTC" },
      {
        value: "callee",
        words: zone === undefined ? "Callee’s" : `Callee’s (${zone.split("/").at(-1)?.replaceAll("_", " ")})`,
        disabled: zone === undefined ? "The application has not said in which time zone the callee is" : undefined
      },
      { value: "since", words: "Since start" }
    ]}
    onChange={(kind) => {
      localStorage.setItem(remembered, kind)
      choose({ clock: kind })
    }}
  />
)

const Facts = ({ chosen, ladder, report }: {
  readonly report: api.Report
  /** What is in it can be counted when all of it is there. */
  readonly ladder: api.Ladder | undefined
  readonly chosen: clock.Clock
}) => {
  const isOver = report.state === "over"
  const now = useNow(!isOver)
  const line = report.lines.at(-1)
  const day: clock.Clock = chosen.kind === "since" ? { kind: "mine" } : chosen
  return (
    <dl class="facts numbers">
      <div>
        <dt>Call</dt>
        <dd class="mono">{report.callId}</dd>
      </div>
      <div>
        <dt>Started</dt>
        <dd>{clock.momentOf(report.startedAt, day)}</dd>
      </div>
      <div>
        <dt>{isOver ? "Took" : "Has run"}</dt>
        <dd>{clock.span((isOver ? report.at : now) - report.startedAt)}</dd>
      </div>
      {line?.to === undefined ? null : (
        <div>
          <dt>{line.direction === "inbound" ? "Called" : "To"}</dt>
          <dd>{line.to}</dd>
        </div>
      )}
      {line?.from === undefined ? null : (
        <div>
          <dt>From</dt>
          <dd>{line.from}</dd>
        </div>
      )}
      {report.lines.length < 2 ? null : (
        <div>
          <dt>Lines</dt>
          <dd>{report.lines.length}</dd>
        </div>
      )}
      <Silences report={report} />
      {ladder === undefined ? null : <Noise ladder={ladder} />}
    </dl>
  )
}

/** What is folded in the ladder. A webhook that came again changes nothing, so it is not on record and cannot be counted here. */
const Noise = ({ ladder }: { readonly ladder: api.Ladder }) => {
  const rungs = useMemo(() => ladder.items.flatMap((item) => item._tag === "Fold" ? item.rungs : []), [ladder])
  const holds = rungs.filter(({ from, noise }) => noise === "hold" && from === "Ringback").length
  const stale = rungs.filter(({ from, noise }) => noise === "stale" && from !== "Ringback").length
  return (
    <>
      {holds === 0 ? null : (
        <div>
          <dt>Holds</dt>
          <dd>{holds}</dd>
        </div>
      )}
      {stale === 0 ? null : (
        <div>
          <dt>Stale webhooks</dt>
          <dd>{stale}</dd>
        </div>
      )}
    </>
  )
}

/** How long the callee heard nothing, where that was long enough to be noticed. */
const Silences = ({ report }: { readonly report: api.Report }) => {
  const first = report.lines.map(({ silence }) => silence?.beforeFirstWord).filter((millis) => millis !== undefined)
  if (first.length === 0) return null
  return (
    <div>
      <dt>First word after</dt>
      <dd>{clock.span(Math.max(...first))}</dd>
    </div>
  )
}

const Waiting = ({ children, chosen, isServer, report, signal }: {
  readonly report: api.Report
  readonly chosen: clock.Clock
  readonly isServer: boolean
  readonly signal: api.Awaited | undefined
  readonly children: preact.ComponentChildren
}) => {
  const { waitingFor } = report
  const isOver = report.state === "over"
  const now = useNow(!isOver && isServer)
  const { until } = waitingFor
  const day: clock.Clock = chosen.kind === "since" ? { kind: "mine" } : chosen
  if (isOver) {
    const kind = report.outcome?.kind ?? "Success"
    return (
      <section class="waiting" data-state={kind} aria-label="Outcome">
        <div>
          <h2>
            <small>The flow</small>
            {capital(report.outcome?.words ?? report.words)}
          </h2>
          <ul>
            <li>Nothing is waited for, and every line is closed.</li>
          </ul>
        </div>
        <div class="left">
          <time>{clock.span(report.at - report.startedAt)}</time>
          <small>from start to end</small>
        </div>
      </section>
    )
  }
  return (
    <section class="waiting" data-state="running" aria-label="What it waits for">
      <div>
        <h2>
          <small>Waits for</small>
          {capital(waitingFor.what)}
        </h2>
        <ul>
          {until === undefined ? null : (
            <li>
              At <b class="numbers">{clock.momentOf(until, day)}</b>, unless something comes before,{" "}
              {waitingFor.otherwise}
            </li>
          )}
          {signal === undefined || signal.until === until ? null : (
            <li>
              The flow waits for it until <b class="numbers">{clock.momentOf(signal.until, day)}</b>
            </li>
          )}
          {waitingFor.enders.length === 0 ?
            null :
            <li>Sooner ended by {listed(waitingFor.enders.map(({ words }) => words))}</li>}
        </ul>
      </div>
      {until === undefined || !isServer ? null : (
        <div class="left">
          <time role="timer" dateTime={clock.exact(until)}>{until > now ? clock.countdown(until - now) : "now"}</time>
          <small>{until > now ? "left" : "due"}</small>
        </div>
      )}
      <div class="buttons">{children}</div>
    </section>
  )
}

const listed = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")}, or ${words.at(-1)}`

const capital = (words: string): string => words.slice(0, 1).toUpperCase() + words.slice(1)
