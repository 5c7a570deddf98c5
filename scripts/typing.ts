/** What a reader types from the pages, typed: in a copy of the repository, with ports of its own. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePort } from "./freePort.ts"
import * as Quotes from "./quotes.ts"

const root = fileURLToPath(new URL("../", import.meta.url))

/** A block of a page that nobody types in a test, or that no command printed, by its beginning. */
export interface NotTyped {
  readonly page: string
  readonly begins: string
  /** The file that holds it instead, if there is one. */
  readonly heldBy?: string
  readonly why: string
}

/** All of them. `quotes.test.ts` knows how many they are, and that each is needed. */
export const notTyped: ReadonlyArray<NotTyped> = [
  { page: "README.md", begins: "webhook ──▶", why: "It is a drawing." },
  {
    page: "README.md",
    begins: "npm run demo",
    heldBy: ".ci/run",
    why: "It is held to the clock, on a machine that is quiet."
  },
  { page: "CONTRIBUTING.md", begins: "npm test  ", heldBy: ".ci/run", why: "Each is a step there." },
  { page: "CONTRIBUTING.md", begins: "npm test --", heldBy: ".ci/run", why: "They are the tests, or write files." },
  {
    page: "docs/calls-in-code.md",
    begins: "      s   application",
    heldBy: "examples/guides.test.ts",
    why: "It takes minutes."
  },
  {
    page: "docs/compared.md",
    begins: "npm run bench -- turns --servers",
    heldBy: "bench/README.md",
    why: "They are figures of one run, on a quiet machine."
  },
  {
    page: "docs/compared.md",
    begins: "npm run bench -- turns --store",
    heldBy: "bench/README.md",
    why: "They are figures of one run, on a quiet machine."
  },
  {
    page: "docs/many-machines.md",
    begins: "aat4hzrk1ayxkpxwgxd1",
    heldBy: "examples/cluster/main.postgres.test.ts",
    why: "It takes minutes, and not the same ones twice."
  },
  {
    page: "docs/proof.md",
    begins: "npm run kill9 -- --kills 100 --store postgres",
    heldBy: ".ci/run",
    why: "It takes minutes, and is a step there."
  },
  {
    page: "docs/proof.md",
    begins: "npm run kill9 -- --kills 10 --store sqlite",
    heldBy: ".ci/run",
    why: "It counts one run, and is a step there with more kills."
  },
  {
    page: "docs/proof.md",
    begins: "npm run nemesis",
    heldBy: ".ci/run",
    why: "It takes minutes, and not the same ones twice."
  },
  { page: "docs/proof.md", begins: "npm run rolling", heldBy: "scripts/rolling.ts", why: "It takes minutes." },
  {
    page: "docs/emulator.md",
    begins: "python3 examples/python",
    heldBy: "examples/python.test.ts",
    why: "Python may not be there."
  },
  {
    page: "docs/emulator.md",
    begins: "cd examples/python",
    heldBy: "examples/python.test.ts",
    why: "Python may not be there."
  },
  {
    page: "docs/emulator.md",
    begins: "mkdir emulator",
    heldBy: "scripts/packNpx.check.ts",
    why: "It installs what was packed."
  },
  { page: "docs/phone.md", begins: "answers 3286ms", why: "A hand pressed the keys, on the page." },
  {
    page: "docs/testing.md",
    begins: "- []",
    heldBy: "examples/guides.test.ts",
    why: "A test that fails prints it."
  },
  {
    page: "docs/testing.md",
    begins: "7E4C8400 dial",
    heldBy: "examples/guides.test.ts",
    why: "A program prints it."
  },
  {
    page: "docs/when-something-fails.md",
    begins: "its flow stopped",
    heldBy: "packages/core/test/defect.test.ts",
    why: "A trigger in the reader's database said a part of it."
  },
  {
    page: "docs/your-own-application.md",
    begins: "npm run ringback -- calls --database ../my-app",
    heldBy: "examples/operations/pages.test.ts",
    why: "It looks at a call that the reader has made."
  },
  {
    page: "docs/your-own-flow.md",
    begins: "npm run example -- --env-file=examples/emulator.env examples/mine",
    heldBy: "docs/phone.md",
    why: "The reader has copied an example; that page types the example itself."
  },
  {
    page: "docs/your-own-flow.md",
    begins: "error TS2322",
    heldBy: "packages/core/test/Messages.test.ts",
    why: "The compiler prints it."
  },
  {
    page: "docs/many-machines.md",
    begins: "npm run bench -- hop",
    heldBy: "bench/README.md",
    why: "They are figures of one run."
  },
  {
    page: "docs/many-machines.md",
    begins: "aat4hzrk1ayxkpxwgxd1",
    heldBy: "examples/cluster/main.postgres.test.ts",
    why: "It takes minutes, and machines that hang."
  }
]

