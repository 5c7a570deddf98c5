/**
 * The flows that storms blow over: those of the examples, each with its input and the services that it needs, one whose
 * finalizers wait, and one that throws.
 */
import { PhoneNumber } from "@ringback/core"
import { Storm } from "@ringback/testing"
import { Effect } from "effect"
import { Alert } from "../examples/alert/flow.ts"
import { Appointment } from "../examples/appointment/flow.ts"
import { Delivery } from "../examples/demo/flow.ts"
import { Consents, Offer } from "../examples/offer/flow.ts"
import { Passcode } from "../examples/passcode/flow.ts"
import { PhoneTree } from "../examples/phone-tree/flow.ts"
import { PinReducer } from "../examples/pin/flow.ts"
import { survey } from "../examples/survey/flow.ts"
import { Directory, switchboard } from "../examples/switchboard/flow.ts"
import { TableReady } from "../examples/table-ready/flow.ts"
import { transfer } from "../examples/transfer/flow.ts"
import { requestOf, Visit } from "./storm.finalizers.ts"
import { places, Throwing } from "./storm.throwing.ts"

const to = PhoneNumber.make("+15550170001")
const from = PhoneNumber.make("+15550170009")
const other = PhoneNumber.make("+15550170002")
const who = { to, from }
const incoming = { to: from, from: "+15550170044" }

const people = [{ name: "Ada", number: to }, { name: "Grace", number: other }]
const house = { number: from, reception: to, billing: other, repairs: PhoneNumber.make("+15550170003") }

/** Slower than the reply deadline, so that callers are kept company. */
const directory = Directory.of({
  customer: () => Effect.delay(Effect.succeed({ name: "Ann", agent: null }), "3 seconds"),
  department: () => Effect.delay(Effect.succeed(to), "1 second")
})

const consents = Consents.of({ holds: () => Effect.succeed(true), withdraw: () => Effect.sleep("3 seconds") })

/** A storm over one flow. */
export type Blow = (options: Storm.Options) => Effect.Effect<Storm.Report, Storm.StormFailure>

export const examples: Readonly<Record<string, Blow>> = {
  passcode: (options) => Storm.run(Passcode, { ...who, code: "4021" }, options),
  "table-ready": (options) => Storm.run(TableReady, who, options),
  delivery: (options) => Storm.run(Delivery, who, options),
  appointment: (options) => Storm.run(Appointment, { ...who, when: "Tuesday at ten" }, options),
  alert: (options) => Storm.run(Alert, { from, people, message: "The cellar is under water." }, options),
  pin: (options) => Storm.run(PinReducer, { ...who, pin: "1234" }, options),
  "phone-tree": (options) => Storm.run(PhoneTree, who, options),
  offer: (options) => Effect.provideService(Storm.run(Offer, who, options), Consents, consents),
  throwing: (options) =>
    Storm.run(Throwing, who, {
      ...options,
      throwing: (drawn) => ({ ...who, throws: places[Math.floor(drawn * places.length)] })
    }),
  visit: (options) => Storm.run(Visit, { ...who, office: other }, { ...options, requestOf }),
  transfer: (options) => Storm.run(transfer(house), {}, { ...options, incoming }),
  survey: (options) => Storm.run(survey({ number: from, agent: to }), {}, { ...options, incoming }),
  switchboard: (options) =>
    Effect.provideService(Storm.run(switchboard(from), {}, { ...options, incoming }), Directory, directory)
}
