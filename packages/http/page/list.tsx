/** The list of calls: found by filters that stand in the address, newest first, page by page. */
import { useEffect, useRef, useState } from "preact/hooks"
import { choose, follow, href } from "./address.ts"
import * as api from "./api.ts"
import * as clock from "./clock.ts"
import { listen, type Standing } from "./live.ts"
import { Problem, State, useNow } from "./parts.tsx"

const shown = ["flow", "version", "status", "outcome", "from", "before"] as const

/** Numbers and keys are searched by a request whose body nobody logs, and stay out of the address that is sent around. */
const isNumber = (text: string): boolean => /^\+?[\d\s()./-]{7,20}$/.test(text.trim())
const isCallId = (text: string): boolean => /^[0-9a-hjkmnp-tv-z]{20}$/.test(text.trim())

const timeOf = (text: string | null): number | undefined => {
  if (text === null || text === "") return undefined
  const at = new Date(text).getTime()
  return Number.isFinite(at) ? at : undefined
}

const filterOf = (query: URLSearchParams) => ({
  flow: query.get("flow") ?? undefined,
  flowVersion: query.get("version") ?? undefined,
  status: query.get("status") ?? undefined,
  outcome: query.get("outcome") ?? undefined,
  startedFrom: timeOf(query.get("from")),
  startedBefore: timeOf(query.get("before"))
})

/** What was typed into the search, kept apart for each entry of the history: going back brings it back. */
const searchOf = (): string => {
  const state: unknown = history.state
  return typeof state === "object" && state !== null && "search" in state ? String(state.search) : ""
}

const size = 50

const load = async (query: URLSearchParams, search: string, signal: AbortSignal): Promise<api.Page> => {
  const after = query.get("after") ?? undefined
  const filter = { ...filterOf(query), after, limit: size }
  if (search === "") return api.get<api.Page>("/calls", filter, signal)
  const wanted = isNumber(search) ? { number: search.replaceAll(/[^\d]/g, "") } : { key: search }
  const { flowVersion, ...rest } = filter
  return api.post<api.Page>("/calls/search", {
    ...rest,
    ...(flowVersion === undefined ? {} : { flowVersion: Number(flowVersion) }),
    ...wanted
  })
}

/** The list. */
export const List = (
  { flows, onStanding, query }: {
    readonly query: URLSearchParams
    readonly flows: ReadonlyArray<api.FlowInfo>
    readonly onStanding: (standing: Standing) => void
  }
) => {
  const [page, setPage] = useState<api.Page>()
  const [counts, setCounts] = useState<api.Counts>()
  const [obstacles, setObstacles] = useState<ReadonlyArray<api.Obstacle>>([])
  const [problem, setProblem] = useState<string>()
  const [turn, setTurn] = useState(0)
  const search = searchOf()
  const key = `${query.toString()} ${search}`

  useEffect(() =>
    listen({
      url: api.url("/live"),
      onMessage: ({ event }) => void (event === "turn" && setTurn((before) => before + 1)),
      onStanding: (standing) => {
        onStanding(standing)
        // Whatever happened while nobody listened is in the list that is read now.
        if (standing._tag === "Live") setTurn((before) => before + 1)
      }
    }), [])

  useLatest([key, turn], async (signal) => {
    try {
      const filter = filterOf(query)
      const [page, counts, obstacles] = await Promise.all([
        load(query, search, signal),
        api.get<api.Counts>("/calls/counts", { ...filter, status: undefined, outcome: undefined }, signal),
        api.get<ReadonlyArray<api.Obstacle>>("/obstacles", {}, signal)
      ])
      setPage(page)
      setCounts(counts)
      setObstacles(obstacles)
      setProblem(undefined)
    } catch (error) {
      if (!signal.aborted) setProblem(api.problemOf(error))
    }
  })

  return (
    <>
      <h1 class="title">Calls</h1>
      <Numbers counts={counts} query={query} />
      <Filters flows={flows} query={query} search={search} />
      {problem === undefined ? null : <Problem words={problem} />}
      <Obstacles obstacles={obstacles} />
      {page === undefined
        ? null
        : page.calls.length === 0
        ? <Nothing query={query} search={search} />
        : <Rows page={page} />}
      <Pager page={page} query={query} />
    </>
  )
}