/** Pages whose commands are about one day in virtual time. Each is held by a test of its own, word for word. */
export const notTypedPages: ReadonlyArray<{ readonly page: string; readonly heldBy: string }> = [
  { page: "docs/in-a-terminal.md", heldBy: "examples/operations/pages.test.ts" },
  { page: "docs/seeing-and-steering.md", heldBy: "examples/operations/pages.test.ts" }
]

/** What other programs say in logs that pages quote, and the compiler. */
export const saidByOthers: ReadonlyArray<string> = [
  "The connection is gone",
  "PgConnection: Failed to connect",
  "is not assignable to type"
]

/** The pages whose commands are typed. */
export const pages: ReadonlyArray<string> = ["README.md", "CONTRIBUTING.md", "docs/*.md", "packages/*/README.md"]
  .flatMap((pattern) => globSync(pattern, { cwd: root }).toSorted())

const isOf = (page: string, text: string) => (each: NotTyped) => each.page === page && text.startsWith(each.begins)

export const isTyped = (at: string, text: string): boolean =>
  !notTyped.some(isOf(at.split(":")[0]!, text)) && !notTypedPages.some(({ page }) => page === at.split(":")[0])

/** What stands in for something that a reader has to know, each with its reason. */
const instead: ReadonlyArray<readonly [RegExp, string]> = [
  [/^git clone .*? && cd \S+$/gm, ":"] // The copy is the clone.
]

/** What a page has the reader do in words before a command, by the beginning of that. */
const before: ReadonlyArray<readonly [string, string]> = [
  ["curl -X PUT http://127.0.0.1:4010/emulator/callees", "npm run emulator"],
  [
    "curl 'http://127.0.0.1:4010/emulator/record?kind=posted&event=incoming_call",
    `curl -X POST http://127.0.0.1:4010/emulator/calls -H 'content-type: application/json' \
      -d '{"from": "15550170044", "to": "15550170009"}'`
  ]
]

/** Commands that go on until they are ended. They are ready when what is quoted of them is printed, else when they say where they listen. */
const goesOn =
  /^npm run (?:--silent )?emulator\b(?!.*--help)|examples\/(?:operations|embedding|telemetry|without-effect)\/main\.ts/m

/** The ports that the pages name. Each copy has its own in their place. */
const ports = ["4010", "4020"]

