/** The lines of a stack that are somebody's own: neither of Ringback, nor of a library, nor of Node. */
const packages = new URL("../../../", import.meta.url)
const ours = ["core", "http", "testing", "cli"].flatMap((name) =>
  ["src", "dist"].flatMap((folder) => {
    const { href, pathname } = new URL(`${name}/${folder}/`, packages)
    const path = decodeURIComponent(pathname)
    return [href, path, path.slice(1).replaceAll("/", "\\")]
  })
)

const isForeign = (frame: string): boolean =>
  /[\\/]node_modules[\\/]|\(node:|at node:|<anonymous>\)?$/.test(frame) || ours.some((folder) => frame.includes(folder))

/** The lines of a stack, without its words. */
export const frames = (stack: string | undefined): ReadonlyArray<string> =>
  (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line))

/** Those of somebody's own code, the innermost first. */
export const own = (stack: string | undefined): ReadonlyArray<string> =>
  frames(stack).filter((frame) => !isForeign(frame))

/** Where somebody's own code is now. */
export const here = (): ReadonlyArray<string> => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const { stack } = new Error("here")
  Error.stackTraceLimit = stackTraceLimit
  return own(stack).slice(0, 5)
}

/** The same error, whose stack begins in somebody's own code. */
export const from = <E extends Error>(error: E, frames: ReadonlyArray<string>): E => {
  if (frames.length === 0) return error
  try {
    const stack = [`${error.name}: ${error.message.split("\n")[0]}`, ...frames].join("\n")
    Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true })
  } catch {
    // What cannot be changed stays as it is.
  }
  return error
}
