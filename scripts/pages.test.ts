/** What the pages say to type is typed, in a copy of the repository, and what they quote has to be what it prints. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Quotes from "./quotes.ts"
import * as Typing from "./typing.ts"

let copy: Typing.Copy

beforeAll(async () => {
  copy = await Typing.copy()
}, 300_000)

afterAll(() => copy.remove())

const stepsOf = (path: string, text: string) =>
  Quotes.read(path, text).steps.filter(({ at, command }) => Typing.isTyped(at, command)).map((step) => ({
    ...step,
    quotes: step.quotes.filter(({ at, text }) => Typing.isTyped(at, text))
  }))

describe("what is typed from", () => {
  it.each(Typing.pages)("%s", async (path) => {
    assert.deepStrictEqual(await Typing.type(copy, stepsOf(path, copy.read(path))), [])
  }, 1_200_000)

  it("a page that is wrong", async () => {
    const page = [
      "```sh",
      "echo one; export NAME=two",
      "```",
      "```",
      "one",
      "```",
      "```sh",
      "cd scripts; echo \"$NAME\"",
      "```",
      "```",
      "three",
      "```",
      "```sh",
      "pwd; false",
      "```"
    ].join("\n")
    const problems = await Typing.type(copy, stepsOf("page.md", page))
    assert.strictEqual(problems[0], "page.md:11\nquoted:  three\nprinted: nothing like it")
    assert.match(problems[1] ?? "", /^page\.md:14\nended with 1:\n.*scripts\n$/)
    assert.lengthOf(problems, 2)
  })
})