const told = (command: string, args: ReadonlyArray<string>, cwd: string): string => {
  const { output, status } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${output.join("")}`)
  return output[1] ?? ""
}

const isText = (path: string) => /\.(?:tsx?|md|json|env)$/.test(path)

/** A copy of the repository as it is now, installed. */
export interface Copy {
  readonly folder: string
  /** A text with the ports of this copy. */
  readonly own: (text: string) => string
  readonly read: (path: string) => string
  readonly remove: () => void
}

/** Copies what git knows, or would take. */
export const copy = async (): Promise<Copy> => {
  const around = mkdtempSync(join(tmpdir(), "pages-of-ringback-")) // Pages have an application of one's own made beside the clone.
  const folder = join(around, "ringback")
  const free = await Promise.all(ports.map(freePort))
  const own = (text: string) =>
    ports.reduce((text, port, n) => text.replaceAll(new RegExp(`\\b${port}\\b`, "g"), String(free[n])), text)
  const files = told("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], root).split("\0")
  for (const path of files.filter((path) => path !== "" && existsSync(root + path))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    copyFileSync(root + path, join(folder, path))
    if (!isText(path)) continue
    writeFileSync(join(folder, path), own(readFileSync(root + path, "utf8")))
  }
  told("npm", ["run", "--silent", "bootstrap"], folder)
  return {
    folder,
    own,
    read: (path) => readFileSync(join(folder, path), "utf8"),
    remove: () => rmSync(around, { recursive: true, force: true })
  }
}

/** A command that was typed. */
interface Typed {
  readonly printed: () => string
  /** Waits until the print is so, or the command has ended. Gives its exit code if it has. */
  readonly until: (isSo: (printed: string) => boolean) => Promise<number | undefined>
  readonly stop: () => Promise<void>
}

const limit = 180_000

const start = (script: string, cwd: string): Typed => {
  const child = spawn("bash", ["-c", script], {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, NODE_OPTIONS: undefined }
  })
  let text = ""
  let look = () => {}
  const hear = (chunk: Buffer) => {
    text += String(chunk)
    look()
  }
  child.stdout.on("data", hear)
  child.stderr.on("data", hear)
  const closed = once(child, "close")
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGTERM")
    await closed
  }
  return {
    printed: () => text,
    until: async (isSo) => {
      const late = new Promise<number>((resolve) =>
        AbortSignal.timeout(limit).addEventListener("abort", () => resolve(-1))
      )
      const so = new Promise<undefined>((resolve) => {
        look = () => isSo(text) && resolve(undefined)
        look()
      })
      return Promise.race([so, late, closed.then(() => child.exitCode ?? -1)])
    },
    stop
  }
}

const problemsOf = ({ quotes }: Quotes.Step, printed: string): ReadonlyArray<string> =>
  quotes.flatMap(({ at, text }) => {
    const problem = Quotes.differs(text, printed)
    return problem === undefined ? [] : [`${at}\n${problem}`]
  })

/** How often a command is tried that comes out otherwise: programs in real time have a bad day on a busy machine. */
const tries = 3

/** What goes on beside the next commands. */
interface Server extends Typed {
  readonly line: string
}

const first = (line: string) => line.split(" ").slice(0, 3).join(" ")

const ids = (text: string): ReadonlyArray<string> => text.match(/\b[0-9a-hjkmnp-tv-z]{20}\b/g) ?? []

/** The ids that a page names, and those that were printed in their place: what is typed later speaks of these. */
const known = new Map<string, string>()

const learn = ({ quotes }: Quotes.Step, printed: string): void => {
  const own = ids(printed)
  for (const [n, id] of quotes.flatMap(({ text }) => ids(text)).entries()) known.set(id, own[n] ?? id)
}

/** Types a step, and gives what came otherwise than the page says. What goes on then is put to the others that do. */
const typeStep = async (
  copy: Copy,
  state: string,
  step: Quotes.Step,
  running: Array<Server>
): Promise<ReadonlyArray<string>> => {
  const line = instead.reduce((line, [pattern, other]) => line.replaceAll(pattern, other), step.command)
    .replaceAll(/\b[0-9a-hjkmnp-tv-z]{20}\b/g, (id) => known.get(id) ?? id)
  const serves = goesOn.test(line)
  // Whoever starts the same again has ended it before.
  for (const other of running) if (serves && first(other.line) === first(line)) await other.stop()
  const typed = start(`. ${state}\ntrap '{ export -p; echo "cd $PWD"; } > ${state}' EXIT\nset -e\n${line}`, copy.folder)
  if (serves) running.push({ ...typed, line })
  const code = await typed.until((printed) =>
    serves &&
    (step.quotes.length > 0 ? problemsOf(step, printed).length === 0 : /http:\/\/\S+:\d+|Listening on/.test(printed))
  )
  if (!serves) await typed.stop()
  const wrong = problemsOf(step, typed.printed())
  learn(step, typed.printed())
  const ended = code !== undefined && (serves ? wrong.length === 0 : code !== 0)
  return ended ? [...wrong, `${step.at}\n${code < 0 ? "goes on" : `ended with ${code}`}:\n${typed.printed()}`] : wrong
}

/** Types all steps of a page, one after another, and gives what came otherwise than the page says. */
export const type = async (copy: Copy, steps: ReadonlyArray<Quotes.Step>): Promise<ReadonlyArray<string>> => {
  const state = join(copy.folder, `.state-${process.pid}`)
  writeFileSync(state, "")
  const running: Array<Server> = []
  const problems: Array<string> = []
  const all = steps.flatMap((step) => {
    const told = before.filter(([begins]) => step.command.startsWith(copy.own(begins)))
    return [...told.map(([, command]) => ({ at: step.at, command: copy.own(command), quotes: [] })), step]
  })
  for (const step of all) {
    const before = readFileSync(state, "utf8")
    let wrong = await typeStep(copy, state, step, running)
    for (let n = 1; n < tries && wrong.length > 0 && !goesOn.test(step.command); n++) {
      writeFileSync(state, before)
      wrong = await typeStep(copy, state, step, running)
    }
    problems.push(...wrong)
  }
  for (const typed of running.toReversed()) await typed.stop()
  rmSync(state)
  return problems
}
