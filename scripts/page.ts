// Writes the page of the inspector into the package: its script and its style as texts, so that sources, the built package and
// any bundler serve them alike, without a file that has to be found at run time. A test holds them to their sources.
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const root = fileURLToPath(new URL("../", import.meta.url))
const home = `${root}packages/http/page/`

/** The module of the package that holds the page. */
export const path = `${root}packages/http/src/internal/inspector/page.ts`

const license = readFileSync(`${root}node_modules/preact/LICENSE`, "utf8").trim().split("\n")
const version = JSON.parse(readFileSync(`${root}node_modules/preact/package.json`, "utf8")).version

const bundled = async () => {
  const bundle = await rolldown({
    input: `${home}main.tsx`,
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
const style = () =>
  readFileSync(`${home}style.css`, "utf8").replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/\s*\n\s*/g, "\n").trim()

/** What the module says. */
export const text = async () =>
  `/* The page of the inspector. \`npm run page\` writes it from packages/http/page; do not change it by hand.

   The script holds Preact ${version}:

${license.map((line) => `   ${line}`.trimEnd()).join("\n")} */

/** The script of the page. */
export const script: string = ${JSON.stringify(await bundled())}

/** The style sheet of the page. */
export const style: string = ${JSON.stringify(style())}
`

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path, await text())
