/** What somebody types in an empty folder, with the packages as they are packed: the emulator by npx, and an application by init. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { inject } from "vitest"
import { freePort } from "./freePort.ts"
import * as Packed from "./packed.ts"

const folders: Array<Packed.Folder> = []
const children: Array<ChildProcess> = []
let npmCache = ""

beforeAll(async () => {
  npmCache = (await Packed.run("npm", ["config", "get", "cache"], { cwd: Packed.root })).trim()
})

afterAll(() => {
  for (const { pid } of children) {
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL")
    } catch {
      // It has ended by itself.
    }
  }
  for (const folder of folders) folder.remove()
})

/** An empty folder, and npm as on a machine that has never seen these packages; what others' packages it has loaded it keeps. */
const emptyFolder = (name: string) => {
  const folder = Packed.folder(name)
  const cache = Packed.folder(`${name}-cache`)
  folders.push(folder, cache)
  mkdirSync(join(npmCache, "_cacache"), { recursive: true })
  symlinkSync(join(npmCache, "_cacache"), join(cache.home, "_cacache"))
  const environment = { npm_config_cache: cache.home, npm_config_prefer_offline: "true", CI: "true" }
  /** Starts a command that goes on, and waits until it has said what is looked for. */
  const start = async (
    command: string,
    args: ReadonlyArray<string>,
    looked: RegExp,
    more: Packed.Options["env"] = {}
  ) => {
    const child = spawn(command, args, {
      cwd: folder.home,
      detached: true,
      env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1", ...environment, ...more }
    })
    children.push(child)
    let text = ""
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (said: unknown) => {
        text += String(said)
        const found = looked.exec(text)
        if (found !== null) resolve(found)
      }
      child.stdout.on("data", look)
      child.stderr.on("data", look)
      child.once("close", () => reject(new Error(`${command} ${args.join(" ")} ended:\n${text}`)))
    })
    return { found: await found, stop: () => (process.kill(-child.pid!, "SIGTERM"), once(child, "close")) }
  }
  return {
    ...folder,
    start,
    run: (command: string, ...args: ReadonlyArray<string>) => folder.run(command, args, environment)
  }
}

/** npm prints the command before, which has an address of its own. */
const listening = /Telesign emulator at (http:\/\/127\.0\.0\.1:\d+)/

/** The account that the emulator prints. */
const basic = `Basic ${
  Buffer.from("00000000-0000-4000-8000-000000000000:QW4gQVBJIGtleSBmb3IgdGhlIGVtdWxhdG9yIG9ubHk=").toString("base64")
}`

describe("npx", () => {
  it("runs the emulator in an empty folder: its page, its API, and a phone that is answered", async () => {
    const { start } = emptyFolder("npx")
    const events = createServer()
    const answered = new Promise<unknown>((resolve) =>
      events.on("request", async (request, response) => {
        resolve(JSON.parse((await request.setEncoding("utf8").toArray()).join("")))
        response.end(JSON.stringify({ method: "hangup" }))
      })
    )
    await once(events.listen(0, "127.0.0.1"), "listening")
    const eventsUrl = `http://127.0.0.1:${(events.address() as AddressInfo).port}/`
    const flags = ["--port", "0", "--events-url", eventsUrl, "--callee", "answers 100ms"]
    const { found, stop } = await start("npx", ["--yes", "@ringback/testing", "emulator", ...flags], listening)

    const url = found[1]!
    const page = await fetch(url)
    assert.deepInclude(page.headers.get("content-type"), "text/html")
    assert.include(await page.text(), "<title>A phone · Ringback</title>")
    const api = await (await fetch(`${url}/emulator/openapi.json`)).json() as { readonly paths: object }
    assert.include(Object.keys(api.paths), "/emulator/calls/{reference_id}/answer")
    const dial = { method: "dial", params: { to: "15550170001", caller_id_number: "15550170009" } }
    const headers = { authorization: basic, "content-type": "application/json" }
    assert.strictEqual(
      (await fetch(`${url}/v2/voice`, { method: "POST", headers, body: JSON.stringify(dial) })).status,
      202
    )
    assert.deepInclude(await answered, { event: "dial_completed" })
    await stop()
    events.close()
  })
})

const ring = async ({ start }: ReturnType<typeof emptyFolder>, script: string) => {
  const [port, emulator] = [await freePort(), await freePort()]
  const told = ["--port", String(emulator), "--events-url", `http://127.0.0.1:${port}/telesign/events`]
  const callee = ["--callee", "answers 1s; hears \"Press 1\"; presses 2"]
  const telesign = await start("npm", ["run", "emulator", "--", ...told, ...callee], listening)
  const environment = { PORT: String(port), TELESIGN_BASE_URL: telesign.found[1]! }
  const program = await start("npm", ["run", script, "--", "+15550170001", "order-1"], /order-1: \w+/, environment)
  assert.strictEqual(program.found[0], "order-1: tomorrow")
  await program.stop()
  await telesign.stop()
}

describe("init", () => {
  it("makes an application in an empty folder that is tested, compiles, and calls", async () => {
    const folder = emptyFolder("new")
    const said = await folder.run("npx", "--yes", "@ringback/cli", "init")
    assert.include(said, "npm run emulator")
    await folder.run("npm", "install", "--no-audit", "--no-fund")
    await folder.run("npm", "test")
    await folder.run("npx", "tsc", "-p", ".")
    await ring(folder, "start")
  })

  it("adds to an Express application, from archives, what calls beside it", async () => {
    const folder = emptyFolder("express")
    const app = "require('express')().listen(3000)\n"
    folder.write("package.json", {
      name: "shop",
      scripts: { start: "node app.js" },
      dependencies: { express: "^5.0.0" }
    })
    folder.write("app.js", app)
    mkdirSync(join(folder.home, "archives"))
    for (const [name, path] of Object.entries(inject("packed").archives)) {
      cpSync(path, join(folder.home, "archives", `${name.slice(1).replace("/", "-")}-${Packed.packages[name]}.tgz`))
    }
    await folder.run("npx", "--yes", "@ringback/cli", "init", "--packages", "archives")
    assert.strictEqual(readFileSync(join(folder.home, "app.js"), "utf8"), app)
    folder.write(".npmrc", "") // no registry of ours any more
    await folder.run("npm", "install", "--no-audit", "--no-fund")
    await folder.run("npm", "run", "test")
    await folder.run("npx", "tsc", "-p", "calls")
    await ring(folder, "start:calls")
  })
})
