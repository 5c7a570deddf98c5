/** What an application does beside calling: it keeps orders in a database of its own, or in the one of the calls. */
import { Calls, PhoneNumber } from "@ringback/core"
import { Effect, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { OrderReady } from "./flow.ts"

export const Order = Schema.Struct({ id: Schema.Int, phone: PhoneNumber.PhoneNumber })
export type Order = typeof Order.Type

const from = PhoneNumber.make("+15550170009")

export const tables = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE orders (id INTEGER PRIMARY KEY, phone TEXT NOT NULL)`
  yield* sql`CREATE TABLE calls_to_start (id INTEGER PRIMARY KEY, phone TEXT NOT NULL)`
})

/** One database for both: the order is stored and its customer called, or neither. */
export const place = Effect.fn("Orders.place")(function*(order: Order) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(Effect.gen(function*() {
    yield* sql`INSERT INTO orders (id, phone) VALUES (${order.id}, ${order.phone})`
    const input = { to: order.phone, from, order: order.id }
    return yield* Calls.start(OrderReady, input, { key: `order-${order.id}` })
  }))
})

/** Two databases: a row of the same transaction says that somebody is to be called. */
export const placeApart = Effect.fn("Orders.placeApart")(function*(order: Order) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(Effect.gen(function*() {
    yield* sql`INSERT INTO orders (id, phone) VALUES (${order.id}, ${order.phone})`
    yield* sql`INSERT INTO calls_to_start (id, phone) VALUES (${order.id}, ${order.phone})`
  }))
})

/** Starts what is to be started. The key makes it safe to do so again, if this ends before the row is gone. */
export const startCalls = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  for (const { id, phone } of yield* sql<Order>`SELECT id, phone FROM calls_to_start ORDER BY id LIMIT 100`) {
    yield* Calls.start(OrderReady, { to: phone, from, order: id }, { key: `order-${id}` })
    yield* sql`DELETE FROM calls_to_start WHERE id = ${id}`
  }
})

export const keepStarting = startCalls.pipe(
  Effect.catch((error) => Effect.logWarning(`Calls wait to be started: ${error.message}`)),
  Effect.repeat(Schedule.spaced("1 second"))
)
