/** The page of the emulator: you are the callee. */
import { render } from "preact"
import { useCallback, useEffect, useRef, useState } from "preact/hooks"
import { listen, type Standing } from "../../http/page/live.ts"
import { Badge, Problem } from "../../http/page/parts.tsx"
import * as api from "./api.ts"
import { CallIn, Time, Troubles } from "./desk.tsx"
import { Phone } from "./phone.tsx"
import { numberWords, owner } from "./talk.ts"

/** Only a voice of this machine speaks: others would send the words away. */
const speak = (words: string): void => {
  const voice = speechSynthesis.getVoices().find(({ lang, localService }) => localService && lang.startsWith("en"))
  if (voice === undefined) return
  const utterance = new SpeechSynthesisUtterance(words)
  utterance.voice = voice
  speechSynthesis.cancel()
  speechSynthesis.speak(utterance)
}

const canSpeak = "speechSynthesis" in globalThis

const App = () => {
  const [state, setState] = useState<api.State>()
  const [standing, setStanding] = useState<Standing>({ _tag: "Connecting" })
  const [isHere, setHere] = useState(true)
  const [isAloud, setAloud] = useState(false)
  const [chosen, setChosen] = useState<string>()
  const [problem, setProblem] = useState<string>()

  useEffect(
    () =>
      listen({
        url: api.live(isHere),
        onMessage: ({ data }) => setState(JSON.parse(data) as api.State),
        onStanding: setStanding
      }),
    [isHere]
  )

  const ask = useCallback((doing: Promise<unknown>) => {
    doing.then(() => setProblem(undefined), (error: unknown) => setProblem(api.problemOf(error)))
  }, [])

  const lines = (state?.lines ?? []).toReversed()
  const isRinging = lines.some(({ rings }) => rings.length > 0)
  useEffect(() => void (document.title = isRinging ? "It rings · Ringback" : "A phone · Ringback"), [isRinging])

  const words = lines.find(({ by_hand, prompt }) => by_hand && prompt !== null)?.prompt?.words
  useEffect(() => {
    if (!canSpeak) return
    if (isAloud && words !== undefined) speak(words)
    else speechSynthesis.cancel()
  }, [isAloud, words])

  const live = lines.filter(({ state }) => state !== "Ended")
  const over = lines.filter(({ state }) => state === "Ended")
  const shown = lines.find(({ reference_id }) => reference_id === chosen) ?? lines[0]
  const phones = [...live, ...over.slice(0, live.length === 0 ? 1 : 0)]
  if (shown !== undefined && !phones.includes(shown)) phones.push(shown)
  const show = (line: api.Line) => () => setChosen(line.reference_id)

  return (
    <>
      <a class="skip" href="#main">To the content</a>
      <header class="bar">
        <span class="brand">
          Ringback <span>Phone</span>
        </span>
        <span class="space" />
        <Badge standing={standing} />
        {canSpeak
          ? (
            <label class="check">
              <input type="checkbox" checked={isAloud} onChange={() => setAloud(!isAloud)} />
              Aloud
            </label>
          )
          : null}
        <label class="check">
          <input type="checkbox" checked={isHere} onChange={() => setHere(!isHere)} />
          Calls ring here
        </label>
      </header>
      <main id="main" tabIndex={-1} class="desk">
        <h1 class="hiddenText">A phone of the emulator</h1>
        {problem === undefined ? null : <Problem words={problem} />}
        <div class="phones">
          {lines.length === 0 ? <Waiting state={state} isHere={isHere} /> : null}
          {phones.map((line) => [
            line.by_hand
              ? (
                <Phone
                  key={line.reference_id}
                  line={line}
                  whose="first"
                  isShown={line === shown}
                  onShow={show(line)}
                  onAsk={ask}
                />
              )
              : <Scripted key={line.reference_id} line={line} isShown={line === shown} onShow={show(line)} />,
            line.other_by_hand
              ? (
                <Phone
                  key={`${line.reference_id} second`}
                  line={line}
                  whose="second"
                  isShown
                  onShow={show(line)}
                  onAsk={ask}
                />
              )
              : null
          ])}
        </div>
        <div class="beside">
          {shown === undefined ? null : <Ladder line={shown} />}
          {over.length === 0 ? null : <Earlier lines={over} shown={shown} onShow={setChosen} />}
          {state === undefined ? null : (
            <section class="tools" aria-label="The emulator">
              <CallIn onAsk={ask} />
              <Time settings={state.settings} onAsk={ask} />
              <Troubles settings={state.settings} onAsk={ask} />
            </section>
          )}
        </div>
      </main>
    </>
  )
}

