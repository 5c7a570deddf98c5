/** What the options may be of what goes the paths of a flow. */
import * as rules from "../rules.ts"

export const samples = {
  keys: rules.list(rules.key),
  digits: rules.list(rules.text),
  activities: rules.record,
  signals: rules.record,
  now: rules.list(rules.moment),
  random: rules.list(rules.draw),
  bridges: rules.list(rules.anything),
  callers: rules.list(rules.record),
  max: rules.whole(1),
  seconds: rules.seconds,
  depth: rules.whole(1)
}

export const explorer = {
  ...samples,
  cancel: rules.truth,
  accept: rules.list(rules.text)
}
