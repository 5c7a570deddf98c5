/**
 * The call that is measured: answered, four questions with one key each, and the end. Six turns, five of which bring an
 * action. Every server that is measured holds it, in its own way. The environment variable `QUESTIONS` makes it shorter.
 */
export const prompts: ReadonlyArray<string> = [
  "Welcome. Press 1 for English, 2 for Spanish.",
  "Press 1 for sales, 2 for support.",
  "Press 1 if you are a customer already.",
  "Press 1 to hear the opening hours, 2 to be called back."
].slice(0, Number(process.env.QUESTIONS ?? 4))

/** The port of the carrier that dials are sent to, if `CARRIER` names one. Without it every dial is taken in the process. */
export const carrierPort = process.env.CARRIER

/** Whether dials wait, for so slow a pace that nobody sees one go out. */
export const isHeld = process.env.HELD === "1"

/** So many milliseconds may a connection lie idle, for on a busy machine one call can wait long for the others. */
export const patience = 60_000

/** What the carrier posts in one turn, and what the answer to it holds. */
export interface Turn {
  readonly body: string
  readonly expected: string
}

/** What the carrier posts in a call, in order. */
export const turnsOf = (externalId: string): ReadonlyArray<Turn> => {
  const turn = (event: string, data: object, expected: string): Turn => ({
    body: JSON.stringify({
      event,
      reference_id: referenceId(externalId),
      external_id: externalId,
      data: { to: "15550170001", from: "15550170009", ...data }
    }),
    expected
  })
  return [
    turn("dial_completed", { status: "answered" }, prompts[0] ?? "hangup"),
    ...prompts.map((_, i) =>
      turn(
        "speak_completed",
        { status: "speak_successful", collected_digits: String(i + 1) },
        prompts[i + 1] ?? "hangup"
      )
    ),
    turn("call_completed", { status: "hangup", duration: 9 }, "{}")
  ]
}

/** The carrier's own id of a call. */
export const referenceId = (externalId: string): string => `session-of-${externalId}`

/** What a server has used and done since it began, told at `GET /usage`. */
export interface Usage {
  readonly cpuMicros: number
  readonly commits: number
  /** What the database was asked, and what of it was to read. A server that does not count them says nothing. */
  readonly statements?: number
  readonly reads?: number
  /** Appends before which somebody else had appended. */
  readonly conflicts?: number
  /** The memory in use; without garbage if the process runs with `--expose-gc`. */
  readonly heapBytes: number
  readonly residentBytes: number
  /** The most that was resident at any time. */
  readonly peakBytes: number
}

/** The usage of this process. */
export const usage = (counted: Pick<Usage, "commits" | "statements" | "reads" | "conflicts">): Usage => {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const { system, user } = process.cpuUsage()
  const peakBytes = process.resourceUsage().maxRSS * 1024
  return { ...counted, cpuMicros: user + system, heapBytes: heapUsed, residentBytes: rss, peakBytes }
}
