/**
 * `npm run site`: the guides, and the reference from the doc comments of the packages, as a folder of static HTML (`site/dist/`,
 * or the one that is named). A page asks no other host for anything. Whatever does not lead anywhere fails.
 */
import GithubSlugger from "github-slugger"
import { globSync, readFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import * as TypeDoc from "typedoc"

/** The part of `markdown-it` that is needed, which comes with TypeDoc. */
interface Token {
  readonly type: string
  readonly content: string
  children: ReadonlyArray<Token> | null
}
interface Parser {
  readonly core: {
    readonly ruler: {
      readonly push: (
        name: string,
        rule: (state: {
          readonly Token: new(type: string, tag: string, nesting: number) => Token
          readonly tokens: ReadonlyArray<Token>
        }) => void
      ) => void
    }
  }
}

const root = fileURLToPath(new URL("../", import.meta.url))
const out = resolve(root, process.argv[2] ?? "site/dist")

const read = (path: string) => readFileSync(root + path, "utf8")
const found = (pattern: string) => globSync(pattern, { cwd: root }).toSorted()

/** The guides, in the order in which the README names them. */
const guides = (): ReadonlyArray<string> => {
  const readme = read("README.md")
  const place = (path: string) => (readme.indexOf(`(${path}`) + readme.length) % readme.length
  return found("docs/*.md").toSorted((a, b) => place(a) - place(b))
}

const packages = found("packages/*/src/index.ts").map((entry) => ({
  entry,
  name: JSON.parse(read(entry.replace("src/index.ts", "package.json"))).name as string
}))

/** What a guide is called in an address: as its file. */
const names = new Map<unknown, string>()

/** Headings are named as on GitHub, so that a link to one leads to it in both places. */
class Headings extends TypeDoc.Slugger {
  readonly #names = new Set<string>()
  readonly #slugger = new GithubSlugger()
  override slug(heading: string) {
    const name = this.#slugger.slug(heading)
    this.#names.add(name)
    return name
  }
  override hasAnchor(name: string) {
    return this.#names.has(name)
  }
}

/** A page for each guide, each module and each name in it. */
class Router extends TypeDoc.StructureRouter {
  protected override getIdealBaseName(target: TypeDoc.Reflection) {
    return names.get(target) ?? super.getIdealBaseName(target)
  }

  override buildPages(project: TypeDoc.ProjectReflection) {
    const pages = super.buildPages(project)
    for (const target of this.sluggers.keys()) {
      if (target === project || target instanceof TypeDoc.DocumentReflection) {
        this.sluggers.set(target, new Headings({ lowercase: true }))
      }
    }
    return pages
  }
}

/** What a heading says in code belongs to its name. */
const codeInHeadings = (parser: Parser) => {
  parser.core.ruler.push("code-in-headings", ({ Token, tokens }) => {
    const html = (content: string) => Object.assign(new Token("html_inline", "", 0), { content })
    const text = (content: string) => Object.assign(new Token("text", "", 0), { content })
    for (const [n, { children }] of tokens.entries()) {
      if (children === null || tokens[n - 1]?.type !== "heading_open") continue
      tokens[n]!.children = children.flatMap((token) =>
        token.type === "code_inline" ? [html("<code>"), text(token.content), html("</code>")] : [token]
      )
    }
  })
}

const app = await TypeDoc.Application.bootstrap({
  name: "Ringback",
  readme: "README.md",
  projectDocuments: [...guides(), "CONTRIBUTING.md", "bench/README.md"],
  entryPoints: packages.map(({ entry }) => entry),
  tsconfig: join(root, "site/tsconfig.json"),
  basePath: root,
  disableGit: true,
  disableSources: true,
  skipErrorChecking: true, // `npm run check` does it.
  excludeExternals: true,
  router: "modules",
  hideGenerator: true,
  includeHierarchySummary: false,
  searchInDocuments: true,
  customCss: join(root, "site/style.css"),
  highlightLanguages: ["bash", "console", "json", "sql", "typescript", "yaml", "python", "xml"],
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
  validation: { invalidLink: true, invalidPath: false, notExported: false, notDocumented: false },
  ignoredHighlightLanguages: ["mermaid"],
  navigation: { compactFolders: false, includeFolders: false },
  blockTags: [...TypeDoc.OptionDefaults.blockTags, "@stability"],
  markdownItLoader: codeInHeadings,
  logLevel: "Warn"
})

app.renderer.defineRouter("modules", Router)

const isFile = (path: string) => /\.\w+(?:#.*)?$/.test(path)

/** A link to a folder, which GitHub shows, is only its words here. */
const withoutFolders = (parts: ReadonlyArray<TypeDoc.CommentDisplayPart>) => {
  for (const [n, part] of parts.entries()) {
    if (part.kind !== "relative-link" || part.target !== undefined && isFile(part.text)) continue
    const [before, after] = [parts[n - 1], parts[n + 1]]
    if (before === undefined || after === undefined) continue
    before.text = before.text.replace(/\[([^[\]]*)\]\($/, "$1")
    after.text = after.text.replace(/^\)/, "")
    part.text = ""
  }
}

/** What was printed is not code. */
const withoutColours = (parts: ReadonlyArray<TypeDoc.CommentDisplayPart>) => {
  for (const part of parts) if (part.kind === "code") part.text = part.text.replace(/^```(?=\n)/, "```text")
}

/** A guide is called by its heading. */
app.converter.on(TypeDoc.Converter.EVENT_CREATE_DOCUMENT, (_: unknown, page: TypeDoc.DocumentReflection) => {
  const heading = /^# (.*)$/m.exec(page.content[0]?.text ?? "")?.[1]
  names.set(page, heading === "Measurements" ? "bench" : page.name)
  page.name = heading ?? page.name
  withoutFolders(page.content)
  withoutColours(page.content)
})

/** The comment at the head of a file, without its tags. */
const headOf = (text: string): string | undefined =>
  /^\/\*\*[\s]*([^]*?)\s*\*\//.exec(text)?.[1]?.replaceAll(/^ ?\* ?/gm, "").replace(/^@[^]*$/m, "").trim()

/** A module is told of by the comment at the head of its file. */
app.converter.on(
  TypeDoc.Converter.EVENT_CREATE_DECLARATION,
  (context: TypeDoc.Context, declaration: TypeDoc.DeclarationReflection) => {
    if (!declaration.kindOf([TypeDoc.ReflectionKind.Module, TypeDoc.ReflectionKind.Namespace])) return
    const file = context.getSymbolFromReflection(declaration)?.declarations?.find(TypeDoc.TypeScript.isSourceFile)
    const head = file === undefined ? undefined : headOf(file.text)
    if (file === undefined || head === undefined) return
    const source = new TypeDoc.MinimalSourceFile(head, file.fileName as TypeDoc.NormalizedPath)
    declaration.comment = new TypeDoc.Comment(app.converter.parseRawComment(source, context.project.files).content)
  }
)

/** The project has a heading, and so has its readme. */
app.converter.on(TypeDoc.Converter.EVENT_RESOLVE_BEGIN, ({ project }: TypeDoc.Context) => {
  withoutFolders(project.readme ?? [])
  withoutColours(project.readme ?? [])
  const first = project.readme?.[0]
  if (first !== undefined) first.text = first.text.replace(/^# .*\n/, "")
})

const project = await app.convert()
if (project === undefined) process.exit(1)
for (const module of project.children ?? []) {
  const own = packages.find(({ entry }) =>
    entry === `packages/${basename(module.name.replace(/\/src$/, ""))}/src/index.ts`
  )
  if (own !== undefined) module.name = own.name
}
app.validate(project)
await app.generateDocs(project, out)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
process.stdout.write(`${out}/index.html\n`)
