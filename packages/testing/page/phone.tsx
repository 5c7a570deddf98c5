/** A phone: it rings, is answered, speaks, and has keys. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import * as api from "./api.ts"
import { type Moment, moments, numberWords, opposite, owner } from "./talk.ts"

const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"]

const standing = (line: api.Line, whose: api.Whose): string => {
  const other = line.other === null ? "somebody" : numberWords(line.other)
  const them = numberWords(whose === "second" ? owner(line) : opposite(line))
  if (line.rings.includes(whose)) return `${them} is calling`
  switch (line.state) {
    case "Ringing":
      return "It rings"
    case "KeyingIn":
      return "Tones are keyed in"
    case "Quiet":
      if (line.awaits === "incoming_call") return `Calling ${them}`
      return line.awaits === null ? "Connected, and nothing is said" : "Connected, the application thinks"
    case "Prompting":
      return line.listens_for === 0
        ? "Listening"
        : `Listening; ${line.listens_for === 1 ? "a key is" : `${line.listens_for} keys are`} waited for`
    case "Bridging":
      return `Put through to ${other}, where it rings`
    case "Talking":
      return `Talking with ${whose === "second" ? them : other}`
    case "Leaving":
      return "The line is being closed"
    case "Ended":
      return "Over"
  }
}

/** What was lived on a line, kept up to date. */
const useMoments = (line: api.Line): ReadonlyArray<Moment> => {
  const [found, setFound] = useState<ReadonlyArray<Moment>>([])
  const changed = `${line.reference_id} ${line.state} ${line.awaits} ${line.prompt?.words} ${line.script}`
  useEffect(() => {
    let isStale = false
    api.record(line).then(
      (entries) => void (isStale || setFound(moments(entries))),
      () => {}
    )
    return () => void (isStale = true)
  }, [changed])
  return found
}

interface Props {
  readonly line: api.Line
  readonly whose: api.Whose
  readonly isShown: boolean
  readonly onShow: () => void
  readonly onAsk: (doing: Promise<unknown>) => void
}

/** Who answers has the keyboard on that phone, unless it is in use elsewhere. */
const useKeyboard = (isOpen: boolean) => {
  const phone = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    if (isOpen && document.activeElement === document.body) phone.current?.focus({ preventScroll: true })
  }, [isOpen])
  return phone
}

/** A phone that is in somebody's hand. */
export const Phone = ({ isShown, line, onAsk, onShow, whose }: Props) => {
  const isRinging = line.rings.includes(whose)
  const isOpen = !isRinging && !["Ringing", "Leaving", "Ended"].includes(line.state)
  const number = whose === "second" ? line.other ?? "" : owner(line)
  const words = standing(line, whose)
  const press = (key: string) => {
    if (line.listens_for > 0 && whose === "first") onAsk(api.press(line, key))
  }
  const type = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys.includes(event.key)) return
    event.preventDefault()
    press(event.key)
  }
  const name = `Phone of ${numberWords(number)}`
  const phone = useKeyboard(isOpen)
  return (
    <section
      ref={phone}
      tabIndex={-1}
      class="phone"
      aria-label={name}
      data-state={isRinging ? "rings" : line.state === "Ended" ? "over" : "open"}
      data-shown={isShown}
      onKeyDown={type}
    >
      <header>
        <h2>{numberWords(number)}</h2>
        <p role="status">{words}</p>
      </header>
      {isRinging ? <Ringing line={line} whose={whose} onAsk={onAsk} /> : <Talk line={line} />}
      {isOpen && whose === "first" ? <Pad line={line} onPress={press} /> : null}
      {isOpen
        ? (
          <div class="buttons">
            <button type="button" class="button danger primary" onClick={() => onAsk(api.hangUp(line, whose))}>
              Hang up
            </button>
          </div>
        )
        : null}
      {line.state === "Ended" ? <Save line={line} /> : null}
      {isShown ? null : <button type="button" class="link" onClick={onShow}>Show its ladder</button>}
    </section>
  )
}

const Ringing = ({ line, onAsk, whose }: Pick<Props, "line" | "onAsk" | "whose">) => {
  const first = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => {
    if (document.activeElement === document.body) first.current?.focus()
  }, [])
  return (
    <div class="ringing">
      <p class="bell" aria-hidden="true">
        <span />
        <svg viewBox="0 0 24 24">
          <path d="M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.24 11 11 0 0 0 3.6.57 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1 11 11 0 0 0 .57 3.6 1 1 0 0 1-.25 1z" />
        </svg>
      </p>
      <div class="buttons">
        <button ref={first} type="button" class="button answer" onClick={() => onAsk(api.answer(line, whose))}>
          Answer
        </button>
        <button type="button" class="button danger" onClick={() => onAsk(api.decline(line, whose))}>Be busy</button>
        {whose === "second" ?
          null :
          <button type="button" class="button" onClick={() => onAsk(api.machine(line))}>Let a machine answer</button>}
      </div>
      <p class="soft">Or let it ring until the network gives up.</p>
    </div>
  )
}

const Talk = ({ line }: { readonly line: api.Line }) => {
  const found = useMoments(line)
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const list = end.current
    if (list !== null) list.scrollTop = list.scrollHeight
  }, [found.length, line.keys])
  return (
    <div class="talk" role="log" aria-label="What is heard and pressed" tabIndex={0} ref={end}>
      <ol>
        {found.map(({ key, who, words }) => (
          <li key={key} data-who={who}>
            <span class="hiddenText">{who === "they" ? "You hear: " : who === "you" ? "You press: " : ""}</span>
            {words}
          </li>
        ))}
        {line.keys === "" ? null : (
          <li data-who="you">
            <span class="hiddenText">You press:</span>
            {line.keys}
          </li>
        )}
      </ol>
    </div>
  )
}

const Pad = ({ line, onPress }: { readonly line: api.Line; readonly onPress: (key: string) => void }) => (
  <div class="pad" role="group" aria-label="Keys">
    {keys.map((key) => (
      <button
        key={key}
        type="button"
        class="key"
        aria-disabled={line.listens_for === 0}
        onClick={() => onPress(key)}
      >
        {key}
      </button>
    ))}
  </div>
)

const Save = ({ line }: { readonly line: api.Line }) => {
  const [told, setTold] = useState("")
  if (line.script === null) return <p class="soft">Somebody else followed a script here.</p>
  const copy = async (text: Promise<string>, what: string) => {
    try {
      await navigator.clipboard.writeText(await text)
      setTold(`${what} is in the clipboard`)
    } catch {
      setTold("The clipboard is not to be had: take the words above")
    }
  }
  return (
    <div class="save">
      <h3>What you did, to be done again</h3>
      <p class="paper">{line.script}</p>
      <div class="buttons">
        <button
          type="button"
          class="button"
          onClick={() => void copy(Promise.resolve(line.script ?? ""), "The script")}
        >
          Copy the script
        </button>
        <button type="button" class="button" onClick={() => void copy(api.test(line), "The test")}>Copy a test</button>
      </div>
      <p class="told" role="status">{told}</p>
    </div>
  )
}
