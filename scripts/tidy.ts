/**
 * The rules that keep the house in shape, each a function from sources to findings. `tidy.test.ts` says what the house
 * looks like, applies the rules to it, and shows of each that it finds what it looks for.
 */
import { posix } from "node:path"
import { parseSync, visitorKeys } from "oxc-parser"
import type { Comment, Node } from "oxc-parser"

/** A file: `path` from the root of the repository, with `/`. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** A file that was parsed. */
export interface Module extends Source {
  readonly body: ReadonlyArray<Node>
  readonly nodes: ReadonlyArray<Node>
  readonly comments: ReadonlyArray<Comment>
  readonly imports: ReadonlyArray<Import>
}

/** One mention of another module: an import, a re-export, `import()`, or `import("...")` in a type. */
export interface Import {
  readonly from: string
  /** The names that come in as values, `*` for all of them. */
  readonly values: ReadonlyArray<string>
  readonly start: number
}

/** A package of the house. */
export interface Package {
  readonly name: string
  /** Its modules: each imports only modules before it. */
  readonly modules: ReadonlyArray<string>
  /** The modules that know no clock, no chance and no effect. */
  readonly pure: ReadonlyArray<string>
  /** What its modules import from elsewhere. A closing `*` stands for anything. */
  readonly uses: ReadonlyArray<string>
  /** Which of that the pure modules may import as well: plain functions of their arguments. */
  readonly plain?: ReadonlyArray<string>
  /** What a single module imports in addition. */
  readonly exceptions?: Readonly<Record<string, ReadonlyArray<string>>>
  /** The wings of `internal/`, each with the modules and the other wings that may enter it. */
  readonly wings?: Readonly<Record<string, ReadonlyArray<string>>>
  /** The entry points that its manifest declares, and the module behind each. */
  readonly entries: Readonly<Record<string, string>>
}

/** A problem and its place, as `path:line problem`. */
export type Finding = string

const finding = (source: Source, offset: number, problem: string): Finding =>
  `${source.path}:${source.text.slice(0, offset).split("\n").length} ${problem}`

// Parsing

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

const children = (node: Node): ReadonlyArray<Node> =>
  (visitorKeys[node.type] ?? []).flatMap((key) => (node as unknown as Record<string, unknown>)[key]).filter(isNode)

const withDescendants = (node: Node): Array<Node> => [node, ...children(node).flatMap(withDescendants)]

const nameOf = (node: Node): string =>
  node.type === "Identifier" ? node.name : node.type === "Literal" ? String(node.value) : ""

const mentions = (node: Node): ReadonlyArray<Import> => {
  const mention = (source: Node, values: ReadonlyArray<string>) => [{ from: nameOf(source), values, start: node.start }]
  switch (node.type) {
    case "ImportDeclaration":
      if (node.importKind === "type") return mention(node.source, [])
      return mention(
        node.source,
        node.specifiers.flatMap((specifier) => {
          if (specifier.type !== "ImportSpecifier") return ["*"]
          return specifier.importKind === "type" ? [] : [nameOf(specifier.imported)]
        })
      )
    case "ExportNamedDeclaration":
      if (node.source === null) return []
      return mention(
        node.source,
        node.specifiers.flatMap((specifier) =>
          node.exportKind === "type" || specifier.exportKind === "type" ? [] : [nameOf(specifier.local)]
        )
      )
    case "ExportAllDeclaration":
      return mention(node.source, node.exportKind === "type" ? [] : ["*"])
    case "ImportExpression":
      // What is only known when it runs, such as a file that a command is given, belongs to whoever gives it.
      return node.source.type === "Literal" ? mention(node.source, ["*"]) : []
    case "TSImportType":
      return mention(node.source, [])
    default:
      return []
  }
}

/** Parses a source. Throws if it is no TypeScript or JavaScript. */
export const parse = (source: Source): Module => {
  const { comments, errors, program } = parseSync(source.path, source.text)
  if (errors.length > 0) throw new Error(`${source.path} does not parse: ${errors[0]?.message}`)
  const nodes = program.body.flatMap(withDescendants)
  return { ...source, body: program.body, nodes, comments, imports: nodes.flatMap(mentions) }
}

// Places

const folder = (each: Package) => `packages/${each.name}/src/`

