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
      return reach.afterMillis === usualMillis ? "answers()" : `answers(${quoted(`${reach.afterMillis} millis`)})`
    case "Voicemail":
      return "voicemail"
    case "ByHand":
      return "byHand"
  }
}

const stepCode = (step: Callee.Step): string => {
  switch (step._tag) {
    case "Hears":
      return `.hears(${quoted(step.text)})`
    case "HearsMatch":
      return `.hears(/${step.source}/${step.flags})`
    case "Presses":
      return `.presses(${quoted(step.digits)})`
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
