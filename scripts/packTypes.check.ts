import { describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Packed from "./packed.ts"

// The types of the packages, as compilers of users see them: declarations of libraries are checked too.

const { config, devDependencies } = Packed.workspace

/** A program that mentions all entry points, calls somebody, and does something wrong that has to be refused. */
const consumer = (name: string) => {
  const place = Packed.place(name)
  place.write("entries.ts", Packed.entries.map((entry, n) => `export * as entry${n} from "${entry}"`).join("\n"))
  for (const file of ["pack.consumer.ts", "pack.call.ts"]) {
    place.write(file, readFileSync(join(Packed.root, "scripts", file), "utf8"))
  }
  return place
}

const compilers = [["typescript-oldest", config.oldestTypeScript], ["typescript", devDependencies.typescript]] as const

describe.each(compilers)("the packed packages, for %s %s", (compiler) => {
  it("type check in a program that resolves as Node does", () =>
    Packed.compile(compiler, consumer(`${compiler}-node`), { module: "NodeNext" }))

  it("type check in a program that resolves as a bundler does", () =>
    Packed.compile(compiler, consumer(`${compiler}-bundler`), { module: "ESNext", moduleResolution: "Bundler" }))
})
