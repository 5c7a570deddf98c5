/** What was thrown, as the log may tell it: its words may hold what nobody shall see. */

/** The places in the code that an error came through. Lines of its words that look like one are none. */
const frames = ({ message, stack }: Error): ReadonlyArray<string> => {
  const whole = String(stack ?? "")
  const words = whole.indexOf(message)
  const behind = words === -1 ? "" : whole.slice(words + message.length)
  return behind.split("\n").filter((line) => line.startsWith("    at "))
}

const nameOf = ({ name }: Error): string => /^[A-Za-z]\w{0,60}$/.test(name) ? name : "an error"

/** What kind of error it was, and where. Some of what is thrown, such as a proxy that was revoked, throws when it is asked. */
export const kindAndPlace = (thrown: unknown): string => {
  try {
    if (!(thrown instanceof Error)) return "something that is no error was thrown"
    return [nameOf(thrown), ...frames(thrown)].join("\n")
  } catch {
    return "something that cannot be shown was thrown"
  }
}
