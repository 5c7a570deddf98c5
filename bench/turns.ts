/**
 * `npm run bench -- turns`: turns a second of Ringback beside bare `node:http` and `node:sqlite`, in one run of interleaved
 * rounds. One turn is a webhook in over loopback HTTP, decoded, decided, durably committed, and its action out.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const rounds = Number(process.argv[2] ?? 4)
const seconds = Number(process.argv[3] ?? 3)
const concurrencies = [1, 32, 256]

interface Round {
  readonly rate: number
  readonly p50: number
  readonly p99: number
}

const post = (agent: Agent, port: number, path: string, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({
      agent,
      port,
      host: "127.0.0.1",
      path,
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
    }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => void (text += chunk))
      response.on("end", () => resolve(text))
    })
    sent.on("error", reject)
    sent.end(body)
  })

const event = (name: string, session: string, externalId: string, data: object) =>
  JSON.stringify({
    event: name,
    reference_id: session,
    external_id: externalId,
    data: { to: "15550170001", from: "15550170009", ...data }
  })

/** Holds one call after another until the time is over, and notes how long each turn took. */
const caller = async (agent: Agent, port: number, until: number, name: string, took: Array<number>) => {
  for (let call = 0; performance.now() < until; call++) {
    const externalId = await post(agent, port, "/start", "{}")
    const session = `${name}-${call}`
    const turn = async (body: string, expected: string) => {
      const began = performance.now()
      const answer = await post(agent, port, "/events", body)
      took.push(performance.now() - began)
      if (!answer.includes(expected)) throw new Error(`expected ${expected}, got ${answer}`)
    }
    await turn(event("dial_completed", session, externalId, { status: "answered" }), "speak")
    for (let key = 1; key <= 4; key++) {
      const data = { status: "speak_successful", collected_digits: String(key) }
      await turn(event("speak_completed", session, externalId, data), key === 4 ? "hangup" : "speak")
    }
    await turn(event("call_completed", session, externalId, { status: "hangup", duration: 9 }), "{}")
  }
}

const measure = async (server: string, concurrency: number): Promise<Round> => {
  const folder = mkdtempSync(join(tmpdir(), "ringback-bench-"))
  const child = spawn(process.execPath, [
    "--conditions=source",
    fileURLToPath(new URL(`turns/${server}.ts`, import.meta.url)),
    join(folder, "bench.db")
  ], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_NO_WARNINGS: "1" }
  })
  try {
    const port = await new Promise<number>((resolve) => child.stdout.once("data", (data) => resolve(Number(data))))
    const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
    const run = async (millis: number) => {
      const took: Array<number> = []
      const began = performance.now()
      await Promise.all(
        Array.from({ length: concurrency }, (_, i) => caller(agent, port, began + millis, `${began}-${i}`, took))
      )
      return { took, elapsed: performance.now() - began }
    }
    await run(seconds * 500)
    const { elapsed, took } = await run(seconds * 1000)
    agent.destroy()
    const sorted = took.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
    return { rate: took.length / elapsed * 1000, p50: at(0.5), p99: at(0.99) }
  } finally {
    child.kill("SIGKILL")
    rmSync(folder, { recursive: true, force: true })
  }
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

for (const concurrency of concurrencies) {
  const found: Record<"ringback" | "bare", Array<Round>> = { ringback: [], bare: [] }
  for (let round = 0; round < rounds; round++) {
    for (const server of ["ringback", "bare"] as const) found[server].push(await measure(server, concurrency))
  }
  const of = (server: "ringback" | "bare", field: keyof Round) => median(found[server].map((round) => round[field]))
  const ratio = (field: keyof Round) =>
    median(found.ringback.map((round, i) => round[field] / (found.bare[i]?.[field] ?? Number.NaN)))
  for (const server of ["ringback", "bare"] as const) {
    console.log(
      `${String(concurrency).padStart(3)} calls  ${server.padEnd(8)}  ${
        of(server, "rate").toFixed(0).padStart(6)
      } turns/s  p50 ${of(server, "p50").toFixed(2)} ms  p99 ${of(server, "p99").toFixed(2)} ms`
    )
  }
  console.log(
    `${String(concurrency).padStart(3)} calls  ratio     ${ratio("rate").toFixed(2).padStart(6)} turns/s  p50 ${
      ratio("p50").toFixed(2)
    }     p99 ${ratio("p99").toFixed(2)}`
  )
}