/** What a program has to be told if the emulator is not where it usually is. */
const elsewhere = location.port === "4010" ? "" : `TELESIGN_BASE_URL=${location.origin} `

const Waiting = ({ isHere, state }: { readonly state: api.State | undefined; readonly isHere: boolean }) => (
  <section class="phone" aria-label="A phone" data-state="idle">
    <header>
      <h2>Nobody calls</h2>
      <p role="status">{isHere ? "Whatever is dialled rings here" : "Calls do not ring here"}</p>
    </header>
    <div class="idle">
      <p>
        This page is the person who is called. Start an application that dials, with{" "}
        <code>TELESIGN_BASE_URL={location.origin}</code>, and a phone rings here, whichever number it dials.
      </p>
      <p>
        In a second terminal, in an application that <code>ringback init</code> wrote:
      </p>
      <p class="paper">{elsewhere}npm start -- +15550170001 order-1</p>
      <p>In the folder of Ringback:</p>
      <p class="paper">
        {elsewhere}npm run example -- --env-file=examples/emulator.env examples/appointment/main.ts +15550170001
      </p>
      <p class="soft">
        {state?.events_url === null
          ? "The emulator does not know where to post events: start it with --events-url."
          : `The emulator posts its events to ${state?.events_url ?? "the application"}.`}{" "}
        Numbers with a script of their own (<code>--callee</code>) follow it and do not ring here.
      </p>
    </div>
  </section>
)

const Scripted = (
  { isShown, line, onShow }: { readonly line: api.Line; readonly isShown: boolean; readonly onShow: () => void }
) => (
  <section class="phone" aria-label={`Phone of ${numberWords(owner(line))}`} data-state="over" data-shown={isShown}>
    <header>
      <h2>{numberWords(owner(line))}</h2>
      <p role="status">{line.state === "Ended" ? "Over" : "In a call"}</p>
    </header>
    <p class="soft">Nobody has it in hand: it follows a script.</p>
    {isShown ? null : <button type="button" class="link" onClick={onShow}>Show its ladder</button>}
  </section>
)

const Earlier = ({ lines, onShow, shown }: {
  readonly lines: ReadonlyArray<api.Line>
  readonly shown: api.Line | undefined
  readonly onShow: (referenceId: string) => void
}) => (
  <details class="troubles">
    <summary>
      Calls that are over <b>{lines.length}</b>
    </summary>
    <ul class="earlier">
      {lines.slice(0, 30).map((line) => (
        <li key={line.reference_id}>
          <button
            type="button"
            class="link"
            aria-current={line === shown}
            onClick={() => onShow(line.reference_id)}
          >
            {new Date(line.since).toLocaleTimeString()} {numberWords(owner(line))}
          </button>
        </li>
      ))}
    </ul>
  </details>
)

interface Trusting {
  readonly trustedTypes?: {
    createPolicy: (name: string, rules: { readonly createHTML: (text: string) => string }) => {
      createHTML: (text: string) => string
    }
  }
}

/** The ladder comes as markup, escaped by the server; nothing else on the page becomes markup. */
const policy = (globalThis as Trusting).trustedTypes?.createPolicy("ladder", { createHTML: (text) => text })

const Ladder = ({ line }: { readonly line: api.Line }) => {
  const element = useRef<HTMLDivElement>(null)
  const changed = `${line.reference_id} ${line.state} ${line.awaits} ${line.prompt?.words}`
  useEffect(() => {
    let isStale = false
    const draw = async () => {
      const html = await api.ladder(line)
      if (!isStale && element.current !== null) element.current.innerHTML = policy?.createHTML(html) ?? html
    }
    draw().catch(() => {})
    return () => void (isStale = true)
  }, [changed])
  return (
    <section class="ladderOf" aria-labelledby="ladder">
      <h2 id="ladder">The call of {numberWords(owner(line))}</h2>
      <div ref={element} tabIndex={0} role="region" aria-label="Ladder" />
    </section>
  )
}

const root = document.getElementById("root")
if (root !== null) render(<App />, root)
