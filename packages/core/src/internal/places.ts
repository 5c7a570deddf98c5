/**
 * Things that come and go, each in a place, which is taken again when it is free.
 *
 * A map of things that come and go is copied again and again, and V8 lets each copy keep the next one: what has lived long
 * enough to be old, and is gone, then holds what is gone too, until the next collection of everything.
 */
export class Places<A> {
  private readonly held: Array<A | undefined> = []
  private readonly free: Array<number> = []

  /** Takes a place, and gives its number. */
  take(): number {
    return this.free.pop() ?? this.held.push(undefined) - 1
  }

  put(place: number, thing: A): void {
    this.held[place] = thing
  }

  leave(place: number): void {
    this.held[place] = undefined
    this.free.push(place)
  }

  /** All that have one now. */
  all(): ReadonlyArray<A> {
    return this.held.filter((thing) => thing !== undefined)
  }
}
