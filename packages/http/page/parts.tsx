/** Small parts that several places of the page show. */
import type { ComponentChildren } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import type * as api from "./api.ts"
import * as clock from "./clock.ts"
import type { Standing } from "./live.ts"

/** The time now, to the second, while somebody needs it. */
export const useNow = (isRunning: boolean): number => {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isRunning) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isRunning])
  return now
}

const stateWords = { Success: "Succeeded", Failure: "Failed", Stopped: "Stopped" } as const

/** How a call stands, in a word that its color repeats. */
export const State = (
  { call: { outcome, status } }: { readonly call: Pick<api.Entry, "status" | "outcome"> }
) => {
  const state = outcome ?? "running"
  const words = outcome === undefined ? "Running" : stateWords[outcome]
  return (
    <span class="state" data-state={state}>
      {words}
      {status === "running" && outcome !== undefined ? ", closing" : ""}
    </span>
  )
}

/** What went wrong: read out at once. */
export const Problem = ({ children, words }: { readonly words: string; readonly children?: ComponentChildren }) => (
  <p class="problem" role="alert">{words} {children}</p>
)

const standingWords = (standing: Standing, now: number): string => {
  switch (standing._tag) {
    case "Connecting":
      return "Connecting"
    case "Live":
      return "Live"
    case "Ended":
      return "Complete"
    case "Disconnected":
      return `Disconnected for ${clock.countdown(now - standing.since)}`
  }
}

/** Whether what is shown is what happens. The words are read out when they change, not at each second. */
export const Badge = ({ standing }: { readonly standing: Standing | undefined }) => {
  const isLost = standing?._tag === "Disconnected"
  const now = useNow(isLost)
  if (standing === undefined) return null
  return (
    <>
      <span class="badge" data-standing={standing._tag} title={isLost ? `${standing.why}. Trying again.` : undefined}>
        {standingWords(standing, now)}
      </span>
      <span class="hiddenText" role="status">{isLost ? "Disconnected" : standingWords(standing, now)}</span>
    </>
  )
}

/** One of a few, all of them in sight. */
export const Switch = <A extends string>({ choices, label, onChange, value }: {
  readonly label: string
  readonly value: A
  readonly choices: ReadonlyArray<{ readonly value: A; readonly words: string; readonly disabled?: string | undefined }>
  readonly onChange: (value: A) => void
}) => (
  <div class="switch" role="radiogroup" aria-label={label}>
    {choices.map((choice) => (
      <label key={choice.value} title={choice.disabled}>
        <input
          type="radio"
          name={label}
          checked={choice.value === value}
          disabled={choice.disabled !== undefined}
          onChange={() => onChange(choice.value)}
        />
        <span>{choice.words}</span>
      </label>
    ))}
  </div>
)

/** A dialog that keeps the focus, and gives it back. */
export const Dialog = ({ children, isWide = false, onClose, title }: {
  readonly title: string
  readonly isWide?: boolean
  readonly onClose: () => void
  readonly children: ComponentChildren
}) => {
  const element = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => void (before instanceof HTMLElement && before.focus())
  }, [])
  return (
    <dialog ref={element} class={isWide ? "wide" : ""} aria-label={title} onClose={onClose}>
      <h2>{title}</h2>
      {children}
    </dialog>
  )
}

/** Words with the places marked that somebody looks for. */
export const Marked = ({ text, wanted }: { readonly text: string; readonly wanted: string }) => {
  const at = wanted === "" ? -1 : text.toLowerCase().indexOf(wanted)
  if (at === -1) return <>{text}</>
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + wanted.length)}</mark>
      {text.slice(at + wanted.length)}
    </>
  )
}

/** Gives a file to whoever asked for it. */
export const download = (name: string, type: string, text: string): void => {
  const address = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement("a")
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
