/** A slower disk for `node:sqlite`: every commit takes as many milliseconds more as the environment variable `SLOW_DISK` says. */
import { DatabaseSync, StatementSync } from "node:sqlite"

/** Slows the databases of this process down, if that was asked for. */
export const slowDown = (): void => {
  const millis = Number(process.env.SLOW_DISK ?? 0)
  if (millis === 0) return
  const never = new Int32Array(new SharedArrayBuffer(4))
  const sync = () => void Atomics.wait(never, 0, 0, millis)
  const { exec } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function(text) {
    exec.call(this, text)
    if (text === "COMMIT") sync()
  }
  // A statement by itself is a commit of its own.
  const { run } = StatementSync.prototype
  StatementSync.prototype.run = function(this: StatementSync, ...parameters: Parameters<typeof run>) {
    const result = run.apply(this, parameters)
    if (this.sourceSQL.startsWith("INSERT INTO ringback_turns")) sync()
    return result
  } as typeof run
}