/** Runs an effect for the newest reasons only, one at a time: what comes meanwhile is one more run, however much it is. */
const useLatest = (reasons: ReadonlyArray<unknown>, run: (signal: AbortSignal) => Promise<void>): void => {
  const running = useRef<Promise<void>>(undefined)
  const abort = useRef<AbortController>(undefined)
  const key = String(reasons[0])
  const last = useRef(key)
  const isWanted = useRef(false)
  const latest = useRef(run)
  latest.current = run
  useEffect(() => {
    // Another question: the answer to the old one is of no use. The same question again: its answer is waited for first.
    if (last.current !== key) abort.current?.abort()
    last.current = key
    isWanted.current = true
    const go = async () => {
      while (isWanted.current) {
        isWanted.current = false
        abort.current = new AbortController()
        await latest.current(abort.current.signal)
      }
      running.current = undefined
    }
    running.current ??= go()
  }, reasons)
  useEffect(() => () => {
    isWanted.current = false
    abort.current?.abort()
  }, [])
}

const Numbers = ({ counts, query }: { readonly counts: api.Counts | undefined; readonly query: URLSearchParams }) => {
  const one = (label: string, count: number | undefined, chosen: Readonly<Record<string, string | undefined>>) => {
    const isChosen = ["status", "outcome"].every((name) => (query.get(name) ?? undefined) === chosen[name])
    const nothing = { status: undefined, outcome: undefined, after: undefined }
    return (
      <button
        type="button"
        class="count"
        aria-pressed={isChosen}
        onClick={() => choose(isChosen ? nothing : { ...nothing, ...chosen })}
      >
        {label} <b>{count === undefined ? "–" : count.toLocaleString("en")}</b>
      </button>
    )
  }
  const over = counts?.over
  const sum = counts === undefined || over === undefined
    ? undefined
    : counts.running + over.Success + over.Failure + over.Stopped
  return (
    <div class="counts" role="group" aria-label="How many calls there are">
      {one("All", sum, {})}
      {one("Running", counts?.running, { status: "running" })}
      {one("Succeeded", over?.Success, { status: "over", outcome: "Success" })}
      {one("Failed", over?.Failure, { status: "over", outcome: "Failure" })}
      {one("Stopped", over?.Stopped, { status: "over", outcome: "Stopped" })}
    </div>
  )
}

/** A moment that the list is filtered by, kept in the address under a name. */
const Moment = ({ label, name, query }: {
  readonly label: string
  readonly name: string
  readonly query: URLSearchParams
}) => (
  <label class="field">
    {label}
    <input
      type="datetime-local"
      value={query.get(name) ?? ""}
      onChange={(event) => choose({ [name]: event.currentTarget.value, after: "" })}
    />
  </label>
)

