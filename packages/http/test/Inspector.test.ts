import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, Calls, PhoneNumber } from "@ringback/core"
import { Callee, Scenario } from "@ringback/testing"
import { Effect } from "effect"
import { afterAll, beforeAll } from "vitest"
import * as Inspector from "../src/Inspector.ts"
import * as StartOfTest from "../src/internal/inspector/startOfTest.ts"
import {
  type Application,
  application,
  callee,
  from,
  path,
  Reminder,
  TableFree,
  TableIs
} from "./fixtures/inspected.ts"

const to = PhoneNumber.make("+15550171234")

describe("Inspector", () => {
  let app: Application
  beforeAll(async () => {
    app = await application()
  })
  afterAll(() => app.close())

  const get = (place: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${app.url}${path}${place}`, { headers, redirect: "manual" })

  const ann = { cookie: "visitor=ann" }

  it("is not mounted without saying whom it lets in", () => {
    // @ts-expect-error -- `authorize` is missing
    Inspector.layer({ path: "/ops" })
  })

  it("is a page that may run nothing but itself and ask nobody else", async () => {
    const answer = await get("", ann)
    assert.strictEqual(answer.status, 200)
    const policy = answer.headers.get("content-security-policy")!
    assert.match(
      policy,
      /^default-src 'none'; script-src 'sha256-[^ ;]+'; style-src 'sha256-[^ ;]+'; connect-src 'self'/
    )
    assert.notMatch(policy, /unsafe|http|\*/)
    assert.notMatch(await answer.text(), /<(script|link|img)[^>]+(src|href)="(?!data:)/)
  })

  it("gives whoever is not let in what the application answers, and their programs a problem", async () => {
    for (const place of ["", "/file", "/call/x", "/zone/x", "/drawing/x", "/test/x"]) {
      const answer = await get(place)
      assert.deepStrictEqual([answer.status, answer.headers.get("location")], [302, "/login"])
    }
    const answer = await get("/api/calls")
    assert.strictEqual(answer.status, 401)
    assert.match(answer.headers.get("content-type")!, /problem\+json/)
    assert.strictEqual(answer.headers.get("www-authenticate"), "Basic realm=\"desk\"")
  })

  it("knows no call that is not there", async () => {
    for (
      const place of ["/drawing/0123456789abcdefghjk", "/test/0123456789abcdefghjk", "/test/..%2f..", "/zone/%00"]
    ) {
      assert.strictEqual((await get(place, ann)).status, 404)
    }
  })

  it("says so in a problem, and at an address that is none on its page", async () => {
    for (const place of ["/drawing/0123456789abcdefghjk", "/test/0123456789abcdefghjk", "/zone/x"]) {
      const answer = await get(place, ann)
      assert.deepStrictEqual([answer.status, answer.headers.get("content-type")], [404, "application/problem+json"])
      assert.strictEqual((await answer.json() as { readonly type: string }).type, "urn:ringback:problem:call-not-found")
    }
    for (const place of ["/api/calls/%zz", "/api/calls/%zz/view", "/api/%", "/api/nothing"]) {
      const answer = await get(place, ann)
      assert.deepStrictEqual([answer.status, answer.headers.get("content-type")], [404, "application/problem+json"])
      assert.strictEqual((await answer.json() as { readonly type: string }).type, "urn:ringback:problem:no-such-path")
    }
    for (const [place, behind] of [["/call/%zz", 2], ["/%zz", 1], ["/nothing", 1], ["/a/b/%c3?x=%zz", 3]] as const) {
      const answer = await get(place, ann)
      assert.strictEqual(answer.status, 404)
      assert.match(answer.headers.get("content-security-policy")!, /^default-src 'none'/)
      assert.include(await answer.text(), `data-behind="${behind}"`)
      assert.strictEqual((await get(place)).status, 302)
    }
    assert.strictEqual((await get("?x=%zz", ann)).status, 200)
    assert.strictEqual((await fetch(`${app.url}/%zz`)).status, 404)
  })

  it("tells the log where the application's own code threw, without its words, and the visitor nothing", async () => {
    for (const place of ["", "/call/x", "/zone/x", "/%zz", "/api/me"]) {
      app.said.length = 0
      const answer = await get(place, { cookie: "visitor=dies" })
      assert.strictEqual(answer.status, 500)
      assert.notInclude(await answer.text(), from)
      assert.lengthOf(app.said, 1)
      assert.match(app.said[0]!, /^A request to the (page|API) of calls failed: TypeError\n +at /)
      assert.notInclude(app.said[0]!, from)
    }
  })

  it("has no reference page and no way to remove calls for those who only look", async () => {
    assert.strictEqual((await get("/api/reference", ann)).status, 404)
    const answer = await fetch(`${app.url}${path}/api/prune`, {
      method: "POST",
      headers: { ...ann, "content-type": "application/json" },
      body: "{}"
    })
    assert.strictEqual(answer.status, 403)
  })

  // As the start of a test

  const eventsOf = (id: CallEvent.CallId) => app.run(Calls.Calls.use((calls) => calls.events(id)))

  const played = async (...scripts: ReadonlyArray<Callee.Script>) => {
    await app.run(callee(to, ...scripts))
    const { id } = await app.run(Calls.start(Reminder, { to, from, when: "Tuesday at ten" }))
    await app.advance("40 minutes")
    return { id, events: await eventsOf(id) }
  }

  /** What the code says that happens, as a scenario takes it. */
  const happenings = (code: string): ReadonlyArray<Scenario.Happening> => {
    const lines = /\.when\(\n([^]*?)\n {4}\)/.exec(code)?.[1] ?? ""
    return new Function("Scenario", `return [${lines.replaceAll(/ \/\/.*$/gm, "")}]`)(Scenario)
  }

  /** Holds a scenario to how a call ended. */
  const endsAs = (scenario: Scenario.Scenario, events: ReadonlyArray<CallEvent.CallEvent>) => {
    const exit = events.find((event) => event._tag === "FlowEnded")?.exit
    assert.isTrue(exit?._tag === "Success" || exit?._tag === "Failure")
    if (exit?._tag === "Success") scenario.ends(exit.value)
    if (exit?._tag === "Failure") scenario.failsWith((exit.error as { readonly _tag: string })._tag)
  }

  for (
    const [what, ...scripts] of [
      ["busy, then kept", Callee.busy, Callee.answers("2 seconds").presses("1")],
      ["cancelled after a wrong key", Callee.answers("2 seconds").presses("7").presses("2")],
      ["silence", Callee.answers("2 seconds").staysSilent().staysSilent().staysSilent()],
      ["hung up on", Callee.answers("2 seconds").hangsUpDuring(1), Callee.noAnswer],
      ["nobody at all", Callee.noAnswer, Callee.noAnswer, Callee.noAnswer]
    ] as const
  ) {
    it(`tells a call as the start of a test that goes the same way: ${what}`, async () => {
      const { events, id } = await played(...scripts)
      const code = await (await get(`/test/${id}`, ann)).text()
      assert.notMatch(code, /5550171234|5550170009|Tuesday/)
      const input = { to: PhoneNumber.make("+15550170001"), from: PhoneNumber.make("+15550170002"), when: "text" }
      endsAs(Scenario.given(Reminder, input).when(...happenings(code)), events)
    })
  }

  it("takes other keys that take the same branch, and says so", async () => {
    const { events, id } = await played(Callee.answers("2 seconds").presses("7").presses("1"))
    const code = StartOfTest.code(id, events, Reminder as never)
    assert.match(code, /Scenario\.presses\("3"\), \/\/ stand-in that takes the same branch\n/)
    assert.match(code, /Scenario\.presses\("1"\) \/\/ the key of this branch\n/)
  })

  it("says so where no stand-in is known to take the same branch", async () => {
    await app.run(callee(to, Callee.answers("2 seconds")))
    const call = await app.run(Calls.start(TableFree, { to, from }))
    await app.advance("10 seconds")
    await app.run(Calls.Calls.use((calls) => calls.signal(call.id, TableIs, { table: 7, where: "garden" })))
    await app.advance("1 minute")
    const code = StartOfTest.code(call.id, await eventsOf(call.id), TableFree as never)
    assert.match(code, /Scenario\.signals\(\{"table":1,"where":"text"\}\) \/\/ stand-in: put in one/)
    assert.notMatch(code, /garden/)
  })
})

describe("Inspector at other paths", () => {
  for (const mounted of ["/", "/ops/calls/"] as const) {
    it(`lies at ${mounted} as it does anywhere`, async () => {
      const app = await application(mounted)
      const base = app.url + mounted.replace(/\/$/, "")
      const places = ["", "/", "/file", "/call/0123456789abcdefghjk", "/api/me", "/api/nothing", "/nothing"]
      const answers = await Promise.all(
        places.map((place) => fetch(base + place, { headers: { cookie: "visitor=ann" } }))
      )
      assert.deepStrictEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200, 404, 404])
      const pages = await Promise.all(answers.slice(0, 4).map((answer) => answer.text()))
      assert.deepStrictEqual(pages.map((page) => /data-behind="(\d)"/.exec(page)?.[1]), ["0", "0", "1", "2"])
      await app.close()
    })
  }
})

it.effect("the start of a test is code whatever a flow is named", () =>
  Effect.sync(() => {
    const begin: CallEvent.CallEvent = {
      _tag: "CallStarted",
      at: 0,
      flow: `"); process.exit() // \n`,
      version: 1,
      input: { "a\n*/": "x" }
    }
    const code = StartOfTest.code("0123456789abcdefghjk" as CallEvent.CallId, [begin], undefined)
    assert.include(code, "Scenario.given(ProcessExit, input)")
    assert.include(code, `"a\\n*/": "text"`)
  }))
