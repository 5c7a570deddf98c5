/** Who is told how far a search is: the command of the explorer on a terminal, and nobody else. */

type Told = (places: number, waiting: number) => void

let told: Told | undefined

/** What a search that begins now tells of itself. */
export const running = (): { readonly progress?: Told } => told === undefined ? {} : { progress: told }

/** Tells of all searches inside. */
export const during = <A>(tell: Told | undefined, inside: () => A): A => {
  const before = told
  told = tell
  try {
    return inside()
  } finally {
    told = before
  }
}

/** A line that writes over itself, on a terminal only. */
export const line = (out: NodeJS.WriteStream): { readonly tell: Told | undefined; readonly done: () => void } => {
  const count = (number: number) => number.toLocaleString("en")
  const began = performance.now()
  let isShown = false
  const tell: Told = (places, waiting) => {
    const seconds = (performance.now() - began) / 1000
    if (seconds < 1) return
    isShown = true
    const rate = count(Math.round(places / seconds))
    out.write(`\r\x1b[K${count(places)} places seen, ${count(waiting)} known to follow, ${rate} a second`)
  }
  return { tell: out.isTTY ? tell : undefined, done: () => void (isShown && out.write("\r\x1b[K")) }
}
