/** The stores below a storm keep the promises of every store while the weather is fair, and fail as they say while it is not. */
import * as StoreContract from "../src/StoreContract.ts"
import { layerCalm } from "../src/internal/stormDatabase.ts"

StoreContract.suite("the SQLite of a storm", layerCalm("one"))
StoreContract.suite("the PostgreSQL of a storm", layerCalm("many"))