const isInternal = (path: string) => /^packages\/[^/]+\/src\/internal\//.test(path)

const isRelative = (specifier: string) => specifier.startsWith(".")

const resolve = (module: Module, specifier: string) => posix.join(posix.dirname(module.path), specifier)

const sourcesOf = (each: Package, modules: ReadonlyArray<Module>) =>
  modules.filter((module) => module.path.startsWith(folder(each)))

/** After every module; finite, so that what belongs to a program can stand right before it. */
const end = 1_000_000

/**
 * The place of each file of a package. What lies in `internal/` belongs to the first module that imports it and stands
 * right before it; `index.ts` and the programs in `bin/` stand at the end. A file that has no place is missing.
 */
const places = (each: Package, modules: ReadonlyArray<Module>): ReadonlyMap<string, number> => {
  const files = new Map(modules.map((module) => [module.path, module]))
  const found = new Map<string, number>()
  const claim = (path: string, place: number) => {
    for (const mention of files.get(path)?.imports ?? []) {
      const target = resolve(files.get(path)!, mention.from)
      if (!isRelative(mention.from) || !isInternal(target) || found.has(target)) continue
      found.set(target, place - 0.5)
      claim(target, place)
    }
  }
  const put = (path: string, place: number) => {
    found.set(path, place)
    claim(path, place)
  }
  each.modules.forEach((name, place) => put(`${folder(each)}${name}.ts`, place))
  for (const { path } of modules) {
    if (path === `${folder(each)}index.ts` || path.startsWith(`${folder(each)}bin/`)) put(path, end)
  }
  return found
}

/** The internal modules that a module imports, and those that these import, each once. */
const behind = (path: string, files: ReadonlyMap<string, Module>, found = new Set<string>()): ReadonlySet<string> => {
  for (const { from } of files.get(path)?.imports ?? []) {
    const target = resolve(files.get(path)!, from)
    if (!isRelative(from) || !isInternal(target) || found.has(target)) continue
    found.add(target)
    behind(target, files, found)
  }
  return found
}

/** Inside a package a module imports only modules before it, every module has a place, and none is forgotten. */
export const order = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  house.flatMap((each) => {
    const own = sourcesOf(each, modules)
    const files = new Map(own.map((module) => [module.path, module]))
    const place = places(each, own)
    return own.flatMap((module) => {
      const here = place.get(module.path)
      if (here === undefined) {
        return isInternal(module.path)
          ? [finding(module, 0, "is imported by nobody")]
          : [finding(module, 0, `has no place: put it into the list of ${each.name} in scripts/tidy.test.ts`)]
      }
      const late = module.imports.filter((mention) => {
        const target = place.get(resolve(module, mention.from))
        return isRelative(mention.from) && target !== undefined &&
          !(target < here || (target === here && isInternal(module.path)))
      })
      return [
        ...late.map((mention) => finding(module, mention.start, `imports ${mention.from}, which comes later`)),
        ...(isInternal(module.path) && behind(module.path, files).has(module.path)
          ? [finding(module, 0, "imports itself in a circle")]
          : [])
      ]
    })
  })

/** Every module is public, by `index.ts` or by an entry point of its own. */
export const reachable = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  house.flatMap((each) => {
    const own = sourcesOf(each, modules)
    const index = own.find((module) => module.path === `${folder(each)}index.ts`)
    const exported = new Set([
      ...(index?.imports ?? []).map((mention) => resolve(index!, mention.from)),
      ...Object.values(each.entries)
    ])
    return own.filter((module) =>
      each.modules.some((name) => module.path === `${folder(each)}${name}.ts`) && !exported.has(module.path)
    ).map((module) => finding(module, 0, "is public by its place, but index.ts does not export it"))
  })

/** Every public module has an entry point of its own, so that it can be imported alone. */
export const entered = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  house.flatMap((each) => {
    const known = new Set(Object.values(each.entries))
    return sourcesOf(each, modules)
      .filter(({ path }) => each.modules.some((name) => path === `${folder(each)}${name}.ts`) && !known.has(path))
      .map((module) => finding(module, 0, "has no entry point of its own in package.json"))
  })

/** Each spelling of `a/{b,c}`. */
const spelled = (path: string): ReadonlyArray<string> => {
  const found = /^(.*)\{(.*)\}(.*)$/.exec(path)
  return found === null ? [path] : found[2]!.split(",").map((part) => `${found[1]}${part}${found[3]}`)
}

