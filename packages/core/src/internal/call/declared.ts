/** What a call may be told, and what its flow may wait for: the signals that the flow declares. */
import { InvalidFlow } from "../../Flow.ts"
import type { AnyDefinition } from "../../LiveCall.ts"

/** What is wrong with telling a call of a flow a signal, in words without its value. */
export const toldProblem = (
  { name: flow, signals, version }: AnyDefinition,
  { name, value }: { readonly name: string; readonly value: unknown }
): string | undefined => {
  const found = signals.find((signal) => signal.name === name)
  if (found !== undefined) {
    const decoded = found.codec.decode(value)
    return decoded._tag === "Success" ? undefined : decoded.failure.message
  }
  const names = signals.map(({ name }) => name)
  const declared = names.length === 0 ? "no signals" : `no signal of this name, but ${names.join(", ")}`
  return `The flow ${flow}, version ${version}, declares ${declared}`
}

/** Why a flow may not wait for a signal, if it has not declared it. */
export const awaitedProblem = ({ name: flow, signals }: AnyDefinition, name: string): InvalidFlow | undefined =>
  signals.some((signal) => signal.name === name) ? undefined : new InvalidFlow({
    where: `Flow.make ${JSON.stringify(flow)}`,
    problem: `It waits for the signal ${JSON.stringify(name)} and does not declare it: add it to its \`signals\``
  })
