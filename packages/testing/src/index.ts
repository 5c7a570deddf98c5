/**
 * Phone calls without a phone: scripted people, a model of the network, virtual time, and a Telesign on localhost.
 *
 * @since 0.1.0
 */

// Calls with people, in virtual time.
export * as Arbitraries from "./Arbitraries.ts"
export * as Callee from "./Callee.ts"
export * as CompanyLadder from "./CompanyLadder.ts"
export * as CompanyRecord from "./CompanyRecord.ts"
export * as FakeClock from "./FakeClock.ts"
export * as FakeTransport from "./FakeTransport.ts"
export * as People from "./People.ts"
export * as PhoneCompany from "./PhoneCompany.ts"
export * as PhoneLine from "./PhoneLine.ts"
export * as TestCalls from "./TestCalls.ts"

// Flows, on every path.
export * as FlowExplorer from "./FlowExplorer.ts"
export * as Law from "./Law.ts"
export * as Scenario from "./Scenario.ts"

// The engine, under faults.
export * as Storm from "./Storm.ts"
export * as StormFaults from "./StormFaults.ts"
export * as StormHistory from "./StormHistory.ts"
export * as StormLaws from "./StormLaws.ts"

// Programs in any language.
export * as Commands from "./Commands.ts"
export * as EmulatorApi from "./EmulatorApi.ts"
export * as EmulatorClock from "./EmulatorClock.ts"
export * as TelesignEmulator from "./TelesignEmulator.ts"