/** The words of a page that stand in `code`, with their place. */
const quoted = ({ text }: Source): ReadonlyArray<{ readonly word: string; readonly start: number }> =>
  Array.from(text.matchAll(/`([^`\n]+)`/g)).flatMap(({ 1: word = "", index }) =>
    spelled(word).map((each) => ({ word: each, start: index }))
  )

/**
 * The map of a package names every room of its wings, by its name or as `wing/room`, and nothing that is not there: neither a
 * room nor a file by its whole path.
 */
export const mapped = (each: Package, map: Source, paths: ReadonlyArray<string>): ReadonlyArray<Finding> => {
  const internal = `${folder(each)}internal/`
  const wings = Object.keys(each.wings ?? {})
  const words = quoted(map)
  const rooms = paths.flatMap((path) => {
    const [wing, room] = path.startsWith(internal) ? path.slice(internal.length).replace(/\.ts$/, "").split("/") : []
    return wing !== undefined && room !== undefined && wings.includes(wing) ? [{ path, wing, room }] : []
  })
  const unnamed = rooms.filter(({ room, wing }) =>
    !words.some(({ word }) => word === room || word === `${wing}/${room}` || word === `${internal}${wing}/${room}.ts`)
  )
  const isThere = (word: string): boolean => {
    const [wing = "", room] = word.split("/")
    if (/^packages\/.*\.ts$/.test(word)) return paths.includes(word)
    return !wings.includes(wing) || room === undefined || room === "" || paths.includes(`${internal}${word}.ts`)
  }
  return [
    ...unnamed.map(({ path }) => finding(map, 0, `does not name ${path}`)),
    ...words.filter(({ word }) => !isThere(word)).map(({ start, word }) =>
      finding(map, start, `names ${word}, which is not there`)
    )
  ]
}

/** The folder of `internal/` that a module lies in. */
const wingOf = (path: string): string | undefined => /\/src\/internal\/([^/]+)\//.exec(path)?.[1]

/** A wing of `internal/` is entered by its own doors and from within, by nobody else. */
export const wings = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  house.flatMap((each) =>
    sourcesOf(each, modules).flatMap((module) => {
      const here = wingOf(module.path) ?? posix.basename(module.path, ".ts")
      return module.imports.flatMap(({ from, start }) => {
        const wing = isRelative(from) ? wingOf(resolve(module, from)) : undefined
        if (wing === undefined || wing === here || each.wings?.[wing]?.includes(here) === true) return []
        return [finding(module, start, `imports ${from}, but is no door of the wing ${wing}`)]
      })
    })
  )

const permits = (allowed: ReadonlyArray<string>, specifier: string) =>
  allowed.some((one) => one.endsWith("*") ? specifier.startsWith(one.slice(0, -1)) : one === specifier)

/**
 * A package imports what it may, and others only by the entry points that they declare. Its tests may also use the tools of
 * the house.
 */
export const borders = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> => {
  const entries = house.flatMap((each) => Object.keys(each.entries))
  return modules.flatMap((module) => {
    const inside = house.find((each) => module.path.startsWith(`packages/${each.name}/`))
    const each = house.find((each) => module.path.startsWith(folder(each)))
    const place = each === undefined ? undefined : places(each, sourcesOf(each, modules)).get(module.path)
    const owner = place === undefined ? undefined : each?.modules[Math.ceil(place)]
    return module.imports.flatMap(({ from, start }) => {
      const target = resolve(module, from)
      if (isRelative(from)) {
        if (each === undefined && target.startsWith("scripts/")) return []
        if (inside !== undefined && !target.startsWith(`packages/${inside.name}/`)) {
          return [finding(module, start, `imports ${from}, out of its package`)]
        }
        if (inside === undefined && target.startsWith("packages/")) {
          return [finding(module, start, `imports ${from} past the entry points of a package`)]
        }
        return []
      }
      if (from.startsWith("@ringback/") && !entries.includes(from)) {
        return [finding(module, start, `imports ${from}, which is no entry point`)]
      }
      if (each === undefined || permits([...each.uses, ...(each.exceptions?.[owner ?? ""] ?? [])], from)) return []
      return [finding(module, start, `imports ${from}, which ${each.name} does not use`)]
    })
  })
}

// Purity. A `Config` says what is to be read, and reads nothing.

const effects = [
  "Clock",
  "Console",
  "Effect",
  "Fiber",
  "Layer",
  "ManagedRuntime",
  "Random",
  "Stream"
]

const impureMembers: Readonly<Record<string, RegExp>> = {
  Date: /^now$/,
  DateTime: /^now/,
  Math: /^random$/,
  crypto: /./,
  performance: /./,
  process: /^(env|hrtime|nextTick|pid|uptime)$/
}

const timers = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]

const impurity = (node: Node): string | undefined => {
  if (node.type === "MemberExpression" && node.object.type === "Identifier") {
    const member = nameOf(node.property)
    return impureMembers[node.object.name]?.test(member) === true ? `${node.object.name}.${member}` : undefined
  }
  if (node.type === "NewExpression") {
    return nameOf(node.callee) === "Date" && node.arguments.length === 0 ? "new Date()" : undefined
  }
  if (node.type !== "CallExpression") return undefined
  const name = nameOf(node.callee)
  return name === "Date" || timers.includes(name) ? `${name}()` : undefined
}

/** The names among an import's values that do not belong into a pure module. */
const impureValues = (
  house: ReadonlyArray<Package>,
  { plain = [] }: Package,
  { from, values }: Import
): ReadonlyArray<string> => {
  if (values.length === 0 || isRelative(from) || permits(plain, from)) return []
  const named = /^effect\/([A-Z]\w*)$/.exec(from)?.[1]
  if (named !== undefined) return effects.includes(named) ? [named] : []
  if (from === "effect") return values.filter((name) => name === "*" || effects.includes(name))
  const other = house.find((each) => each.entries[from]?.endsWith("/index.ts"))
  return other === undefined ? [from] : values.filter((name) => !other.pure.includes(name))
}

/** The pure part imports no effects and asks neither the clock nor chance. Types are free. */
export const purity = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  house.flatMap((each) => {
    const own = sourcesOf(each, modules)
    const place = places(each, own)
    const isPure = (path: string) => each.pure.includes(each.modules[Math.ceil(place.get(path) ?? end)] ?? "")
    return own.filter((module) => isPure(module.path)).flatMap((module) => [
      ...module.imports.flatMap((mention) =>
        impureValues(house, each, mention).map((name) =>
          finding(module, mention.start, `is pure, but imports ${name === "*" ? "all" : name} from ${mention.from}`)
        )
      ),
      ...module.imports.filter((mention) =>
        mention.values.length > 0 && isRelative(mention.from) && !isPure(resolve(module, mention.from))
      ).map((mention) => finding(module, mention.start, `is pure, but imports ${mention.from}`)),
      ...module.nodes.flatMap((node) => {
        const problem = impurity(node)
        return problem === undefined ? [] : [finding(module, node.start, `is pure, but uses ${problem}`)]
      })
    ])
  })

// Documentation

const docBefore = (module: Module, start: number): string | undefined => {
  const comment = module.comments.findLast((comment) => comment.end <= start)
  if (comment === undefined || comment.type !== "Block" || !comment.value.startsWith("*")) return undefined
  return module.text.slice(comment.end, start).trim() === "" ? comment.value : undefined
}

const docProblem = (doc: string | undefined): string | undefined => {
  if (doc === undefined) return "has no doc comment"
  const lines = doc.split("\n").map((line) => line.replace(/^\s*\*?\s?/, ""))
  const tags = lines.findIndex((line) => line.startsWith("@"))
  const words = lines.slice(0, tags === -1 ? undefined : tags).join(" ")
  if (!/\w[^]*?[.?!]["'`)]?(\s|$)/.test(words)) return "has a doc comment without a first sentence"
  return lines.some((line) => /^@since \d+\.\d+\.\d+$/.test(line.trim())) ? undefined : "has no @since"
}

