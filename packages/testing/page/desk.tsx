/** What stands beside the phones: calling in, what goes wrong, and time. */
import { useState } from "preact/hooks"
import * as api from "./api.ts"

interface Props {
  readonly settings: api.Settings
  readonly onAsk: (doing: Promise<unknown>) => void
}

/** A call to one of the application's numbers. */
export const CallIn = ({ onAsk }: Pick<Props, "onAsk">) => {
  const [from, setFrom] = useState("15550170044")
  const [to, setTo] = useState("15550170009")
  return (
    <form
      class="callIn"
      onSubmit={(event) => {
        event.preventDefault()
        onAsk(api.call(from, to))
      }}
    >
      <label class="field">
        You call from
        <input inputMode="tel" value={from} onInput={(event) => setFrom(event.currentTarget.value)} required />
      </label>
      <label class="field">
        the application at
        <input inputMode="tel" value={to} onInput={(event) => setTo(event.currentTarget.value)} required />
      </label>
      <button class="button">Call in</button>
    </form>
  )
}

const speeds = [1, 2, 5, 20]

/** Switches for what goes wrong between the carrier and the application. */
export const Troubles = ({ onAsk, settings }: Props) => {
  const set = (changes: Partial<api.Settings>) => onAsk(api.change(changes))
  const { ask_again, copies, late, lose_events, lose_replies, slow } = settings
  const wrong = [late > 0, copies > 1, slow > 0, lose_events > 0, lose_replies > 0].filter(Boolean).length
  const switches = [
    { words: "Webhooks come 3 seconds late", isOn: late > 0, on: { late: 3 }, off: { late: 0 } },
    { words: "Each webhook comes twice", isOn: copies > 1, on: { copies: 2 }, off: { copies: 1 } },
    { words: "The application is 3 seconds slow", isOn: slow > 0, on: { slow: 3 }, off: { slow: 0 } },
    {
      words: "A webhook without a reply comes again, after 2 and 5 seconds",
      isOn: ask_again.length > 0,
      on: { ask_again: [2, 5] },
      off: { ask_again: [] }
    },
    { words: "The next webhook is lost", isOn: lose_events > 0, on: { lose_events: 1 }, off: { lose_events: 0 } },
    { words: "The next reply is lost", isOn: lose_replies > 0, on: { lose_replies: 1 }, off: { lose_replies: 0 } }
  ]
  return (
    <details class="troubles">
      <summary>What goes wrong {wrong === 0 ? null : <b class="wrong">{wrong} on</b>}</summary>
      {switches.map(({ isOn, off, on, words }) => (
        <label class="check" key={words}>
          <input type="checkbox" checked={isOn} onChange={() => set(isOn ? off : on)} />
          {words}
        </label>
      ))}
    </details>
  )
}

/** How fast time goes. */
export const Time = ({ onAsk, settings }: Props) => (
  <div class="time">
    <button type="button" class="button" onClick={() => onAsk(api.skip())}>Skip the wait</button>
    <label class="speed">
      Calls from now on go
      <select
        value={String(settings.speed)}
        onChange={(event) => onAsk(api.change({ speed: Number(event.currentTarget.value) }))}
      >
        {Array.from(new Set([...speeds, settings.speed])).map((speed) => (
          <option key={speed} value={String(speed)}>{speed === 1 ? "as in life" : `${speed} times as fast`}</option>
        ))}
      </select>
    </label>
    <button type="button" class="button" onClick={() => onAsk(api.reset())}>New day</button>
  </div>
)
