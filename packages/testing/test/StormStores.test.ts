/** The stores below a storm keep the promises of every store while the weather is fair. */
import { layerCalm } from "../src/internal/storm/database.ts"
import * as StoreContract from "../src/StoreContract.ts"

StoreContract.suite("the SQLite of a storm", layerCalm("one"))
StoreContract.suite("the PostgreSQL of a storm", layerCalm("many"))