const declaredNames = (node: Node): ReadonlyArray<string> => {
  switch (node.type) {
    case "VariableDeclaration":
      return node.declarations.map((declaration) => nameOf(declaration.id))
    case "FunctionDeclaration":
    case "TSDeclareFunction":
    case "ClassDeclaration":
      return node.id === null ? [] : [node.id.name]
    case "TSTypeAliasDeclaration":
    case "TSInterfaceDeclaration":
    case "TSEnumDeclaration":
      return [node.id.name]
    case "TSModuleDeclaration":
      return [nameOf(node.id)]
    default:
      return []
  }
}

interface Export {
  readonly name: string
  readonly start: number
  readonly doc: string | undefined
}

/** What a module exports itself. Of an overloaded function only the first signature counts. */
const exportsOf = (module: Module): ReadonlyArray<Export> =>
  module.body.flatMap((node, index): ReadonlyArray<Export> => {
    if (node.type === "ExportDefaultDeclaration") {
      return [{ name: "default", start: node.start, doc: docBefore(module, node.start) }]
    }
    if (node.type !== "ExportNamedDeclaration") return []
    if (node.declaration !== null) {
      const names = declaredNames(node.declaration)
      const before = module.body[index - 1]
      const isOverload = before?.type === "ExportNamedDeclaration" &&
        before.declaration?.type === "TSDeclareFunction" &&
        declaredNames(before.declaration)[0] === names[0]
      return isOverload ? [] : names.map((name) => ({ name, start: node.start, doc: docBefore(module, node.start) }))
    }
    return node.specifiers.map((specifier) => {
      const local = module.body.find((statement) => declaredNames(statement).includes(nameOf(specifier.local)))
      const doc = docBefore(module, specifier.start) ??
        (local === undefined ? undefined : docBefore(module, local.start))
      return { name: nameOf(specifier.exported), start: specifier.start, doc }
    })
  })

