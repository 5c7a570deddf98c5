/** The drawing of a flow, as the server draws it, with the way laid over it that a call took. */
import { useEffect, useRef } from "preact/hooks"
import type { Overlay } from "../src/internal/inspector/overlay.ts"
import { choose } from "./address.ts"
import * as clock from "./clock.ts"

const elements = new Set(["svg", "g", "rect", "polygon", "path", "circle", "text", "tspan", "title", "defs", "marker"])

const attributes = new Set([
  "class",
  "viewBox",
  "width",
  "height",
  "role",
  "aria-label",
  "aria-hidden",
  "id",
  "markerWidth",
  "markerHeight",
  "markerUnits",
  "orient",
  "refX",
  "refY",
  "d",
  "points",
  "x",
  "y",
  "rx",
  "cx",
  "cy",
  "r",
  "text-anchor",
  "dominant-baseline",
  "data-box",
  "data-edge",
  "marker-end"
])

// Where a browser asks for it: text becomes nothing but an inert document, of which only what is drawn is taken over.
const inert = (globalThis as {
  trustedTypes?: { createPolicy: (name: string, rules: object) => { createHTML: (text: string) => string } }
})
  .trustedTypes?.createPolicy("drawing", { createHTML: (text: string) => text })

/** A picture, made anew of what may be in one: a file may come from anybody. */
const picture = (text: string): Element | undefined => {
  const made = (from: Element): Element | undefined => {
    if (!elements.has(from.localName) || from.namespaceURI !== "http://www.w3.org/2000/svg") return undefined
    const element = document.createElementNS("http://www.w3.org/2000/svg", from.localName)
    for (const { name, value } of from.attributes) {
      if (attributes.has(name) && !/url\((?!#)/i.test(value)) element.setAttribute(name, value)
    }
    for (const child of from.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) element.append(child.textContent ?? "")
      const inner = child instanceof Element ? made(child) : undefined
      if (inner !== undefined) element.append(inner)
    }
    return element
  }
  return made(new DOMParser().parseFromString(inert?.createHTML(text) ?? text, "image/svg+xml").documentElement)
}

/** The drawing as a picture, and the way in words beside it, each step of which opens its event. */
export const Drawing = ({ clock: chosen, drawing: { isExact, steps, svg } }: {
  readonly drawing: Overlay
  readonly clock: clock.Clock
}) => {
  const element = useRef<HTMLDivElement>(null)
  const show = (event: number) => choose({ event: String(event), view: "" })
  useEffect(() => {
    const drawn = picture(svg)
    if (drawn !== undefined) element.current?.replaceChildren(drawn)
  }, [svg])
  const open = (event: MouseEvent) => {
    const box = event.target instanceof Element
      ? event.target.closest("[data-box]")?.getAttribute("data-box")
      : undefined
    const step = steps.findLast((each) => each.box === box)
    if (step !== undefined) show(step.event)
  }
  return (
    <div class="panes two">
      <figure class="drawing">
        {/* The way beside it does the same for who has no mouse. */}
        <div ref={element} onClick={open} />
        {isExact
          ? null
          : (
            <figcaption class="soft">
              The drawing does not explain all of this call: it was made of another version of the flow, or something
              was told that nobody had tried.
            </figcaption>
          )}
      </figure>
      <section class="panel" aria-label="The way of this call">
        <h2>The way of this call</h2>
        <ol class="why">
          {steps.map((step) => (
            <li key={step.event}>
              <time class="soft numbers" dateTime={clock.exact(step.at)}>{clock.timeOf(step.at, chosen)}</time>{" "}
              <button type="button" class="link" onClick={() => show(step.event)}>{step.words}</button>
            </li>
          ))}
        </ol>
      </section>
    </div>
  )
}
