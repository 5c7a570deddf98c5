/** The carrier that is made up, on loopback: it takes dials, asks for instructions, and somebody answers its calls. */
import { Effect, type Scope } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** Who is rung: nobody, or somebody who presses these keys, each at the next question; no key is silence. */
export type Person = "busy" | "no-answer" | ReadonlyArray<string>

export interface Fake {
  readonly url: string
  /** What was said and played, in order. */
  readonly heard: ReadonlyArray<string>
  /** Is done when its calls are over, and dies if one of them was not answered. */
  readonly over: Effect.Effect<void>
}

type Form = { readonly [field: string]: string }

const post = async (url: string, form: Form): Promise<string> => {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(form) })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  const xml = await response.text()
  if (/&(?!amp;|lt;|gt;|quot;)/.test(xml)) throw new Error("It sends what is no XML")
  return xml
}

const plain = (xml: string): string =>
  xml.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", `"`).replaceAll("&amp;", "&")

const find = (xml: string, pattern: RegExp): string | undefined => {
  const found = pattern.exec(xml)?.[1]
  return found === undefined ? undefined : plain(found)
}

/** One call: does as it is told until it is told to hang up, or nothing more. */
const call = async (form: Form, sid: string, person: Person, heard: Array<string>): Promise<void> => {
  const { From = "", StatusCallback = "", To = "", Url = "" } = form
  const parties = { CallSid: sid, To, From }
  if (typeof person === "string") {
    await post(StatusCallback, { ...parties, CallStatus: person })
    return
  }
  const keys = Array.from(person)
  let xml = await post(Url, { ...parties, CallStatus: "in-progress" })
  for (;;) {
    const words = find(xml, /<(?:Say|Play)>(.*?)<\/(?:Say|Play)>/)
    if (words !== undefined) heard.push(words)
    const gathered = find(xml, /<Gather [^>]*action="([^"]*)"/)
    const pressed = gathered === undefined ? "" : keys.shift() ?? ""
    const next = gathered !== undefined && pressed !== "" ? gathered : find(xml, /<Redirect>(.*?)<\/Redirect>/)
    if (next === undefined) break
    const told = { ...parties, CallStatus: "in-progress", ...(pressed === "" ? {} : { Digits: pressed }) }
    xml = await post(next, told)
    if (pressed !== "") xml = await post(next, told) // it asks again, as carriers do whose connection broke
  }
  await post(StatusCallback, { ...parties, CallStatus: "completed" })
}

/** Opens it; with `loses` its responses to dials are lost. Its calls go on by themselves, and it is closed with the scope. */
export const open = (
  people: { readonly [number: string]: Person },
  options: { readonly loses?: boolean } = {}
): Effect.Effect<Fake, never, Scope.Scope> =>
  Effect.gen(function*() {
    const heard: Array<string> = []
    const calls: Array<Promise<string | undefined>> = []
    const server = createServer((request, response) => {
      let body = ""
      request.on("data", (piece: Buffer) => void (body += piece.toString("utf8")))
      request.on("end", () => {
        const form = Object.fromEntries(new URLSearchParams(body))
        const person = people[form["To"] ?? ""]
        const sid = `CA${calls.length + 1}`
        if (options.loses === true) response.destroy()
        else response.writeHead(person === undefined ? 422 : 201).end(JSON.stringify({ sid }))
        if (person !== undefined) calls.push(call(form, sid, person, heard).then(() => undefined, String))
      })
    })
    yield* Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
    const over = Effect.flatMap(Effect.promise(() => Promise.all(calls)), (problems) => {
      const problem = problems.find((each) => each !== undefined)
      return problem === undefined ? Effect.void : Effect.die(new Error(problem))
    })
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard, over }
  })