/** The doc comment of a module: it comes first, and is not the one of the first export. */
const headerOf = (module: Module): string | undefined => {
  const header = module.comments[0]
  const first = module.body[0]
  if (header === undefined || header.start !== 0) return undefined
  const doc = docBefore(module, header.end)
  const isExport = first?.type === "ExportNamedDeclaration" && first.declaration !== null
  return isExport && docBefore(module, first.start) === doc ? undefined : doc
}

/** Every public module begins with a doc comment, and every export has one: a first sentence and `@since`. */
export const documented = (house: ReadonlyArray<Package>, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  house.flatMap((each) => {
    const listed = [...each.modules, "index"].map((name) => `${folder(each)}${name}.ts`)
    return sourcesOf(each, modules).filter((module) => listed.includes(module.path)).flatMap((module) => {
      const headerProblem = docProblem(headerOf(module))
      return [
        ...(headerProblem === undefined ? [] : [finding(module, 0, `the module ${headerProblem}`)]),
        ...exportsOf(module).flatMap(({ doc, name, start }) => {
          const problem = name === "default" ? "is a default export" : docProblem(doc)
          return problem === undefined ? [] : [finding(module, start, `${name} ${problem}`)]
        })
      ]
    })
  })

// Stability

/** A name that comes in by an import, a type among them: what it is called here and there. */
interface Incoming {
  readonly from: string
  readonly local: string
  readonly imported: string
}

const incoming = (module: Module): ReadonlyArray<Incoming> =>
  module.body.flatMap((node) =>
    node.type !== "ImportDeclaration" ? [] : node.specifiers.map((specifier) => ({
      from: nameOf(node.source),
      local: specifier.local.name,
      imported: specifier.type === "ImportSpecifier" ? nameOf(specifier.imported) : "*"
    }))
  )

/** The statements that an exported name stands for. */
const statementsOf = (module: Module, name: string): ReadonlyArray<Node> =>
  module.body.filter((node) =>
    declaredNames(node.type === "ExportNamedDeclaration" && node.declaration !== null ? node.declaration : node)
      .includes(name)
  )

/** Whether a module of Effect may change in a minor version: none of its exports is marked stable. */
export const isUnstable = (source: string): boolean =>
  /@stability (unstable|experimental)/.test(source) && !/@stability stable/.test(source)

/**
 * What mentions a module of Effect that may change in a minor version says `@stability unstable`, as Effect does, and nothing else says
 * so. `unstable` knows such a module by the name that is imported, and where from.
 */
export const stability = (
  house: ReadonlyArray<Package>,
  unstable: (from: string, imported: string) => boolean,
  modules: ReadonlyArray<Module>
): ReadonlyArray<Finding> =>
  house.flatMap((each) =>
    sourcesOf(each, modules).filter(({ path }) => each.modules.some((name) => path === `${folder(each)}${name}.ts`))
      .flatMap((module) => {
        const shaky = incoming(module).filter(({ from, imported }) => unstable(from, imported))
        return exportsOf(module).flatMap(({ doc = "", name, start }) => {
          const nodes = statementsOf(module, name).flatMap(withDescendants)
          const by = shaky.find(({ local }) => nodes.some((node) => node.type === "Identifier" && node.name === local))
          const says = /^\s*\*? ?@stability unstable$/m.test(doc)
          if (by !== undefined && !says) {
            return [finding(module, start, `${name} builds on ${by.imported} of ${by.from}: say @stability unstable`)]
          }
          return by === undefined && says
            ? [finding(module, start, `${name} says @stability unstable, and builds on nothing that is`)]
            : []
        })
      })
  )

// Sizes

const linesOf = ({ text }: Source, { end, start }: Node): number => text.slice(start, end).split("\n").length

const isFunction = ({ type }: Node): boolean =>
  type === "ArrowFunctionExpression" || type === "FunctionExpression" || type === "FunctionDeclaration"

interface Named {
  readonly name: string
  readonly node: Node
}

const nameIn = (node: Node, otherwise: string): string =>
  node.type === "VariableDeclarator" || node.type === "FunctionDeclaration"
    ? nameOf(node.id ?? node)
    : node.type === "Property" || node.type === "MethodDefinition"
    ? nameOf(node.key)
    : otherwise

/** The longest functions of a node that are long, each by the name that it is declared by. What is within one is not named. */
const longIn = (node: Node, isLong: (node: Node) => boolean, around = "a function"): ReadonlyArray<Named> => {
  const name = nameIn(node, around)
  if (isFunction(node) && isLong(node)) return [{ name, node }]
  return children(node).flatMap((child) => longIn(child, isLong, name))
}

/** How many lines a function may have, and how many the few that may have more, each as `path name`. */
export interface Sizes {
  readonly atMost: number
  readonly longer: Readonly<Record<string, number>>
}

/**
 * No function of a package is longer than a reader can keep in mind, what is declared within it included: a room that has
 * outgrown that is two rooms. Whoever is let off needs it still.
 */
export const sized = ({ atMost, longer }: Sizes, modules: ReadonlyArray<Module>): ReadonlyArray<Finding> => {
  const long = modules.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path)).flatMap((module) =>
    module.body.flatMap((node) => longIn(node, (each) => linesOf(module, each) > atMost)).map(({ name, node }) => ({
      at: (problem: string) => finding(module, node.start, problem),
      key: `${module.path} ${name}`,
      name,
      lines: linesOf(module, node)
    }))
  )
  return [
    ...long.filter(({ key, lines }) => lines > (longer[key] ?? atMost)).map(({ at, key, lines, name }) =>
      at(`${name} has ${lines} lines, and may have ${longer[key] ?? atMost}`)
    ),
    ...Object.keys(longer).filter((key) => !long.some((each) => each.key === key)).map((key) =>
      `${key} may have more than ${atMost} lines, and has not`
    )
  ]
}

