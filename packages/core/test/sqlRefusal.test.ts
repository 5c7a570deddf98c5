import { assert, describe, it } from "@effect/vitest"
import { SqlError } from "effect/sql"
import * as Refusal from "../src/internal/store/sqlRefusal.ts"

const ofCause = (fields: object) =>
  Refusal.of(
    new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: Object.assign(new Error(), fields) }) })
  )

describe("what a database refuses", () => {
  it("is told by PostgreSQL's state", () => {
    const states = {
      refused: ["54000", "22003", "22021", "22P05", "23502", "23505", "23514"],
      down: [
        "08006",
        "25006",
        "28P01",
        "40001",
        "40P01",
        "53100",
        "53300",
        "55P03",
        "57014",
        "57P01",
        "57P03",
        "58030"
      ],
      unknown: ["P0001", "42501", "42P01", "XX000", "0A000"]
    }
    for (const [refusal, codes] of Object.entries(states)) {
      for (const code of codes) assert.strictEqual(ofCause({ code, severity: "ERROR" }), refusal, code)
    }
  })

  it("is told by SQLite's result code, the extended one too", () => {
    const codes = {
      refused: [18, 19, 20, 25, 1299, 2067, 3091],
      down: [5, 261, 6, 7, 8, 9, 10, 778, 11, 13, 14, 15],
      unknown: [1, 21, 23, 1811]
    }
    for (const [refusal, found] of Object.entries(codes)) {
      for (const errcode of found) {
        assert.strictEqual(ofCause({ errcode, code: "ERR_SQLITE_ERROR" }), refusal, String(errcode))
      }
    }
  })

  it("is told by the client, if the database was not even asked", () =>
    assert.strictEqual(ofCause({ code: "ERR_OUT_OF_RANGE" }), "refused"))

  it("is nothing where no database says so: a connection that is lost gives no code, or one of its own", () => {
    assert.strictEqual(ofCause({ code: "ECONNREFUSED" }), "down")
    assert.strictEqual(ofCause({}), "down")
    const reason = new SqlError.ConstraintError({ cause: new Error("of a client that gives no code") })
    assert.strictEqual(Refusal.of(new SqlError.SqlError({ reason })), "refused")
  })
})

describe("a turn that is refused for a reason which nobody knows", () => {
  it("is to blame as soon as others are stored", () => {
    const doubts = new Refusal.Doubts()
    assert.isFalse(doubts.isOver("one", 0))
    assert.isFalse(doubts.isOver("one", 1000))
    doubts.works(1)
    assert.isFalse(doubts.isOver("other", 1000))
    assert.isTrue(doubts.isOver("one", 2000))
  })

  it("is to blame after ten minutes, whatever becomes of others", () => {
    const doubts = new Refusal.Doubts()
    doubts.isOver("one", 0)
    assert.isFalse(doubts.isOver("one", 599_999))
    assert.isTrue(doubts.isOver("one", 600_000))
  })

  it("is forgotten when a turn of its call is stored", () => {
    const doubts = new Refusal.Doubts()
    doubts.isOver("one", 0)
    doubts.end("one")
    doubts.works(1)
    assert.isFalse(doubts.isOver("one", 1_000_000))
  })
})
