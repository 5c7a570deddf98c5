/** What can be done to a call from the page, each with who and why on record. */
import { useEffect, useState } from "preact/hooks"
import * as api from "./api.ts"
import { Ask, first, isFinished, type JsonSchema, questionOf } from "./form.tsx"
import { Dialog, Problem } from "./parts.tsx"

interface Closing {
  readonly callId: string
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Does something once, however often the button is pressed, and closes when it is done. */
const useDoing = (run: () => Promise<unknown>, { onClose, onDone }: Pick<Closing, "onClose" | "onDone">) => {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const go = async (event: Event) => {
    event.preventDefault()
    if (isBusy) return
    setBusy(true)
    setProblem(undefined)
    try {
      await run()
      onDone()
      onClose()
    } catch (error) {
      setProblem(api.problemOf(error))
      setBusy(false)
    }
  }
  return { isBusy, problem, go }
}

const Why = ({ onChange, value }: { readonly value: string; readonly onChange: (value: string) => void }) => (
  <label class="field">
    Why, for the record
    <input type="text" maxLength={500} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    <span class="hint">Your name is recorded beside it. Write no number and nothing secret.</span>
  </label>
)

const reasonOf = (why: string) => why.trim() === "" ? {} : { reason: why.trim() }

/** Cancels a call. */
export const CancelDialog = ({ callId, onClose, onDone }: Closing) => {
  const [why, setWhy] = useState("")
  const { go, isBusy, problem } = useDoing(
    () => api.post(`/calls/${encodeURIComponent(callId)}/cancel`, reasonOf(why)),
    { onClose, onDone }
  )
  return (
    <Dialog title="Cancel this call?" onClose={onClose}>
      <form onSubmit={(event) => void go(event)}>
        <p class="soft">
          The flow is stopped now. A line that is open is hung up on at its next event; a phone that rings may ring on,
          and who answers is hung up on.
        </p>
        {problem === undefined ? null : <Problem words={problem} />}
        <Why value={why} onChange={setWhy} />
        <div class="buttons">
          <button type="button" class="button" onClick={onClose}>Keep it</button>
          <button type="submit" class="button danger primary" disabled={isBusy}>Cancel the call</button>
        </div>
      </form>
    </Dialog>
  )
}

/** Tells a call what it waits for, by a form that its schema makes. */
export const SignalDialog = (
  { callId, onClose, onDone, signal }: Closing & { readonly signal: api.Awaited }
) => {
  const root = (signal.schema ?? {}) as JsonSchema
  const [value, setValue] = useState<unknown>(() => first(root, root))
  const [why, setWhy] = useState("")
  // One press is one signal, also if the answer to it is lost and it is pressed again.
  const [key] = useState(() => crypto.randomUUID())
  const { go, isBusy, problem } = useDoing(
    () =>
      api.post(
        `/calls/${encodeURIComponent(callId)}/signals`,
        { name: signal.name, value: value ?? null, ...reasonOf(why) },
        { "idempotency-key": key }
      ),
    { onClose, onDone }
  )
  const isEmpty = questionOf(root, root)._tag === "Nothing"
  return (
    <Dialog title={`Signal ${signal.name}`} onClose={onClose}>
      <form onSubmit={(event) => void go(event)}>
        {problem === undefined ? null : <Problem words={problem} />}
        {isEmpty
          ? <p class="soft">This signal says nothing but its name.</p>
          : <Ask name="Value" schema={root} root={root} isRequired={true} value={value} onChange={setValue} />}
        <Why value={why} onChange={setWhy} />
        <div class="buttons">
          <button type="button" class="button" onClick={onClose}>Not now</button>
          <button type="submit" class="button primary" disabled={isBusy || !isFinished(value)}>Send the signal</button>
        </div>
      </form>
    </Dialog>
  )
}

/** A call as the start of a test. */
export const TestDialog = ({ callId, onClose }: Pick<Closing, "callId" | "onClose">) => {
  const [text, setText] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const [told, setTold] = useState("")
  useEffect(() => {
    api.test(callId).then(setText, (error: unknown) => setProblem(api.problemOf(error)))
  }, [])
  return (
    <Dialog title="This call as the start of a test" isWide={true} onClose={onClose}>
      <p class="soft">
        What is secret is replaced: each stand-in is marked. Put in the input, and say what the flow should do.
      </p>
      {problem === undefined ? null : <Problem words={problem} />}
      {text === undefined ? null : <pre class="paper" tabIndex={0} aria-label="Test">{text}</pre>}
      <p class={told === "" ? "hiddenText" : "told"} role="status">{told}</p>
      <div class="buttons">
        <button type="button" class="button" onClick={onClose}>Close</button>
        <button
          type="button"
          class="button primary"
          disabled={text === undefined}
          onClick={() =>
            void navigator.clipboard.writeText(text ?? "").then(() => setTold("It is in the clipboard"), () =>
              setTold("The clipboard is closed to this page: select the text and copy it"))}
        >
          Copy
        </button>
      </div>
    </Dialog>
  )
}
