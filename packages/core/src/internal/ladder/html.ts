/** A ladder as HTML: a list that reads well aloud, and lifelines and arrows by classes. */
import { escaped } from "../markup.ts"
import { span } from "../spans.ts"
import { type Actor, actors, type Fold, type Idle, type Item, type Rung } from "./items.ts"

/** What all items of one drawing share. */
interface Frame {
  readonly start: number
  readonly speed: number
}

export const draw = (items: ReadonlyArray<Item>, speed: number): string => {
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
  }>${time(item.at, frame)}<span class="rb-label"><span class="rb-aloud">${told}</span><bdi>${
    escaped(item.text)
  }</bdi>${silence}</span></li>`
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

/** Where each arrow begins and how far it goes, in columns. */
const arrows = actors.flatMap((from, i) =>
  actors.flatMap((to, j) =>
    i === j ? [] : [
      `.rb-from-${nameOf(from)}.rb-to-${nameOf(to)}{--rb-left:${Math.min(i, j)};--rb-columns:${Math.abs(i - j)}}`
    ]
  )
)

const owns = actors.map((actor, i) => `.rb-at-${nameOf(actor)}{--rb-left:${i}}`)

/** Arrows that point to the left have their head there. */
const leftward = actors.flatMap((from, i) =>
  actors.slice(0, i).map((to) => `.rb-from-${nameOf(from)}.rb-to-${nameOf(to)}>.rb-label::after`)
)

/** The middle of a column, right of the times. */
const middle = (column: number): string => `calc(var(--rb-time) + (100% - var(--rb-time)) * ${column / 4 + 0.125})`

export const css = `
.rb-ladder{--rb-time:6rem;font:0.875rem/1.35 system-ui,-apple-system,"Segoe UI",sans-serif;color:inherit;overflow-x:auto}
.rb-ladder .rb-actors,.rb-ladder>.rb-rungs{min-width:46rem}
.rb-ladder .rb-rungs{list-style:none;margin:0;padding:0.25rem 0}
.rb-ladder>.rb-rungs{background-image:repeating-linear-gradient(currentColor 0 2px,transparent 2px 6px),
 repeating-linear-gradient(currentColor 0 2px,transparent 2px 6px),repeating-linear-gradient(currentColor 0 2px,transparent 2px 6px),
 repeating-linear-gradient(currentColor 0 2px,transparent 2px 6px);
 background-size:1px 100%;background-repeat:no-repeat;background-position:${
  [0, 1, 2, 3].map((column) => `${middle(column)} 0`).join(",")
}}
.rb-actors{display:grid;grid-template-columns:repeat(4,1fr);margin-inline-start:var(--rb-time);font-weight:600;text-align:center}
.rb-ladder li{position:relative;padding-inline-start:var(--rb-time);min-height:1.6rem}
.rb-time{position:absolute;inset-inline-start:0;width:calc(var(--rb-time) - 1.5rem);text-align:end;
 font-variant-numeric:tabular-nums;opacity:0.75}
.rb-rung>.rb-label{display:block;position:relative;box-sizing:border-box;text-align:center;padding:0 0.75rem 0.1rem;
 margin-inline-start:calc(12.5% + var(--rb-left) * 25%);width:calc(var(--rb-columns) * 25%);border-bottom:1.5px solid;
 overflow-wrap:anywhere}
.rb-rung>.rb-label::after{content:"";position:absolute;right:0;bottom:-4.5px;border:4px solid transparent;border-left:7px solid;
 border-right:0}
${leftward.join(",")}{right:auto;left:0;border-left:0;border-right:7px solid}
.rb-rung.rb-own>.rb-label{width:auto;text-align:start;border:0}
.rb-rung.rb-own>.rb-label::after{content:none}
.rb-aloud{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.rb-silence{font-style:italic}
.rb-noise{opacity:0.75}
.rb-idle>.rb-label,.rb-fold>details>summary{display:block;width:fit-content;margin-inline:auto;padding:0.1rem 0.75rem;
 border:1px dashed;border-radius:1rem;background:Canvas}
.rb-idle,.rb-fold{padding-block:0.3rem}
.rb-fold>details>summary{cursor:pointer}
.rb-fold .rb-rungs{margin-inline-start:calc(-1 * var(--rb-time))}
${arrows.join("\n")}
${owns.join("\n")}
`
