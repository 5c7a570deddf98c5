// Writes the pages of the inspector and of the emulator into their packages: script and style as texts, so that sources, the built
// package and any bundler serve them alike, without a file that has to be found at run time. A test holds them to their sources.
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const root = fileURLToPath(new URL("../", import.meta.url))

/** A page: its sources, its style sheets, and the module of the package that holds it. */
export interface Page {
  readonly name: string
  readonly home: string
  readonly styles: ReadonlyArray<string>
  readonly path: string
}

/** The phone shares the looks of the inspector. */
export const pages: ReadonlyArray<Page> = [
  {
    name: "inspector",
    home: "packages/http/page",
    styles: ["packages/http/page/style.css"],
    path: `${root}packages/http/src/internal/inspector/page.ts`
  },
  {
    name: "emulator",
    home: "packages/testing/page",
    styles: ["packages/http/page/style.css", "packages/testing/page/style.css"],
    path: `${root}packages/testing/src/internal/emulator/page.ts`
  }
]

const license = readFileSync(`${root}node_modules/preact/LICENSE`, "utf8").trim().split("\n")
const version = JSON.parse(readFileSync(`${root}node_modules/preact/package.json`, "utf8")).version

const bundled = async ({ home }: Page) => {
  const bundle = await rolldown({
    input: `${root}${home}/main.tsx`,
    platform: "browser",
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message)
    }
  })
  const { output } = await bundle.generate({ format: "iife", minify: true, comments: false })
  await bundle.close()
  // It stands in an element of HTML, which ends at the first of these.
  return output[0].code.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")
}

/** Blanks and comments left out, as far as that is safe in a style sheet of ours. */
const style = ({ styles }: Page) =>
  styles.map((path) => readFileSync(root + path, "utf8")).join("\n").replaceAll(/\/\*.*?\*\//gs, "").replaceAll(
    /\s*\n\s*/g,
    "\n"
  ).trim()

/** What the module says. */
export const text = async (page: Page) =>
  `/* The page of the ${page.name}. \`npm run page\` writes it from ${page.home}; do not change it by hand.

   The script holds Preact ${version}:

${license.map((line) => `   ${line}`.trimEnd()).join("\n")} */

/** The script of the page. */
export const script: string = ${JSON.stringify(await bundled(page))}

/** The style sheet of the page. */
export const style: string = ${JSON.stringify(style(page))}
`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of pages) writeFileSync(page.path, await text(page))
}
