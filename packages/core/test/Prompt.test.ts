import { assert, describe, it } from "@effect/vitest"
import { Action, Line, Prompt, Settings } from "@ringback/core"
import { Schema } from "effect"

const problemOf = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    assert.include(["InvalidPrompt", "InvalidAction"], (error as { readonly _tag: string })._tag)
    return (error as Error).message
  }
  return "none"
}

/** Everywhere where words come in. */
const ways: Record<string, (text: string) => unknown> = {
  "a text": (text) => Prompt.speech(text),
  "a text in a language": (text) => Prompt.speech(text, { language: "en-US" }),
  "a string": (text) => Prompt.from(text),
  "a prompt by hand": (text) => Prompt.from({ _tag: "Speech", text }),
  "an action by hand": (text) => Line.prompt({ _tag: "Speak", text }),
  "an action by hand that collects": (text) => Line.prompt({ _tag: "Speak", text, collect: { max: 1 } })
}

const markupWays: Record<string, (text: string) => unknown> = {
  "SSML": (text) => Prompt.ssml(text),
  "a prompt by hand": (text) => Prompt.from({ _tag: "Ssml", text }),
  "an action by hand": (text) => Line.prompt({ _tag: "Speak", text })
}

describe("a text that cannot be spoken is refused where it is made:", () => {
  const unspeakable = {
    "nothing": "",
    "blanks": " \n\t\u00a0\u3000",
    "what has no width": "\u200b\u200d\ufeff\u2060",
    "marks on nothing": "\u0301\ufe0f",
    "fillers": "\u3164\u115f\u2800",
    "half of an emoji": "Well done \ud83d",
    "the other half": "\ude00 well done",
    "a control character": "a\u0000b",
    "an escape": "\u001b[31mred",
    "a control character of Latin 1": "a\u0085b",
    "a non-character": "a\uffff"
  }
  for (const [what, text] of Object.entries(unspeakable)) {
    for (const [way, make] of Object.entries(ways)) {
      it(`${what}, as ${way}`, () =>
        assert.match(problemOf(() => make(text)), /Expected (something to say|well-formed)/))
    }
  }

  it("and the error names the place, not the text", () => {
    assert.include(
      problemOf(() => Prompt.speech("Hello Ann.\nYour code\u0007 is 4711.")),
      "This prompt cannot be played. Expected well-formed text without control characters. There is such a character, " +
        "or half of one, at line 2, column 10"
    )
  })

  it("and one that looks like markup is not left for the carrier to tell", () => {
    assert.include(problemOf(() => Prompt.speech("<speak>Hello.</speak>")), "Expected plain text, got SSML")
  })

  it("but whatever has something to say is spoken", () => {
    for (
      const text of ["5", "?", "👍🏽", "Grüß Gott", "a < b & c > d", "你好", "שלום\u200f", "नमस्ते", "Line one.\r\n\tTwo."]
    ) {
      for (const make of Object.values(ways)) make(text)
    }
  })
})

describe("markup that cannot be spoken is refused where it is made:", () => {
  const broken: ReadonlyArray<readonly [string, string]> = [
    ["<speak>Jack & Jones</speak>", "At line 1, column 15: Unterminated reference (a reference must end with `;`)"],
    ["<speak>\n <p>Hi</speak>", "At line 2, column 7: Missing end tag"],
    ["<speak>a < b</speak>", "Missing end tag"],
    ["<speak>a&nbsp;b</speak>", "Named entity isn't defined."],
    ["<speak>x</speak><speak>y</speak>", "Extra content"],
    ["<speak><break time=1s/></speak>", "Attribute value expected"],
    ["<speak>&#x0;</speak>", "invalid character"],
    ["<speak>\u0001x</speak>", "Invalid character"],
    ["<speak>\ud83d</speak>", "Invalid character"],
    ["<speak>a&#x85;b</speak>", "control character"],
    ["<speak></speak>", "Expected something to say"],
    ["<speak/>", "Expected something to say"],
    ["<speak><p> </p>\u200b<!-- nothing --></speak>", "Expected something to say"],
    [`<speak>${"<p>".repeat(5000)}`, "Expected"],
    [`<speak>${"<p>".repeat(8000)}x${"</p>".repeat(8000)}`, "Expected"]
  ]
  for (const [text, problem] of broken) {
    for (const [way, make] of Object.entries(markupWays)) {
      it(`${text.slice(0, 40)}, as ${way}`, () => assert.include(problemOf(() => make(text)), problem))
    }
  }

  it("and the error keeps nothing of what somebody was to hear", () => {
    for (
      const text of [
        "<speak><Ann</speak>",
        "<speak>Hi <Ann>.</speak>",
        "<speak>&Ann;</speak>",
        "<speak Ann='a' Ann='b'>x"
      ]
    ) {
      assert.notInclude(problemOf(() => Prompt.ssml(text)), "Ann")
    }
  })

  it("but well-formed markup is taken, whichever tags it has", () => {
    for (
      const text of [
        "<speak>Hello.</speak>",
        " \n<speak version=\"1.1\" xmlns=\"http://www.w3.org/2001/10/synthesis\">Hello.</speak>\n",
        "<speak><break/></speak>",
        "<speak><audio src=\"https://example.com/a.wav\"/></speak>",
        "<speak><vendor:effect name=\"whisper\"/></speak>",
        "<speak>Jack &amp; Jones &#39;s <![CDATA[a < b]]></speak>"
      ]
    ) {
      for (const make of Object.values(markupWays)) make(text)
    }
  })
})

