/** A ladder as HTML: a list that reads well aloud, and lifelines and arrows by classes. */
import { escaped } from "../markup.ts"
import { span } from "../spans.ts"
import type { Actor, Fold, Idle, Item, Rung } from "./items.ts"

/** What all items of one drawing share. */
interface Frame {
  readonly start: number
  readonly speed: number
}

export const draw = (items: ReadonlyArray<Item>, actors: ReadonlyArray<Actor>, speed: number): string => {
  const ordered = items.toSorted((a, b) => a.at - b.at)
  const frame = { start: ordered[0]?.at ?? 0, speed }
  const heads = actors.map((actor) => `<span class="rb-actor rb-at-${nameOf(actor)}">${escaped(actor)}</span>`)
  return [
    `<div class="rb-ladder">`,
    `<div class="rb-actors" aria-hidden="true">${heads.join("")}</div>`,
    `<ol class="rb-rungs">`,
    ...ordered.map((item) => itemOf(item, frame)),
    "</ol>",
    "</div>"
  ].join("\n")
}

const nameOf = (actor: Actor): string => actor.toLowerCase()

const itemOf = (item: Item, frame: Frame): string => {
  switch (item._tag) {
    case "Rung":
      return rung(item, frame)
    case "Fold":
      return fold(item, frame)
    case "Idle":
      return idle(item)
  }
}

const time = (at: number, { speed, start }: Frame): string => {
  const moment = new Date(at)
  const machine = Number.isNaN(moment.getTime()) ? "" : ` datetime="${moment.toISOString()}"`
  return `<time class="rb-time" data-at="${at}"${machine}>${((at - start) * speed / 1000).toFixed(1)} s</time>`
}

const rung = (item: Rung, frame: Frame): string => {
  const { events, from, line, noise, silenceMillis, to } = item
  const isOwn = from === to
  const classes = [
    "rb-rung",
    isOwn ? `rb-own rb-at-${nameOf(from)}` : `rb-from-${nameOf(from)} rb-to-${nameOf(to)}`,
    ...noise === undefined ? [] : [`rb-noise rb-${noise}`]
  ]
  const silence = silenceMillis === undefined || silenceMillis < 1000
    ? ""
    : ` <span class="rb-silence">after ${span(silenceMillis)} of silence</span>`
  const told = isOwn ? `${from}: ` : `${from} to ${to}: `
  return `<li class="${classes.join(" ")}" data-event="${events.join(" ")}"${
    line === undefined ? "" : ` data-line="${line}"`
  }>${time(item.at, frame)}<span class="rb-label"><span class="rb-aloud">${told}</span>${
    escaped(item.text)
  }${silence}</span></li>`
}

const fold = (item: Fold, frame: Frame): string => {
  const lasted = item.until > item.at ? `, ${span(item.until - item.at)}` : ""
  return [
    `<li class="rb-fold" data-event="${item.events.join(" ")}">${time(item.at, frame)}<details><summary>${
      escaped(item.text)
    }${lasted}</summary><ol class="rb-rungs">`,
    ...item.rungs.map((each) => rung(each, frame)),
    "</ol></details></li>"
  ].join("\n")
}

const idle = ({ text, waitedFor }: Idle): string =>
  `<li class="rb-idle"><span class="rb-label">${escaped(text)}${
    waitedFor === undefined ? "" : `, waiting for ${escaped(waitedFor)}`
  }</span></li>`

/** The lifelines stand at an eighth, three eighths, and so on, of what is left beside the times. */
const spans = ["application", "ringback", "telesign", "callee"].flatMap((from, i, all) =>
  all.flatMap((to, j) =>
    i === j ? [] : [
      `.rb-from-${from}.rb-to-${to}{--rb-left:${Math.min(i, j)};--rb-width:${Math.abs(i - j)}}`
    ]
  )
)

export const css = `
.rb-ladder{--rb-time:5.5rem;font:0.875rem/1.4 system-ui,sans-serif;color:inherit}
.rb-ladder .rb-rungs{list-style:none;margin:0;padding:0}
.rb-actors{display:grid;grid-template-columns:repeat(4,1fr);margin-inline-start:var(--rb-time);font-weight:600;text-align:center}
.rb-rung,.rb-fold,.rb-idle{position:relative;padding-block:0.15rem;padding-inline-start:var(--rb-time);
 background:linear-gradient(currentColor,currentColor) no-repeat}
.rb-rung{--rb-column:calc((100% - var(--rb-time)) / 4)}
.rb-time{position:absolute;inset-inline-start:0;width:calc(var(--rb-time) - 0.75rem);text-align:end;
 font-variant-numeric:tabular-nums;opacity:0.7}
.rb-aloud{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.rb-silence{opacity:0.7;font-style:italic}
.rb-noise{opacity:0.65}
.rb-idle{opacity:0.7;text-align:center}
${spans.join("\n")}
`