// Tests

const isTest = (path: string) => path.endsWith(".test.ts") || /^packages\/[^/]+\/test\//.test(path)

const rootOf = (node: Node): string =>
  node.type === "MemberExpression"
    ? rootOf(node.object)
    : node.type === "CallExpression"
    ? rootOf(node.callee)
    : nameOf(node)

/** How long any test may take, in milliseconds, as `vitest.config.ts` has it. */
const patience = 120_000

/** A test that has a bound of its own below that of all fails where a machine is busy. */
const isHurried = (node: Node): boolean => {
  if (node.type !== "CallExpression" || !["it", "test"].includes(rootOf(node))) return false
  const bound = node.arguments.at(-1)
  return bound?.type === "Literal" && typeof bound.value === "number" && bound.value < patience
}

const testProblem = (node: Node): string | undefined => {
  if (isHurried(node)) return "bounds a test more tightly than all are bound: a busy machine would fail it"
  if (node.type === "CallExpression" && ["setTimeout", "setInterval"].includes(nameOf(node.callee))) {
    return `waits by ${nameOf(node.callee)}: use the test clock or an event`
  }
  if (node.type === "MemberExpression" && ["it", "test", "describe", "layer"].includes(rootOf(node))) {
    const member = nameOf(node.property)
    if (member === "live") return "runs on the live clock: use it.effect and the test clock"
    if (["only", "skip", "todo"].includes(member)) return `holds a .${member}`
  }
  return undefined
}