describe("an address that cannot be fetched is refused where it is made:", () => {
  for (
    const url of [
      "",
      "music.wav",
      "ftp://example.com/a",
      "https://",
      "https://exa mple.com/",
      "https://a/\u0001",
      "https://a/\ud83d"
    ]
  ) {
    it(JSON.stringify(url), () => {
      assert.include(problemOf(() => Prompt.audio(url)), "Expected the http(s) address")
      assert.include(problemOf(() => Line.prompt({ _tag: "Play", url })), "Expected the http(s) address")
    })
  }
})

it.prop("text from outside that was escaped makes valid markup", [Schema.String], ([text]) => {
  const prompt = Prompt.ssml(`<speak title="${Prompt.escape(text)}">So: ${Prompt.escape(text)}</speak>`)
  const speakable = text.replaceAll(/[\p{Cs}\ufffe\uffff]|(?![\t\n\r])\p{Cc}/gu, " ")
  return Prompt.words(prompt) === `So: ${speakable}`.replaceAll(/\s+/g, " ").trim()
})

describe("the words of markup", () => {
  it("are those that are heard", () => {
    const heard = (text: string) => Prompt.words({ _tag: "Ssml", text })
    assert.strictEqual(
      heard("<speak>Jack &amp; Jones,<break time=\"1s\"/>Ltd. <!-- no --></speak>"),
      "Jack & Jones, Ltd."
    )
    assert.strictEqual(heard("<speak><sub alias=\"Doctor\">Dr.</sub> Who</speak>"), "Doctor Dr. Who")
    assert.strictEqual(heard("<speak>not <closed</speak>"), "not")
  })
})

describe("the estimated time", () => {
  const longest = (text: string) => Settings.longest(Settings.defaults, { _tag: "Speak", text })
  const shortest = (text: string) =>
    Settings.shortest(Settings.defaults, { _tag: "Speak", text }, { withDigits: false })

  it("counts all of a plain text, whatever stands in it", () => {
    const text = `a < b then ${"word ".repeat(100)} c > d`
    assert.isAbove(longest(text), 100_000)
    assert.strictEqual(longest(text), longest(text.replaceAll(/[<>]/g, "x")))
  })

  it("counts no tags of markup, and its breaks as they say", () => {
    assert.strictEqual(longest("<speak><p><s>Hello.</s></p></speak>"), longest("Hello."))
    const paused = (...breaks: ReadonlyArray<string>) =>
      longest(`<speak>Hello.${breaks.join("")}</speak>`) - longest("Hello.")
    assert.strictEqual(paused("<break time=\"10s\"/>", "<break time='250ms'/>", "<break time=\"+.5s\"/>"), 10_750)
    assert.strictEqual(paused("<break/>", "<break strength=\"x-strong\"/>", "<break strength=\"none\"/>"), 6_000)
    assert.strictEqual(paused("<audio src=\"https://example.com/a.wav\"/>"), 600_000)
  })

  it("of the shortest kind trusts no break", () => {
    assert.strictEqual(shortest("<speak>Hello.<break time=\"10s\"/></speak>"), shortest("Hello."))
    assert.strictEqual(shortest("a < b > c   d"), shortest("a < b > c d"))
  })
})

it("what is made of a prompt is an action that can be sent", () => {
  for (
    const heard of [Prompt.pause, Prompt.speech("5"), Prompt.ssml("<speak>a &lt; b</speak>", { language: "de-DE" })]
  ) {
    Action.checked(Action.prompt(heard, { max: 1 }))
  }
})
