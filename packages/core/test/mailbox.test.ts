import { assert, describe, it } from "@effect/vitest"
import { type Job, Mailbox } from "../src/internal/engine/mailbox.ts"

describe("a mailbox", () => {
  it("does a job at once, and the next when that is done", () => {
    const mailbox = new Mailbox()
    const begun: Array<number> = []
    const ends: Array<() => void> = []
    const job = (n: number): Job => (done) => {
      begun.push(n)
      ends.push(done)
    }
    mailbox.post(job(1))
    mailbox.post(job(2))
    mailbox.post(job(3))
    assert.deepStrictEqual(begun, [1])
    ends[0]!()
    assert.deepStrictEqual(begun, [1, 2])
    mailbox.post(job(4))
    ends[1]!()
    ends[2]!()
    ends[3]!()
    assert.deepStrictEqual(begun, [1, 2, 3, 4])
    mailbox.post(job(5))
    assert.deepStrictEqual(begun, [1, 2, 3, 4, 5])
  })

  it("does what is posted by a job after it", () => {
    const mailbox = new Mailbox()
    const order: Array<string> = []
    mailbox.post((done) => {
      mailbox.post((done) => {
        order.push("second")
        done()
      })
      order.push("first")
      done()
    })
    assert.deepStrictEqual(order, ["first", "second"])
  })

  it("does a long line without a deep stack", () => {
    const mailbox = new Mailbox()
    let release = (): void => undefined
    let count = 0
    mailbox.post((done) => {
      release = done
    })
    for (let n = 0; n < 20_000; n++) {
      mailbox.post((done) => {
        count++
        done()
      })
    }
    release()
    assert.strictEqual(count, 20_000)
  })
})
