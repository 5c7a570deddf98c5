/**
 * A PostgreSQL and its standby, which takes its place: a failover as an operator or a service does it. Where clients find the one
 * that is to be written is not its matter: a wire of ours leads them there, as a name or a virtual address would.
 */
import { setTimeout as pause } from "node:timers/promises"
import * as EmbeddedPostgres from "./embeddedPostgres.ts"

export interface Pair {
  /** The server that is to be written. */
  readonly primary: () => EmbeddedPostgres.Server
  /** The server that follows it, if there is one now. */
  readonly standby: () => EmbeddedPostgres.Server | undefined
  /**
   * Makes the standby the primary, which has none then. The old one is ended before (`kill`), or goes on as it was, for whoever
   * is still connected to it (`leave`). One that is synchronous is waited for, as whoever fails over does. Gives the old one, so that it can be resumed as a server that nobody wants.
   */
  readonly failOver: (old: "kill" | "leave") => Promise<EmbeddedPostgres.Server>
  /** From now on the standby learns nothing more: what is committed then is lost by a failover. */
  readonly lag: () => Promise<void>
  /** Makes a new standby of the primary of now, and waits until it follows. */
  readonly rebuild: () => Promise<void>
  /** Ends all servers that ever were of the pair. */
  readonly stop: () => Promise<void>
}

export interface Options {
  readonly fsync: "on" | "off"
  /** Whether a commit waits until the standby has it (`synchronous_standby_names`). Else a failover may lose what was committed. */
  readonly synchronous: boolean
}

/** Starts both. Fails with an `Error` if that is not possible, and leaves nothing behind. */
export const start = async ({ fsync, synchronous }: Options): Promise<Pair> => {
  const all = [await EmbeddedPostgres.start({ fsync })]
  let [primary] = all as [EmbeddedPostgres.Server]
  let standby: EmbeddedPostgres.Server | undefined

  const rebuild = async () => {
    const name = `standby_${all.length}`
    standby = await primary.follow(name)
    all.push(standby)
    if (synchronous) {
      await primary.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`)
      await primary.query("SELECT pg_reload_conf()")
    }
    const wanted = synchronous ? "sync" : "async"
    const follows = `SELECT FROM pg_stat_replication
      WHERE application_name = '${name}' AND state = 'streaming' AND sync_state = '${wanted}'`
    while ((await primary.query(follows)).length === 0) await pause(50)
  }

  const stop = async () => void (await Promise.all(all.map((server) => server.stop())))

  const lag = async () => {
    await standby?.query("ALTER SYSTEM SET primary_conninfo = ''")
    await standby?.query("SELECT pg_reload_conf()")
    while ((await standby?.query("SELECT FROM pg_stat_wal_receiver"))?.length === 1) await pause(20)
  }

  /** Waits until the standby has what was committed: after a restart of the primary it may lack what nobody was told of. */
  const inStep = async (name: string) => {
    const [row] = await primary.query("SELECT pg_current_wal_flush_lsn()::text AS place")
    const has = `SELECT FROM pg_stat_replication
      WHERE application_name = '${name}' AND sync_state = 'sync' AND flush_lsn >= '${row?.["place"]}'::pg_lsn`
    while ((await primary.query(has)).length === 0) await pause(20)
  }

  const failOver: Pair["failOver"] = async (end) => {
    const [next, old] = [standby, primary]
    if (next === undefined) throw new Error("There is no standby: rebuild it first")
    if (synchronous) await inStep(`standby_${all.indexOf(next)}`)
    standby = undefined
    if (end === "kill") await old.halt("kill")
    await next.query("SELECT pg_promote()")
    primary = next
    return old
  }

  try {
    await rebuild()
  } catch (error) {
    await stop()
    throw error
  }
  return { primary: () => primary, standby: () => standby, failOver, lag, rebuild, stop }
}
