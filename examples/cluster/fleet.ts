/** Three machines behind a balancer, and who runs where: each process that was started at a place has a name of its own. */
import { EventStore } from "@ringback/core"
import { Clock, Effect, Scope } from "effect"
import * as Balancer from "./balancer.ts"
import * as Machines from "./machines.ts"

/** A process from outside, from its start to its end. */
export interface Life {
  /** Its place, and which one it is there if it is not the first. */
  readonly name: string
  readonly machine: Machines.Machine
  /** What was done to it. */
  readonly befell: Array<string>
}

/** What can be done with machines. */
export interface Fleet {
  /** Where the carrier reports to. */
  readonly url: string
  /** Starts a process at a place and waits until it is ready. */
  readonly open: (place: string, versions: string) => Effect.Effect<Life, Machines.Ended>
  /** The processes that run, as those who start calls know them. */
  readonly running: () => ReadonlyArray<Machines.Machine>
  readonly gone: (life: Life) => void
  readonly lives: ReadonlyArray<Life>
  /** The name of a process by the name that the log has for it. */
  readonly nameOf: (writer: string) => string
  /** Tells what happens, with the time since the start. */
  readonly say: (what: string) => Effect.Effect<void>
}

export const names = ["one", "two", "three"] as const

/** `hear` learns of calls that are on record, by their keys. */
export const make = Effect.fnUntraced(function*(
  environment: Readonly<Record<string, string>>,
  hear: (key: string, id: string) => void
) {
  const { processes } = yield* EventStore.EventStore
  const places = yield* Effect.forEach(names, Machines.place)
  const url = yield* Balancer.make(places.map(({ port }) => port))
  const began = yield* Clock.currentTimeMillis
  const lives: Array<Life> = []
  const running = new Set<Machines.Machine>()
  const known = new Map<string, string>()
  const scope = yield* Effect.scope

  const open: Fleet["open"] = Effect.fnUntraced(function*(name, versions) {
    const place = places.find((each) => each.name === name)!
    const started = Machines.start(place, { ...environment, VERSIONS: versions }, hear)
    const machine = yield* Effect.provideService(started, Scope.Scope, scope)
    const before = lives.filter((life) => life.machine.name === name).length
    const life: Life = { name: before === 0 ? name : `${name} ${before + 1}`, machine, befell: [] }
    // The log has it by the name of the one that lives now and did not before.
    for (const process of (yield* Effect.orDie(processes!.alive)).keys()) {
      if (!known.has(process)) known.set(process, life.name)
    }
    lives.push(life)
    running.add(machine)
    return life
  })

  const say: Fleet["say"] = (what) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const at = ((now - began) / 1000).toFixed(1).padStart(6)
      return Effect.sync(() => process.stdout.write(`${at} s  ${what}\n`))
    })

  const fleet: Fleet = {
    url,
    open,
    running: () => [...running],
    gone: ({ machine }) => void running.delete(machine),
    lives,
    nameOf: (writer) => known.get(writer) ?? writer,
    say
  }
  return fleet
})
