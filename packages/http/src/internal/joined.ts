/** How the pieces of a call become one: for programs and for the page, which has nothing of the server's in it. */

interface Piece {
  readonly report: { readonly events: ReadonlyArray<unknown> }
  readonly ladder: { readonly items: ReadonlyArray<unknown> }
  readonly after?: { readonly events: number; readonly items: number }
}

/** What is as it was, and behind it the piece; how the call stands is said by the piece. */
export const joined = <V extends Piece>(before: V, piece: V): V => {
  const { events, items } = piece.after ?? { events: 0, items: 0 }
  return {
    ...piece,
    report: { ...piece.report, events: [...before.report.events.slice(0, events), ...piece.report.events] },
    ladder: { ...piece.ladder, items: [...before.ladder.items.slice(0, items), ...piece.ladder.items] }
  }
}