const Filters = (
  { flows, query, search }: {
    readonly flows: ReadonlyArray<api.FlowInfo>
    readonly query: URLSearchParams
    readonly search: string
  }
) => {
  const [text, setText] = useState(search)
  const [isOpen, setOpen] = useState(false)
  useEffect(() => setText(search), [search])
  const flow = query.get("flow") ?? ""
  const names = Array.from(new Set([...flows.map(({ flow }) => flow), ...flow === "" ? [] : [flow]])).toSorted()
  const versions = flows.filter((each) => each.flow === flow).map(({ version }) => version).toSorted((a, b) => b - a)
  const submit = (event: Event) => {
    event.preventDefault()
    const wanted = text.trim()
    if (isCallId(wanted)) return follow(new MouseEvent("click"), { _tag: "Call", callId: wanted })
    history.pushState({ search: wanted }, "", href({ _tag: "List" }, without(query, "after")))
    dispatchEvent(new Event("inspector:moved"))
  }
  const count = shown.filter((name) => query.has(name)).length
  return (
    <form class="more" role="search" onSubmit={submit}>
      <div class="filters" data-open={isOpen}>
        <label class="field">
          Search
          <input
            class="search"
            type="search"
            placeholder="Call id, phone number or key, then Enter"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          Flow
          <select
            value={flow}
            onChange={(event) => choose({ flow: event.currentTarget.value, version: "", after: "" })}
          >
            <option value="">Any</option>
            {names.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        <label class="field">
          Version
          <select
            value={query.get("version") ?? ""}
            disabled={flow === ""}
            onChange={(event) => choose({ version: event.currentTarget.value, after: "" })}
          >
            <option value="">Any</option>
            {versions.map((version) => <option key={version} value={String(version)}>{version}</option>)}
          </select>
        </label>
        <Moment label="Started from" name="from" query={query} />
        <Moment label="Started before" name="before" query={query} />
      </div>
      <button type="button" class="button unfold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Filters{count === 0 ? "" : ` (${count})`}
      </button>
      {count === 0 && search === "" ? null : (
        <p class="chosen">
          {search === "" ? null : <span>Only calls of {isNumber(search) ? "this number" : "this key"}.{" "}</span>}
          <a href={href({ _tag: "List" })} onClick={(event) => follow(event, { _tag: "List" })}>Clear all filters</a>
        </p>
      )}
      <button class="hiddenText" type="submit">Search</button>
    </form>
  )
}

const without = (query: URLSearchParams, name: string): URLSearchParams => {
  const others = new URLSearchParams(query)
  others.delete(name)
  return others
}

const Nothing = ({ query, search }: { readonly query: URLSearchParams; readonly search: string }) => {
  const isFiltered = search !== "" || shown.some((name) => query.has(name))
  return (
    <div class="empty">
      <h2>{isFiltered ? "No call is like that" : "No calls yet"}</h2>
      <p>
        {isFiltered
          ? "Take a filter away, or look in another span of time."
          : "The first one appears here by itself when it begins."}
      </p>
    </div>
  )
}

/** What stands in the way of dials now. */
const Obstacles = ({ obstacles }: { readonly obstacles: ReadonlyArray<api.Obstacle> }) =>
  obstacles.length === 0 ? null : (
    <div class="notice" role="status">
      {obstacles.map(({ from, since, todo, words }) => (
        <p key={from ?? ""}>
          {from === undefined ? "Dials wait" : `Dials from ${from} wait`}: {words}, since{" "}
          <time class="numbers" dateTime={clock.exact(since)}>{clock.momentOf(since, { kind: "mine" })}</time>.
          {` ${todo}.`}
        </p>
      ))}
      <p>
        One at a time tries whether that is over. This list says what a call waited for at its last turn, and its page
        what it waits for now.
      </p>
    </div>
  )

const Rows = ({ page }: { readonly page: api.Page }) => {
  const now = useNow(page.calls.some(({ status }) => status === "running"))
  return (
    <table class="calls">
      <thead>
        <tr>
          <th scope="col">Flow</th>
          <th scope="col">State</th>
          <th scope="col">
            Waits for <small>as of its last turn</small>
          </th>
          <th scope="col" class="right">Started</th>
          <th scope="col" class="right">Took</th>
        </tr>
      </thead>
      <tbody>{page.calls.map((call) => <Row key={call.callId} call={call} now={now} />)}</tbody>
    </table>
  )
}

const Row = ({ call, now }: { readonly call: api.Entry; readonly now: number }) => {
  const place = { _tag: "Call", callId: call.callId } as const
  return (
    <tr>
      <td>
        <a class="open" href={href(place)} onClick={(event) => follow(event, place)}>{call.flow}</a>{" "}
        <span class="soft">v{call.flowVersion}{call.direction === "inbound" ? ", called in" : ""}</span>
        <div class="soft mono">{call.callId}</div>
      </td>
      <td class="standing">
        <State call={call} />
      </td>
      <td class="waits">
        {call.status === "over" ? null : (
          <>
            <b>{call.waitingFor}</b>
            {call.due === undefined
              ? null
              : <div class="numbers">{call.due > now ? `${clock.countdown(call.due - now)} left` : "due now"}</div>}
          </>
        )}
      </td>
      <td class="right numbers">
        <time dateTime={clock.exact(call.startedAt)} title={clock.exact(call.startedAt)}>
          {clock.momentOf(call.startedAt, { kind: "mine" })}
        </time>
      </td>
      <td class="right numbers">{clock.span((call.endedAt ?? now) - call.startedAt)}</td>
    </tr>
  )
}

const Pager = ({ page, query }: { readonly page: api.Page | undefined; readonly query: URLSearchParams }) => {
  const next = page?.next
  if (next === undefined && !query.has("after")) return null
  return (
    <nav class="pager" aria-label="Pages">
      {query.has("after")
        ? <button class="button" type="button" onClick={() => choose({ after: "" })}>Newest calls</button>
        : <span />}
      {next === undefined
        ? <span class="soft">There are no older calls</span>
        : (
          <button
            class="button"
            type="button"
            onClick={() => {
              const state: unknown = history.state
              choose({ after: next })
              history.replaceState(state, "")
              scrollTo(0, 0)
            }}
          >
            Older calls
          </button>
        )}
    </nav>
  )
}
