/** A callee in the words of a test. */
import * as Callee from "../Callee.ts"

/** A callee as it is written in TypeScript. */
export const calleeCode = ({ reach, steps }: Callee.Script): string =>
  `Callee.${reachCode(reach)}${steps.map(stepCode).join("")}`

const answersUsually = Callee.answers().reach
const usualMillis = answersUsually._tag === "Answers" ? answersUsually.afterMillis : 0

const reachCode = (reach: Callee.Reach): string => {
  switch (reach._tag) {
    case "Busy":
      return "busy"
    case "NoAnswer":
      return "noAnswer"
    case "Fails":
      return `fails(${quoted(reach.status)})`
    case "Answers":
      return answersCode(reach.afterMillis) + (reach.oneCall === true ? ".takesOneCall()" : "")
    case "Voicemail": {
      const { afterMillis, greetingMillis, recordingMillis } = reach
      if (greetingMillis === undefined) return "voicemail"
      const records = recordingMillis === undefined ? "" : `, records: ${recordingMillis}`
      return `machine({ after: ${afterMillis}, greets: ${greetingMillis}${records} })`
    }
    case "ByHand":
      return "byHand"
  }
}

const answersCode = (afterMillis: number): string =>
  afterMillis === usualMillis ? "answers()" : `answers(${quoted(`${afterMillis} millis`)})`

const stepCode = (step: Callee.Step): string => {
  switch (step._tag) {
    case "Hears":
      return `.hears(${quoted(step.text)})`
    case "HearsMatch":
      return `.hears(/${step.source}/${step.flags})`
    case "Presses": {
      const { everyMillis: every, into } = step
      const how = { ...every === undefined ? {} : { every }, ...into === true ? { into } : {} }
      return `.presses(${
        [quoted(step.digits), ...Object.keys(how).length === 0 ? [] : [JSON.stringify(how)]].join(", ")
      })`
    }
    case "Whenever": {
      const words = step.heard._tag === "Hears" ? quoted(step.heard.text) : `/${step.heard.source}/${step.heard.flags}`
      return `.whenever(${words}, ${quoted(step.digits)})`
    }
    case "HangsUpAt":
      return `.hangsUpAt(${step.afterMillis})`
    case "StaysSilent":
      return ".staysSilent()"
    case "HearsNoMore":
      return ".hearsNoMore()"
    case "HeardMore":
      return ""
    case "Talks":
      return ".talks()"
    case "HangsUp":
      return ".hangsUp()"
    case "HangsUpDuring":
      return `.hangsUpDuring(${step.prompt})`
    case "HangsUpAfter":
      return `.hangsUpAfter(${step.prompt})`
    case "HangsUpWhileBridging":
      return `.hangsUpWhileBridging(${step.bridge})`
    case "HangsUpAfterBridging":
      return `.hangsUpAfterBridging(${step.bridge})`
  }
}

const quoted = (text: string): string => JSON.stringify(text)
