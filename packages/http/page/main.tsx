/** The page: its frame, and which of its places is shown. */
import { Component, render } from "preact"
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { follow, go, href, useAddress } from "./address.ts"
import * as api from "./api.ts"
import { Call, LiveCall } from "./call.tsx"
import * as kept from "./kept.ts"
import { List } from "./list.tsx"
import type { Standing } from "./live.ts"
import { Badge, Problem } from "./parts.tsx"
import type { Shown } from "./shown.ts"

/** A fault of the page is told in words, and never leaves an empty window. */
class Guard extends Component<
  { readonly children: preact.ComponentChildren; readonly words: string },
  { readonly problem: string | undefined }
> {
  override state = { problem: undefined as string | undefined }
  static override getDerivedStateFromError(error: unknown) {
    return { problem: api.problemOf(error) }
  }
  override render() {
    return this.state.problem === undefined
      ? this.props.children
      : <Problem words={`${this.props.words}: ${this.state.problem}`} />
  }
}

const App = () => {
  const { place, query } = useAddress()
  const [standing, setStanding] = useState<Standing>()
  const [flows, setFlows] = useState<ReadonlyArray<api.FlowInfo>>([])
  const [me, setMe] = useState<api.Actor>()
  const [file, setFile] = useState<Shown>()
  const [opened, setOpened] = useState(0)
  const [problem, setProblem] = useState<string>()
  const [isDragging, setDragging] = useState(false)
  const picker = useRef<HTMLInputElement>(null)

  useEffect(() => {
    const greet = async () => {
      try {
        const [me, flows] = await Promise.all([
          api.get<api.Actor>("/me"),
          api.get<ReadonlyArray<api.FlowInfo>>("/flows")
        ])
        setMe(me)
        setFlows(flows)
      } catch (error) {
        setProblem(api.problemOf(error))
      }
    }
    void greet()
  }, [])

  const open = useCallback(async (chosen: File | undefined) => {
    if (chosen === undefined) return
    try {
      setFile(kept.opened(await chosen.text()))
      setOpened((before) => before + 1)
      setProblem(undefined)
      go({ _tag: "File" })
    } catch (error) {
      setProblem(api.problemOf(error))
    }
  }, [])

  useLayoutEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return
      event.preventDefault()
      setDragging(true)
    }
    const leave = (event: DragEvent) => void (event.relatedTarget === null && setDragging(false))
    const drop = (event: DragEvent) => {
      event.preventDefault()
      setDragging(false)
      void open(event.dataTransfer?.files[0])
    }
    addEventListener("dragover", over)
    addEventListener("dragleave", leave)
    addEventListener("drop", drop)
    return () => {
      removeEventListener("dragover", over)
      removeEventListener("dragleave", leave)
      removeEventListener("drop", drop)
    }
  }, [])

  const name = place._tag === "Call" ? `Call ${place.callId}` : place._tag === "File" ? "Call from a file" : "Calls"
  useEffect(() => void (document.title = `${name} · Ringback`), [name])
  useEffect(() => {
    if (place._tag === "File" || place._tag === "Nowhere") setStanding(undefined)
  }, [place._tag])

  const list = { _tag: "List" } as const
  return (
    <>
      <a class="skip" href="#main">To the content</a>
      <header class="bar">
        <a class="brand" href={href(list)} onClick={(event) => follow(event, list)}>
          Ringback <span>Inspector</span>
        </a>
        <span class="space" />
        <Badge standing={standing} />
        <button type="button" class="button" onClick={() => picker.current?.click()}>Open a file</button>
        <input
          ref={picker}
          type="file"
          hidden
          aria-label="A call that was saved"
          accept=".json,application/json"
          onChange={(event) => {
            void open(event.currentTarget.files?.[0])
            event.currentTarget.value = ""
          }}
        />
        {me === undefined ? null : <span class="who" title={`You may ${me.scopes.join(", ")}`}>{me.actor}</span>}
      </header>
      <main id="main" tabIndex={-1}>
        {problem === undefined ? null : <Problem words={problem} />}
        <Guard
          key={`${place._tag} ${place._tag === "Call" ? place.callId : opened}`}
          words={place._tag === "File" ? "This file is damaged" : "The page cannot show this"}
        >
          {place._tag === "List" ? <List query={query} flows={flows} onStanding={setStanding} /> : null}
          {place._tag === "Call"
            ? <LiveCall callId={place.callId} query={query} flows={flows} me={me} onStanding={setStanding} />
            : null}
          {place._tag === "Nowhere" ? <Nowhere /> : null}
          {place._tag === "File" ? <FileCall file={file} query={query} onOpen={() => picker.current?.click()} /> : null}
        </Guard>
      </main>
      {isDragging ? <div class="drop">Drop a saved call to open it</div> : null}
    </>
  )
}

/** The server says 404, too. */
const Nowhere = () => {
  const list = { _tag: "List" } as const
  return (
    <div class="empty">
      <h2>There is nothing at this address</h2>
      <p>
        It may have been cut when it was sent.{" "}
        <a href={href(list)} onClick={(event) => follow(event, list)}>All calls</a>
      </p>
    </div>
  )
}

const FileCall = ({ file, onOpen, query }: {
  readonly file: Shown | undefined
  readonly query: URLSearchParams
  readonly onOpen: () => void
}) => {
  if (file === undefined) {
    return (
      <div class="empty">
        <h2>No file is open</h2>
        <p>
          Drop a saved call here, or{" "}
          <button type="button" class="link" onClick={onOpen}>choose one</button>. It stays in this window.
        </p>
      </div>
    )
  }
  return (
    <>
      <p class="notice">From a file: nothing here is live, and nothing leaves this window.</p>
      <Call
        shown={file}
        query={query}
        me={undefined}
        hasDrawing={file.context.drawing !== undefined}
        source={{ _tag: "File", refresh: () => {} }}
        isRevealed={false}
        onReveal={() => {}}
      />
    </>
  )
}

const root = document.getElementById("root")
if (root !== null) render(<App />, root)
