/**
 * Events of the server as they come. Not `EventSource`: that gives up for good on an answer of 502, which every deployment behind
 * a proxy gives for a moment, and shows no status.
 */

/** Whether the page hears of what happens. */
export type Standing =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Live" }
  | { readonly _tag: "Disconnected"; readonly since: number; readonly why: string }
  | { readonly _tag: "Ended" }

/** One event. */
export interface Message {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

interface Options {
  readonly url: string
  /** The place to go on from, before anything came. */
  readonly after?: string | undefined
  readonly onMessage: (message: Message) => void
  readonly onStanding: (standing: Standing) => void
}

/** Cuts a text into events, as the HTML standard has them; what is not whole yet is kept for the next piece. */
export const reader = (onMessage: (message: Message) => void): (text: string) => void => {
  let rest = ""
  let last: string | undefined
  return (text) => {
    const blocks = (rest + text.replaceAll("\r\n", "\n")).split("\n\n")
    rest = blocks.pop() ?? ""
    for (const block of blocks) {
      const fields = block.split("\n").map((line) => {
        const colon = line.indexOf(":")
        return colon === -1
          ? [line, ""] as const
          : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")] as const
      })
      const value = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value)
      last = value("id").at(-1) ?? last
      const data = value("data")
      if (data.length > 0) onMessage({ id: last, event: value("event").at(-1) ?? "message", data: data.join("\n") })
    }
  }
}

/** How long to wait before each attempt, in milliseconds. */
const waits = [500, 1_000, 2_000, 5_000, 10_000]

/** The longest silence: the server says something every 15 seconds, if only a comment. */
const silence = 40_000

/** Listens until it is told to stop, and goes on after what came last, however often the connection breaks. */
export const listen = ({ after, onMessage, onStanding, url }: Options): () => void => {
  let last = after
  let failures = 0
  let since: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let abort = new AbortController()
  let isStopped = false

  const lost = (why: string) => {
    if (isStopped) return
    since ??= Date.now()
    onStanding({ _tag: "Disconnected", since, why })
    timer = setTimeout(() => void connect(), waits[Math.min(failures++, waits.length - 1)])
  }

  const connect = async () => {
    abort = new AbortController()
    let watch: ReturnType<typeof setTimeout> | undefined
    const heard = () => {
      clearTimeout(watch)
      watch = setTimeout(() => abort.abort(new Error("the server fell silent")), silence)
    }
    try {
      heard()
      const response = await fetch(url, {
        headers: { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) },
        cache: "no-store",
        signal: abort.signal
      })
      if (response.status === 204) return onStanding({ _tag: "Ended" })
      // Who is sent to a login page has no session any more.
      if (response.redirected) return location.reload()
      // The place is of another store, or of this one before it was restored: what comes from now on is heard.
      if (response.status === 409) last = undefined
      if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`)
      onStanding({ _tag: "Live" })
      failures = 0
      since = undefined
      let isOver = false
      const read = reader((message) => {
        last = message.id ?? last
        isOver ||= message.event === "over"
        onMessage(message)
      })
      const texts = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let part = await texts.read(); !part.done; part = await texts.read()) {
        heard()
        read(part.value)
      }
      if (isOver) return onStanding({ _tag: "Ended" })
      lost("the connection ended")
    } catch (error) {
      lost(error instanceof Error ? error.message : "the connection broke")
    } finally {
      clearTimeout(watch)
    }
  }

  const again = () => {
    if (since === undefined || isStopped) return
    clearTimeout(timer)
    failures = 0
    void connect()
  }
  addEventListener("online", again)
  onStanding({ _tag: "Connecting" })
  void connect()

  return () => {
    isStopped = true
    removeEventListener("online", again)
    clearTimeout(timer)
    abort.abort()
  }
}
