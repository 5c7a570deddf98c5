/**
 * A switchboard finds out who calls, greets by name, and connects the department that is asked for. Customers with an
 * agent of their own get that agent without being asked. Who is who is the directory's to know: a service.
 */
import { Flow, Line, PhoneNumber } from "@ringback/core"
import { Context, type Effect, Schema } from "effect"

const Department = Schema.Literals(["sales", "support"])
const Customer = Schema.Struct({ name: Schema.String, agent: Schema.NullOr(PhoneNumber.PhoneNumber) })

/** Who calls, and which numbers the departments have today. */
export class Directory extends Context.Service<Directory, {
  readonly customer: (number: string) => Effect.Effect<typeof Customer.Type | null>
  readonly department: (name: typeof Department.Type) => Effect.Effect<PhoneNumber.PhoneNumber>
}>()("examples/switchboard/Directory") {}

/** The switchboard at one of our numbers, which is what the departments see. */
export const switchboard = (number: PhoneNumber.PhoneNumber) =>
  Flow.make("switchboard", {
    version: 1,
    input: {},
    output: Schema.Literals(["connected", "not connected"]),
    run: () =>
      Flow.inbound((caller) =>
        Flow.gen(function*() {
          const customer = yield* findCustomer(caller.from ?? "").pipe(Line.hold("Welcome. One moment, please."))
          yield* Line.speak(customer === null ? "Good day." : `Good day, ${customer.name}.`)
          const to = customer?.agent ?? (yield* chooseDepartment)
          const leg = yield* Line.bridge({ to, from: number })
          if (leg._tag === "Left") return "connected"
          yield* Line.goodbye("Nobody is free at the moment. We will call you back.")
          yield* Flow.note("call back")
          return "not connected"
        })
      )
  })

const chooseDepartment = Flow.gen(function*() {
  const department = yield* Line.menu("Press 1 for sales, 2 for support.", {
    choices: { "1": "sales", "2": "support" }
  })
  return yield* findNumber(department).pipe(Line.hold("We connect you."))
})

const findCustomer = (number: string) =>
  Flow.activity(
    "find-customer",
    { success: Schema.NullOr(Customer), within: "5 seconds" },
    Directory.use((directory) => directory.customer(number))
  )

const findNumber = (department: typeof Department.Type) =>
  Flow.activity(
    "find-number",
    { success: PhoneNumber.PhoneNumber },
    Directory.use((directory) => directory.department(department))
  )
