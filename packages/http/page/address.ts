/** The address of the page is its state: whatever somebody has filtered, opened or chosen can be sent to somebody else. */
import { useLayoutEffect, useState } from "preact/hooks"

/** Where the page is: the list, one call, a call that was opened from a file, or at an address that is none of its own. */
export type Place =
  | { readonly _tag: "List" }
  | { readonly _tag: "Nowhere" }
  | { readonly _tag: "Call"; readonly callId: string }
  | { readonly _tag: "File" }

/** A place, and what was chosen there. */
export interface Address {
  readonly place: Place
  readonly query: URLSearchParams
}

const partsOf = (path: string): ReadonlyArray<string> => path.split("/").filter((part) => part !== "")

/** The parts of the path of the page, as the browser knows it: a proxy may have put some in front. The server says how many are behind. */
const mounted = partsOf(location.pathname).slice(
  0,
  -Number(document.documentElement.dataset["behind"] ?? 0) || undefined
)

/** The path under which the page is mounted, without a closing slash. */
export const base: string = mounted.map((part) => `/${part}`).join("")

/** Part of an address as text; nothing where it is no text (`%zz`). */
const decoded = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

const placeOf = (path: string): Place => {
  const [kind, part, ...rest] = partsOf(path).slice(mounted.length)
  if (kind === undefined) return { _tag: "List" }
  if (kind === "file" && part === undefined) return { _tag: "File" }
  const callId = kind === "call" && part !== undefined && rest.length === 0 ? decoded(part) : undefined
  return callId === undefined ? { _tag: "Nowhere" } : { _tag: "Call", callId }
}

const here = (): Address => ({ place: placeOf(location.pathname), query: new URLSearchParams(location.search) })

const moved = "inspector:moved"

/** The address as it is now and as it becomes. */
export const useAddress = (): Address => {
  const [address, setAddress] = useState(here)
  useLayoutEffect(() => {
    const follow = () => setAddress(here())
    addEventListener("popstate", follow)
    addEventListener(moved, follow)
    return () => {
      removeEventListener("popstate", follow)
      removeEventListener(moved, follow)
    }
  }, [])
  return address
}

const pathOf = (place: Place): string => {
  switch (place._tag) {
    case "List":
    case "Nowhere":
      return base === "" ? "/" : base
    case "Call":
      return `${base}/call/${encodeURIComponent(place.callId)}`
    case "File":
      return `${base}/file`
  }
}

/** The address as text: empty choices are left out. */
export const href = (place: Place, query?: URLSearchParams): string => {
  const kept = new URLSearchParams(Array.from(query ?? []).filter(([, value]) => value !== ""))
  const text = kept.toString()
  return pathOf(place) + (text === "" ? "" : `?${text}`)
}

/** Goes somewhere; going back leads here again, with all that was chosen. */
export const go = (place: Place, query?: URLSearchParams): void => {
  history.pushState(null, "", href(place, query))
  dispatchEvent(new Event(moved))
}

/** Changes what is chosen at this place. Typing replaces the address; a choice is a step that one can go back from. */
export const choose = (
  changes: Readonly<Record<string, string | undefined>>,
  options: { readonly replace?: boolean } = {}
): void => {
  const { place, query } = here()
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name)
    else query.set(name, value)
  }
  const to = href(place, query)
  if (options.replace === true) history.replaceState(null, "", to)
  else history.pushState(null, "", to)
  dispatchEvent(new Event(moved))
}

/** Follows a link without loading the page anew, unless the visitor wants another tab. */
export const follow = (event: MouseEvent, place: Place, query?: URLSearchParams): void => {
  if (
    event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
  ) {
    return
  }
  event.preventDefault()
  go(place, query)
  scrollTo(0, 0)
}
