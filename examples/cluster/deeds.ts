/** What happens to machines: one is killed, one is frozen for longer than its shards wait for it, one is deployed over. */
import { Effect } from "effect"
import type { Fleet, Life } from "./fleet.ts"

/** Kills a process, as the kernel does when memory is short, and starts the next. */
export const kill = Effect.fnUntraced(function*(fleet: Fleet, life: Life) {
  yield* fleet.say(`${life.name} is killed`)
  fleet.gone(life)
  life.befell.push("killed")
  life.machine.signal("SIGKILL")
  const next = yield* fleet.open(life.machine.name, "1")
  yield* fleet.say(`${next.name} is up`)
})

/** Freezes a process for so many seconds, as the pause of a virtual machine does. */
export const freeze = Effect.fnUntraced(function*(fleet: Fleet, life: Life, seconds: number) {
  yield* fleet.say(`${life.name} is frozen for ${seconds} seconds`)
  fleet.gone(life)
  life.befell.push(`frozen for ${seconds} s`)
  life.machine.signal("SIGSTOP")
  yield* Effect.sleep(`${seconds} seconds`)
  life.machine.signal("SIGCONT")
  yield* fleet.say(`${life.name} goes on`)
})

/** Tells a process to end, which drains, and starts one that knows the next version of the flow beside the one that calls began in. */
export const deploy = Effect.fnUntraced(function*(fleet: Fleet, life: Life) {
  yield* fleet.say(`${life.name} is told to end, and drains`)
  fleet.gone(life)
  life.befell.push("told to end")
  life.machine.signal("SIGTERM")
  yield* life.machine.ended
  const next = yield* fleet.open(life.machine.name, "1,2")
  yield* fleet.say(`${next.name} is up, and knows the next version`)
})