/** Tests wait for nothing but events and the test clock, and all of them run. */
export const calm = (modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  modules.filter((module) => isTest(module.path)).flatMap((module) => [
    ...module.imports.filter((mention) => mention.from === "node:timers/promises" || mention.from === "timers/promises")
      .map((mention) => finding(module, mention.start, "waits by timers: use the test clock or an event")),
    ...module.nodes.flatMap((node) => {
      const problem = testProblem(node)
      return problem === undefined ? [] : [finding(module, node.start, problem)]
    })
  ])

// Declarations and traces

/** Nothing that is exported to users has the type `any`, neither written nor inferred. For built declarations. */
export const typed = (modules: ReadonlyArray<Module>): ReadonlyArray<Finding> =>
  modules.flatMap((module) =>
    module.nodes.filter((node) => node.type === "TSAnyKeyword").map((node) =>
      finding(module, node.start, "holds an any")
    )
  )

const traces: ReadonlyArray<readonly [RegExp, string]> = [
  [/(?<![\w.])\/(?:root|work|Users\/\w+|home\/\w+)\//g, "mentions a path of somebody's machine"],
  [/\bregistry\.[a-z]\w+\.[a-z]{2,}/g, "mentions the host of a package registry"]
]

/** No file mentions the machine or the registry that somebody worked with. */
export const traceless = (sources: ReadonlyArray<Source>): ReadonlyArray<Finding> =>
  sources.flatMap((source) =>
    traces.flatMap(([pattern, problem]) =>
      [...source.text.matchAll(pattern)].map((match) => finding(source, match.index, problem))
    )
  )

// Manifests

type Entry = string | Readonly<Record<string, string>>

/** The part of a `package.json` that says what the package gives to others. */
export interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, Entry>>
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, Entry>> }
}

/** The entry points of a package as others write them, and the module behind each. */
export const entries = ({ exports, name }: Manifest): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(exports).flatMap(([key, entry]) =>
      typeof entry === "string" || entry["source"] === undefined
        ? []
        : [[posix.join(name, key), posix.join("packages", posix.basename(name), entry["source"])]]
    )
  )

/** What a manifest says of those who make a package, and where they do. */
interface Origin {
  readonly author?: string
  readonly license?: string
  readonly homepage?: string
  readonly bugs?: { readonly url: string }
  readonly repository?: { readonly type: string; readonly url: string; readonly directory?: string }
}

const origin = ({ author, bugs, homepage, license, repository }: Origin) => ({
  author,
  bugs,
  homepage,
  license,
  repository
})

/** The packages say of their origin what the workspace says, each with its own directory, and have words to be found by. */
export const attributed = (
  workspace: Origin,
  manifest: Origin & { readonly name: string; readonly keywords?: ReadonlyArray<string> }
): ReadonlyArray<Finding> => {
  const directory = `packages/${posix.basename(manifest.name)}`
  const wanted = origin({ ...workspace, repository: { ...workspace.repository!, directory } })
  return [
    ...(JSON.stringify(origin(manifest)) === JSON.stringify(wanted)
      ? []
      : [`${manifest.name}: author, bugs, homepage, license and repository have to be ${JSON.stringify(wanted)}`]),
    ...((manifest.keywords ?? []).length > 0 ? [] : [`${manifest.name}: has no keywords`])
  ]
}

/** What is published has the same entry points, less the `source` condition: Node strips no types in node_modules. */
export const published = ({ exports, name, publishConfig }: Manifest): ReadonlyArray<Finding> => {
  const wanted = Object.fromEntries(
    Object.entries(exports).map(([key, entry]) => {
      if (typeof entry === "string") return [key, entry]
      const { source: _, ...rest } = entry
      return [key, rest]
    })
  )
  return JSON.stringify(publishConfig?.exports) === JSON.stringify(wanted)
    ? []
    : [`${name}: publishConfig.exports has to be exports without "source"`]
}
